# shellcheck shell=sh disable=SC2034 # the scripts use the variables
# What the scripts here share.  A script runs in a folder of its own, which is
# removed at its end; "$vrrl" is the command, out and err are what the last run said.

# A script that hangs is ended, with all that it started, and fails.
if [ -z "${bounded-}" ]; then
    bounded=1
    export bounded
    exec timeout -k 10 600 sh "$0" "$@"
fi

set -u
# What is sorted and what is said must not depend on who runs it.
LC_ALL=C
export LC_ALL
: "${top_builddir:?run it by make check}" "${top_srcdir:?run it by make check}"
vrrl=$top_builddir/vrrl
golden=$top_srcdir/tests/golden
publish_host=$top_builddir/tests/e2e/publish_host
append_log=$top_builddir/tests/e2e/append_log
failures=0

folder=$(mktemp -d "${TMPDIR:-/tmp}/vrrl-test.XXXXXX") || exit 99
trap 'cd /; chmod -R u+w "$folder"; rm -rf "$folder"' EXIT
cd "$folder" || exit 99
# With a sanitizer in the shim and none in the program, or its handlers instead of the program's
# own, the tests would be of the sanitizer.
export ASAN_OPTIONS="${ASAN_OPTIONS:-verify_asan_link_order=0:handle_segv=0:handle_sigbus=0:handle_sigfpe=0}"
export TSAN_OPTIONS="${TSAN_OPTIONS:-handle_segv=0:handle_sigbus=0:handle_sigfpe=0}"
# What a sanitizer leaves out of its report is no output of the shim's.
export LSAN_OPTIONS="${LSAN_OPTIONS:+$LSAN_OPTIONS:}print_suppressions=0"
unset VRRL_LOG VRRL_CAPACITY VRRL_DISABLE VRRL_VERBOSE

fail()
{
    failures=$((failures + 1))
    echo "FAIL: $*"
    sed 's/^/    out: /' out 2>/dev/null | head -n 20
    sed 's/^/    err: /' err 2>/dev/null | head -n 20
}

# expect STATUS COMMAND...: run it, and check its exit status
expect()
{
    expected=$1
    shift
    "$@" >out 2>err </dev/null
    actual=$?
    last=$*
    [ "$actual" -eq "$expected" ] || fail "exit status $actual instead of $expected: $last"
}

# says FILE PATTERN: the last run wrote a line that matches (grep)
says()
{
    grep -q -e "$2" "$1" || fail "nothing like '$2' in $1: $last"
}

# silent FILE: the last run wrote nothing there
silent()
{
    [ ! -s "$1" ] || fail "$1 is not empty: $last"
}

# refused COMMAND...: exit status 2, nothing on stdout, and one line that ends in "Fix: …"
refused()
{
    expect 2 "$@"
    silent out
    says err '^vrrl: .*Fix: .*\.$'
    [ "$(wc -l <err)" -eq 1 ] || fail "not one line on stderr: $last"
}

# is_sanitized: the shim was built with a sanitizer, whose runtime has memory and habits of its own
is_sanitized()
{
    readelf -d "$top_builddir/.libs/libvrrl-preload.so" | grep -q -e libasan -e libtsan -e libubsan
}

# loader_knows VARIABLE: whether the OpenCL loader looks at a variable of the environment
loader_knows()
{
    loader=$(ldd "$top_builddir/textstat-by-hand" | sed -n 's/.*libOpenCL.* => \(.*\) (.*/\1/p')
    grep -q "$1" "$loader"
}

# equal WHAT ACTUAL EXPECTED
equal()
{
    [ "$2" = "$3" ] || fail "$1: '$2' instead of '$3'"
}

# json FILTER: what jq makes of the last run's stdout, in one line
json()
{
    jq -c "$1" out | tr '\n' ' ' | sed 's/ $//'
}

# wait_for COMMAND...: until it succeeds, 10 seconds at most
wait_for()
{
    tries=0
    until "$@" 2>/dev/null; do
        tries=$((tries + 1))
        if [ "$tries" -ge 200 ]; then
            fail "waited in vain: $*"
            return 1
        fi
        sleep 0.05
    done
}

# control_file: that of $pid, a process of this script's own pid namespace
# shellcheck disable=SC2154
control_file()
{
    echo "/dev/shm/vrrl-$(id -u)/$pid-$(stat -Lc %i /proc/self/ns/pid)"
}

# poke FILE OFFSET BYTES: overwrite, BYTES as of printf(1)
poke()
{
    printf "$3" | dd of="$1" bs=1 seek="$2" conv=notrunc 2>/dev/null
}

finish()
{
    [ "$failures" -eq 0 ] || echo "$failures checks failed"
    [ "$failures" -eq 0 ]
    exit
}
