#!/bin/sh
# The demo hosts are attached to while they run, recorded, let go, and end with right results; what
# was recorded of them is replayed.
. "${top_srcdir:?}/tests/e2e/lib.sh"
kernel=$top_builddir/src/replay/standalone/megakernel.cl

copies=0
while [ "$copies" -lt 300 ]; do
    cat "$top_srcdir/tests/demo/GPL-3.txt"
    copies=$((copies + 1))
done >long.txt

# has_state STATE: of the host that is recorded
has_state()
{
    pid=$(cat "/proc/$recorder/task/$recorder/children" | tr -d ' ')
    [ "$("$vrrl" ps --json | jq -r "select(.pid == ${pid:-0}).state")" = "$1" ]
}

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
    "$vrrl" record --dormant -- "$top_builddir/$program" --kernel "$kernel" --slots 400 long.txt >printed 2>said &
    recorder=$!
    wait_for has_state dormant
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
    wait "$recorder"
    equal "$program ends with" "$?" 0
    silent said
    grep -q '^checked on the CPU: equal' printed || fail "$program: $(cat printed)"
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
