#!/bin/sh
# Hosts without the shim that are attached to while they run, let go, and attached to again.
# VRRL_ATTACH_CYCLES makes it longer; 1000 take a minute.
. "${top_srcdir:?}/tests/e2e/attach_lib.sh"
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
    "$vrrl" ps --json | jq -e "select(.pid == $pid) | .state == \"dormant\"" >/dev/null
}

# cycle LOG: attached, recorded into it, and detached
cycle()
{
    expect 0 timeout 30 "$vrrl" attach -o "$1" "$pid"
    says err "process $pid is recorded into\|recording begins with its next publish"
    wait_for test -s "$1"
    expect 0 timeout 30 "$vrrl" detach "$pid"
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
count=$(count_maps)
files=$(count_files)
done=0
while [ "$done" -lt "$cycles" ]; do
    cycle run.vrrl
    done=$((done + 1))
done
[ "$(count_maps)" -le $((count + 2)) ] || fail "from $count mappings to $(count_maps)"
equal descriptors "$(count_files)" "$files"
expect 0 timeout 30 "$vrrl" attach -o run.vrrl "$pid"
refused "$vrrl" attach -o other.vrrl "$pid"
says err 'is recorded already'
command -v gdb >/dev/null && ! leads_to 'libvrrl-preload' && fail 'no reference leads to the shim'
ended
expect 0 "$vrrl" verify run.vrrl
[ ! -e "/dev/shm/vrrl-$(id -u)/$pid" ] || fail 'the control file was left behind'
rm -rf ./*.vrrl*
echo "$cycles times attached and detached"

# Nobody calls: refused, and no control file is left.
start_bare ./now waits 1
refused timeout 30 "$vrrl" attach -o run.vrrl "$pid"
says err "process $pid: .*called none of the functions"
[ ! -e "/dev/shm/vrrl-$(id -u)/$pid" ] || fail 'a control file was left behind'
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

# A host of a GPU.
i=0
while [ $i -lt 150 ]; do
    cat "$top_srcdir/tests/demo/GPL-3.txt"
    i=$((i + 1))
done >text
"$top_builddir/textstat" --kernel "$kernel" text >host.out 2>host.err &
pid=$!
publishes()
{
    grep -q libOpenCL "/proc/$pid/maps" && timeout 30 "$vrrl" attach -o run.vrrl "$pid" >out 2>err
}
wait_for publishes
wait_for test -s run.vrrl
expect 0 "$vrrl" detach "$pid"
wait "$pid" || fail "textstat: $(cat host.err)"
grep -q 'checked on the CPU: equal' host.out || fail "textstat says: $(cat host.out)"
expect 0 "$vrrl" verify run.vrrl
finish
