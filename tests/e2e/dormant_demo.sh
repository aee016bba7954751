#!/bin/sh
# The demo hosts are attached to while they run, recorded, let go, and end with right results; what
# was recorded of them is replayed.
. "${top_srcdir:?}/tests/e2e/lib.sh"
. "$top_srcdir/tests/e2e/dormant_lib.sh"

# has_read_back: the host has seen the results of some launches
has_read_back()
{
    [ "$("$vrrl" info --json run.vrrl | jq .session.observations.entries)" -ge 12 ]
}

# attached PROGRAM [OPTION]...
attached()
{
    program=$1
    shift
    start_demo "$program" 300
    # The first time it is waited for, so that it is in the middle of its work the second time.
    expect 0 "$vrrl" attach -o first.vrrl -c 100 "$pid"
    wait_for has_state recording
    expect 0 "$vrrl" detach "$pid"
    wait_for has_state dormant
    expect 0 "$vrrl" attach -o run.vrrl -c 1000000 "$@" "$pid"
    # On a busy machine it may not have published anything yet.
    wait_for has_state recording
    wait_for has_read_back
    expect 0 "$vrrl" detach "$pid"
    says err 'records no more'
    demo_ended "$program"
    expect 0 "$vrrl" verify run.vrrl
    equal "the run of $program" "$("$vrrl" info --json run.vrrl | jq -c '.session.runs | [length, .[0].late]')" '[1,true]'
}

for program in textstat textstat-by-hand; do
    attached "$program" --checkpoint
    equal 'the checkpoint' "$("$vrrl" info --json run.vrrl | jq '.session.runs[0] | has("checkpoint")')" true
    expect 0 "$vrrl" replay run.vrrl
    says out 'verdict: match'
    # Without one the replay begins where the host itself read all back.
    attached "$program"
    expect 0 "$vrrl" replay run.vrrl
    says out 'before the checkpoint after launch .*not seen'
    says out 'verdict: match'
done
finish
