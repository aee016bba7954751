#!/bin/sh
# The shim loaded into hosts that run: however they are linked, whatever they are busy with, and
# whenever vrrl is killed meanwhile, they go on and their results are right.
# VRRL_ATTACH_LOADS and VRRL_ATTACH_KILLS make it longer; 200 of each take some minutes.
. "${top_srcdir:?}/tests/e2e/attach_lib.sh"
loads=${VRRL_ATTACH_LOADS:-6}
kills=${VRRL_ATTACH_KILLS:-24}

build_host lazy -Wl,-z,lazy -Wl,-z,norelro
build_host now -Wl,-z,now -Wl,-z,relro
build_host no-plt -fno-plt -Wl,-z,now -Wl,-z,relro
build_host no-pie -fno-pie -no-pie -Wl,-z,lazy
check_permission ./now

# loaded HOW [MILLISECONDS]: into the host that runs, which is recorded from there on
loaded()
{
    expect 0 timeout 20 "$load_shim" "$pid" "$shim" "${2:-2000}"
    says out "^loaded $1"
    expect 0 timeout 20 "$load_shim" "$pid" "$shim"
    says out '^woken by'
    wait_for test -e run.vrrl
    ended
    expect 0 "$vrrl" verify run.vrrl
    rm -rf run.vrrl run.vrrl.d
}

for host in lazy now no-plt no-pie; do
    start ./$host calls 2
    loaded 'by reference'
done
start ./now callbacks 2
loaded 'by reference'

# Without a reference, and with none that may be used: inside a handler.
start ./lazy handlers 2
loaded 'by stop' 3000
start ./no-pie pointers 2
expect 0 timeout 20 "$load_shim" "$pid" "$shim" 3000
says out '^loaded by stop'
ended

# Nobody comes, and nobody can be stopped: refused, and nothing is left behind.
start ./now waits 1
refused timeout 20 "$load_shim" "$pid" "$shim" 400
says err "process $pid: .*called none of the functions"
grep -q libvrrl "/proc/$pid/maps" && fail "the shim is in a host that was refused"
kill -TERM "$pid"
wait "$pid" || fail 'a host that was refused has not ended well'

load=0
while [ "$load" -lt "$loads" ]; do
    for threads in 1 4 16; do
        start ./now calls $threads
        expect 0 timeout 20 "$load_shim" "$pid" "$shim"
        ended
        start ./no-pie pointers $threads
        expect 0 timeout 20 "$load_shim" "$pid" "$shim" 3000
        ended
        load=$((load + 1))
        rm -rf run.vrrl run.vrrl.d
    done
done
echo "$load attaches to hosts of 1, 4 and 16 threads"

# kill_some HOST: vrrl killed at any moment, then attached all the same
kill_some()
{
    start "./$1" calls 4
    kill_loaders 12
    ended
    rm -rf run.vrrl run.vrrl.d
}

kill=0
while [ "$kill" -lt "$kills" ]; do
    kill_some lazy
    kill_some now
    kill=$((kill + 24))
done
echo "$kill loaders killed"
finish
