#!/bin/sh
# Rings that are written by hand: each way by which OpenCL takes their bytes up, and by which the
# host learns of epochs.  The log holds what the host says that it published, no more and no less.
. "${top_srcdir:-.}/tests/e2e/lib.sh"
shim=$top_builddir/.libs/libvrrl-preload.so
host=$top_builddir/tests/e2e/opencl_host
kernel=$top_builddir/src/replay/standalone/megakernel.cl

# published LOG: what it holds, in the words of the host
published()
{
    "$vrrl" dump --json "$1" |
        jq -r '[.slot_idx, .tenant_id, .opcode, .epoch] + .args | map(tostring) | join(" ")'
}

for way in $("$host" list); do
    expect 0 env LD_PRELOAD="$shim" VRRL_LOG=run.vrrl "$host" "$kernel" "$way"
    case $way in
    svm-fine | mapped-launch)
        says err 'in memory that the GPU shares.*Fix:'
        equal "lines of $way" "$(wc -l <err)" 1
        ;;
    *) silent err ;;
    esac
    case $way in
    other-*)
        [ ! -s out ] && [ -z "$(find . -name 'run*')" ] || fail "$way was recorded"
        continue
        ;;
    esac
    [ -s out ] || fail "$way published nothing"
    published run.vrrl >recorded
    cmp -s out recorded || {
        fail "$way: the log is not what was published:"
        diff out recorded | head -n 20
    }
    expect 0 "$vrrl" verify run.vrrl
    rm -rf run.vrrl run.vrrl.d
done
finish
