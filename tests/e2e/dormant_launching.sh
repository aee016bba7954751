#!/bin/sh
# Hosts that launch and launch are attached to and let go at random moments: in the middle of
# launches, uploads and read-backs, too.  They end with right results, and each log is sound.
. "${top_srcdir:?}/tests/e2e/lib.sh"
. "$top_srcdir/tests/e2e/dormant_lib.sh"
attaches=12

for program in textstat textstat-by-hand; do
    start_demo $program 400
    cycles=0
    # It may end before: a machine with nothing else to do is fast.
    while [ "$cycles" -lt "$attaches" ] && "$vrrl" attach -o "$cycles.vrrl" -c 1000 "$pid" >out 2>err; do
        "$vrrl" detach "$pid" >out 2>err || break
        cycles=$((cycles + 1))
    done
    demo_ended $program
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
