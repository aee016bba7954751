#!/bin/sh
# Sessions that are damaged, cut or edited: each is refused, with what is wrong and what to do.
. "${top_srcdir:-.}/tests/e2e/lib.sh"
shim=$top_builddir/.libs/libvrrl-preload.so
kernel=$top_builddir/src/replay/standalone/megakernel.cl

if ! "$vrrl" devices >out 2>err; then
    echo 'no OpenCL device: skipped'
    exit 77
fi

cat >script <<'END'
ring a 8 200
put 0 0 ATOMIC_ADD 5 150
put 1 0 BATCH_FENCE 1 1
upload
launch
read control
put 0 0 ATOMIC_ADD 7 150
upload 0 1
launch
write 199 7
read ring
END
env LD_PRELOAD="$shim" VRRL_LOG=whole.vrrl VRRL_CAPACITY=100 "$top_builddir/tests/e2e/replay_host" \
    "$kernel" <script >host.out 2>host.err || fail 'the host failed'
expect 0 "$vrrl" replay whole.vrrl

# fresh: run.vrrl is the whole recording again
fresh()
{
    rm -rf run.vrrl run.vrrl.d
    cp whole.vrrl run.vrrl
    cp -r whole.vrrl.d run.vrrl.d
}

# wrong PATTERN [OPTION]...: it is refused
wrong()
{
    pattern=$1
    shift
    refused timeout 60 "$vrrl" replay "$@" run.vrrl
    says err "$pattern"
}

# ---- parts that are missing
fresh && rm run.vrrl.d/submits
wrong 'submits: no launch of run 1, ring 0 is there'
fresh && rm run.vrrl.d/programs
wrong 'submits: entry [0-9]* of the session names a kernel that is not there'
fresh && rm run.vrrl.d/observations
expect 0 "$vrrl" replay run.vrrl
says out 'no observation'
wrong 'no observations' --against recorded
fresh && rm run.vrrl.d/slots
expect 0 "$vrrl" replay run.vrrl
says out '^session: its slots are missing'

# ---- cut, and not what the name says
for part in submits programs observations; do
    for bytes in 0 100 4096 20000; do
        fresh && truncate -s "$bytes" "run.vrrl.d/$part"
        wrong "run.vrrl.d/$part: .*damaged"
    done
    fresh && poke "run.vrrl.d/$part" 8 '\001'
    wrong "run.vrrl.d/$part: .*another version"
    fresh && cp run.vrrl.d/slots "run.vrrl.d/$part"
    wrong "run.vrrl.d/$part: .*damaged"
    # Where the newest entry ends.
    fresh && poke "run.vrrl.d/$part" 24 '\377\377\377\377\377\377\377\377'
    wrong "run.vrrl.d/$part: .*damaged"
done

# ---- edited: positions, numbers, sizes (entries begin at 4096, payloads 64 bytes later)
fresh && poke run.vrrl.d/submits $((4096 + 16)) '\377\377\377'
wrong 'submits: entry 1 of the session lies after the last record'
fresh && poke run.vrrl.d/submits $((4096 + 32)) '\143'
wrong 'submits: entry 1 of the session is none of this journal'
# The first upload: its first slot, its runs, their slots.
fresh && poke run.vrrl.d/submits $((4096 + 64)) '\377'
wrong 'is no upload into this ring'
fresh && poke run.vrrl.d/submits $((4096 + 68)) '\377\377'
wrong 'is no upload into this ring'
fresh && poke run.vrrl.d/submits $((4096 + 72)) '\377\377\377\377'
wrong 'is no upload into this ring'
# The first launch: its kernel, its number, dimensions, sizes.
launch=$((4096 + 128 + 64))
fresh && poke run.vrrl.d/submits $launch '\377'
wrong 'names a kernel that is not there'
fresh && poke run.vrrl.d/submits $((launch + 8)) '\377'
wrong 'is a launch that was before'
fresh && poke run.vrrl.d/submits $((launch + 24)) '\004'
wrong 'is no submit'
fresh && poke run.vrrl.d/submits $((launch + 56)) '\000\000\000\000'
wrong 'launches nothing'
fresh && poke run.vrrl.d/submits $((launch + 60)) '\377\377\377\377'
wrong 'more work than a replay may do'
# The first observation, of the control buffer: its range.
fresh && poke run.vrrl.d/observations $((4096 + 64 + 8)) '\001\001\001'
wrong 'observations: entry 1 of the session lies outside its buffer'
fresh && poke run.vrrl.d/observations $((4096 + 64)) '\005'
wrong 'observations: entry 1 of the session is no observation'

# ---- the program: it does not build, has no such kernel, or one of other arguments
fresh && sed -i 's/__kernel void vyre_mega/__kernol void vyre_mega/' run.vrrl.d/programs
expect 2 "$vrrl" replay run.vrrl
silent out
says err 'the program does not build here'
says err '__kernol'
says err '^Fix: '
expect 0 "$vrrl" replay --kernel builtin run.vrrl
fresh && sed -i 's/__kernel void vyre_megakernel/__kernel void vyre_minikernel/' run.vrrl.d/programs
wrong 'has no kernel vyre_megakernel'
fresh && sed -i 's/uint control_words, uint ring_slots)$/uint control_words                 )/' \
    run.vrrl.d/programs
sed -i 's/lane >= ring_slots ||/lane >= 8u         ||/' run.vrrl.d/programs
wrong 'takes 5 arguments, and 6 were recorded'
# What form it is in: unknown, an intermediate language, a binary for something else.
program=$(grep -abo 'OpenCLPortable' run.vrrl.d/programs | head -n 1 | cut -d : -f 1)
fresh && poke run.vrrl.d/programs $((program - 32)) '\000'
wrong 'does not have the program'
fresh && poke run.vrrl.d/programs $((program - 32)) '\002'
expect 2 "$vrrl" replay run.vrrl
says err 'Fix: '
fresh && poke run.vrrl.d/programs $((program - 32)) '\003'
poke run.vrrl.d/programs $((program + 6 + 30)) 'X'
expect 2 "$vrrl" replay run.vrrl
says err 'Fix: '
expect 0 "$vrrl" replay --kernel builtin run.vrrl

# ---- the kernel: its arguments are no megakernel's, or larger than anything
kernel_name=$(grep -abo 'vyre_megakernel' run.vrrl.d/programs | tail -n 1 | cut -d : -f 1)
arguments=$((kernel_name + 16))
fresh && poke run.vrrl.d/programs $((arguments + 24)) '\001\000\000\000'
wrong 'has a control buffer that is none'
fresh && poke run.vrrl.d/programs $((arguments + 24 + 3)) '\100'
wrong 'has a control buffer larger than a replay takes'
fresh && poke run.vrrl.d/programs $((arguments + 32 + 24)) '\001'
wrong 'has a ring that is none'
fresh && poke run.vrrl.d/programs $((arguments + 32 + 24 + 3)) '\100'
wrong 'has a ring larger than a replay takes'
fresh && poke run.vrrl.d/programs $((arguments + 32 + 24)) '\100\000'
expect 2 "$vrrl" replay run.vrrl
says err 'Fix: '
fresh && poke run.vrrl.d/programs $((arguments + 32 + 8)) '\001'
wrong 'has one memory for two of its buffers'
fresh && poke run.vrrl.d/programs $((arguments + 32 + 8)) '\000'
wrong 'has a buffer that the recorder did not know'
# A buffer that no device holds: so say the first contents of the IO queue, the entry before.
fresh && poke run.vrrl.d/programs $((kernel_name - 24 - 64 - 2176 + 64 + 8 + 5)) '\001'
wrong 'a buffer of this log is [0-9]* bytes and the device takes'
fresh && poke run.vrrl.d/programs $((arguments + 4)) '\001'
wrong 'is no kernel'
fresh && poke run.vrrl.d/programs $((arguments + 4 * 32)) '\004\000\000\000\000'
expect 2 "$vrrl" replay run.vrrl
says err 'Fix: '

finish
