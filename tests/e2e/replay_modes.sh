#!/bin/sh
# One launch for the whole run; the recorded pace; kernels that never end or crash; Ctrl-C.
. "${top_srcdir:-.}/tests/e2e/lib.sh"
shim=$top_builddir/.libs/libvrrl-preload.so
kernel=$top_builddir/src/replay/standalone/megakernel.cl
text=$top_srcdir/tests/demo/GPL-3.txt
makelog=$top_builddir/tests/e2e/makelog

for wrong in '--mode both' '--pace slow' '--timeout 0' '--timeout 86401' '--timeout x' \
    '--mode resident --kernel recorded'; do
    # shellcheck disable=SC2086 # words
    refused "$vrrl" replay $wrong "$golden/two_of_cap4.vrrl"
done
if ! "$vrrl" devices >out 2>err; then
    echo 'no OpenCL device: skipped'
    exit 77
fi

# record LOG COMMAND...
record()
{
    log=$1
    shift
    env LD_PRELOAD="$shim" VRRL_LOG="$log" "$@" >host.out 2>host.err || fail "the host failed: $*"
}

# ---- resident: the same observations as in batches, recorded ones and the reference's
record demo.vrrl "$top_builddir/textstat" --kernel "$kernel" "$text"
for against in recorded reference; do
    expect 0 "$vrrl" replay --mode batch --kernel builtin --against $against --json demo.vrrl
    json 'del(.seconds, .backend)' >batch.json
    expect 0 "$vrrl" replay --mode resident --against $against --json demo.vrrl
    json 'del(.seconds, .backend)' >resident.json
    cmp -s batch.json resident.json ||
        fail "resident is another than batch: $(diff batch.json resident.json)"
    equal 'the backend' "$(json .backend)" '"resident"'
done
# What follows a SHUTDOWN is launched again; a masked slot stays.
cat >shutdown.txt <<END
0 0 ATOMIC_ADD 0 5 200
1 0 SHUTDOWN 0
2 0 BATCH_FENCE 0
0 0 ATOMIC_ADD 1 6 200
1 0 STORE_U32 1 0 8
2 0 BATCH_FENCE 1
0 0 STORE_U32 2 0 0
1 5 NOP 2
2 0 BATCH_FENCE 2
0 0 ATOMIC_ADD 3 7 200
2 0 BATCH_FENCE 3
END
"$makelog" shutdown.vrrl <shutdown.txt
for mode in batch resident; do
    expect 0 "$vrrl" replay --mode $mode --json shutdown.vrrl
    equal "what $mode leaves" "$(json '[.verdict, .last_epoch, .left_published]')" '["match",4,1]'
done
# A divergence is one in both.
sed 's/^1 0 SHUTDOWN 0/1 0 NOP 2/' shutdown.txt | "$makelog" ahead.vrrl
for mode in batch resident; do
    expect 1 "$vrrl" replay --mode $mode --json ahead.vrrl
    equal "what $mode finds" "$(json '.divergences[0] | [.record, .expected, .actual]')" '[1,2,0]'
done

# ---- handlers that never end, and that crash, in each mode
cat >script <<END
ring a 8 200
put 0 0 NOP
put 3 0 0x40000001 77 150
put 4 0 BATCH_FENCE 1 1
upload
launch
read control
END
record user.vrrl "$top_builddir/tests/e2e/replay_host" "$kernel" <script
cat >hangs.cl <<'END'
void vyre_op_40000001(volatile __global uint *control, uint control_words, const uint *args)
{
    while (control[args[1]] != 4711u)
        ;
}
END
cat >crashes.cl <<'END'
void vyre_op_40000001(volatile __global uint *control, uint control_words, const uint *args)
{
    control[((size_t)args[0] << 52) + 1u] = 1u;
}
END
for mode in batch resident; do
    refused "$vrrl" replay --mode $mode --kernel builtin --handlers hangs.cl --timeout 2 user.vrrl
    says err 'record 1 (opcode 0x40000001, slot 3) has not ended for 2 seconds'
    refused "$vrrl" replay --mode $mode --kernel builtin --handlers crashes.cl user.vrrl
    says err 'crashed (Segmentation fault)'
done

# ---- Ctrl-C: an end with the report so far, or if the device does not come back, without one
# interrupt COMMAND...: with SIGINT once its worker has had time to begin
interrupt()
{
    # A shell without job control makes its background commands ignore the signal.
    env --default-signal=INT "$@" >out 2>err &
    last=$*
    command=$!
    wait_for pgrep -P $command >/dev/null
    sleep 2
    kill -INT $command
    wait $command
    equal 'the exit status' $? 130
}
if command -v pgrep >/dev/null && env --default-signal=INT true 2>/dev/null; then
    interrupt "$vrrl" replay --kernel builtin --handlers hangs.cl user.vrrl
    printf 'time 1000\n0 0 NOP 0\ntime 1060\n1 0 BATCH_FENCE 0\n' | "$makelog" slow.vrrl
    interrupt "$vrrl" replay --pace recorded --json slow.vrrl
    equal 'the report so far' "$(json '[.verdict, .stopped, .published < 2, .records]')" \
        '["stopped",true,true,2]'
fi

# ---- the recorded pace
printf 'time 1000\n0 0 NOP 0\ntime 1001\n1 0 BATCH_FENCE 0\n' | "$makelog" second.vrrl
expect 0 "$vrrl" replay --json --pace recorded second.vrrl
equal 'a second' "$(json '.seconds >= 1')" true
expect 0 "$vrrl" replay --json --pace fast second.vrrl
equal 'no second' "$(json '.seconds < 1')" true
finish
