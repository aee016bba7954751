#!/bin/sh
# A host publishes from 16 threads while it is attached and detached at random moments.
# VRRL_SOAK_ATTACHES says how often.
. "${top_srcdir:?}/tests/e2e/lib.sh"
shim=$top_builddir/.libs/libvrrl-preload.so
host=$top_builddir/tests/e2e/dormant_host
check=$top_builddir/tests/e2e/check_stress
attaches=${VRRL_SOAK_ATTACHES:-8}
kinds='100 1000 65536'

env LD_PRELOAD="$shim" VRRL_DISABLE=1 "$host" threads 16 stop >printed 2>said &
pid=$!

pause()
{
    sleep "0.0$(od -An -N2 -tu2 /dev/urandom | tr -d ' ' | tail -c 3)"
}

# What the process has: mappings, their size in kB, descriptors
has()
{
    echo "$(wc -l <"/proc/$pid/maps") $(sed -n 's/^VmSize:[^0-9]*\([0-9]*\).*/\1/p' "/proc/$pid/status")" \
        "$(find "/proc/$pid/fd" -mindepth 1 | wc -l)"
}

# cycle CAPACITY: attach, detach, and look at the log
cycle()
{
    expect 0 "$vrrl" attach -o run.vrrl -c "$1" "$pid"
    pause
    expect 0 "$vrrl" detach "$pid"
    # Whoever had a place finishes.
    wait_for is_let_go
    kill -0 "$pid" 2>/dev/null || {
        wait "$pid"
        fail "the host ended with $?: $(cat said)"
        finish
    }
    expect 0 "$check" run.vrrl
    expect 0 "$vrrl" verify run.vrrl
    rm -rf run.vrrl run.vrrl.d
    pause
}

is_let_go()
{
    [ "$("$vrrl" info --json run.vrrl | jq .session.owner.pid)" -eq 0 ]
}

wait_for test -e "$(control_file)"
# The first ones grow what is kept.
for capacity in $kinds; do cycle "$capacity"; done
before=$(has)
cycles=0
while [ "$cycles" -lt "$attaches" ]; do
    # shellcheck disable=SC2086 # several words
    cycle "$(shuf -n 1 -e $kinds)"
    cycles=$((cycles + 1))
done
after=$(has)
echo "mappings, kB, descriptors: $before before, $after after $attaches attaches"
is_sanitized || [ "$before" = "$after" ] || fail "the process grew: $before, then $after"
: >stop
wait "$pid"
equal 'the host ends with' "$?" 0
equal 'what it says' "$(cat printed said)" 'all were published'
finish
