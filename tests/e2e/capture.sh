#!/bin/sh
# The shim inside hosts of all kinds, by the environment alone.
. "${top_srcdir:-.}/tests/e2e/lib.sh"
shim=$top_builddir/.libs/libvrrl-preload.so
host=$top_builddir/tests/e2e/capture_host
check=$top_builddir/tests/e2e/check_stress

# recorded HOW...: run the host under the shim with nothing but VRRL_LOG set
recorded()
{
    expect 0 env LD_PRELOAD="$shim" VRRL_LOG=run.vrrl "$host" "$@"
    silent err
}

# Each way to publish, with all 16 words; refusals leave no gap, however often.
recorded every-way
silent out
expect 0 "$vrrl" dump --json run.vrrl
equal "records" "$(json '[.slot_idx, .tenant_id, .opcode_name, .epoch]')" \
    "[0,1,\"PRINTF\",0] [1,2,\"PACKED_SLOT\",5] [2,3,\"NOP\",5] [3,3,\"LOAD_U32\",5] [4,3,\"BATCH_FENCE\",5] [5,4,null,6] [6,4,null,6]"
equal "args" "$(json .args)" \
    "[10,11,12,13] [132610,769,10,11] [0,0,0,0] [10,11,0,0] [2,77,0,0] [7,8,9,0] [4,5,6,0]"
expect 0 "$vrrl" verify run.vrrl
expect 0 "$vrrl" info --json run.vrrl
equal "info" "$(json '[.live, .gaps, .cursor, .capacity, .session.total, .session.failed]')" \
    "[7,0,7,65536,7,6000]"
equal "permissions" "$(stat -c %a run.vrrl run.vrrl.d run.vrrl.d/slots | tr '\n' ' ')" "600 700 600 "

# The environment alone continues a log, with the log's own capacity, as a new run.
expect 0 env LD_PRELOAD="$shim" VRRL_LOG=run.vrrl VRRL_CAPACITY=3 "$host" batch 5
expect 0 "$vrrl" info --json run.vrrl
equal "continued" "$(json '[.live, .capacity, .session.total, (.session.runs | length)]')" "[13,65536,13,2]"
expect 0 jq -e -s 'length == 2 and .[1].run == 2 and .[1].arguments[1] == "batch"' run.vrrl.d/runs.jsonl
rm -rf run.vrrl run.vrrl.d

# Switched off, or without a name: nothing is left behind, and the host goes on.
expect 0 env LD_PRELOAD="$shim" VRRL_LOG=run.vrrl VRRL_DISABLE=1 "$host" batch 5
silent err
expect 0 env LD_PRELOAD="$shim" "$host" batch 5
says err 'not recording: VRRL_LOG is not set. Fix:'
expect 0 env LD_PRELOAD="$shim" VRRL_LOG=run.vrrl VRRL_CAPACITY=0 "$host" batch 5
says err 'VRRL_CAPACITY.*Fix:'
expect 0 env LD_PRELOAD="$shim" VRRL_LOG=none/run.vrrl "$host" batch 5
says err 'not recording into .*none/run.vrrl: No such file.*Fix:'
cp "$golden/bad_magic.vrrl" bad.vrrl
expect 0 env LD_PRELOAD="$shim" VRRL_LOG=bad.vrrl "$host" batch 5
says err 'VRRL0001.*Fix:'
cmp bad.vrrl "$golden/bad_magic.vrrl" || fail "a bad log was changed"
[ ! -e run.vrrl ] && [ ! -e bad.vrrl.d ] || fail "something was left behind"

# VRRL_VERBOSE says where it goes; %e, %p and %h are expanded.
expect 0 env LD_PRELOAD="$shim" VRRL_LOG=%e-%h.vrrl VRRL_VERBOSE=1 "$host" batch 5
says err "vrrl: recording into .*/capture_host-$(uname -n).vrrl"
[ -f "capture_host-$(uname -n).vrrl" ] || fail "no log of the expanded name"

# Only in the file's name; a folder may be called anything.
mkdir odd%p
expect 0 env LD_PRELOAD="$shim" VRRL_LOG=odd%p/100%.vrrl "$host" batch 5
[ -f "odd%p/100%.vrrl" ] || fail "no log in a folder with a % in its name"
expect 0 "$vrrl" record -o odd%p/100%.vrrl -- "$host" batch 5
says err 'recorded 6 publishes in odd%p/100%.vrrl'
[ -f "odd%p/100%.vrrl.old" ] || fail "the older log was not kept"

# errno and descriptors are the host's own.
recorded guest
says out 'errno 4242 descriptors same'
rm -rf run.vrrl run.vrrl.d

# A batch that fills the log, and one that is larger than it: the last records stay.
for size in 63 64 500; do
    expect 0 env LD_PRELOAD="$shim" VRRL_LOG=run.vrrl VRRL_CAPACITY=64 "$host" batch $size
    expect 0 "$check" run.vrrl
    says out "^64 records, 0 gaps"
    rm -rf run.vrrl run.vrrl.d
done

# A place that was taken for a publish that failed is free again: none is missing from a lap.
expect 0 env LD_PRELOAD="$shim" VRRL_LOG=run.vrrl VRRL_CAPACITY=8 "$host" refused-late 100
silent err
expect 0 "$vrrl" info --json run.vrrl
equal "after late refusals" "$(json '[.live, .gaps, .session.failed]')" "[8,0,100]"
expect 0 "$check" run.vrrl
rm -rf run.vrrl run.vrrl.d

# Children of fork have logs of their own.
recorded fork
expect 0 "$check" run.vrrl
says out '^2 records, 0 gaps, 2 in all'
counts=$(for log in run.*.vrrl; do "$check" "$log"; done | sort | tr '\n' ' ')
equal "children" "$counts" "10 records, 0 gaps, 10 in all 20 records, 0 gaps, 20 in all "
rm -rf run.*

# A handler publishes inside the publish that it interrupts.
recorded handler
equal "handler" "$(awk '{print $1 + $2}' out)" "$("$vrrl" info --json run.vrrl | jq '.session | .total + .skipped')"
expect 0 "$check" run.vrrl
says out ' 0 gaps'
rm -rf run.vrrl run.vrrl.d

# A plugin brings the runtime along, in a scope of its own.
expect 0 env LD_PRELOAD="$shim" VRRL_LOG=run.vrrl "$top_builddir/tests/e2e/plugin_host" now \
    "$top_builddir/tests/e2e/.libs/plugin.so"
silent err
equal "plugin" "$("$vrrl" dump --json run.vrrl | jq .tenant_id)" 9
rm -rf run.vrrl run.vrrl.d

# Epochs that the host reads back through OpenCL, in each way, are seen; other kernels' are not.
expect 0 env LD_PRELOAD="$shim" VRRL_LOG=run.vrrl "$top_builddir/tests/e2e/epoch_host"
equal "epochs" "$("$vrrl" dump --json run.vrrl | jq -c .epoch | tr '\n' ' ')" "0 1 2 3 4 5 "
rm -rf run.vrrl run.vrrl.d
expect 0 env LD_PRELOAD="$shim" VRRL_LOG=run.vrrl "$top_builddir/tests/e2e/epoch_host" plain
equal "no epochs" "$("$vrrl" dump --json run.vrrl | jq -c .epoch | tr '\n' ' ')" "0 0 0 0 0 0 "
rm -rf run.vrrl run.vrrl.d

# A second process that publishes while the first one lives has a log of its own.
env LD_PRELOAD="$shim" VRRL_LOG=run.vrrl "$host" threads 1 2000 &
wait_for test -s run.vrrl.d/runs.jsonl
expect 0 env LD_PRELOAD="$shim" VRRL_LOG=run.vrrl "$host" batch 5
wait
[ "$(ls -d run.[0-9]*.vrrl | wc -l)" -eq 1 ] || fail "the second process has no log"
expect 0 "$check" run.vrrl
finish
