#!/bin/sh
# Hosts without the shim that are attached to while they run, let go, and attached to again.
# VRRL_ATTACH_CYCLES makes it longer; 1000 take a minute.
. "${top_srcdir:?}/tests/e2e/attach_lib.sh"
. "$top_srcdir/tests/e2e/dormant_lib.sh"
cycles=${VRRL_ATTACH_CYCLES:-5}
kernel=$top_builddir/src/replay/standalone/megakernel.cl

build_host lazy -Wl,-z,lazy -Wl,-z,norelro
build_host now -Wl,-z,now -Wl,-z,relro
build_host no-plt -fno-plt -Wl,-z,now -Wl,-z,relro
build_host no-pie -fno-pie -no-pie -Wl,-z,lazy
check_permission ./now

# leads_to LIBRARY: where the reference of the program to vyre_publish_slot leads
leads_to()
{
    gdb -q -nx -batch -p "$pid" -ex "info symbol *(void **)&'vyre_publish_slot@got.plt'" 2>/dev/null |
        grep -q "$1"
}

# least COMMAND...: the least number that it gives of some, as the host loads libraries meanwhile
least()
{
    for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
        "$@"
    done | sort -n | head -n 1
}
count_maps()
{
    wc -l <"/proc/$pid/maps"
}
count_files()
{
    find "/proc/$pid/fd" -mindepth 1 | wc -l
}

# asleep: recording has ended, and nothing of the recorder is called any more
asleep()
{
    [ "$("$vrrl" ps --json | jq -r "select(.pid == $pid).state")" = dormant ]
}

# cycle LOG: attached, recorded into it, and detached
cycle()
{
    expect 0 timeout 30 "$vrrl" attach -o "$1" "$pid"
    says err "process $pid is recorded into\|recording begins with its next publish"
    wait_for test -s "$1"
    expect 0 timeout 30 "$vrrl" detach "$pid"
    says err "process $pid records no more"
    wait_for asleep
}

for host in lazy now no-plt no-pie; do
    start_bare ./$host calls 2
    cycle one.vrrl
    cycle two.vrrl
    ended
    for log in one two; do
        expect 0 "$vrrl" verify $log.vrrl
    done
    rm -rf ./*.vrrl*
done

# The original is called again; many attaches need no more than one.
start_bare ./lazy calls 4
cycle run.vrrl
command -v gdb >/dev/null && ! leads_to 'libvyre_runtime' &&
    fail 'a reference does not lead to the original after the detach'
count=$(least count_maps)
files=$(least count_files)
done=0
while [ "$done" -lt "$cycles" ]; do
    cycle run.vrrl
    done=$((done + 1))
done
now=$(least count_maps)
[ "$now" -le $((count + 2)) ] || fail "from $count mappings to $now"
equal descriptors "$(least count_files)" "$files"
expect 0 timeout 30 "$vrrl" attach -o run.vrrl "$pid"
refused "$vrrl" attach -o other.vrrl "$pid"
says err 'is recorded already'
command -v gdb >/dev/null && ! leads_to 'libvrrl-preload' && fail 'no reference leads to the shim'
ended
expect 0 "$vrrl" verify run.vrrl
[ ! -e "$(control_file)" ] || fail 'the control file was left behind'
rm -rf ./*.vrrl*
echo "$cycles times attached and detached"

# Let go after it forbade itself system calls: it is still called, and makes none.
mkfifo told
: >answers
"$top_builddir/tests/e2e/dormant_host" obey <told >answers 2>said &
pid=$!
exec 9>told
tell 'publish 1'
timeout 30 "$vrrl" attach -o filtered.vrrl "$pid" >out 2>err &
attaching=$!
while kill -0 "$attaching" 2>/dev/null; do
    tell 'publish 1'
    sleep 0.05
done
wait "$attaching"
equal 'attach ends with' "$?" 0
wait_for test -s filtered.vrrl
tell 'publish 1'
tell filter
tell 'publish 1'
expect 0 timeout 30 "$vrrl" detach "$pid"
tell 'publish 1'
sleep 1.1
tell 'publish 1'
exec 9>&-
wait "$pid"
equal 'the host under a filter ends with' "$?" 0
silent said
expect 0 "$vrrl" verify filtered.vrrl
rm -rf ./*.vrrl*

# Nobody calls: refused, and no control file is left.
start_bare ./now waits 1
refused timeout 30 "$vrrl" attach -o run.vrrl "$pid"
says err "process $pid: .*called none of the functions"
[ ! -e "$(control_file)" ] || fail 'a control file was left behind'
refused "$vrrl" detach "$pid"
kill -TERM "$pid"
wait "$pid"

# A publish function that the user names, and no other.
cat >named_host.c <<'END'
#include <stdio.h>
#include <unistd.h>
#include "other_runtime.h"
static _Alignas(64) uint8_t ring[64];
int main(void)
{
    for (int i = 0; i < 200000000; i++) {
        uint32_t args[3] = {(uint32_t)i, 200, 3};
        ring[0] = 0;
        if (push_work(2.5, -1, -2, 2, args, 3, args, 1, ring, 0, sizeof(ring), "note") != 7)
            return 1;
        if (access("stop", F_OK) == 0)
            break;
    }
    return puts("well") < 0;
}
END
$CC -O2 -shared -fPIC -I"$top_srcdir/tests/e2e" "$top_srcdir/tests/e2e/other_runtime.c" -o libother.so &&
    $CC -O2 -I"$top_srcdir/tests/e2e" named_host.c -o named_host ./libother.so -Wl,-rpath,"$folder" || exit 99
./named_host >host.out &
pid=$!
is_named_host()
{
    grep -q libother "/proc/$pid/maps"
}
wait_for is_named_host
host_of_pid=named_host
expect 0 timeout 30 "$vrrl" attach -o run.vrrl --publish-symbol \
    'push_work(_,_,opcode, args, nargs, _, tenant, ring, slot, len, _) -> ret != 0' "$pid"
wait_for test -s run.vrrl
touch stop
wait "$pid" || fail 'the host of another runtime has not ended well'
expect 0 "$vrrl" verify run.vrrl
[ "$("$vrrl" dump --json run.vrrl | head -n 5 | wc -l)" -eq 5 ] || fail 'nothing of push_work was recorded'
rm -rf ./*.vrrl* stop

# The demo host, in the middle of its work: its results are right. It sets its kernel's arguments once, at
# its beginning, so that no launch can be understood.
copies=0
while [ $copies -lt 400 ]; do
    cat "$top_srcdir/tests/demo/GPL-3.txt"
    copies=$((copies + 1))
done >text
has_opencl()
{
    grep -q libOpenCL "/proc/$pid/maps"
}
"$top_builddir/textstat" --kernel "$kernel" text >host.out 2>host.err &
pid=$!
wait_for has_opencl
sleep 0.5
expect 0 timeout 30 "$vrrl" attach -o run.vrrl "$pid"
expect 0 timeout 30 "$vrrl" detach "$pid"
wait "$pid" || fail "textstat: $(cat host.err)"
grep -q 'checked on the CPU: equal' host.out || fail "textstat says: $(cat host.out)"
[ ! -s host.err ] || fail "textstat was made to say: $(cat host.err)"
expect 0 "$vrrl" verify run.vrrl
refused "$vrrl" replay run.vrrl
says err 'none of its launches was understood'
rm -rf ./*.vrrl*

# A kernel that never stops, and a host that only feeds it: ring and control buffer are known by what
# goes up and comes back.
cat "$kernel" "$top_srcdir/tests/e2e/persistent.cl" >persistent.cl
mkfifo lines
"$top_builddir/tests/e2e/replay_host" persistent.cl persistent <lines >host.out 2>host.err &
pid=$!
exec 3>lines
printf '%s\n' 'ring a 2048 320' 'launch 1' 'put 0 0 ATOMIC_ADD 5 200' 'upload 0 1' 'await 1' >&3
wait_for has_opencl
sleep 0.5
# It has to call something for that.
while [ ! -e attached ]; do
    echo 'await 1' >&3
    sleep 0.05
done &
expect 0 timeout 30 "$vrrl" attach -o run.vrrl "$pid"
touch attached
wait $!
printf '%s\n' 'put 1 0 ATOMIC_ADD 6 200' 'upload 1 1' 'await 2' 'read control' 'put 2 0 BATCH_FENCE 0 1' \
    'upload 2 1' 'await 3' 'read control' 'put 1 0 ATOMIC_ADD 6 200' 'upload 1 1' 'await 4' >&3
has_records()
{
    [ "$("$vrrl" dump --json run.vrrl | wc -l)" -eq 3 ]
}
wait_for has_records
expect 0 timeout 30 "$vrrl" detach "$pid"
rm attached
printf '%s\n' 'put 3 0 SHUTDOWN' 'upload 3 1' finish >&3
exec 3>&-
wait "$pid" || fail "the host of a kernel that never stops: $(cat host.err)"
equal 'what went up beside a kernel that was running' \
    "$("$vrrl" dump --json run.vrrl | jq -c '[.slot_idx, .opcode, .epoch] + .args[0:2]' | tr '\n' ' ')" \
    '[1,2,0,6,200] [2,7,0,0,1] [1,2,1,6,200] '
expect 0 "$vrrl" verify run.vrrl
refused "$vrrl" replay run.vrrl
says err 'none of its launches was understood'
rm -rf ./*.vrrl* lines

# A host under CPython, which sets them for each launch: what was recorded is replayed from the checkpoint.
cat >host.py <<'END'
import os, sys
import numpy, pyopencl
SLOTS = 64
context = pyopencl.create_some_context(interactive=False)
queue = pyopencl.CommandQueue(context)
program = pyopencl.Program(context, open(sys.argv[1]).read()).build(options="-cl-std=CL1.2 -cl-kernel-arg-info")
kernel = program.all_kernels()[0]
control = numpy.zeros(320, dtype=numpy.uint32)
control[2:7] = [3] + [0xFFFFFFFF] * 4
ring = numpy.zeros(SLOTS * 16, dtype=numpy.uint32)
for slot in range(SLOTS):
    ring[slot * 16:slot * 16 + 6] = [1, 2, 0, 2, 1, 200]
def buffer(contents):
    flags = pyopencl.mem_flags.READ_WRITE | pyopencl.mem_flags.COPY_HOST_PTR
    return pyopencl.Buffer(context, flags, hostbuf=contents)
buffers = [buffer(control), buffer(ring), buffer(numpy.zeros(257, numpy.uint32)), buffer(numpy.zeros(512, numpy.uint32))]
published = 0
open("started", "w").close()
while not os.path.exists("stop"):
    pyopencl.enqueue_copy(queue, buffers[1], ring)
    kernel.set_args(*buffers, numpy.uint32(control.size), numpy.uint32(SLOTS))
    pyopencl.enqueue_nd_range_kernel(queue, kernel, (SLOTS,), None)
    pyopencl.enqueue_copy(queue, control, buffers[0])
    published += SLOTS
print(published & 0xFFFFFFFF == int(control[200]))
END
if ! /usr/bin/python3 -c 'import pyopencl' 2>/dev/null; then
    echo 'there is no pyopencl: not tried'
    finish
fi
# The log is there with the first launch that begins.
has_launches()
{
    [ "$("$vrrl" dump --submits run.vrrl | grep -c launch)" -ge 3 ]
}
# under_python [NAME=VALUE]...: with that in its environment
under_python()
{
    rm -rf ./*.vrrl* started stop
    env "$@" /usr/bin/python3 host.py "$kernel" >host.out 2>host.err &
    pid=$!
    wait_for test -e started
    expect 0 timeout 30 "$vrrl" attach -c 1000000 --checkpoint --kernel vyre_megakernel -o run.vrrl "$pid"
    wait_for has_launches
    expect 0 timeout 30 "$vrrl" detach "$pid"
    touch stop
    wait "$pid" || fail "the host under CPython: $(cat host.err)"
    equal 'what the host under CPython found' "$(cat host.out)" True
    expect 0 "$vrrl" verify run.vrrl
    expect 0 "$vrrl" replay run.vrrl
    says out 'verdict: match'
}
under_python
# A sanitizer's runtime would have to come first.
is_sanitized || under_python LD_PRELOAD="$shim" VRRL_DISABLE=1
finish
