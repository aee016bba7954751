#!/bin/sh
# Processes that cannot be attached to: each has its own message, and is as it was.
. "${top_srcdir:?}/tests/e2e/attach_lib.sh"
build_host host -Wl,-z,now
check_permission ./host
unprivileged='setpriv --reuid 65534 --regid 65534 --clear-groups'
is_root()
{
    [ "$(id -u)" -eq 0 ] && $unprivileged true 2>/dev/null
}

# rejected PATTERN [PREFIX...]: $pid is refused, and runs on without the shim
rejected()
{
    pattern=$1
    shift
    refused "$@" timeout 20 "$load_shim" "$pid" "$shim" 300
    says err "process $pid: .*$pattern"
    kill -0 "$pid" 2>/dev/null || fail "the process that was refused has ended"
    grep -q libvrrl "/proc/$pid/maps" 2>/dev/null && fail 'it has the shim all the same'
}
end_it()
{
    kill -KILL "$pid" 2>/dev/null
    wait "$pid" 2>/dev/null
}
in_sleep()
{
    [ "$(cut -d' ' -f3 "/proc/$1/stat")" = S ]
}

# No such one.
sh -c 'exit 0' &
wait $!
refused "$load_shim" 4194304 "$shim"
says err 'no such process'

# A thread's number.
start ./host calls 2
many()
{
    [ "$(find "/proc/$pid/task" -maxdepth 1 -mindepth 1 | wc -l)" -gt 1 ]
}
wait_for many
thread=$(find "/proc/$pid/task" -maxdepth 1 -mindepth 1 -printf '%f\n' | grep -v "^$pid\$" | head -n 1)
refused "$load_shim" "$thread" "$shim"
says err "it is a thread of process $pid"

# Traced by another.
if command -v gdb >/dev/null; then
    gdb -q -nx -p "$pid" -ex 'shell touch traced; sleep 30' -batch >gdb.out 2>&1 &
    debugger=$!
    wait_for test -e traced
    rejected 'traces it already'
    kill -KILL "$debugger"
    wait "$debugger" 2>/dev/null
fi
# Another user's.
if is_root && $unprivileged test -x "$load_shim" -a -r "$shim"; then
    rejected "another user's (uid 0)" $unprivileged
else
    echo 'not root, or its files are not readable for all: other users were not tried'
fi
end_it

# Static.
cat >wait.c <<'END'
#include <unistd.h>
int main(void) { for (;;) pause(); }
END
if $CC -static wait.c -o static 2>/dev/null; then
    ./static &
    pid=$!
    wait_for in_sleep $pid
    rejected 'static binary'
    end_it
fi
if $CC -static-pie wait.c -o static-pie 2>/dev/null; then
    ./static-pie &
    pid=$!
    wait_for in_sleep $pid
    rejected 'static binary'
    end_it
fi
# 32 bits.
if $CC -m32 wait.c -o narrow 2>/dev/null; then
    ./narrow &
    pid=$!
    wait_for in_sleep $pid
    rejected 'no 64-bit program'
    end_it
fi
# Another C library.
if command -v musl-gcc >/dev/null && musl-gcc wait.c -o musl 2>/dev/null; then
    ./musl &
    pid=$!
    wait_for in_sleep $pid
    rejected 'musl'
    end_it
fi

# Not dumpable.
cat >hidden.c <<'END'
#include <sys/prctl.h>
#include <unistd.h>
int main(void) { prctl(PR_SET_DUMPABLE, 0); for (;;) pause(); }
END
$CC hidden.c -o hidden || fail 'no compiler'
chmod 755 . hidden
if is_root && $unprivileged test -x "$load_shim" -a -r "$shim" -a -x ./hidden; then
    $unprivileged ./hidden &
    pid=$!
    wait_for in_sleep $pid
    rejected 'undumpable' $unprivileged
    end_it
fi

# Filters of system calls that end whoever calls: always, for some arguments, and by a signal; strict ones.
build_under
filtered()
{
    grep -q '^Seccomp:.[12]' "/proc/$1/status" && in_sleep "$1"
}
$CC wait.c -o wait || fail 'no compiler'
for filter in 'kill memfd_create' 'argument mmap' 'trap flock' 'kill membarrier'; do
    # shellcheck disable=SC2086 # two words
    ./under_filter $filter ./wait &
    pid=$!
    wait_for filtered $pid
    if [ "$(id -u)" -eq 0 ]; then
        rejected "seccomp) may end it for ${filter#* }()"
    else
        rejected 'seccomp) that vrrl is not under .* cannot be read'
    fi
    end_it
done
if is_root && $unprivileged test -x "$load_shim" -a -r "$shim" -a -x ./under_filter -a -x ./wait; then
    $unprivileged ./under_filter errno ptrace ./wait &
    pid=$!
    wait_for filtered $pid
    rejected 'seccomp) that vrrl is not under .* cannot be read' $unprivileged
    end_it
fi
mkfifo input
./under_filter strict <input &
pid=$!
exec 9>input
wait_for grep -q '^Seccomp:.1' "/proc/$pid/status"
rejected 'strict seccomp'
exec 9>&-
end_it
finish
