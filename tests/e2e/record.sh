#!/bin/sh
# record: what a host publishes is in the log, and the log of that name is kept.
. "${top_srcdir:-.}/tests/e2e/lib.sh"

live()
{
    "$vrrl" info --json "$1" | jq .live
}

# The default name and capacity; nothing on stdout; the line that says what was recorded.
expect 0 "$vrrl" record -- "$publish_host" publish 5
silent out
equal 'stderr' "$(cat err)" 'vrrl: recorded 5 publishes in vrrl.vrrl (0 overwritten)'
expect 0 "$vrrl" info --json vrrl.vrrl
equal 'default log' "$(json '[.capacity, .live, .session.total]')" '[65536,5,5]'
expect 0 "$vrrl" dump --json vrrl.vrrl
equal 'records' "$(json '[.index, .slot_idx, .tenant_id, .opcode_name, .args, .epoch]' | cut -d ' ' -f 2)" \
    '[1,0,0,"ATOMIC_ADD",[1,0,0,0],0]'
expect 0 "$vrrl" verify vrrl.vrrl
equal 'verify' "$(cat out)" 'vrrl.vrrl: sound, 5 records'

# An older log and its session are kept, the one before them is not.
expect 0 "$vrrl" record "$publish_host" publish 1
says err 'recorded 1 publish in'
equal 'new log' "$(live vrrl.vrrl)" 1
equal 'kept log' "$(live vrrl.vrrl.old)" 5
expect 0 "$vrrl" info --json vrrl.vrrl.old
equal 'kept session' "$(json .session.total)" 5
expect 0 "$vrrl" record -- "$publish_host" publish 2
equal 'kept log, again' "$(live vrrl.vrrl.old)" 1

# --append goes on, as another run.
expect 0 "$vrrl" record --append -- "$publish_host" publish 3
says err 'recorded 3 publishes in'
expect 0 "$vrrl" info --json vrrl.vrrl
equal 'appended' "$(json '[.live, .session.total, (.session.runs | length)]')" '[5,5,2]'
equal 'programs' "$(json '[.session.runs[].program | sub(".*/"; "")]')" '["publish_host","publish_host"]'
equal 'kept log after --append' "$(live vrrl.vrrl.old)" 1
expect 0 "$vrrl" info vrrl.vrrl
says out '^run 2 .*publish_host, process [0-9]*, began 20'

# A capacity of its own, overwritten.
expect 0 "$vrrl" record -o small.vrrl --capacity 4 -- "$publish_host" publish 10
says err 'recorded 10 publishes in small.vrrl (6 overwritten)'
expect 0 "$vrrl" info --json small.vrrl
equal 'small' "$(json '[.capacity, .live, .wrapped, .session.total, .session.overwritten]')" '[4,4,true,10,6]'
expect 0 "$vrrl" record -o small.vrrl --append --capacity 100 -- "$publish_host" publish 1
equal 'own capacity' "$("$vrrl" info --json small.vrrl | jq .capacity)" 4

# Every way to publish that the host can be told, in several threads.
expect 0 "$vrrl" record -o threads.vrrl -- "$publish_host" threads 4 publish 1000
equal 'threads' "$(live threads.vrrl)" 4000
expect 0 "$vrrl" verify threads.vrrl
expect 0 "$vrrl" record -o slots.vrrl -- "$publish_host" \
    slot 7 2 0x40000005 1 2 3 4 epoch 9 slot 8 1 0 0 0 0 0
expect 0 "$vrrl" dump --json slots.vrrl
equal 'slots' "$(json '[.slot_idx, .tenant_id, .opcode, .args, .epoch]')" \
    '[7,2,1073741829,[1,2,3,4],0] [8,1,0,[0,0,0,0],9]'

# The command may change its folder and use another name for its log.
mkdir elsewhere sub
# shellcheck disable=SC2016 # for the inner shell
expect 0 "$vrrl" record -o sub/moved.vrrl -- sh -c 'cd elsewhere && "$0" publish 2' "$publish_host"
equal 'log of a host that moves' "$(live sub/moved.vrrl)" 2
[ -z "$(ls elsewhere)" ] || fail "something is in the host's folder"

# By environment alone an existing log is continued; the variables reach the command.
# shellcheck disable=SC2016
expect 0 "$vrrl" record -o env.vrrl -c 9 -- sh -c 'echo "$VRRL_LOG $VRRL_CAPACITY $LD_PRELOAD"; "$0" publish 1' \
    "$publish_host"
says out "^$(pwd -P)/env.vrrl 9 .*libvrrl-preload.so$"
LD_PRELOAD=$top_builddir/.libs/libvrrl.so "$vrrl" record -o env.vrrl -- printenv LD_PRELOAD >out 2>err
says out '/libvrrl.so:/.*libvrrl-preload.so$'

# Two processes at once: the second has a log of its own, and both are spoken of.
# shellcheck disable=SC2016
expect 0 "$vrrl" record -o two.vrrl -- sh -c '"$0" publish 2 sleep 1000 & sleep 0.5; "$0" publish 3; wait' \
    "$publish_host"
says err '^vrrl: recorded 2 publishes in two.vrrl '
says err '^vrrl: recorded 3 publishes in two.[0-9]*.vrrl '
equal 'logs' "$(echo two.*vrrl | wc -w)" 2
expect 0 "$vrrl" record -o 'sub/%e.%p.[x].vrrl' -- "$publish_host" publish 4
says err '^vrrl: recorded 4 publishes in sub/publish_host.[0-9]*.\[x\].vrrl '

# Every publish refused.
expect 0 "$vrrl" record -o refused.vrrl -- "$publish_host" busy
says err 'recorded 1 publish in'
equal 'failed' "$("$vrrl" info --json refused.vrrl | jq .session.failed)" 1

# Refused before anything is run or renamed.
not_begun()
{
    refused "$vrrl" record "$@"
    [ ! -e ran ] || fail "the command was run: $*"
}
cp small.vrrl before.vrrl
for capacity in 0 1048577 x -1 '' 1.5 ' 4' 99999999999999999999; do
    not_begun -o small.vrrl --capacity "$capacity" -- touch ran
done
not_begun --frobnicate -- touch ran
not_begun -o small.vrrl
says err 'no command'
not_begun -o missing/log.vrrl -- touch ran
says err 'missing/log.vrrl'
not_begun -o . -- touch ran
not_begun -o sub/ -- touch ran
not_begun -o sub -- touch ran
not_begun -o "$(printf '%0300d' 0)" -- touch ran
echo 'my notes' >notes
not_begun -o notes -- touch ran
equal 'a file that is no log' "$(cat notes)" 'my notes'
[ ! -e notes.old ] || fail 'a file that is no log was renamed'
if [ "$(id -u)" -ne 0 ]; then
    mkdir closed
    chmod a-w closed
    not_begun -o closed/log.vrrl -- touch ran
fi
for file in "$golden"/bad_*.vrrl; do
    # A damaged log is kept like any other, and a file that is none stays.
    cat "$file" >damaged.vrrl
    "$vrrl" record -o damaged.vrrl true 2>/dev/null
    cat damaged.vrrl* | cmp -s - "$file" || fail "$file was lost"
    rm damaged.vrrl*
    cat "$file" >bad.vrrl
    not_begun --append -o bad.vrrl -- touch ran
    cmp -s "$file" bad.vrrl || fail "--append changed $file"
done
cmp -s small.vrrl before.vrrl || fail 'a refusal changed the log'
[ ! -e small.vrrl.old ] || fail 'a refusal renamed the log'

# A log that someone is recording into is left alone.
"$vrrl" record -o live.vrrl -- "$publish_host" publish 1 sleep 10000 2>/dev/null &
recorder=$!
wait_for test -s live.vrrl
wait_for sh -c "\"$vrrl\" info --json live.vrrl | jq -e '.session.owner.alive and .live == 1' >/dev/null"
not_begun -o live.vrrl -- touch ran
says err 'is recording into it'
not_begun --append -o live.vrrl -- touch ran
kill "$recorder"
wait "$recorder"
equal 'status after SIGTERM' $? 143
expect 0 "$vrrl" record --append -o live.vrrl -- "$publish_host" publish 1
equal 'a dead owner is taken over' "$(live live.vrrl)" 2

finish
