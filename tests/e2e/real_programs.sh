#!/bin/sh
# OpenCL programs that nobody here wrote: the same results with the recorder, and nothing recorded.
. "${top_srcdir:?}/tests/e2e/lib.sh"
shim=$top_builddir/.libs/libvrrl-preload.so
case $(readelf -d "$shim") in
*libasan* | *libtsan*)
    echo 'programs without the sanitizer cannot have it preloaded: skipped'
    exit 77
    ;;
esac
tried=0

# same PROGRAM ARGUMENT...: says the same and ends the same; figures are masked by $mask
same()
{
    if ! command -v "$1" >/dev/null; then
        echo "there is no $1: not tried"
        return
    fi
    tried=$((tried + 1))
    timeout -k 5 120 "$@" >plain 2>plain.err </dev/null
    expected=$?
    expect "$expected" timeout -k 5 120 env LD_PRELOAD="$shim" VRRL_LOG=run.vrrl "$@"
    sed -e "$mask" plain >plain.masked
    sed -e "$mask" out >out.masked
    cmp -s plain.masked out.masked ||
        fail "$1 says something else: $(diff plain.masked out.masked | head -n 5)"
    says_no_more=$(grep -c '^vrrl' err)
    equal "lines of ours on stderr of $1" "$says_no_more" 0
    [ ! -e run.vrrl ] && [ ! -e run.vrrl.d ] || fail "something of $1 was recorded"
}

mask=
same clinfo
cat >session.py <<'END'
import numpy, pyopencl
context = pyopencl.create_some_context(interactive=False)
queue = pyopencl.CommandQueue(context)
left = numpy.arange(100000, dtype=numpy.float32)
flags = pyopencl.mem_flags
source = pyopencl.Buffer(context, flags.READ_ONLY | flags.COPY_HOST_PTR, hostbuf=left)
target = pyopencl.Buffer(context, flags.WRITE_ONLY, left.nbytes)
program = pyopencl.Program(context, """
__kernel void twice(__global const float *from, __global float *to)
{ to[get_global_id(0)] = 2 * from[get_global_id(0)]; }""").build()
program.twice(queue, left.shape, None, source, target)
result = numpy.empty_like(left)
pyopencl.enqueue_copy(queue, result, target)
print((result == 2 * left).all(), result.sum())
END
if /usr/bin/python3 -c 'import pyopencl' 2>/dev/null; then
    same /usr/bin/python3 session.py
else
    echo 'there is no pyopencl: not tried'
fi
mask='s/[0-9][0-9.]*//g'
same clpeak --kernel-latency
mask='/^Started\|^Stopped/d'
printf 'apple\nsecret\nzebra\n' >words
printf '5ebe2294ecd0e0f08eab7690d2a6ee69\n' >digest
same hashcat --force -D 1 -m 0 -a 0 --potfile-disable --quiet digest words
[ $tried -gt 0 ] || exit 77
finish
