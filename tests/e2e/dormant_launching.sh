#!/bin/sh
# Hosts that launch and launch are attached to and let go at random moments: in the middle of
# launches, uploads and read-backs, too.  They end with right results, and each log is sound.
. "${top_srcdir:?}/tests/e2e/lib.sh"
kernel=$top_builddir/src/replay/standalone/megakernel.cl
attaches=12

copies=0
while [ "$copies" -lt 400 ]; do
    cat "$top_srcdir/tests/demo/GPL-3.txt"
    copies=$((copies + 1))
done >long.txt

has_begun()
{
    pid=$(cat "/proc/$recorder/task/$recorder/children" | tr -d ' ')
    [ "$("$vrrl" ps --json | jq -r "select(.pid == ${pid:-0}).state")" = dormant ]
}

for program in textstat textstat-by-hand; do
    "$vrrl" record --dormant -- "$top_builddir/$program" --kernel "$kernel" --slots 400 long.txt >printed 2>said &
    recorder=$!
    wait_for has_begun
    cycles=0
    # It may end before: a machine with nothing else to do is fast.
    while [ "$cycles" -lt "$attaches" ] && "$vrrl" attach -o "$cycles.vrrl" -c 1000 "$pid" >out 2>err; do
        "$vrrl" detach "$pid" >out 2>err || break
        cycles=$((cycles + 1))
    done
    wait "$recorder"
    equal "$program ends with" "$?" 0
    silent said
    grep -q '^checked on the CPU: equal' printed || fail "$program: $(cat printed)"
    # One that was attached between two publishes has none.
    for log in *.vrrl; do
        [ -e "$log" ] || continue
        expect 0 "$vrrl" verify "$log"
        equal "the owner of $log" "$("$vrrl" info --json "$log" | jq .session.owner.pid)" 0
    done
    rm -rf ./*.vrrl*
    [ "$cycles" -gt 0 ] || fail "$program was never attached to: $(cat err)"
    echo "$program: attached and let go $cycles times"
done
finish
