#!/bin/sh
# A megakernel that never stops: launched before anything is published, and fed while it runs.
. "${top_srcdir:-.}/tests/e2e/lib.sh"
shim=$top_builddir/.libs/libvrrl-preload.so
cat "$top_builddir/src/replay/standalone/megakernel.cl" "$top_srcdir/tests/e2e/persistent.cl" \
    >persistent.cl

if ! "$vrrl" devices >out 2>err; then
    echo 'no OpenCL device: skipped'
    exit 77
fi
if [ "$(nproc)" -lt 2 ]; then
    echo 'one processor: PoCL copies nothing while a kernel runs there: skipped'
    exit 77
fi

# record LOG: what the host does of the script on stdin
record()
{
    rm -rf "$1" "$1.d"
    cat >"$1.script"
    env LD_PRELOAD="$shim" VRRL_LOG="$1" timeout 60 "$top_builddir/tests/e2e/replay_host" \
        persistent.cl persistent <"$1.script" >host.out 2>host.err || fail "the host failed: $1"
}

# published LOG: slot, opcode, epoch and first two args of each record
published()
{
    "$vrrl" dump --json "$1" | jq -c '[.slot_idx, .opcode, .epoch] + .args[0:2]' | tr '\n' ' '
}

record run.vrrl <<'END'
ring a 8 320
launch 1
put 0 0 ATOMIC_ADD 5 200
put 1 0 ATOMIC_ADD 7 201
upload
await 2
read control
# The same again is another publish, since the lanes have drained the first.
put 0 0 ATOMIC_ADD 5 200
upload 0 1
await 3
read control
read ring
put 2 0 BATCH_FENCE 1 3
upload 2 1
await 4
read control
put 3 0 SHUTDOWN
upload 3 1
finish
read control
read ring
END
equal 'what was published' "$(published run.vrrl)" \
    "[0,2,0,5,200] [1,2,0,7,201] [0,2,0,5,200] [2,7,0,1,3] [3,4294967295,1,0,0] "
"$vrrl" dump --observations --json run.vrrl >observations
# What was read while the kernel ran is not what it left behind.
equal 'launches that were complete' \
    "$(jq -c '[.launches, .completed]' observations | sort -u | tr '\n' ' ')" '[1,0] [1,1] '
[ "$(wc -l <observations)" -lt 40 ] || fail 'each look of a host that waits was told'
expect 0 "$vrrl" verify run.vrrl

# matches LOG [OPTION]...
matches()
{
    expect 0 "$vrrl" replay --json "$@"
    equal "$* as JSON" "$(json '[.verdict, .divergences_total]')" '["match",0]'
}

# ---- replayed: one launch, fed while it runs; compared where the host had seen all drained
matches run.vrrl
equal 'what it rests on' "$(json '[.against, .kernel, .launches, .published, .assumed]')" \
    '["recorded","recorded",1,5,[]]'
[ "$(json .compared)" -ge 6 ] || fail "only $(json .compared) observations were compared"
matches run.vrrl --strict
matches run.vrrl --against reference
matches run.vrrl --runs 5
for mode in batch resident; do
    matches run.vrrl --kernel builtin --mode $mode
    matches run.vrrl --kernel builtin --mode $mode --against reference
done

# ---- a record that was changed is found at the first look at lanes without work
cp run.vrrl flipped.vrrl && cp -r run.vrrl.d flipped.vrrl.d
poke flipped.vrrl $((32 + 64 * 2 + 24)) '\006'
poke flipped.vrrl.d/slots $((65536 + 96 * 2 + 24 + 4 * 4)) '\006'
for options in '' '--kernel builtin' '--kernel builtin --mode resident'; do
    # shellcheck disable=SC2086
    expect 1 "$vrrl" replay --json $options flipped.vrrl
    equal "the record that differs $options" \
        "$(json '.divergences[0] | [.record, .word, .expected, .actual]')" '[2,200,10,11]'
done
matches flipped.vrrl --against reference

# ---- published by calls, into the ring that goes up beside the kernel: recorded once, with its epochs
record called.vrrl <<'END'
ring a 8 320
launch 1
publish 0 0 ATOMIC_ADD 5 200
publish 1 0 BATCH_FENCE 0 1
upload
await 2
read control
read ring
publish 2 0 ATOMIC_ADD 6 200
upload 2 1
await 3
publish 3 0 BATCH_FENCE 0 2
upload 3 1
await 4
read control
read ring
publish 0 0 SHUTDOWN
upload 0 1
finish
read control
END
equal 'what was published by calls' "$(published called.vrrl)" \
    "[0,2,0,5,200] [1,7,0,0,1] [2,2,1,6,200] [3,7,1,0,2] [0,4294967295,2,0,0] "
equal 'where it was seen' \
    "$("$vrrl" dump --slots --json called.vrrl | jq -r '"\(.origin) \(.ring)"' | sort -u)" 'symbol 0'
matches called.vrrl --strict
equal 'what was published to the replay' "$(json '[.launches, .published]')" '[1,5]'

# ---- a host that is killed while its kernel runs: what it had seen is compared
mkfifo lines
env LD_PRELOAD="$shim" VRRL_LOG=killed.vrrl "$top_builddir/tests/e2e/replay_host" \
    persistent.cl persistent <lines >host.out 2>host.err &
pid=$!
exec 3>lines
printf '%s\n' 'ring a 8 320' 'launch 1' 'put 0 0 ATOMIC_ADD 5 200' 'upload 0 1' 'await 1' \
    'put 1 0 ATOMIC_ADD 6 200' 'upload 1 1' 'await 2' 'read control' 'put 2 0 STORE_U32 9 201' \
    'upload 2 1' 'await 3' 'await 4' >&3
has_seen()
{
    "$vrrl" dump --observations killed.vrrl 2>/dev/null | grep -q "done_count $1"
}
wait_for has_seen 3
kill -9 $pid
exec 3>&-
wait $pid
expect 0 "$vrrl" verify killed.vrrl
matches killed.vrrl
equal 'what was replayed of a killed host' "$(json '[.against, .launches, .published]')" \
    '["recorded",1,3]'
matches killed.vrrl --against reference
matches killed.vrrl --kernel builtin

# ---- attached to while its kernel runs, twice
env LD_PRELOAD="$shim" VRRL_DISABLE=1 "$top_builddir/tests/e2e/replay_host" persistent.cl \
    persistent <lines >host.out 2>host.err &
pid=$!
exec 3>lines
printf '%s\n' 'ring a 8 320' 'launch 1' 'put 0 0 ATOMIC_ADD 5 200' 'upload 0 1' 'await 1' >&3
is_listed()
{
    "$vrrl" ps --json | jq -es "any(.pid == $pid)" >/dev/null
}
wait_for is_listed
sleep 0.5
done=1
for log in first.vrrl second.vrrl; do
    expect 0 "$vrrl" attach -o "$log" "$pid"
    printf '%s\n' 'put 1 0 ATOMIC_ADD 6 200' 'upload 1 1' "await $((done + 1))" 'read control' \
        'read ring' 'put 2 0 ATOMIC_ADD 7 201' 'upload 2 1' "await $((done + 2))" \
        'put 2 0 ATOMIC_ADD 7 201' 'upload 2 1' "await $((done + 3))" 'read control' 'read ring' >&3
    has_records()
    {
        [ "$("$vrrl" dump --json "$log" | wc -l)" -eq 3 ]
    }
    wait_for has_records
    done=$((done + 3))
    expect 0 "$vrrl" detach "$pid"
    expect 0 "$vrrl" verify "$log"
    equal "what was published into $log" "$(published "$log")" \
        '[1,2,0,6,200] [2,2,0,7,201] [2,2,0,7,201] '
done
printf '%s\n' 'put 3 0 SHUTDOWN' 'upload 3 1' finish >&3
exec 3>&-
wait $pid
equal 'the host ended with' $? 0

# ---- a log that wrapped while one launch ran, whose entry is overwritten in the session, too
awk 'BEGIN {
    print "ring a 8 320\nlaunch 1"
    for (i = 1; i <= 17000; i++) {
        slot = i % 4
        print "put " slot " 0 ATOMIC_ADD " i % 7 + 1 " " 200 + i % 5 "\nupload " slot " 1\nawait " i
        if (i % 400 == 0)
            print "read control\nread ring"
    }
    print "put 7 0 SHUTDOWN\nupload 7 1\nfinish\nread control\nread ring"
}' >long
VRRL_CAPACITY=1000 record wrapped.vrrl <long
# An entry for each upload of a slot: the journal goes round.
equal 'whether the first submits are gone' \
    "$("$vrrl" dump --submits wrapped.vrrl | head -n 1 | awk '{ print ($1 > 1) }')" 1
for options in '' '--kernel builtin' '--against reference'; do
    # shellcheck disable=SC2086
    matches wrapped.vrrl $options
    equal "where it began $options" "$(json '[.launches, .published]')" '[1,601]'
done
finish
