#!/bin/sh
# dump: order, filters, and its two forms.
. "${top_srcdir:-.}/tests/e2e/lib.sh"

"$append_log" log.vrrl 32 40 || fail 'append_log'

# Oldest first; the index counts what is live.
expect 0 "$vrrl" dump --json log.vrrl
silent err
equal 'slots' "$(json .slot_idx)" "$(seq -s ' ' 8 39)"
equal 'indices' "$(json .index)" "$(seq -s ' ' 0 31)"
head -n 1 out >first
equal 'members' "$(jq -c keys_unsorted first)" \
    '["index","timestamp_ns","slot_idx","tenant_id","opcode","opcode_name","args","epoch"]'
# jq rounds what is over 2^53, so look at the text.
grep -q '"timestamp_ns":9223372036854775816,' first || fail "timestamps are not exact: $(cat first)"
equal 'values' "$(jq -c '[.tenant_id, .opcode, .opcode_name, .args, .epoch]' first)" \
    '[2,0,"NOP",[8,16,24,4294967295],1]'

slots()
{
    expected_slots=$1
    shift
    expect 0 "$vrrl" dump --json "$@" log.vrrl
    equal "slots of $*" "$(json .slot_idx)" "$expected_slots"
}
slots '8 11 14 17 20 23 26 29 32 35 38' --tenant 2
slots '8 9 11 12 14 15 17 18 20 21 23 24 26 27 29 30 32 33 35 36 38 39' --tenant 2 -t 0
slots '15 23 31 39' --opcode BATCH_FENCE
slots '15 23 31 39' --opcode batch_fence
slots '15 23 31 39' -O 7
slots '15 23 31 39' --opcode 0x7
slots '8 15 16 23 24 31 32 39' --opcode 7 --opcode NOP
slots '10 11 12' --slot 10-12
slots '10' -s 10
slots '10 11 12' --slot 0xa-0xc
slots '16 17 18 19 20 21 22 23' --epoch 2
slots '24 25 26 27 28 29 30 31 32 33 34 35 36 37 38 39' -e 3-4294967295
slots '23' --epoch 2 --tenant 2 --opcode BATCH_FENCE
slots '' --tenant 9
expect 0 "$vrrl" dump --json --slot 12 log.vrrl
equal 'a filtered index' "$(json .index)" 4

# A table for people.
expect 0 "$vrrl" dump --slot 15 log.vrrl
equal 'lines' "$(wc -l <out)" 2
says out '^  INDEX  TIME  *SLOT  *TENANT  *OPCODE  *EPOCH  ARGS$'
says out '^      7  2262-04-11T23:47:16.854775823Z  *15  *0  BATCH_FENCE  *1  15 30 45 4294967295$'
expect 0 "$vrrl" dump "$golden/evidence_tail.vrrl"
says out ' 0x40000002 .*failure: slot status 7, class 1, backend code 42, output digest 0x1122334455667788$'
equal 'evidence' "$(grep -c failure out)" 1

# A user opcode has no name; evidence only where there is some.
expect 0 "$vrrl" dump --json "$golden/evidence_tail.vrrl"
equal 'names and failures' "$(json '[.opcode_name, .failure]')" \
    '[null,null] [null,{"slot_status":7,"class":1,"backend_code":42,"output_digest":"0x1122334455667788"}]'
equal 'failure is absent without evidence' "$(head -n 1 out | jq 'has("failure")')" false

expect 0 "$vrrl" dump "$golden/empty_cap4.vrrl"
equal 'an empty log' "$(wc -l <out)" 1
expect 0 "$vrrl" dump --json "$golden/empty_cap4.vrrl"
silent out

# Wrong values.
for option in '--tenant x' '--tenant -1' '--tenant 4294967296' '--tenant 1x' '--opcode FROB' \
    '--opcode 4294967296' '--slot 3-1' '--slot 1-' '--slot -2' '--slot 1-2-3' '--epoch a' \
    '--epoch 0x' '--tenant ,'; do
    # shellcheck disable=SC2086 # two words
    refused "$vrrl" dump $option log.vrrl
    says err "${option%% *} takes"
done
refused "$vrrl" dump log.vrrl --tenant
says err 'needs an argument'
refused "$vrrl" dump --tenant '' log.vrrl

# A reader that has seen enough is no failure.
"$append_log" big.vrrl 20000 20000 || fail 'append_log'
("$vrrl" dump big.vrrl 2>err; echo $? >status) | head -n 1 >/dev/null
silent err
(trap '' PIPE; "$vrrl" dump big.vrrl 2>err; echo $? >status) | head -n 1 >/dev/null
silent err
equal 'status with SIGPIPE ignored' "$(cat status)" 0

finish
