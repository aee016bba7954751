#!/bin/sh
# Each way in which a host may hand its ring to OpenCL is replayed as it was recorded.
. "${top_srcdir:-.}/tests/e2e/opencl_lib.sh"

if ! "$vrrl" devices >out 2>err; then
    echo 'no OpenCL device: skipped'
    exit 77
fi
for way in $("$host" list); do
    rm -rf run.vrrl run.vrrl.d
    env LD_PRELOAD="$shim" VRRL_LOG=run.vrrl "$host" "$kernel" "$way" >host.out 2>host.err ||
        fail "the host failed: $way"
    last=$way
    case $way in
    other-*) ;; # No megakernel, and no log.
    double-buffered)
        # Two rings, one control buffer.
        expect 2 "$vrrl" replay run.vrrl
        says err 'share their control buffer'
        ;;
    copy-unknown*)
        expect 0 "$vrrl" replay --json run.vrrl
        equal "what is not known of $way" "$(json '.assumed[]' | grep -c 'bytes')" 1
        ;;
    *)
        expect 0 "$vrrl" replay --json run.vrrl
        equal "of $way" "$(json '[.verdict, .unhandled_total]' | tr ' ' '\n' | sort -u)" '["match",0]'
        ;;
    esac
done
finish
