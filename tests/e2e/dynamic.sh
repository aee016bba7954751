#!/bin/sh
# Hosts that find their runtime and OpenCL by dlopen and dlsym: recorded, and given what they
# would be given without the recorder.
. "${top_srcdir:?}/tests/e2e/lib.sh"
shim=$top_builddir/.libs/libvrrl-preload.so
plugins=$top_builddir/tests/e2e/.libs
host=$top_builddir/tests/e2e/plugin_host

# publishes ARGUMENT OF plugin_host...: one publish, of tenant 9
publishes()
{
    rm -rf run.vrrl run.vrrl.d
    expect 0 env LD_PRELOAD="$shim" VRRL_LOG=run.vrrl "$host" "$@"
    silent err
    equal "publish of plugin_host $*" "$("$vrrl" dump --json run.vrrl | jq -c .tenant_id)" 9
}

publishes symbol "$top_builddir/.libs/libvyre_runtime.so"
# plugin.so finds the runtime through its RUNPATH, as libtool builds it.
case $(readelf -d "$plugins/plugin.so") in
*RUNPATH* | *RPATH*) ;;
*) fail "the plugin has no RUNPATH" ;;
esac
for binding in now lazy; do
    publishes $binding "$plugins/plugin.so"
    # ASan refuses RTLD_DEEPBIND, with the shim or without.
    if "$host" $binding deepbind "$plugins/plugin.so" 2>/dev/null; then
        publishes $binding deepbind "$plugins/plugin.so"
    fi
done

# The shim stands for OpenCL where the host would find it, and nowhere else.
for scope in '' global; do
    expect 0 "$top_builddir/tests/e2e/dlsym_host" $scope
    sed 's/: libOpenCL.*/: OpenCL/' out >plain
    expect 0 env LD_PRELOAD="$shim" VRRL_LOG=none.vrrl "$top_builddir/tests/e2e/dlsym_host" $scope
    sed -e 's/: libOpenCL.*/: OpenCL/' -e 's/: libvrrl-preload.*/: OpenCL/' out >recorded
    says out '^library: libvrrl-preload'
    cmp -s plain recorded || fail "dlsym gives something else: $(diff plain recorded)"
done
[ ! -e none.vrrl ] || fail "a log of nothing was made"

finish
