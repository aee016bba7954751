#!/bin/sh
# Many threads on a small log, and hosts that are killed at any moment.
# VRRL_STRESS_SECONDS and VRRL_STRESS_KILLS make it longer.
. "${top_srcdir:-.}/tests/e2e/lib.sh"
shim=$top_builddir/.libs/libvrrl-preload.so
host=$top_builddir/tests/e2e/capture_host
check=$top_builddir/tests/e2e/check_stress
seconds=${VRRL_STRESS_SECONDS:-3}
kills=${VRRL_STRESS_KILLS:-40}

expect 0 env LD_PRELOAD="$shim" VRRL_LOG=run.vrrl VRRL_CAPACITY=64 \
    "$host" threads 8 "$((seconds * 1000))"
expect 0 "$check" run.vrrl
cat out
rm -rf run.vrrl run.vrrl.d

# 64 threads, all of them first.
expect 0 env LD_PRELOAD="$shim" VRRL_LOG=run.vrrl "$host" threads 64 200
expect 0 "$check" run.vrrl
cat out
rm -rf run.vrrl run.vrrl.d

kill=0
records=0
while [ "$kill" -lt "$kills" ]; do
    capacity=$((kill % 2 * 960 + 64))
    env LD_PRELOAD="$shim" VRRL_LOG=run.vrrl VRRL_CAPACITY=$capacity "$host" threads 3 10000 &
    sleep "0.0$(od -An -N2 -tu2 /dev/urandom | tr -d ' ' | tail -c 3)"
    kill -KILL $!
    wait $! 2>/dev/null
    kill=$((kill + 1))
    # It may have been killed before it published.
    [ -e run.vrrl ] || continue
    expect 0 "$check" run.vrrl
    expect 0 "$vrrl" verify run.vrrl
    records=$((records + 1))
    rm -rf run.vrrl run.vrrl.d run.vrrl.*.unfinished
done
echo "$kills hosts killed, $records of them had published"
[ "$records" -gt $((kills / 4)) ] || fail "too few of the hosts had published to tell"
finish
