#!/bin/sh
# The shim for AArch64, cross-built and run under emulation: publish functions of a runtime and
# such as the user names, and threads.  No AArch64 machine has been seen.
. "${top_srcdir:?}/tests/e2e/lib.sh"
compiler=aarch64-linux-gnu-gcc
root=/usr/aarch64-linux-gnu
source=$(cd "$top_srcdir" && pwd)
symbol='push_work(_, _, opcode, args, nargs, _, tenant, ring, slot, len, _) -> ret != 0'

is_sanitized && echo 'built without the sanitizer: skipped' && exit 77
for tool in $compiler qemu-aarch64; do
    command -v $tool >/dev/null || { echo "there is no $tool: skipped" && exit 77; }
done

# Neither the command nor anything of OpenCL is built.
unset CC # this machine's own, for the other tests
mkdir cross && cd cross || exit 99
{
    "$source/configure" -q --host=aarch64-linux-gnu --enable-werror JSON_C_CFLAGS=' ' \
        JSON_C_LIBS=' ' OPENCL_CFLAGS=' ' OPENCL_LIBS=' ' CHECK_CFLAGS=' ' CHECK_LIBS=' ' &&
        make -s libvrrl-preload.la libvyre_runtime.la
} >build.log 2>&1 || { tail -n 20 build.log && fail 'the shim cannot be cross-built' && finish; }
cd .. || exit 99
shim=$PWD/cross/.libs/libvrrl-preload.so

# emulated COMMAND...: recorded; the emulator itself is not
emulated()
{
    rm -rf run.vrrl run.*.vrrl run.*vrrl.d
    expect 0 env VRRL_LOG=run.vrrl qemu-aarch64 -L $root -E LD_PRELOAD="$shim" "$@"
    silent err
}
records()
{
    "$vrrl" verify "$1" >verified || fail "$(cat verified)"
    "$vrrl" dump --json "$1" | wc -l
}

$compiler -O2 -pthread -D_GNU_SOURCE -I"$source/src/runtime" -I"$source/src/vyre" \
    "$source/tests/e2e/guest_host.c" "$source/tests/e2e/guest_bus.c" -o guest_host cross/.libs/libvyre_runtime.so \
    -Wl,-rpath,"$PWD/cross/.libs" || exit 99
emulated ./guest_host publish
equal 'records of a runtime' "$(records run.vrrl)" 3
emulated ./guest_host threads
equal 'records of 64 threads' "$(records run.vrrl)" 6400
# A child is noticed by a page that fork wipes, which this emulator does not do: not tried.

VRRL_PUBLISH_SYMBOL=$symbol
export VRRL_PUBLISH_SYMBOL
$compiler -O2 -shared -fPIC -I"$source/tests/e2e" "$source/tests/e2e/other_runtime.c" -o libother.so ||
    exit 99
for how in -Wl,-z,lazy '-Wl,-z,now -Wl,-z,relro' -fno-plt '-fno-pie -no-pie'; do
    # shellcheck disable=SC2086 # the options are several words
    $compiler -O2 $how -D_GNU_SOURCE -I"$source/tests/e2e" "$source/tests/e2e/other_host.c" \
        -o host ./libother.so -Wl,-rpath,"$folder" -ldl || exit 99
    emulated ./host
    equal "result of a host built with $how" "$(cat out)" 28
    equal "publishes of a host built with $how" "$("$vrrl" dump --json run.vrrl |
        jq -c '[.slot_idx, .tenant_id, .opcode, .args[0]]' | tr '\n' ' ')" \
        '[0,1,2,0] [1,2,2,1] [2,3,2,2] [3,4,2,3] '
done

# A call inside the library that defines the function is found in its instructions.
printf '#include "other_runtime.h"\nlong inside(void);\nlong inside(void)\n{\n    %s\n}\n' \
    'return push_work(2.5, -1, -2, 2, 0, 0, 0, 1, 0, 0, 0, "note");' >inside.c
$compiler -O1 -shared -fPIC -I"$source/tests/e2e" -Wl,-Bsymbolic -Wl,-soname,libother.so \
    "$source/tests/e2e/other_runtime.c" inside.c -o libother.so || exit 99
rm -rf run.vrrl run.vrrl.d
expect 0 env VRRL_LOG=run.vrrl qemu-aarch64 -L $root -E LD_PRELOAD="$shim" ./host
says err 'libother.so calls its own push_work in 1 places.*Fix: '
finish
