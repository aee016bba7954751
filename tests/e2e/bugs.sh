#!/bin/sh
# Five kernels with a seeded bug, each recorded as it runs, and found by a replay, which names the
# slots behind it; their correct twins come out clean.
. "${top_srcdir:-.}/tests/e2e/lib.sh"
shim=$top_builddir/.libs/libvrrl-preload.so
# Each of them meets other lanes in a window, which a busy machine lets pass: then once more.
tries=20
runs=25

if ! "$vrrl" devices >out 2>err; then
    echo 'no OpenCL device: skipped'
    exit 77
fi

# record NAME [correct]: its log is NAME.vrrl
record()
{
    rm -rf "$1.vrrl" "$1.vrrl.d"
    env LD_PRELOAD="$shim" VRRL_LOG="$1.vrrl" "$top_builddir/tests/bugs/bugs_host" "$top_srcdir" \
        "$@" >host.out 2>host.err || fail "the host failed: $* ($(cat host.err))"
}

# finds WANTED FINDING NAME OPTION...: a replay diverges, and of its likeliest finding FINDING is
# WANTED
finds()
{
    wanted=$1
    finding=$2
    shift 2
    name=$1
    shift
    for _ in $(seq $tries); do
        "$vrrl" replay --json "$@" "$name.vrrl" >out 2>err </dev/null
        [ $? -ne 1 ] || break
    done
    last="replay $* $name.vrrl"
    equal "what is behind $name" "$(json ".findings[0] | $finding")" "$wanted"
}

# clean NAME OPTION...: the correct twin does not diverge
clean()
{
    name=$1
    shift
    expect 0 "$vrrl" replay --json "$@" "$name.vrrl"
    equal "the twin of $name, $*" "$(json '[.verdict, .divergences_total]')" '["match",0]'
}

# What an addition to word 200 of slots 0 … 63 lost, by any lanes.
record lost_update
finds '["observable[40] (control word 200)","commuting",64,"ATOMIC_ADD",[1,200],"ATOMIC_ADD",[100,200]]' \
    '[.word, .cause, .writing, (.writers[0,1] | .opcode_name, .args[:2])]' lost_update --runs $runs
equal 'outcomes' "$(json '.runs | [.count, .outcomes_total > 1, ([.outcomes[].runs] | add)]')" \
    "[$runs,true,$runs]"
finds '["observable[40] (control word 200)","commuting",64,true]' '[.word, .cause, .writing,
    (.verdict | test("additions were lost, so the kernel does not do them atomically"))]' \
    lost_update --against reference
record lost_update correct
clean lost_update
clean lost_update --runs $runs
clean lost_update --against reference

# Which of two slots swaps its word first: the one 32 slots after the other, or before.
record swap_order
finds '["race",2,true,32,true,true]' '[.cause, .writing, .unordered.one_launch,
    .unordered.second.slot - .unordered.first.slot,
    (.unordered.first.opcode_name, .unordered.second.opcode_name) == "COMPARE_SWAP"]' \
    swap_order --runs $runs
equal 'the word that both swap' "$(json '.findings[0] | .unordered as $pair |
    [.word | test("control word \($pair.word)\\)"),
        $pair.first.args[0] == $pair.word, $pair.second.args[0] == $pair.word]')" '[true,true,true]'
# A second device beside the first, here the same once more.
finds '"race"' .cause swap_order --against device:0
equal 'both devices' "$(json '[.against, .other_device == .device, .divergences[0].against]')" \
    '["device",true,"device"]'
refused "$vrrl" replay --against device:9999 swap_order.vrrl
refused "$vrrl" replay --against device: swap_order.vrrl
refused "$vrrl" replay --against reference --runs 2 swap_order.vrrl
refused "$vrrl" replay --runs 1 swap_order.vrrl
record swap_order correct
clean swap_order
clean swap_order --against device:0
clean swap_order --runs $runs
clean swap_order --against reference

# The kernel takes tenant 3 for a masked one; it does so each time.
record tenant_mask
finds '["status of slot 3","drained_once",3,3]' '[.word, .cause, (.writers[0] | .slot, .tenant)]' \
    tenant_mask --against reference
"$vrrl" replay --against reference tenant_mask.vrrl >out
says out 'record 3 (ATOMIC_ADD) of tenant 3 was drained on one side alone'
record tenant_mask correct
clean tenant_mask
clean tenant_mask --runs $runs
clean tenant_mask --against reference

# Slots that two lanes claimed, the fence's among them: each is alone with its word, and took effect
# twice.
record plain_claim
finds '["alone",1,true,true]' '[.cause, .writing, (.verdict | test("slot more than once")),
    (.writers[0] | .opcode_name == "BATCH_FENCE" or .slot + 200 == .args[1])]' plain_claim --runs $runs
record plain_claim correct
clean plain_claim
clean plain_claim --runs $runs

# A LOAD that waits for its STORE to be DONE has not what it stores: which, the host left open.
record early_done
finds '["race_of_input","STORE_U32","LOAD_U32",32,true]' '[.cause, (.unordered |
    .first.opcode_name, .second.opcode_name, .second.slot - .first.slot,
    .first.args[1] == .second.args[0])]' early_done --against reference
finds '["race_of_input"]' '[.cause]' early_done --runs $runs
record early_done correct
clean early_done
clean early_done --runs $runs
clean early_done --against reference

# Two recordings beside each other, with no device: the same twice, and the bug beside its twin.
record tenant_mask correct
mv tenant_mask.vrrl a.vrrl && mv tenant_mask.vrrl.d a.vrrl.d
record tenant_mask correct
expect 0 "$vrrl" diff a.vrrl tenant_mask.vrrl
says out '^launches: the same 3$'
says out '^observations: 6 compared, all the same$'
record tenant_mask
expect 1 "$vrrl" diff --json a.vrrl tenant_mask.vrrl
equal 'what the bug never published again' "$(json '[.publishes.missing,
    (.publishes.differences[].a.tenant)]')" '[4,3,3,3,3]'
equal 'other launches' "$(json '.rings[0] | [.launches[] | [.change, .count, .a, .b]]')" \
    '[["other",3,1,1]]'
equal 'what the hosts read back' "$(json '.rings[0] | [.ring, .observations, .observations_alone,
    .words, (.findings[0] | .word, .cause, .expected, .actual, .observation, .writers[0].tenant)]')" \
    '[0,6,0,6,"status of slot 3","drained_once",3,1,1,3]'
expect 1 "$vrrl" diff a.vrrl tenant_mask.vrrl
says out "^  a's launches from 1 on (3): b's launch 1 has another kernel"
says out '^first difference after launch 1, epoch 0, at observation 1:$'

# A report for a person fits on a screen, the likeliest cause on its third line.
for log in lost_update swap_order; do
    record $log
    for _ in $(seq $tries); do
        "$vrrl" replay --runs $runs $log.vrrl >out 2>err </dev/null
        [ $? -ne 1 ] || break
    done
    [ "$(wc -l <out)" -le 20 ] || fail "more than 20 lines of $log"
    says out "^$runs runs ended in [0-9]* ways: "
    equal 'the third line' "$(sed -n 3p out | cut -d ' ' -f 1-4)" 'first difference after launch'
    says out '^  1\. .* in run 1 and .* in run [0-9]*'
    says out '^verdict: diverged$'
done
finish
