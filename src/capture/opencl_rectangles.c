/*
 * Rectangles of bytes, and the contiguous pieces that they are cut into.
 */
#include <sys/mman.h>

#include "capture/opencl.h"

struct opencl_rectangle opencl_rectangle_of(const size_t *buffer_origin, const size_t *host_origin,
                                            const size_t *region, size_t buffer_row,
                                            size_t buffer_slice, size_t host_row, size_t host_slice,
                                            const void *host)
{
    /* OpenCL 3.0, 5.2.3: pitches of 0 are those of what is packed. */
    buffer_row = buffer_row != 0 ? buffer_row : region[0];
    host_row = host_row != 0 ? host_row : region[0];
    buffer_slice = buffer_slice != 0 ? buffer_slice : region[1] * buffer_row;
    host_slice = host_slice != 0 ? host_slice : region[1] * host_row;
    return (struct opencl_rectangle){
        .buffer_at =
            buffer_origin[2] * buffer_slice + buffer_origin[1] * buffer_row + buffer_origin[0],
        .host_at = (uintptr_t)host + host_origin[2] * host_slice + host_origin[1] * host_row +
                   host_origin[0],
        .region = {region[0], region[1], region[2]},
        .buffer_row = buffer_row,
        .buffer_slice = buffer_slice,
        .host_row = host_row,
        .host_slice = host_slice,
    };
}

/** Where a side of a rectangle ends.  \return false when it is none that OpenCL takes */
static bool find_end(size_t at, const size_t region[3], size_t row, size_t slice, size_t *end)
{
    size_t rows;
    size_t slices;
    size_t least;
    return region[0] > 0 && region[1] > 0 && region[2] > 0 && row >= region[0] &&
           !__builtin_mul_overflow(row, region[1], &least) && (region[2] == 1 || slice >= least) &&
           !__builtin_mul_overflow(region[1] - 1, row, &rows) &&
           !__builtin_mul_overflow(region[2] - 1, slice, &slices) &&
           !__builtin_add_overflow(at, slices, end) && !__builtin_add_overflow(*end, rows, end) &&
           !__builtin_add_overflow(*end, region[0], end);
}

bool opencl_fits(const struct opencl_rectangle *rectangle, size_t bytes)
{
    size_t buffer_end;
    size_t host_end;
    return find_end(rectangle->buffer_at, rectangle->region, rectangle->buffer_row,
                    rectangle->buffer_slice, &buffer_end) &&
           buffer_end <= bytes &&
           find_end(rectangle->host_at, rectangle->region, rectangle->host_row,
                    rectangle->host_slice, &host_end);
}

bool opencl_cut(const struct opencl_rectangle *rectangle, struct opencl_pieces *pieces)
{
    struct opencl_rectangle cut = *rectangle;
    size_t *region = cut.region;
    bool slices_touch = cut.buffer_slice == region[1] * cut.buffer_row &&
                        cut.host_slice == region[1] * cut.host_row;
    if (region[2] > 1 && slices_touch) {
        region[1] *= region[2];
        region[2] = 1;
    }
    if (region[2] <= 1 && cut.buffer_row == region[0] && cut.host_row == region[0]) {
        region[0] *= region[1];
        region[1] = 1;
    }
    pieces->len = region[1] * region[2];
    pieces->list = pieces->inside;
    if (pieces->len > OPENCL_PIECES_INSIDE) {
        pieces->list = mmap(NULL, pieces->len * sizeof(*pieces->list), PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (pieces->list == MAP_FAILED)
            return false;
    }
    size_t len = 0;
    for (size_t slice = 0; slice < region[2]; slice++)
        for (size_t row = 0; row < region[1]; row++)
            pieces->list[len++] = (struct gpu_piece){
                .offset = cut.buffer_at + slice * cut.buffer_slice + row * cut.buffer_row,
                .bytes = (const void *)(cut.host_at + slice * cut.host_slice + row * cut.host_row),
                .count = region[0],
            };
    return true;
}

void opencl_free_pieces(struct opencl_pieces *pieces)
{
    if (pieces->list != pieces->inside)
        munmap(pieces->list, pieces->len * sizeof(*pieces->list));
}
