#!/bin/sh
# Replaying logs: what matches, what diverges and where, what cannot be replayed.
. "${top_srcdir:-.}/tests/e2e/lib.sh"

makelog=$top_builddir/tests/e2e/makelog

# Wrong use and bad logs need no device.
refused "$vrrl" replay
says err 'no LOG'
refused "$vrrl" replay missing.vrrl
says err 'missing.vrrl'
refused "$vrrl" replay --run 0 "$golden/two_of_cap4.vrrl"
refused "$vrrl" replay --ring x "$golden/two_of_cap4.vrrl"
refused "$vrrl" replay "$golden/empty_cap4.vrrl"
says err 'no records'
refused "$vrrl" replay "$golden/bad_truncated_records.vrrl"
says err 'ends inside its records'
refused "$vrrl" replay --run 1 "$golden/two_of_cap4.vrrl"
says err 'no session'

# No platform at all: the loader is shown an empty list of drivers.
if loader_knows OCL_ICD_VENDORS; then
    mkdir none
    OCL_ICD_VENDORS=$folder/none
    export OCL_ICD_VENDORS
    refused "$vrrl" devices
    says err 'no OpenCL platform'
    unset OCL_ICD_VENDORS
fi
if ! "$vrrl" devices >out 2>err; then
    echo 'no OpenCL device: skipped'
    exit 77
fi
says out '^0  '

# Three batches, as from a host that waits: sums, a packed slot, a fence each.
batches()
{
    cat <<END
# SLOT TENANT OPCODE EPOCH ARGS
0 0 ATOMIC_ADD 4 10 200
1 1 STORE_U32 4 7 210
2 2 PRINTF 4 1 2 3
3 0 BATCH_FENCE 4 3 100
0 0 ATOMIC_ADD 5 20 200
1 28 COMPARE_SWAP 5 210 7 8
2 0 MEMCPY 5 32 220 4
3 0 BATCH_FENCE 5 3 101
0 0 LOAD_U32 6 200 70
1 0 DFA_STEP 6
# two ops: ATOMIC_ADD 1 to 201 and STORE 5 to 202
2 0 PACKED_SLOT 6 0x00020402 0x201 1 201 5 202
3 0 BATCH_FENCE 6 3 102
END
}

# An opcode that a bare record cannot hold all args of needs the session.
batches | "$makelog" good.vrrl --session || fail 'no log was made'
expect 0 "$vrrl" replay good.vrrl
says out '^verdict: match$'
says out 'waits at each epoch'
silent err
expect 0 "$vrrl" replay --strict --json good.vrrl
equal 'the replay as JSON' "$(json '[.verdict, .records, .batches, .epochs, .backend, .divergences]')" \
    '["match",12,3,3,"opencl",[]]'
equal 'the device is named' "$(json '.device | length > 0')" true
equal 'what was run' "$(json '[.run, .ring, .first_epoch, .last_epoch]')" '[1,0,4,7]'
expect 0 "$vrrl" replay --device 0 good.vrrl
refused "$vrrl" replay --device 9999 good.vrrl
refused "$vrrl" replay --device 'no such device' good.vrrl
says err 'no such device'

# diverges RECORD EXPECTED ACTUAL [OPTION]: what is in changed.txt first diverges in EPOCH, there
diverges()
{
    "$makelog" changed.vrrl --session <changed.txt || fail 'no log was made'
    expect 1 "$vrrl" replay --json ${4:+"$4"} changed.vrrl
    equal 'the divergence' \
        "$(json '.divergences[0] | [.record, .word, .expected, .actual, .against]')" \
        "[$1,128,$2,$3,\"recorded\"]"
    equal 'the verdict' "$(json .verdict)" '"diverged"'
    expect 1 "$vrrl" replay ${4:+"$4"} changed.vrrl
    says out "^  record $1, epoch $2: EPOCH "
    says out '^verdict: diverged$'
    rm -rf changed.vrrl changed.vrrl.d
}

# An epoch changed, up and down; a fence removed.
batches | sed 's/^1 28 COMPARE_SWAP 5/1 28 COMPARE_SWAP 6/' >changed.txt
diverges 5 6 5
batches | sed 's/^1 28 COMPARE_SWAP 5/1 28 COMPARE_SWAP 4/' >changed.txt
diverges 5 4 5
batches | sed '/^3 0 BATCH_FENCE 4/d' >changed.txt
diverges 3 5 4

# A fence doubled: a lead, and strict a divergence.
doubled()
{
    batches | sed 's/^3 0 BATCH_FENCE 4.*/&\n9 0 BATCH_FENCE 4 3 100/'
}
doubled >changed.txt
diverges 5 5 6 --strict
doubled | "$makelog" doubled.vrrl
expect 2 "$vrrl" replay doubled.vrrl # the packed slot, without its session
doubled | sed '/PACKED/d' | "$makelog" lead.vrrl
expect 0 "$vrrl" replay --json lead.vrrl
equal 'the largest lead' "$(json '[.verdict, .largest_lead, .largest_lead_record]')" '["match",1,5]'

# The same slot again in one epoch is the next batch, and there the lead shows itself.
batches | sed 's/^3 0 BATCH_FENCE 5.*/&\n&/' >changed.txt
diverges 8 5 6 --strict

# What a bare log cannot tell is no match.
batches | "$makelog" bare.vrrl
expect 2 "$vrrl" replay --json bare.vrrl
equal 'the verdict' "$(json '[.verdict, .incomplete[].record]')" '["incomplete",10]'
says err 'Fix: '
expect 2 "$vrrl" replay bare.vrrl
says out '^  record 10: .*Fix: '
says out '^verdict: incomplete$'
echo '0 0 PACKED_SLOT 0 0x00020201 1 200' | "$makelog" short.vrrl
expect 0 "$vrrl" replay short.vrrl
echo '0 0 0x40000001 0' | "$makelog" user.vrrl
expect 2 "$vrrl" replay user.vrrl
says out '0x40000001'
echo '0 0 MEMCPY 0 0 0 0xFFFFFFFF' | "$makelog" huge.vrrl
expect 2 "$vrrl" replay huge.vrrl
says out 'record 0: it names control word 4294967294'
echo '0xFFFFFFFF 0 NOP 0' | "$makelog" far.vrrl
expect 2 "$vrrl" replay far.vrrl
says out 'record 0: it names slot 4294967295'

# A log beside another log's session.
sed 's/^1 28 COMPARE_SWAP 5 210/1 28 COMPARE_SWAP 5 211/' >other.txt <<END
$(batches)
END
"$makelog" other.vrrl --session <other.txt
cp -r good.vrrl.d kept.d
rm -r other.vrrl.d
cp -r kept.d other.vrrl.d
expect 2 "$vrrl" replay --json other.vrrl
equal 'the mismatch' "$(json '[.verdict, .incomplete[].record]')" '["incomplete",5]'

# A damaged session is said, and what it would have told is missing.
printf x >bare-session
mkdir user2.vrrl.d
echo '0 0 NOP 0' | "$makelog" user2.vrrl
cp bare-session user2.vrrl.d/slots
expect 0 "$vrrl" replay user2.vrrl
says out '^session: '

# Runs and rings are replayed one by one.
cat >runs.txt <<END
0 0 BATCH_FENCE 0
0 0 BATCH_FENCE 1
run
ring 0
0 0 BATCH_FENCE 8
ring 1
0 0 BATCH_FENCE 3
0 0 NOP 4
ring 0
0 0 NOP 9
END
"$makelog" runs.vrrl --session <runs.txt
expect 0 "$vrrl" replay --json runs.vrrl
equal 'each ring of the last run' "$(json '[.verdict, .records, .run, .ring]')" \
    '["match",2,2,0] ["match",2,2,1]'
expect 0 "$vrrl" replay --strict --ring 1 --json runs.vrrl
equal 'ring 1 of the last run' "$(json '[.records, .run, .ring, .first_epoch]')" '[2,2,1,3]'
expect 0 "$vrrl" replay --strict --ring 0 runs.vrrl
expect 0 "$vrrl" replay --strict --run 1 runs.vrrl
refused "$vrrl" replay --run 3 runs.vrrl
refused "$vrrl" replay --ring 2 runs.vrrl

# Threads may see an epoch one read-back apart; one thread may not go back.
cat >threads.txt <<END
0 0 BATCH_FENCE 0
thread 2
1 0 NOP 1
thread 1
2 0 NOP 0
END
"$makelog" threads.vrrl --session <threads.txt
expect 0 "$vrrl" replay threads.vrrl
sed '/^thread/d' threads.txt | "$makelog" thread.vrrl --session
expect 1 "$vrrl" replay --json thread.vrrl
equal 'the epoch that goes back' "$(json '[.divergences[].record]')" '[2]'

# A masked tenant's slot stays, and is not free when the host publishes it again.
cat >masked.txt <<END
0 0 STORE_U32 0 0 8
1 0 BATCH_FENCE 0
2 5 NOP 1
3 0 BATCH_FENCE 1
2 5 NOP 2
END
"$makelog" masked.vrrl <masked.txt
expect 1 "$vrrl" replay --json masked.vrrl
equal 'the slot that is not free' \
    "$(json '.divergences[] | [.record, .buffer, .word, .expected, .actual, .against]')" \
    '[4,"ring",32,3,1,"recorded"]'

finish
