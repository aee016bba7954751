# shellcheck shell=sh disable=SC2034,SC2154
# What the tests of hosts with a dormant shim share, beside lib.sh.

# tell LINE [DESCRIPTOR]: have a dormant_host, which reads what it is told from descriptor 9, do it
tell()
{
    count=$(grep -c . answers)
    echo "$1" >&"${2:-9}"
    wait_for more_answers "$count"
}

more_answers()
{
    [ "$(grep -c . answers)" -gt "$1" ]
}

# start_demo PROGRAM COPIES: a demo host on a text of that many copies, under record --dormant, as
# $recorder, with its output in printed and said
start_demo()
{
    : >long.txt
    for _ in $(seq "$2"); do
        cat "$top_srcdir/tests/demo/GPL-3.txt" >>long.txt
    done
    "$vrrl" record --dormant -- "$top_builddir/$1" --kernel "$top_builddir/src/replay/standalone/megakernel.cl" \
        --slots 400 long.txt >printed 2>said &
    recorder=$!
    wait_for has_state dormant
}

# has_state STATE: of the host that is recorded, as $pid
has_state()
{
    pid=$(tr -d ' ' <"/proc/$recorder/task/$recorder/children")
    [ "$("$vrrl" ps --json | jq -r "select(.pid == ${pid:-0}).state")" = "$1" ]
}

# demo_ended PROGRAM: it ends by itself, with right results, and has said nothing else
demo_ended()
{
    wait "$recorder"
    equal "$1 ends with" "$?" 0
    silent said
    grep -q '^checked on the CPU: equal' printed || fail "$1: $(cat printed)"
}
