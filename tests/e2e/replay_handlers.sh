#!/bin/sh
# User opcodes: counted where nothing handles them, and run by the handlers of doc/handlers.cl.
. "${top_srcdir:-.}/tests/e2e/lib.sh"
shim=$top_builddir/.libs/libvrrl-preload.so
kernel=$top_builddir/src/replay/standalone/megakernel.cl
handlers=$top_srcdir/doc/handlers.cl

if ! "$vrrl" devices >out 2>err; then
    echo 'no OpenCL device: skipped'
    exit 77
fi

# The job's own kernel, into which it compiled them.
{
    echo '#define VYRE_HANDLERS'
    cat "$kernel" "$handlers"
    cat <<'END'
void vyre_handler(volatile __global uint *control, uint control_words, uint opcode,
                  const uint *args)
{
    if (opcode == 0x40000001u)
        vyre_op_40000001(control, control_words, args);
    if (opcode == 0x40000002u)
        vyre_op_40000002(control, control_words, args);
    if (opcode == 8u)
        vyre_op_00000008(control, control_words, args);
}
END
} >job.cl
cat >script <<'END'
ring a 8 200
put 0 0 0x40000001 77 150
put 1 0 0x40000002 1 2 3 4 5 6 7 8 9 10 11 151
put 2 0 PACKED_SLOT 0x00080402 0x201 4 152 1 153   # opcodes 8 and 1
put 3 0 0x40000001 70 150
put 4 0 BATCH_FENCE 4 1
upload
launch
read control
END
env LD_PRELOAD="$shim" VRRL_LOG=run.vrrl VRRL_CAPACITY=100 "$top_builddir/tests/e2e/replay_host" \
    job.cl <script >host.out 2>host.err || fail 'the host failed'

# With its own program there is nothing to be handled.
expect 0 "$vrrl" replay --json run.vrrl
equal 'the recorded program' "$(json '[.verdict, .kernel, .compared, .unhandled_total]')" '["match","recorded",1,0]'
refused "$vrrl" replay --handlers "$handlers" run.vrrl
says err 'add --kernel builtin'
# Without handlers the words are not there, and it is said why.
expect 1 "$vrrl" replay --kernel builtin --json run.vrrl
equal 'the words that are missing' "$(json '[.divergences[].word] | sort')" '[150,151,152]'
equal 'what nothing handles' "$(json '[.unhandled_total, (.unhandled[] | [.opcode, .records, .first])]')" \
    '[4,[1073741825,2,0],[1073741826,1,1],[8,1,2]]'
expect 0 "$vrrl" replay --kernel builtin --handlers "$handlers" --json run.vrrl
equal 'with handlers' "$(json '[.verdict, .kernel, .compared, .unhandled_total]')" '["match","builtin",1,0]'

# A log of user opcodes alone: nothing differs, and yet it is no match.
rm -r run.vrrl.d
expect 2 "$vrrl" replay run.vrrl # its packed slot has five words
printf '%s\n' '0 0 0x40000001 0 9 200' '1 0 NOP 0' '2 0 0x40000001 0 8 200' |
    "$top_builddir/tests/e2e/makelog" user.vrrl
expect 2 "$vrrl" replay --json user.vrrl
equal 'the verdict' "$(json '[.verdict, .launches, .divergences_total, .unhandled_total, .unhandled[0].first]')" \
    '["incomplete",1,0,2,0]'
expect 2 "$vrrl" replay user.vrrl
says out '2 records ran without effect.*0x40000001 (2, the first is record 0).*Fix: .*--handlers'
refused "$vrrl" replay --handlers "$handlers" user.vrrl
says err 'record 0 has opcode 0x40000001, whose handler the reference interpreter does not have'

# Files that are no handlers.
refused "$vrrl" replay --handlers missing.cl user.vrrl
says err '^vrrl: missing.cl: '
echo 'void something(void) {}' >none.cl
refused "$vrrl" replay --handlers none.cl user.vrrl
says err 'there is no handler in it'
sed 's/vyre_op_00000008/vyre_op_00000001/' "$handlers" >own.cl
refused "$vrrl" replay --handlers own.cl user.vrrl
says err "opcode 0x1 is the megakernel's own"
echo '0 0 NOP 0' | "$top_builddir/tests/e2e/makelog" nop.vrrl
sed 's/atomic_max(/atomic_max((/' "$handlers" >broken.cl
expect 2 "$vrrl" replay --handlers broken.cl nop.vrrl
says err 'broken.cl:7'
says err '^Fix: '
expect 0 "$vrrl" replay --handlers "$handlers" nop.vrrl
finish
