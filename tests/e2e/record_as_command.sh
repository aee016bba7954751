#!/bin/sh
# record behaves as its command: streams, exit status, signals.
. "${top_srcdir:-.}/tests/e2e/lib.sh"

# Exit status, and streams.
for status in 0 1 2 7 126 127 128 255; do
    expect "$status" "$vrrl" record -- sh -c "exit $status"
done
echo input >in
"$vrrl" record -- sh -c 'read -r line; echo "got $line"; echo complaint >&2' <in >out 2>err
last='streams'
equal 'stdout' "$(cat out)" 'got input'
says err '^complaint$'
equal 'lines on stderr' "$(wc -l <err)" 2
expect 0 "$vrrl" record -- printf '%s,' a 'b c' '' -- -x --help
equal 'arguments' "$(cat out)" 'a,b c,,--,-x,--help,'
expect 0 "$vrrl" record printf '%s,' --append
equal 'options of the command' "$(cat out)" '--append,'

# The command inherits no descriptor that we opened.
ls -l /proc/self/fd | wc -l >bare
"$vrrl" record -- ls -l /proc/self/fd 2>/dev/null | wc -l >recorded
equal 'descriptors' "$(cat recorded)" "$(cat bare)"

# It cannot be run. The log that is there stays.
cat "$golden/two_of_cap4.vrrl" >vrrl.vrrl
cannot_run()
{
    expected_status=$1
    shift
    expect "$expected_status" "$vrrl" record -- "$@"
    silent out
    says err '^vrrl: .*Fix: '
    equal 'lines on stderr' "$(wc -l <err)" 1
}
cannot_run 127 no-such-command
says err 'no-such-command'
cannot_run 127 ./no-such-command
cannot_run 127 ''
mkdir folder
cannot_run 126 ./folder
: >plain
cannot_run 126 ./plain
PATH=$PWD:$PATH cannot_run 126 plain
cmp -s vrrl.vrrl "$golden/two_of_cap4.vrrl" || fail 'the log was touched'
[ ! -e vrrl.vrrl.old ] || fail 'the log was renamed'
printf '#!/no/such/interpreter\n' >script
chmod +x script
cannot_run 126 ./script
# What has no magic number is a script, as for shells.
echo 'echo "run by $0"' >script
expect 0 "$vrrl" record -- ./script
says out 'run by'

# Its death by a signal is repeated; a core is not dumped twice.
# shellcheck disable=SC3045 # dash and bash both have it
ulimit -c 0
for signal in HUP INT QUIT KILL TERM SEGV ABRT USR1 PIPE; do
    "$vrrl" record -- sh -c "kill -$signal \$\$" >out 2>err
    equal "status after SIG$signal" "$(kill -l $?)" "$signal"
done

# Signals that are sent to us reach it, once.
cat >counts <<'END'
n=0
for signal in HUP INT QUIT TERM USR1 USR2 WINCH ALRM; do
    trap "n=\$((n + 1)); echo \"$signal \$n\"; n=0" "$signal"
done
trap 'exit 9' CONT
echo "ready $$"
while :; do sleep 0.02; done
END
env --default-signal "$vrrl" record -- sh counts >counted 2>err &
recorder=$!
wait_for grep -q ready counted
for signal in HUP INT QUIT TERM USR1 USR2 WINCH ALRM; do
    kill "-$signal" "$recorder"
    wait_for grep -q "^$signal" counted
done
equal 'signals' "$(sed "s,ready .*,ready," counted | tr "\n" " ")" \
    'ready HUP 1 INT 1 QUIT 1 TERM 1 USR1 1 USR2 1 WINCH 1 ALRM 1 '
command_id=$(sed -n "s/^ready //p" counted)

# When it is stopped and continued, nothing hangs.  The kernel lets nothing be stopped by SIGTSTP in
# an orphaned process group, as a test run without a terminal may be: then it is only continued.
is_stopped()
{
    sed 's/.*) //' "/proc/$1/stat" | grep -q ^T
}
sleep 60 &
probe=$!
sleep 0.2
kill -TSTP "$probe"
sleep 0.2
if is_stopped "$probe"; then
    kill -TSTP "$recorder"
    wait_for is_stopped "$command_id"
fi
kill -KILL "$probe"
kill -CONT "$recorder"
wait_for sh -c "! sed 's/.*) //' /proc/$command_id/stat | grep -q ^T" || kill -KILL "$command_id"
wait "$recorder"
equal 'status after SIGCONT' $? 9

# Dispositions and mask are passed on as they came.
signals='--ignore-signal=USR1 --ignore-signal=CHLD --block-signal=USR2'
# Signals from 32 on are the C library's own, and sanitizers change them.
state='s/^\(Sig[BIC].*:\).*\(........\)$/\1 \2/p'
# shellcheck disable=SC2086 # several words
env $signals sed -n "$state" /proc/self/status >bare
# shellcheck disable=SC2086
env $signals "$vrrl" record -- sed -n "$state" /proc/self/status >recorded 2>err
cmp -s bare recorded || fail "signal state: $(diff bare recorded)"

finish
