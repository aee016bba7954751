#!/bin/sh
# Replaying what was launched, beside what the host of the recorded run read back.
. "${top_srcdir:-.}/tests/e2e/lib.sh"
shim=$top_builddir/.libs/libvrrl-preload.so
kernel=$top_builddir/src/replay/standalone/megakernel.cl
text=$top_srcdir/tests/demo/GPL-3.txt

if ! "$vrrl" devices >out 2>err; then
    echo 'no OpenCL device: skipped'
    exit 77
fi

# record LOG [NAME=VALUE]... COMMAND...
record()
{
    log=$1
    shift
    rm -rf "$log" "$log.d"
    env LD_PRELOAD="$shim" VRRL_LOG="$log" "$@" >host.out 2>host.err || fail "the host failed: $*"
}

# script LOG [HOW]: record what the host does of the script on stdin
script()
{
    cat >"$1.script"
    record "$1" "$top_builddir/tests/e2e/replay_host" "$kernel" ${2:+"$2"} <"$1.script"
}

# matches LOG [OPTION]...: and .launches, .compared and .in_flight are as asked
matches()
{
    expect 0 "$vrrl" replay --json "$@"
    equal "$* as JSON" "$(json '[.verdict, .divergences_total]')" '["match",0]'
}

# first FIELDS LOG: of the first divergence
first()
{
    expect 1 "$vrrl" replay --json "$2"
    json ".divergences[0] | $1"
}

# ---- the demo: what it published by symbol went up in whole rings
record demo.vrrl "$top_builddir/textstat" --kernel "$kernel" "$text"
matches demo.vrrl
equal 'what it rests on' "$(json '[.against, .kernel, .launches, .compared, .in_flight, .assumed]')" \
    '["recorded","recorded",33,99,0,[]]'
matches demo.vrrl --against reference
equal 'against' "$(json '[.against, .compared]')" '["reference",33]'
matches demo.vrrl --kernel builtin
equal 'kernel' "$(json '[.against, .kernel, .compared]')" '["recorded","builtin",99]'
refused "$vrrl" replay --against nothing demo.vrrl
refused "$vrrl" replay --kernel nothing demo.vrrl

# ---- one argument of one record flipped: the next observation, the record and the word
"$vrrl" dump --slots --json demo.vrrl >slots
# Each STORE of the demo is the only one into its word.
index=$(jq -r 'select(.words[1] == 1).index' slots | sed -n 100p)
word=$(jq -r "select(.index == $index).words[5]" slots)
value=$(jq -r "select(.index == $index).words[4]" slots)
cp -r demo.vrrl flipped.vrrl && cp -r demo.vrrl.d flipped.vrrl.d
poke flipped.vrrl $((32 + 64 * index + 24)) '\007'
# The log alone is another one than the session's.
expect 2 "$vrrl" replay --json flipped.vrrl
equal 'the mismatch' "$(json '[.verdict, .incomplete[].record]')" "[\"incomplete\",$index]"
poke flipped.vrrl.d/slots $((65536 + 96 * index + 24 + 4 * 4)) '\007'
equal 'the record that differs' \
    "$(first '[.record, .writers, .buffer, .word, .expected, .actual, .against]' flipped.vrrl)" \
    "[$index,[$index],\"control\",$word,$value,$(((value & ~255) + 7)),\"recorded\"]"
expect 1 "$vrrl" replay flipped.vrrl
says out "^     record $index: STORE_U32(.*, $word) "
says out '^verdict: diverged$'
# The reference interpreter was given the same.
matches flipped.vrrl --against reference

# ---- a record that was erased: its slot went up, and nobody knows what it was
fence=$("$vrrl" dump --slots --json demo.vrrl | jq -r 'select(.words[1] == 7).index' | sed -n 9p)
cp demo.vrrl erased.vrrl && cp -r demo.vrrl.d erased.vrrl.d
poke erased.vrrl $((32 + 64 * fence)) '\000\000\000\000'
expect 1 "$vrrl" replay --json erased.vrrl
equal 'the epoch' "$(json '.divergences[] | select(.word == 128) | [.expected, .actual, .against]')" \
    '[9,8,"recorded"]'
equal 'what is said' "$(json '.assumed[]' | grep -c '1 slots* that went up without a record')" 1

# ---- a log that wrapped four times: from its first checkpoint to the same end
record wrapped.vrrl VRRL_CAPACITY=3500 "$top_builddir/textstat" --kernel "$kernel" "$text"
equal 'laps' "$("$vrrl" info --json wrapped.vrrl | jq '.session.total / .capacity | floor')" 4
matches demo.vrrl
end=$(json '[.last_epoch, .control_words, .ring_slots]')
matches wrapped.vrrl
equal 'the same end' "$(json '[.last_epoch, .control_words, .ring_slots]')" "$end"
equal 'all that came after the checkpoint' \
    "$(json '[.compared == 3 * .launches, .checkpoint + .launches, .first_epoch == .checkpoint]')" \
    '[true,33,true]'
equal 'the others are named' "$(json '.assumed[0]' | grep -c 'records before the checkpoint')" 1
equal 'records' "$(json '.before_checkpoint > 0 and .before_checkpoint < .records')" true
expect 0 "$vrrl" replay wrapped.vrrl
says out 'records before the checkpoint after launch [0-9]* are not replayed'
# And something that differs after it is found.
"$vrrl" dump --slots --json wrapped.vrrl >slots
index=$(jq -r 'select(.words[1] == 1).index' slots | tail -n 1)
place=$((($("$vrrl" info --json wrapped.vrrl | jq .cursor) + index) % 3500))
word=$(jq -r "select(.index == $index).words[5]" slots)
poke wrapped.vrrl $((32 + 64 * place + 24)) '\011'
poke wrapped.vrrl.d/slots $((65536 + 96 * place + 24 + 4 * 4)) '\011'
equal 'the last sum' "$(first '[.record, .word]' wrapped.vrrl)" "[$index,$word]"

# ---- what a launch could see: only what had gone up
script seen.vrrl <<'END'
ring a 8 200
publish 0 0 STORE_U32 5 150
upload
publish 1 0 COMPARE_SWAP 150 5 6      # not before the second launch
launch
read control
upload 0 1                            # PUBLISHED in the host still: again
publish 2 0 COMPARE_SWAP 150 6 7      # never launched
launch
read control
upload 1 1
launch
read control
END
matches seen.vrrl
equal 'launches' "$(json '[.launches, .compared, .never_launched]')" '[3,3,1]'

# ---- a host that does more than publish: masks, statuses, a debug log, few lanes
script more.vrrl <<'END'
ring a 8 200
put 0 0 ATOMIC_ADD 5 150
put 3 5 STORE_U32 9 152               # its tenant is masked
put 4 0 PRINTF 1 2 3
put 6 0 NOP
upload
launch
read ring
read log
read control
write 8 1                             # the mask
set 4 0
set 6 7
upload 4 3
clear log
launch
read control
put 4 1 PRINTF 4 5 6
put 0 0 ATOMIC_ADD 5 150
upload
launch 4
read ring
read log
launch 4 4
read control
read ring
read log
END
matches more.vrrl
equal 'observations' "$(json '[.launches, .compared, .left_published]')" '[4,9,0]'
matches more.vrrl --against reference
# Had the tenant of slot 3 been allowed, the slot would have run at once.
poke more.vrrl $((32 + 64 + 16)) '\000'
poke more.vrrl.d/slots $((65536 + 96 + 24 + 4 * 2)) '\000'
expect 1 "$vrrl" replay --json more.vrrl
equal 'a slot that is not PUBLISHED' \
    "$(json '.divergences[] | select(.buffer == "ring") | [.record, .word, .expected, .actual]')" '[1,48,1,3]'

# ---- an upload of some slots says nothing of those between them
script stripes.vrrl <<'END'
ring a 8 200
put 1 0 ATOMIC_ADD 5 150
upload
launch
put 0 0 ATOMIC_ADD 6 151
put 4 0 BATCH_FENCE 1 1
stripes
launch
read control
END
matches stripes.vrrl
equal 'nothing is left out' "$(json '[.launches, .records, .assumed]')" '[2,3,[]]'

# ---- a host that reads back while it goes on: each observation belongs to its launch
script later.vrrl <<'END'
ring a 8 200
put 0 0 ATOMIC_ADD 5 150
put 1 0 BATCH_FENCE 1 1
upload
launch
begin control
put 4 0 ATOMIC_ADD 7 150
put 5 0 BATCH_FENCE 1 2
send 4 2
launch
finish
read control
END
matches later.vrrl
equal 'observations' "$(json '[.compared, .in_flight]')" '[2,0]'

# ---- launches in flight: what only grows can be compared
script flight.vrrl out-of-order <<'END'
ring a 8 200
put 0 0 ATOMIC_ADD 5 150
put 1 0 BATCH_FENCE 1 1
upload
finish
launch
begin control
finish
END
matches flight.vrrl --against recorded
equal 'observations' "$(json '[.compared, .in_flight]')" '[0,1]'
matches flight.vrrl
equal 'against' "$(json '[.against, .compared]')" '["reference",1]'

# ---- parts of buffers are compared as parts
script parts.vrrl <<'END'
ring a 8 200
put 0 0 ATOMIC_ADD 5 150
put 1 0 ATOMIC_ADD 6 151
put 2 0 BATCH_FENCE 1 1
put 3 0 PRINTF 1 2 3
upload
launch
read control 128 1
read ring 16 32
read log 0 3
read control 151 2
END
matches parts.vrrl
equal 'observations' "$(json '[.compared, .in_flight, .assumed]')" '[4,0,[]]'
# What was not read back may be anything: words 150 and 151 of slots 0 and 1.
poke parts.vrrl $((32 + 24)) '\011'
poke parts.vrrl.d/slots $((65536 + 24 + 4 * 4)) '\011'
matches parts.vrrl
poke parts.vrrl $((32 + 64 + 24)) '\011'
poke parts.vrrl.d/slots $((65536 + 96 + 24 + 4 * 4)) '\011'
equal 'a part' "$(first '[.record, .word, .expected, .actual]' parts.vrrl)" '[1,151,6,9]'

# ---- a program that was loaded as a binary of this device
script binary.vrrl binary <<'END'
ring a 8 200
put 0 0 ATOMIC_ADD 5 150
upload
launch
read control
END
equal 'the form' "$("$vrrl" info --json binary.vrrl | jq -r '.session.programs[].form')" binary
matches binary.vrrl
equal 'its kernel' "$(json '[.kernel, .compared]')" '["recorded",1]'

# ---- one that was compiled and linked, of which OpenCL tells no source
script linked.vrrl linked <binary.vrrl.script
matches linked.vrrl

# ---- one in an intermediate language, of a driver that takes what stands for one
# (a sanitizer's runtime comes before what is preloaded)
if ! is_sanitized; then
    $CC -O2 -shared -fPIC "$top_srcdir/tests/e2e/opencl_il.c" -o libil.so || exit 99
    {
        printf 'intermediate '
        cat "$kernel"
    } >language
    env LD_PRELOAD="$top_builddir/.libs/libvrrl-preload.so $PWD/libil.so" VRRL_LOG=language.vrrl \
        "$top_builddir/tests/e2e/replay_host" language il <binary.vrrl.script >out 2>err ||
        fail "a host of an intermediate language: $(cat err)"
    equal 'the form' "$("$vrrl" info --json language.vrrl | jq -r '.session.programs[].form')" il
    expect 0 env LD_PRELOAD="$PWD/libil.so" "$vrrl" replay --json language.vrrl
    equal 'a language that the device takes' "$(json '[.verdict, .kernel, .compared]')" '["match","recorded",1]'
    refused "$vrrl" replay language.vrrl
    says err 'an intermediate language .* which this device does not take'
    matches language.vrrl --kernel builtin
fi

# ---- several rings are several streams
script rings.vrrl <<'END'
ring a 8 200
ring b 16 300
put 0 0 ATOMIC_ADD 5 250
put 15 0 BATCH_FENCE 1 1
upload
launch
read control
use a
put 0 0 ATOMIC_ADD 5 150
upload
launch
read control
END
expect 0 "$vrrl" replay --json rings.vrrl
equal 'both' "$(json '[.verdict, .ring, .control_words, .ring_slots]')" \
    '["match",0,300,16] ["match",1,200,8]'
matches rings.vrrl --ring 1
expect 0 "$vrrl" replay rings.vrrl
equal 'both are told' "$(grep -c '^verdict: match' out)" 2
# One that diverges is the status of all.
poke rings.vrrl $((32 + 64 * 2 + 24)) '\011'
poke rings.vrrl.d/slots $((65536 + 96 * 2 + 24 + 4 * 4)) '\011'
expect 1 "$vrrl" replay --json rings.vrrl
equal 'one of them' "$(json '[.verdict, .ring]')" '["match",0] ["diverged",1]'

# Rings with one control buffer are one stream, which no replay of one ring is.
script shared.vrrl <<'END'
ring a 8 200
ring b 8 200 a
put 0 0 ATOMIC_ADD 5 150
upload
launch
use a
put 0 0 ATOMIC_ADD 5 150
upload
launch
read control
END
expect 2 "$vrrl" replay shared.vrrl
says err 'rings 0 and 1 of run 1 share their control buffer.*Fix: '

# ---- a session without launches is replayed by the batching rule, and so is the bare log
rm seen.vrrl.d/submits seen.vrrl.d/programs seen.vrrl.d/observations
matches seen.vrrl
equal 'by the rule' "$(json '[.kernel, .against, .batches, .run]')" '["builtin","reference",2,1]'
rm -r seen.vrrl.d
matches seen.vrrl
equal 'a bare log' "$(json '[.kernel, .against, .batches, .run]')" '["builtin","reference",2,null]'

finish
