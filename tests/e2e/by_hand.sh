#!/bin/sh
# A host that writes its ring by plain stores is recorded like one that calls the runtime.
. "${top_srcdir:?}/tests/e2e/lib.sh"
shim=$top_builddir/.libs/libvrrl-preload.so
kernel=$top_builddir/src/replay/standalone/megakernel.cl
text=$top_srcdir/tests/demo/GPL-3.txt

# record LOG PROGRAM [ARGUMENT]...
record()
{
    log=$1 program=$2
    shift 2
    expect 0 env LD_PRELOAD="$shim" VRRL_LOG="$log" "$program" --kernel "$kernel" "$@" "$text"
    silent err
}

# All that a log and its session tell of the publishes, but for times.
publishes()
{
    "$vrrl" dump --json "$1" | jq -c 'del(.timestamp_ns)'
}

program=$top_builddir/textstat
by_hand=$top_builddir/textstat-by-hand
case $(readelf -d "$by_hand") in
*vyre* | *vrrl*) fail "the host is linked to us" ;;
esac

for slots in 1024 100; do
    record "called-$slots.vrrl" "$program" --slots $slots
    record "stored-$slots.vrrl" "$by_hand" --slots $slots
    publishes "called-$slots.vrrl" >called
    publishes "stored-$slots.vrrl" >stored
    [ -s called ] || fail "nothing was recorded of the runtime's calls"
    cmp -s called stored || fail "in a ring of $slots slots the two logs differ"
    expect 0 "$vrrl" verify "stored-$slots.vrrl"
    expect 0 "$vrrl" replay --strict "stored-$slots.vrrl"
    says out 'verdict: match'
done

# Buffers of any size: here ring and control buffer are over 64 KiB.
for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29 30; do
    cat "$text"
done >long
text=$folder/long
record big.vrrl "$by_hand" --slots 4096
equal "big buffers" "$("$vrrl" dump --json big.vrrl | wc -l)" 65536
expect 0 "$vrrl" verify big.vrrl
text=$top_srcdir/tests/demo/GPL-3.txt

# Each publish was recorded once, though the host both calls the runtime and uploads.
equal "publishes" "$(wc -l <called)" "$("$program" --slots 100 --kernel "$kernel" "$text" | sed -n 's/^ *\([0-9]*\) slots of .*/\1/p')"

finish
