#!/bin/sh
# The recorder is a guest: what a host does, prints and ends with is the same with it and without,
# and what it published is in the log.
. "${top_srcdir:?}/tests/e2e/lib.sh"
shim=$top_builddir/.libs/libvrrl-preload.so
host=$top_builddir/tests/e2e/guest_host
sanitized=no
is_sanitized && sanitized=yes

# same MODE [ARGUMENT]: run it unrecorded and recorded, and compare
same()
{
    rm -rf run.vrrl run.*.vrrl run.*vrrl.d
    timeout -k 5 60 "$host" "$@" >plain 2>plain.err </dev/null
    expected=$?
    rm -rf ended run.vrrl
    expect "$expected" timeout -k 5 60 env LD_PRELOAD="$shim" VRRL_LOG=run.vrrl "$host" "$@"
    cmp -s plain out || fail "$* says something else: $(diff plain out)"
}

# records MODE COUNT [ARGUMENT]: the same, silent, and that many records in run.vrrl
records()
{
    mode=$1 count=$2
    shift 2
    same "$mode" "$@"
    cmp -s plain.err err || fail "$mode is not silent: $(cat err)"
    equal "records of $mode" "$("$vrrl" dump --json run.vrrl | wc -l)" "$count"
    "$vrrl" verify run.vrrl >verified || fail "$mode: $(cat verified)"
}

# goes_on MODE PATTERN [ARGUMENT]: the same, unrecorded, and one line says why
goes_on()
{
    mode=$1 pattern=$2
    shift 2
    same "$mode" "$@"
    says err "^vrrl: .*$pattern.*Fix: .*\.$"
    equal "lines on stderr of $mode" "$(wc -l <err)" 1
}

the_handler_publishes()
{
    same signals
    # A handler that comes while the log is being opened is counted, and not recorded.
    handlers=$("$vrrl" dump --slots --json run.vrrl | jq .ring | sort | uniq -c | sort -n |
        sed -n '1s/^ *\([0-9]*\) .*/\1/p')
    skipped=$("$vrrl" info --json run.vrrl | jq .session.skipped)
    [ "$handlers" -gt 0 ] || fail 'nothing of the handler was recorded'
    equal "publishes of the handler" "$((handlers + skipped))" 1000
    "$vrrl" verify run.vrrl >verified || fail "signals: $(cat verified)"
}

records publish 3
records threads 6400
records errno 3
records descriptors 2
records atexit 6
records _exit 2
records abort 2
records fork 20
equal "records of the child" "$("$vrrl" dump --json run.[0-9]*.vrrl | wc -l)" 5
equal "thread of the child" "$("$vrrl" dump --slots --json run.[0-9]*.vrrl | jq .thread | sort -u)" 1
records fork-threads 20
equal "records of the children's threads" "$(for log in run.[0-9]*.vrrl; do "$vrrl" dump --json "$log"; done | wc -l)" \
    128000
records exec 20
equal "records of the children" "$(for log in run.[0-9]*.vrrl; do "$vrrl" dump --json "$log"; done | wc -l)" 6

GUEST_EARLY=1
export GUEST_EARLY
records publish 9
unset GUEST_EARLY

# TSan lets a handler run only where the host waits, which this host does not.
case $(readelf -d "$shim") in
*libtsan*) ;;
*) the_handler_publishes ;;
esac

same daemon ended
wait_for test -e ended
# Whether the first process's log is taken over depends on whether it has ended.
records_of_all()
{
    for log in run.vrrl run.[0-9]*.vrrl; do
        [ ! -e "$log" ] || "$vrrl" dump --json "$log"
    done | wc -l
}
all_are_there()
{
    [ "$(records_of_all)" -eq 9 ]
}
wait_for all_are_there

# A sanitizer makes system calls, and needs memory and descriptors, of its own.
for how in $([ $sanitized = yes ] || echo seccomp prctl); do
    records confined-after 1001 $how
    goes_on confined-before seccomp $how
    [ ! -e run.vrrl ] || fail "a log was made under a filter"
done
[ $sanitized = yes ] || goes_on as 'not recording'
[ $sanitized = yes ] || goes_on nofile 'not recording'
goes_on fsize 'not recording'
ls run.vrrl* 2>/dev/null && fail 'something was left behind'

for change in truncate truncate-slots; do
    goes_on $change truncated run.vrrl
done
same delete run.vrrl
silent err
same replace run.vrrl
silent err
records bus 2
[ $sanitized = yes ] || records bus-dies 1
[ $sanitized = yes ] || records segv 2

# A clock that is set back while a log is continued: an hour is put on what is there.
records publish 3
"$vrrl" dump --json run.vrrl | jq '.timestamp_ns' >stamps
for record in 0 1 2; do
    high=$(($(sed -n "$((record + 1))p" stamps) / 4294967296 + 838))
    poke run.vrrl $((32 + 64 * record + 8)) "$(printf '\\%03o\\%03o\\%03o\\%03o' $((high % 256)) \
        $((high / 256 % 256)) $((high / 65536 % 256)) $((high / 16777216)))"
done
expect 0 env LD_PRELOAD="$shim" VRRL_LOG=run.vrrl "$host" publish
silent err
equal 'records of both' "$("$vrrl" dump --json run.vrrl | wc -l)" 6
expect 0 "$vrrl" verify run.vrrl
says out 'clock was set back 1 time '

# Folders that are not there, or cannot be written.
for log in missing/run.vrrl /proc/run.vrrl; do
    expect 0 env LD_PRELOAD="$shim" VRRL_LOG="$log" "$host" publish
    says err '^vrrl: not recording into .*Fix: .*\.$'
    equal 'lines on stderr' "$(wc -l <err)" 1
done
if [ "$(id -u)" -eq 0 ] && mkdir small && mount -t tmpfs -o size=1m tmpfs small 2>/dev/null; then
    expect 0 env LD_PRELOAD="$shim" VRRL_LOG=small/run.vrrl "$host" publish
    says err '^vrrl: not recording into .*Fix: .*\.$'
    equal 'left on the full disk' "$(find small -type f | wc -l)" 0
    expect 0 env LD_PRELOAD="$shim" VRRL_LOG=small/run.vrrl VRRL_CAPACITY=64 "$host" publish
    silent err
    umount small
else
    echo 'no tmpfs can be mounted: a full disk was not tried'
fi

# Another preload beside it.
jemalloc=$(ls /usr/lib/*/libjemalloc.so.2 2>/dev/null | head -n 1)
if [ -n "$jemalloc" ] && [ $sanitized = no ]; then
    for list in "$jemalloc $shim" "$shim $jemalloc"; do
        rm -rf run.vrrl run.vrrl.d
        expect 0 env LD_PRELOAD="$list" VRRL_LOG=run.vrrl "$host" threads
        silent err
        equal "records beside jemalloc" "$("$vrrl" dump --json run.vrrl | wc -l)" 6400
    done
fi
if [ $sanitized = no ]; then
    for sanitizer in address thread; do
        # shellcheck disable=SC2086 # several words
        if $CC -fsanitize=$sanitizer -D_GNU_SOURCE -I"$top_srcdir/src/runtime" -I"$top_srcdir/src/vyre" \
            "$top_srcdir/tests/e2e/guest_host.c" "$top_srcdir/tests/e2e/guest_bus.c" -o sanitized "$top_builddir/.libs/libvyre_runtime.so" \
            -Wl,-rpath,"$top_builddir/.libs" 2>/dev/null && setarch -R ./sanitized publish >/dev/null 2>&1; then
            rm -rf run.vrrl run.vrrl.d
            expect 0 env LD_PRELOAD="$shim" VRRL_LOG=run.vrrl setarch -R ./sanitized threads
            equal "records under $sanitizer" "$("$vrrl" dump --json run.vrrl | wc -l)" 6400
        fi
    done
fi

# What the loader must find room for when the shim comes late.
tls=$(readelf -lW "$shim" | awk '$1 == "TLS" { print $6 }')
[ $sanitized = yes ] || [ "$((tls))" -le 64 ] || fail "static TLS: $tls bytes"

finish
