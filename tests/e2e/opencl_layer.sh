#!/bin/sh
# The hooks as an OpenCL layer, alone and together with the preload: recorded once.
. "${top_srcdir:-.}/tests/e2e/opencl_lib.sh"

if ! loader_knows OPENCL_LAYERS; then
    echo 'the OpenCL loader knows no layers: skipped'
    exit 77
fi
for way in write write-rectangle map sub-buffer svm-map clone-kernel learn-by-wait \
    learn-by-callback command-buffer failed other-sizes; do
    expect 0 env OPENCL_LAYERS="$shim" VRRL_LOG=run.vrrl "$host" "$kernel" "$way"
    silent err
    recorded "$way"
    expect 0 env OPENCL_LAYERS="$shim" LD_PRELOAD="$shim" VRRL_LOG=run.vrrl "$host" "$kernel" "$way"
    silent err
    recorded "$way"
done

# Somebody else's layer in front of it goes on seeing what it saw.
other=$top_builddir/tests/e2e/.libs/opencl_other_layer.so
for preload in "" "$shim"; do
    expect 0 env OPENCL_LAYERS="$shim:$other" LD_PRELOAD="$preload" VRRL_LOG=run.vrrl \
        "$host" "$kernel" write
    says err '^7 writes came through'
    recorded write
done

# Switched off, the loader's calls go straight on.
expect 0 env OPENCL_LAYERS="$shim" VRRL_LOG=run.vrrl VRRL_DISABLE=1 "$host" "$kernel" write
silent err
[ ! -e run.vrrl ] || fail "recorded although switched off"
finish
