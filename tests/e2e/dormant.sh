#!/bin/sh
# A host with a dormant shim is switched on and off, in every situation that its process may be in.
. "${top_srcdir:?}/tests/e2e/lib.sh"
. "$top_srcdir/tests/e2e/dormant_lib.sh"
shim=$top_builddir/.libs/libvrrl-preload.so
host=$top_builddir/tests/e2e/dormant_host

# begin [VARIABLE=VALUE]...: start a host that does what it is told
begin()
{
    rm -f told answers
    mkfifo told
    : >answers
    env LD_PRELOAD="$shim" "$@" "$host" obey <told >answers 2>said &
    pid=$!
    exec 9>told
    tell begin
}

# forks FIFO DESCRIPTOR: its child is told what to do by another file
forks()
{
    tell "fork $1" &
    teller=$!
    eval "exec $2>$1"
    wait "$teller"
    wait_for answered "fork $1" 2
}

# answered LINE COUNT: that many processes have done it
answered()
{
    [ "$(grep -c " $1\$" answers)" -eq "$2" ]
}

# end: the host ends well, and has said nothing
end()
{
    exec 9>&-
    wait "$pid"
    equal 'the host ends with' "$?" 0
    [ ! -s said ] || fail "the host said: $(cat said)"
    [ ! -e "$(control_file)" ] || fail 'the control file was left behind'
}

# ends_filtered: the host ends well under its filter, by which a sanitizer is killed at the end
ends_filtered()
{
    exec 9>&-
    wait "$pid"
    code=$?
    is_sanitized || equal 'the host under a filter ends with' "$code" 0
}

# shows FILTER VALUE [PID]: what vrrl ps says of it
shows()
{
    expect 0 "$vrrl" ps --json
    equal "ps: $1" "$(jq -r "select(.pid == ${3:-$pid}) | $1" out)" "$2"
}

# holds LOG COUNT: it is sound, and has that many records
holds()
{
    expect 0 "$vrrl" verify "$1"
    equal "records of $1" "$("$vrrl" dump --json "$1" | wc -l)" "$2"
}

# Nothing is recorded until it is asked for, and nothing after it was ended.
begin VRRL_DISABLE=1
tell 'publish 5'
shows .state dormant
[ -z "$(ls ./*.vrrl 2>/dev/null)" ] || fail 'a dormant host made a log'
expect 0 "$vrrl" attach -o one.vrrl -c 100 "$pid"
says err 'recording begins with its next publish'
shows .state asked
tell 'publish 7'
shows '[.state, .publishes, .log] | join(" ")' "recording 7 $PWD/one.vrrl"
refused "$vrrl" attach -o two.vrrl "$pid"
says err 'recorded already, into .*one.vrrl.*detach'
[ ! -e two.vrrl ] || fail 'a refused attach made a log'
expect 0 "$vrrl" detach "$pid"
says err 'ends with its next publish'
shows .state ending
tell 'publish 3'
shows .state dormant
holds one.vrrl 7
equal 'the run' "$("$vrrl" info --json one.vrrl | jq -c '.session.runs[0] | [.late, .end_ns > .start_ns]')" '[true,true]'
equal 'the owner' "$("$vrrl" info --json one.vrrl | jq .session.owner.alive)" false
refused "$vrrl" detach "$pid"
says err 'is not recorded'

# The same log goes on when asked to, another one begins, and an old one is kept.
expect 0 "$vrrl" attach -o one.vrrl --append "$pid"
tell 'publish 2'
expect 0 "$vrrl" detach "$pid"
tell 'publish 1'
holds one.vrrl 9
expect 0 "$vrrl" attach -o one.vrrl "$pid"
tell 'publish 4'
holds one.vrrl.old 9
expect 0 "$vrrl" detach --json "$pid"
tell 'publish 1'
holds one.vrrl 4
# Another process may go on with a log that was let go.
expect 0 env LD_PRELOAD="$shim" VRRL_LOG=one.vrrl "$top_builddir/tests/e2e/capture_host" batch 2
holds one.vrrl 7
expect 0 "$vrrl" attach --no-session -o bare.vrrl "$pid"
tell 'publish 6'
[ ! -e bare.vrrl.d ] || fail 'a bare log has a session'
shows .publishes 6
expect 0 "$vrrl" detach "$pid"
tell 'publish 1'
holds bare.vrrl 6
# The descriptors and the memory are the host's own again, step by step with its calls.
published_and_nothing_mapped()
{
    tell 'publish 1'
    ! grep -q "[.]vrrl" "/proc/$pid/maps"
}
wait_for published_and_nothing_mapped
end

# What cannot be recorded into is said to who asked, and the host goes on.
begin VRRL_DISABLE=1
mkdir gone
expect 0 "$vrrl" attach -o gone/run.vrrl "$pid"
rm -r gone
tell 'publish 1'
shows '.state' failed
shows '.fault | test("^No such file or directory: .*Fix: ")' true
refused "$vrrl" detach "$pid"
expect 0 "$vrrl" attach -o run.vrrl -c 1000 "$pid"
tell 'publish 3'
shows '[.state, .publishes, .fault]|join(" ")' 'recording 3 '
rm run.vrrl
shows '.fault | test("deleted.*Fix: ")' true
expect 0 "$vrrl" detach "$pid"
tell 'publish 1'
rm -rf run.vrrl*
expect 0 "$vrrl" attach -o run.vrrl -c 1000 "$pid"
tell 'publish 3'
: >run.vrrl
tell 'publish 3'
shows '[.state, (.fault | test("truncated.*Fix: "))] | join(" ")' 'failed true'
expect 0 "$vrrl" attach -o again.vrrl "$pid"
tell 'publish 3'
holds again.vrrl 3
grep -q 'recording ends: .*truncated' said || fail 'truncation was not said'
: >said
end

# The log is made before the host publishes. One that it never published into is taken away, and does
# not take the place of what is kept.
begin VRRL_DISABLE=1
tell 'publish 1'
expect 0 "$vrrl" attach -o one.vrrl "$pid"
holds one.vrrl 0
holds one.vrrl.old 7
expect 0 "$vrrl" detach "$pid"
[ ! -e one.vrrl ] && [ ! -e one.vrrl.d ] || fail 'a log that nothing was recorded into was left behind'
expect 0 "$vrrl" attach -o one.vrrl "$pid"
kill -9 "$pid"
wait "$pid" 2>/dev/null
begin VRRL_DISABLE=1
expect 0 "$vrrl" attach -o one.vrrl "$pid"
tell 'publish 2'
holds one.vrrl 2
holds one.vrrl.old 7
end

# Whoever was recorded from the start is let go and taken on again.
begin VRRL_LOG=start.vrrl
tell 'publish 2'
shows '[.state, .publishes] | join(" ")' 'recording 2'
expect 0 "$vrrl" detach "$pid"
tell 'publish 2'
expect 0 "$vrrl" attach -o later.vrrl "$pid"
tell 'publish 5'
holds start.vrrl 2
holds later.vrrl 5
end

# Children: of a dormant parent dormant, of a recorded one recorded into a log of their own.
begin VRRL_DISABLE=1
mkfifo told.first told.second
forks told.first 8
first=$(sed '/^'"$pid"' /d; s/ .*//' answers)
expect 0 "$vrrl" attach -o parent.vrrl "$pid"
tell 'publish 1'
tell 'publish 2' 8
shows .state dormant "$first"
expect 0 "$vrrl" attach -o child.vrrl "$first"
tell 'publish 3' 8
holds child.vrrl 3
forks told.second 7
second=$(sed '/^'"$pid"' /d; /^'"$first"' /d; s/ .*//' answers)
tell 'publish 4' 7
shows '[.state, .publishes, .log] | join(" ")' "recording 4 $PWD/parent.$second.vrrl" "$second"
expect 0 "$vrrl" detach "$pid"
tell 'publish 1'
tell 'publish 5' 7
holds parent.vrrl 1
holds "parent.$second.vrrl" 9
exec 8>&- 7>&-
end

# A child that has published nothing yet is told before it asks.
begin VRRL_DISABLE=1
forks told.first 8
first=$(sed '/^'"$pid"' /d; s/ .*//' answers)
expect 0 "$vrrl" attach -o early.vrrl "$first"
tell 'publish 3' 8
holds early.vrrl 3
exec 8>&-
end

# Another program in the same process goes on as it was.
begin VRRL_DISABLE=1
expect 0 "$vrrl" attach -o exec.vrrl "$pid"
tell 'publish 1'
echo exec >&9
tell 'publish 2'
shows .state recording
expect 0 "$vrrl" detach "$pid"
tell 'publish 2'
holds exec.vrrl 3
end

# A host that closes all descriptors.
begin VRRL_DISABLE=1
tell close
expect 0 "$vrrl" attach -o closed.vrrl "$pid"
tell 'publish 2'
tell close
expect 0 "$vrrl" detach "$pid"
tell 'publish 2'
holds closed.vrrl 2
end

# A filter of system calls: what is open stays, and nothing is opened any more.
begin VRRL_DISABLE=1
expect 0 "$vrrl" attach -o filtered.vrrl "$pid"
tell 'publish 1'
tell filter
tell 'publish 1'
expect 0 "$vrrl" detach "$pid"
tell 'publish 1'
holds filtered.vrrl 2
refused "$vrrl" attach -o more.vrrl "$pid"
says err 'seccomp'
ends_filtered
begin VRRL_DISABLE=1
tell filter
tell 'publish 1'
shows .state confined
refused "$vrrl" attach -o more.vrrl "$pid"
ends_filtered
begin VRRL_DISABLE=1
expect 0 "$vrrl" attach -o more.vrrl "$pid"
tell filter
tell 'publish 1'
shows .state confined
holds more.vrrl 0
ends_filtered

# Refusals of what is no process, or none of ours.
sleep 60 &
other=$!
refused "$vrrl" attach "$other"
says err "process $other: it has no call of a function that is recorded"
refused "$vrrl" detach "$other"
kill "$other"
refused "$vrrl" attach 2147483647
says err 'there is no process'
refused "$vrrl" attach 0
refused "$vrrl" attach
refused "$vrrl" attach --capacity 0 1
refused "$vrrl" detach 12x
refused "$vrrl" record --dormant -o run.vrrl -- true
sh -c 'sleep 0.5 & echo $! >zombie; exec sleep 60' &
other=$!
wait_for test -s zombie
zombie=$(cat zombie)
is_zombie() { grep -q '^State:.*Z' "/proc/$zombie/status"; }
wait_for is_zombie
refused "$vrrl" attach "$zombie"
says err zombie
kill "$other"
if [ "$(id -u)" -eq 0 ] && command -v setpriv >/dev/null; then
    chmod 755 .
    if setpriv --reuid 65534 --clear-groups -- "$vrrl" --version >/dev/null 2>&1; then
        refused setpriv --reuid 65534 --clear-groups -- "$vrrl" attach -o /tmp/run.vrrl $$
        says err "another user's"
    fi
fi

# Control files: of dead processes they are removed, and what lies in their place is not trusted.
begin VRRL_DISABLE=1
tell 'publish 1'
kill -KILL "$pid"
wait "$pid" 2>/dev/null
[ -e "$(control_file)" ] || fail 'a killed host has no control file to be removed'
expect 0 "$vrrl" ps
[ ! -e "$(control_file)" ] || fail 'the control file of a dead process is there still'
exec 9>&-
begin VRRL_DISABLE=1
rm "$(control_file)"
echo precious >target
ln -s "$PWD/target" "$(control_file)"
expect 0 "$vrrl" attach -o linked.vrrl "$pid"
equal 'what a link leads to' "$(cat target)" precious
tell 'publish 1'
exec 9>&-
wait "$pid"

# record --dormant is the same.
rm -f told answers
mkfifo told
: >answers
"$vrrl" record --dormant -- "$host" obey <told >answers &
recorder=$!
exec 9>told
tell 'publish 1'
pid=$(sed 's/ .*//' answers)
expect 0 "$vrrl" attach -o by-record.vrrl "$pid"
tell 'publish 2'
holds by-record.vrrl 2
exec 9>&-
wait "$recorder"
equal 'the recorder ends with' "$?" 0
finish
