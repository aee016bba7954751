#!/bin/sh
# The stub of AArch64, run under emulation: it alone, since the memory file of an emulated process is
# the emulator's.
. "${top_srcdir:?}/tests/e2e/lib.sh"
cross=aarch64-linux-gnu-gcc
if ! command -v $cross >/dev/null || ! command -v qemu-aarch64 >/dev/null; then
    echo "$cross or qemu-aarch64 was not found"
    exit 77
fi
unit=$top_srcdir/tests/unit
stub=$top_srcdir/src/attach
expect 0 $cross -std=gnu11 -D_GNU_SOURCE -O1 -static -pthread -I"$top_srcdir/tests/emulated" -I"$top_srcdir/src" \
    -I"$unit" "$unit/test_attach_stub.c" "$unit/stub_job.c" \
    "$unit/stub_harness.S" "$stub/stub.c" "$stub/stub_code.S" -o stub
expect 0 timeout 120 qemu-aarch64 ./stub
says out '^a_detour_changes_nothing'
# The rest is compiled, at least.
for source in "$stub"/*.c; do
    expect 0 $cross -std=gnu11 -D_GNU_SOURCE -Wall -Wextra -Werror -I"$top_srcdir/src" -c "$source" -o object
done
finish
