#!/bin/sh
# Rings that are written by hand: each way by which OpenCL takes their bytes up, and by which the
# host learns of epochs.
. "${top_srcdir:-.}/tests/e2e/opencl_lib.sh"

for way in $("$host" list); do
    expect 0 env LD_PRELOAD="$shim" VRRL_LOG=run.vrrl "$host" "$kernel" "$way"
    case $way in
    svm-fine | mapped-launch)
        says err 'in memory that the GPU shares.*Fix:'
        equal "lines of $way" "$(wc -l <err)" 1
        ;;
    copy-unknown*)
        says err 'copied into the ring from a buffer whose contents are not known.*Fix:'
        equal "lines of $way" "$(wc -l <err)" 1
        ;;
    *) silent err ;;
    esac
    # What the host called for and what it wrote by hand is one ring's.
    [ "$way" != mixed ] ||
        equal "rings of $way" "$("$vrrl" dump --slots --json run.vrrl | jq .ring | sort -u)" 0
    recorded "$way"
done
finish
