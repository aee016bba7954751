# shellcheck shell=sh disable=SC2034
# What the tests with opencl_host share.
. "${top_srcdir:-.}/tests/e2e/lib.sh"
shim=$top_builddir/.libs/libvrrl-preload.so
host=$top_builddir/tests/e2e/opencl_host
kernel=$top_builddir/src/replay/standalone/megakernel.cl
VYRE_RUNTIME=$top_builddir/.libs/libvyre_runtime.so
export VYRE_RUNTIME

# recorded WAY: the log holds what the host says that it published, no more and no less
recorded()
{
    case $1 in
    other-*)
        if [ -s out ] || [ -n "$(find . -name 'run*')" ]; then
            fail "$1 was recorded"
        fi
        return
        ;;
    esac
    [ -s out ] || fail "$1 published nothing"
    "$vrrl" dump --json run.vrrl | jq -r '[.slot_idx, .tenant_id, .opcode, .epoch] + .args |
        map(tostring) | join(" ")' >recorded
    # Between threads there is no order.
    [ "$1" != threads ] || for file in out recorded; do sort -o $file $file; done
    cmp -s out recorded || {
        fail "$1: the log is not what was published:"
        diff out recorded | head -n 20
    }
    expect 0 "$vrrl" verify run.vrrl
    rm -rf run.vrrl run.vrrl.d
}
