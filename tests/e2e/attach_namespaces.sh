#!/bin/sh
# Hosts in other mount, pid and user namespaces, and with another root folder: what containers are.
# The shim's folder is hidden from them. They are attached to, listed and detached from outside, and their
# results are right.
. "${top_srcdir:?}/tests/e2e/attach_lib.sh"
build_host host -Wl,-z,now
check_permission ./host
if ! unshare -m true 2>said; then
    echo "no mount namespace can be made: $(cat said)"
    exit 77
fi
# The libraries go along.
cp "$top_builddir/.libs/libvyre_runtime.so.0" . || exit 99
$CC -O2 -g -std=gnu11 -D_GNU_SOURCE -I"$top_srcdir/src/runtime" -I"$top_srcdir/src/vyre" -Wl,-z,now \
    "$top_srcdir/tests/e2e/attach_host.c" -o host ./libvyre_runtime.so.0 -Wl,-rpath,"$folder" -pthread || exit 99
chmod 755 . host
libraries=$top_builddir/.libs
hidden="mount -t tmpfs tmpfs $libraries"
own_shm='mount -t tmpfs tmpfs /dev/shm'

# start_in FLAGS SCRIPT [WAY]: a host in new namespaces, once the script has run there, as $pid
start_in()
{
    flags=$1
    host_of_pid="$flags: $2"
    # shellcheck disable=SC2086 # several flags
    unshare $flags sh -c "$2; exec \"\$@\"" - ${enter-} "$folder/host" "${3:-calls}" 2 600000 >host.out 2>host.err </dev/null &
    outer=$!
    wait_for find_host
}
# find_host: the process that unshare became, or its child, once it is the host
find_host()
{
    for pid in $outer $(pgrep -P "$outer"); do
        [ "$(cat "/proc/$pid/comm")" = host ] && handles_signals "$pid" && return 0
    done
    return 1
}
# ended_in: as ended(), of such a host
ended_in()
{
    ended
    [ ! -s host.err ] || fail "$host_of_pid was made to say: $(cat host.err)"
}
state()
{
    "$vrrl" ps --json | jq -r "select(.pid == $pid).state"
}
is_asleep()
{
    [ "$(state)" = dormant ]
}
carried()
{
    grep -q '/memfd:libvrrl-preload.so (deleted)$' "/proc/$pid/maps"
}
# no_more_files: it has no descriptor but those that it had
no_more_files()
{
    find "/proc/$pid/fd" -mindepth 1 -printf '%l\n' 2>/dev/null | grep -q memfd && fail "$host_of_pid: a descriptor is left"
}

# cycle LOG [REAL]: attached, recorded into it, listed, detached, and attached again; LOG as the host sees
# it, REAL where links lead in there
cycle()
{
    seen=/proc/$pid/root$1
    real=/proc/$pid/root${2:-$1}
    expect 0 timeout 30 "$vrrl" attach -o "$1" "$pid"
    says err "process $pid is recorded into $seen ($1 as it sees it)"
    wait_for test -s "$real"
    equal "$host_of_pid: ps" "$(state)" recording
    [ "$("$vrrl" ps --json | jq "select(.pid == $pid).publishes > 0")" = true ] ||
        fail "$host_of_pid: publishes are not counted: $("$vrrl" ps --json)"
    expect 0 timeout 30 "$vrrl" detach "$pid"
    says err "process $pid records no more: .* publishes in $seen"
    wait_for is_asleep
    expect 0 "$vrrl" verify "$real"
    expect 0 timeout 30 "$vrrl" attach -c 1000000 -o "$1" "$pid"
    wait_for test -s "$real"
    [ -s "$real.old" ] || fail "$host_of_pid: its first log was not kept"
    equal "$host_of_pid: the shim is mapped" "$(grep -c 'r-xp.*libvrrl-preload' "/proc/$pid/maps")" 1
    no_more_files
}

# Another mount namespace, with another /dev/shm and without.
start_in -m "$hidden; $own_shm"
refused timeout 30 "$vrrl" attach -o run.vrrl "$pid"
says err 'as the process sees it'
cycle "$PWD/run.vrrl"
carried || fail 'the shim was not carried'
[ -z "$(find "/dev/shm/vrrl-$(id -u)" -name "$pid-*")" ] || fail 'its control file is not in its own /dev/shm'
ended_in
expect 0 "$vrrl" verify run.vrrl
published=$(cut -d' ' -f1 host.out)
recorded=$("$vrrl" info --json run.vrrl | jq .session.total)
[ "$recorded" -gt 0 ] && [ "$recorded" -le "$published" ] || fail "$recorded of $published publishes were recorded"
rm -rf run.vrrl*
start_in -m "$hidden"
cycle "$PWD/run.vrrl"
carried || fail 'the shim was not carried'
control=/dev/shm/vrrl-$(id -u)/$pid-$(stat -Lc %i /proc/self/ns/pid)
[ -e "$control" ] || fail 'its control file is not in the /dev/shm that it shares'
ended_in
[ ! -e "$control" ] || fail 'its control file was left behind'
rm -rf run.vrrl*

# One in which the shim is seen all the same needs nothing carried.
start_in -m "$own_shm"
cycle "$PWD/run.vrrl"
carried && fail 'the shim was carried, though its file is seen'
ended_in
rm -rf run.vrrl*

# Another root folder, where absolute links lead to elsewhere than for us; none is followed out of it.
mkdir root outside
enter="chroot $PWD/root"
start_in -m "$hidden; mount --rbind / root && mkdir -p root/dev/shm && mount -t tmpfs tmpfs root/dev/shm &&
    mount -t tmpfs tmpfs root/mnt && mkdir root/mnt/real root/mnt/shm && ln -s /mnt/real root/mnt/linked &&
    ln -s $PWD/outside root/mnt/outside && mkdir -p root/mnt$PWD/outside && mount --bind root/mnt$PWD/outside root$PWD/outside"
cycle /mnt/linked/run.vrrl /mnt/real/run.vrrl
expect 0 timeout 30 "$vrrl" detach "$pid"
wait_for is_asleep
cycle /mnt/outside/run.vrrl "$PWD/outside/run.vrrl"
[ -z "$(ls outside)" ] || fail 'a link was followed out of the root folder'
ended_in
unset enter

# A thread stopped in its own code makes the file as well.
start_in -m "$hidden" pointers
expect 0 timeout 20 "$load_shim" "$pid" "$shim" 3000
says out '^loaded by stop'
carried || fail 'the shim was not carried'
no_more_files
ended_in

# The command killed at any moment: the host goes on, and is attached to after all.
start_in -m "$hidden"
kill_loaders "${VRRL_ATTACH_KILLS:-24}"
no_more_files
ended_in

# Under a filter of system calls that refuses some, as that of a container does; of files in memory, too.
if [ "$(id -u)" -eq 0 ]; then
    build_under
    enter="$PWD/under_filter errno ptrace"
    start_in -m "$hidden"
    cycle "$PWD/run.vrrl"
    ended_in
    rm -rf run.vrrl*
    enter="$PWD/under_filter errno memfd_create"
    start_in -m "$hidden"
    refused timeout 30 "$vrrl" attach -o "$PWD/run.vrrl" "$pid"
    says err "process $pid: .*could not be handed one in memory: Operation not permitted"
    ended_in
    unset enter
fi

# What cannot work: no /proc by which it could open the file, and a library that its C library refuses.
start_in -m "$hidden; mount -t tmpfs tmpfs /proc"
refused timeout 30 "$vrrl" attach -o "$PWD/run.vrrl" "$pid"
says err "process $pid: .*no whole /proc"
grep -q libvrrl "/proc/$pid/maps" && fail 'it has the shim all the same'
[ ! -e "/dev/shm/vrrl-$(id -u)/$pid-$(stat -Lc %i /proc/self/ns/pid)" ] || fail 'a control file was left behind'
ended_in
mkdir other
echo 'int needed(void) { return 1; }' >needed.c
echo 'int needed(void); int vrrl_preload_wake(void) { return needed(); }' >other.c
$CC -shared -fPIC needed.c -o other/libneeded.so &&
    $CC -shared -fPIC other.c -o other/libvrrl-preload.so other/libneeded.so -Wl,-rpath,"$PWD/other" || exit 99
start_in -m "mount -t tmpfs tmpfs $PWD/other"
refused timeout 20 "$load_shim" "$pid" "$PWD/other/libvrrl-preload.so"
says err "process $pid: the shim was not loaded: .*libneeded.so.*the C library in there"
grep -q libvrrl "/proc/$pid/maps" && fail 'a part of it is mapped all the same'
no_more_files
ended_in

# Another pid namespace: with its own /proc, with the old one's, and two at once that share /dev/shm.
if unshare -p -f true 2>/dev/null; then
    start_in '-m -p -f --mount-proc' true
    cycle "$PWD/run.vrrl"
    carried && fail 'the shim was carried, though its file is seen'
    first=$pid
    first_outer=$outer
    mv host.out first.out
    start_in '-m -p -f --mount-proc' "$hidden"
    equal 'its own number' "$(sed -n 's/^NSpid:.*\t//p' "/proc/$pid/status")" 1
    cycle "$PWD/other.vrrl"
    carried || fail 'the shim was not carried'
    pid=$first
    equal 'ps of the first one' "$(state)" recording
    expect 0 timeout 30 "$vrrl" detach "$pid"
    wait_for is_asleep
    pid=$(pgrep -P "$outer")
    equal 'ps of the second one' "$(state)" recording
    ended_in
    kill -TERM "$first"
    wait "$first_outer"
    equal 'the first one ends with' "$?" 0
    rm -rf ./*.vrrl*

    start_in '-p -f' true
    expect 0 timeout 30 "$vrrl" attach -o run.vrrl "$pid"
    says err "process $pid is recorded into $PWD/run.vrrl\$"
    wait_for test -s run.vrrl
    equal 'ps of a number of its own' "$(state)" recording
    control=/dev/shm/vrrl-$(id -u)/1-$(stat -Lc %i "/proc/$pid/ns/pid")
    [ -e "$control" ] || fail 'its control file is not called after its own number'
    expect 0 timeout 30 "$vrrl" detach "$pid"
    wait_for is_asleep
    carried && fail 'the shim was carried, though its file is seen'
    ended_in
    rm -rf run.vrrl*

    # All of it, and a log that nobody sees outside.
    start_in '-m -p -f --mount-proc' "$hidden; $own_shm; mount -t tmpfs tmpfs /mnt"
    cycle /mnt/run.vrrl
    cp -r "/proc/$pid/root/mnt/run.vrrl" "/proc/$pid/root/mnt/run.vrrl.d" .
    ended_in
    expect 0 "$vrrl" verify run.vrrl
    rm -rf run.vrrl*
    # Files in memory that may not be executed can be mapped all the same.
    if [ -e /proc/sys/vm/memfd_noexec ]; then
        start_in '-m -p -f --mount-proc' "$hidden; echo 2 >/proc/sys/vm/memfd_noexec"
        cycle "$PWD/run.vrrl"
        ended_in
        rm -rf run.vrrl*
    fi
    # Another time namespace.
    if unshare -T -f --boottime 1000 true 2>/dev/null; then
        start_in '-T -f --boottime 1000' true
        refused timeout 30 "$vrrl" attach -o "$PWD/run.vrrl" "$pid"
        says err "process $pid is in another time namespace"
        expect 0 nsenter -t "$pid" -T timeout 30 "$vrrl" attach -o "$PWD/run.vrrl" "$pid"
        wait_for test -s run.vrrl
        ended_in
        rm -rf run.vrrl*
    fi
    # From inside, nothing outside is found.
    start_in -m true
    refused unshare -p -f --mount-proc "$vrrl" attach -o "$PWD/run.vrrl" "$pid"
    says err "no process $pid, or none that is seen from this pid namespace"
    ended_in
else
    echo 'no pid namespace can be made: not tried'
fi

# Another user's, attached to by root, who makes his control file and folder as him.
unprivileged='setpriv --reuid 65534 --regid 65534 --clear-groups'
if [ "$(id -u)" -eq 0 ] && $unprivileged test -x ./host; then
    mkdir -m 777 open
    start_in -m "$hidden; $own_shm; exec $unprivileged $PWD/host calls 2 600000"
    cycle "$PWD/open/run.vrrl"
    equal 'the owner of the control folder' "$(stat -c %u "/proc/$pid/root/dev/shm/vrrl-65534")" 65534
    ended_in
    rm -rf open/*
    # And in a user namespace, where he is root, attached to by root and by himself.
    if $unprivileged unshare -Urmpf --mount-proc true 2>/dev/null; then
        enter_user='-Urmpf --mount-proc'
        start_as_user()
        {
            # shellcheck disable=SC2086
            $unprivileged unshare $enter_user sh -c "$own_shm; exec $PWD/host calls 2 600000" >host.out 2>host.err </dev/null &
            outer=$!
            wait_for find_host
        }
        start_as_user
        cycle "$PWD/open/run.vrrl"
        equal 'the owner of the control folder' "$(stat -c %u "/proc/$pid/root/dev/shm/vrrl-0")" 65534
        ended_in
        rm -rf open/*
        start_as_user
        expect 0 timeout 30 $unprivileged "$vrrl" attach -o "$PWD/open/run.vrrl" "$pid"
        says err "process $pid is recorded into /proc/$pid/root$PWD/open/run.vrrl"
        expect 0 $unprivileged "$vrrl" ps
        says out "^ *$pid  recording"
        expect 0 timeout 30 $unprivileged "$vrrl" detach "$pid"
        ended_in
    fi
else
    echo 'not root, or its files are not readable for all: other users were not tried'
fi
finish
