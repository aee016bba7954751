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

# A plugin that writes its ring by hand, linked to an OpenCL that its RUNPATH alone leads to.
real=$(ldd "$top_builddir/textstat-by-hand" | sed -n 's/.*libOpenCL.* => \(.*\) (.*/\1/p')
mkdir opencl
cp -L "$real" opencl/libOpenCL.so.1
cp "$plugins/opencl_plugin.so" opencl_plugin.so
KERNEL=$top_builddir/src/replay/standalone/megakernel.cl
export KERNEL
for how in now lazy 'now deepbind' 'lazy deepbind'; do
    rm -rf run.vrrl run.vrrl.d
    # shellcheck disable=SC2086 # several words
    "$host" $how ./opencl_plugin.so >plain 2>/dev/null || continue
    # shellcheck disable=SC2086
    expect 0 env LD_PRELOAD="$shim" VRRL_LOG=run.vrrl LD_DEBUG=files LD_DEBUG_OUTPUT=loader \
        "$host" $how ./opencl_plugin.so
    silent err
    cmp -s plain out || fail "the plugin says something else ($how)"
    equal "publishes of a plugin with OpenCL ($how)" "$("$vrrl" dump --json run.vrrl | wc -l)" \
        "$(wc -l <plain)"
    grep -q "init: $folder/.*opencl/libOpenCL.so.1" loader.* ||
        fail "OpenCL was not found through the plugin's RUNPATH ($how)"
    rm -f loader.*
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
