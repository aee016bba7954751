#!/bin/sh
# A publish function that is called without a reference is not recorded: who does so is named.
. "${top_srcdir:?}/tests/e2e/lib.sh"
shim=$top_builddir/.libs/libvrrl-preload.so
source=$top_srcdir/tests/e2e
symbol='push_work(_,_,opcode, args, nargs, _, tenant, ring, slot, len, _) -> ret != 0'

# build OUTPUT OPTION...
build()
{
    # shellcheck disable=SC2086 # $CC is several words
    output=$1 && shift && $CC -D_GNU_SOURCE -I"$source" "$@" -o "$output" || exit 99
}

# host COMMAND...: ends as it does unrecorded, and records that many publishes in all
host()
{
    rm -rf run.vrrl run.vrrl.d
    "$@" >plain || exit 99
    expect 0 env LD_PRELOAD="$shim" VRRL_LOG=run.vrrl VRRL_PUBLISH_SYMBOL="$symbol" "$@"
    cmp -s plain out || fail "$* says something else"
}

# named PATTERN: in one line with what to do, once for the one object that does it
named()
{
    says err "^vrrl: .*$1.*Fix: .*\.$"
    equal 'lines on stderr' "$(wc -l <err)" 1
}

cat >inside.c <<'END_OF_C'
#include "other_runtime.h"
long push_twice(uint8_t *ring, unsigned long bytes);
long push_twice(uint8_t *ring, unsigned long bytes)
{
    uint32_t args[3] = {0, 200, 3};
    return push_work(2.5, -1, -2, 2, args, 3, args, 1, ring, 0, bytes, "note") +
           push_work(2.5, -1, -2, 2, args, 3, args, 1, ring, 1, bytes, "note");
}
END_OF_C
cat >calls.c <<'END_OF_C'
#include <stdio.h>
#include "other_runtime.h"
long push_twice(uint8_t *ring, unsigned long bytes);
static uint8_t ring[64 * 8];
int main(void)
{
    printf("%ld\n", push_twice(ring, sizeof(ring)));
    return 0;
}
END_OF_C

# Inside the library that defines and exports it; with a reference such calls are recorded.
build libbound.so -O1 -shared -fPIC -Wl,-Bsymbolic "$source/other_runtime.c" inside.c
build bound calls.c ./libbound.so -Wl,-rpath,"$folder"
host ./bound
named 'libbound.so calls its own push_work in 2 places'
[ ! -e run.vrrl ] || fail 'something was recorded'
build libopen.so -O1 -shared -fPIC "$source/other_runtime.c" inside.c
build open calls.c ./libopen.so -Wl,-rpath,"$folder"
host ./open
silent err
equal 'publishes inside a library, by reference' "$("$vrrl" dump --json run.vrrl | wc -l)" 2

# Hidden in a library, and in the program itself.
build hidden.o -c -O1 -fPIC -fvisibility=hidden "$source/other_runtime.c"
build libhidden.so -O1 -shared -fPIC hidden.o inside.c
build hidden calls.c ./libhidden.so -Wl,-rpath,"$folder"
host ./hidden
named 'libhidden.so has a push_work of its own'
build program -O1 "$source/other_runtime.c" inside.c calls.c -Wl,--no-export-dynamic
host ./program
named 'program has a push_work of its own'

# Inlined everywhere.
sed 's/^long push_work/static inline __attribute__((always_inline)) long push_work/' \
    "$source/other_runtime.c" | grep -v other_runtime.h >one.c
sed '/^#include/d' inside.c >>one.c
sed -i '1i #include <stdint.h>' one.c
build inlined -O2 -g one.c calls.c
host ./inlined
named 'inlined knows push_work from its debug information alone'
finish
