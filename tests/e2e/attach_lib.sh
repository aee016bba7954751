# shellcheck shell=sh disable=SC2034
# What the tests of attaching share.
. "${top_srcdir:-.}/tests/e2e/lib.sh"
shim=$top_builddir/.libs/libvrrl-preload.so
load_shim=$top_builddir/tests/e2e/load_shim

if is_sanitized; then
    echo "a sanitizer's runtime cannot be loaded into a process that runs"
    exit 77
fi

# build_host NAME FLAGS...: attach_host, linked in one of the ways that there are
build_host()
{
    name=$1
    shift
    # shellcheck disable=SC2086 # several words
    $CC -O2 -g -std=gnu11 -D_GNU_SOURCE -I"$top_srcdir/src/runtime" -I"$top_srcdir/src/vyre" "$@" \
        "$top_srcdir/tests/e2e/attach_host.c" -o "$name" "$top_builddir/.libs/libvyre_runtime.so" \
        -Wl,-rpath,"$top_builddir/.libs" -pthread || fail "attach_host cannot be built with $*"
}

# build_under: under_filter, which runs a program under a filter of system calls
build_under()
{
    $CC -O2 -std=gnu11 -D_GNU_SOURCE "$top_srcdir/tests/e2e/under_filter.c" -o under_filter || exit 99
    chmod 755 under_filter
}

# start HOST WAY THREADS: in the background, as $pid, until it is well under way. Once it has the
# shim it records into run.vrrl.
start()
{
    VRRL_LOG=$PWD/run.vrrl
    export VRRL_LOG
    start_bare "$@"
    unset VRRL_LOG
}

# start_bare HOST WAY THREADS: the same, and it waits to be asked
start_bare()
{
    "$@" 600000 >host.out 2>host.err </dev/null &
    pid=$!
    host_of_pid=$*
    wait_for handles_signals "$pid"
}

# handles_signals PID: it does SIGTERM by now
handles_signals()
{
    caught=$(sed -n 's/^SigCgt:.*\(.\{4\}\)$/\1/p' "/proc/$1/status")
    [ $((0x$caught & 0x4000)) -ne 0 ]
}

# ended: tell the host to end; it ends well, and has published. $outer is the child that it is in, if not it
ended()
{
    kill -TERM "$pid"
    wait "${outer:-$pid}"
    code=$?
    [ $code -eq 0 ] || fail "$host_of_pid: exit status $code: $(cat host.out host.err)"
    [ -s host.out ] || fail "$host_of_pid said nothing"
}

# kill_loaders COUNT: of so many, each that loads the shim into $pid, at any moment; then one may
kill_loaders()
{
    killed=0
    while [ "$killed" -lt "$1" ]; do
        "$load_shim" "$pid" "$shim" >out 2>err &
        loader=$!
        sleep "0.00$(od -An -N1 -tu1 /dev/urandom | tr -d ' ' | tail -c 3)"
        kill -KILL $loader 2>/dev/null
        wait $loader 2>/dev/null
        killed=$((killed + 1))
    done
    sleep 0.5
    expect 0 timeout 20 "$load_shim" "$pid" "$shim"
}

# Whether it is possible at all: some containers forbid it to everybody.
check_permission()
{
    start "$1" calls 1
    "$load_shim" "$pid" "$shim" >out 2>err
    code=$?
    kill -KILL "$pid"
    wait "$pid" 2>/dev/null
    if [ $code -ne 0 ] && grep -q -e 'may not trace' -e 'may be traced' err; then
        cat err
        exit 77
    fi
    rm -rf run.vrrl run.vrrl.d
}
