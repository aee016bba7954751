#!/bin/sh
# A publish function of another name and order of parameters, named by the user.
. "${top_srcdir:?}/tests/e2e/lib.sh"
shim=$top_builddir/.libs/libvrrl-preload.so
source=$top_srcdir/tests/e2e
symbol='push_work(_,_,opcode, args, nargs, _, tenant, ring, slot, len, _) -> ret != 0'

# shellcheck disable=SC2086 # $CC is several words, and so are the options
$CC -O2 -shared -fPIC -I"$source" "$source/other_runtime.c" -o libother.so || exit 99
for how in -Wl,-z,lazy '-Wl,-z,now -Wl,-z,relro' -fno-plt '-O0 -fPIE -pie' '-fno-pie -no-pie'; do
    # shellcheck disable=SC2086
    $CC -O2 $how -D_GNU_SOURCE -I"$source" "$source/other_host.c" -o host ./libother.so \
        -Wl,-rpath,"$folder" -ldl || exit 99
    rm -rf run.vrrl run.vrrl.d
    expect 0 env LD_PRELOAD="$shim" VRRL_LOG=run.vrrl VRRL_PUBLISH_SYMBOL="$symbol" ./host
    equal "result of a host built with $how" "$(cat out)" 28
    silent err
    equal "publishes of a host built with $how" "$("$vrrl" dump --json run.vrrl |
        jq -c '[.slot_idx, .tenant_id, .opcode, .args[0]]' | tr '\n' ' ')" \
        '[0,1,2,0] [1,2,2,1] [2,3,2,2] [3,4,2,3] '
    expect 0 "$vrrl" info --json run.vrrl
    equal 'refused publishes' "$(json .session.failed)" 1
done

rm -rf run.vrrl run.vrrl.d
expect 0 "$vrrl" record -o run.vrrl --publish-symbol 'no_such(ring,len,slot)' \
    --publish-symbol "$symbol" ./host
says err 'recorded 4 publishes'
# Another condition: every call but the one that gave 0 counts as refused.
rm -rf run.vrrl run.vrrl.d
expect 0 "$vrrl" record -o run.vrrl --publish-symbol \
    'push_work(_,_,opcode,args,nargs,_,tenant,ring,slot,len)' ./host
expect 0 "$vrrl" info --json run.vrrl
equal 'refused publishes' "$(json .session.failed)" 4

for bad in 'push_work' 'push_work()' 'push_work(ring,len)' 'push_work(ring,len,slot' \
    'push_work(ring,len,slot,ring)' 'push_work(ring,len,slot,what)' '(ring,len,slot)' \
    'push_work(ring,len,slot) -> maybe' 'push_work(ring,len,slot) -> ret ==' \
    'push_work(ring,len,slot) more'; do
    rm -rf run.vrrl run.vrrl.d
    expect 0 env LD_PRELOAD="$shim" VRRL_LOG=run.vrrl VRRL_PUBLISH_SYMBOL="$bad" \
        "$top_builddir/tests/e2e/guest_host" publish
    says err 'VRRL_PUBLISH_SYMBOL is not understood.*Fix: '
done
refused "$vrrl" record --publish-symbol push_work ./host
finish
