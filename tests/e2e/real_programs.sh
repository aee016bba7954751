#!/bin/sh
# OpenCL programs that nobody here wrote: the same results with the recorder, and nothing recorded.
. "${top_srcdir:?}/tests/e2e/lib.sh"
shim=$top_builddir/.libs/libvrrl-preload.so
is_sanitized && echo 'programs without the sanitizer cannot have it preloaded: skipped' && exit 77
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
cat >multiply.c <<'END'
#define CL_TARGET_OPENCL_VERSION 120
#include <clblast_c.h>
#include <stdio.h>
#include <stdlib.h>
enum { SIDE = 192, BYTES = SIDE * SIDE * sizeof(float) };
static float left[SIDE * SIDE], right[SIDE * SIDE], product[SIDE * SIDE];
int main(void)
{
    cl_platform_id platform;
    cl_device_id device;
    cl_int code;
    clGetPlatformIDs(1, &platform, NULL);
    clGetDeviceIDs(platform, CL_DEVICE_TYPE_ALL, 1, &device, NULL);
    cl_context context = clCreateContext(NULL, 1, &device, NULL, NULL, &code);
    cl_command_queue queue = clCreateCommandQueue(context, device, 0, &code);
    for (int i = 0; i < SIDE * SIDE; i++) {
        left[i] = (float)(i % 17);
        right[i] = (float)(i % 13);
    }
    cl_mem a = clCreateBuffer(context, CL_MEM_COPY_HOST_PTR, BYTES, left, &code);
    cl_mem b = clCreateBuffer(context, CL_MEM_COPY_HOST_PTR, BYTES, right, &code);
    cl_mem c = clCreateBuffer(context, CL_MEM_READ_WRITE, BYTES, NULL, &code);
    cl_event done = NULL;
    if (CLBlastSgemm(CLBlastLayoutRowMajor, CLBlastTransposeNo, CLBlastTransposeNo, SIDE, SIDE,
                     SIDE, 1, a, 0, SIDE, b, 0, SIDE, 0, c, 0, SIDE, &queue, &done) != 0)
        return 1;
    clWaitForEvents(1, &done);
    clEnqueueReadBuffer(queue, c, CL_TRUE, 0, BYTES, product, 0, NULL, NULL);
    double sum = 0, expected = 0;
    for (int i = 0; i < SIDE * SIDE; i++)
        sum += product[i];
    for (int row = 0; row < SIDE; row++)
        for (int i = 0; i < SIDE; i++)
            for (int column = 0; column < SIDE; column++)
                expected += left[row * SIDE + i] * right[i * SIDE + column];
    printf("%.0f %s\n", sum, sum == expected ? "right" : "wrong");
    return 0;
}
END
# shellcheck disable=SC2086 # $CC is several words
if $CC -O1 multiply.c -o multiply -lclblast -lOpenCL 2>/dev/null; then
    same ./multiply
else
    echo 'there is no CLBlast: not tried'
fi
mask='s/[0-9][0-9.]*//g'
same clpeak --kernel-latency
mask='/^Started\|^Stopped/d'
printf 'apple\nsecret\nzebra\n' >words
printf '5ebe2294ecd0e0f08eab7690d2a6ee69\n' >digest
same hashcat --force -D 1 -m 0 -a 0 --potfile-disable --quiet digest words
# Of a benchmark the figures differ, and how it tuned itself.
mask='/^Speed/!d; s/:.*H\/s.*/: some/'
same hashcat --force -D 1 -b -m 0 --potfile-disable --quiet
[ $tried -gt 0 ] || exit 77
finish
