/* resample_parts.h - private to resample*.c: how planes are resized, in wide vectors and in others. */
#ifndef MX_WORKER_RESAMPLE_PARTS_H
#define MX_WORKER_RESAMPLE_PARTS_H

#include "worker/resample.h"

enum {
    RESAMPLE_WEIGHT_BITS = 22, /* 8 bits of a byte and one sign stand beside them in 32 */
    RESAMPLE_HALF = 1 << (RESAMPLE_WEIGHT_BITS - 1),
    RESAMPLE_LOW_BITS = 11, /* of a weight; both halves times a byte fit in 20 bits */
    RESAMPLE_LOW = (1 << RESAMPLE_LOW_BITS) - 1,
    RESAMPLE_LANES = 8,   /* rows, or columns, side by side */
    RESAMPLE_COLUMN = 32, /* bytes of eight of them, as numbers or pairs of short ones */
    RESAMPLE_BEHIND =
        32, /* bytes or columns that may be touched behind the last, and count for nothing */
};

/* The source pixels of every output pixel on one axis. */
struct resample_axis {
    uint32_t  from, to, skip, count; /* `count` output pixels from `skip` on, of `to` */
    uint32_t  most;                  /* weights that each output pixel has room for */
    uint32_t *first;                 /* (count), the first source pixel */
    uint32_t *taps;                  /* (count), 1 or more */
    int32_t  *weight;                /* (count, most), summing to about 2^22 */
    int32_t  *pairs; /* (count, most / 2, 2): of two weights the high halves, then the low ones, 16
                        bits each */
    size_t    room, weights; /* output pixels and weights that there is memory for */
};

struct worker_resampler {
    struct resample_axis down, along;
    double              *share;  /* weights of one output pixel */
    uint8_t             *rows;   /* (height, to_width): resized along rows only */
    void                *turned; /* (width) columns of eight rows */
    size_t               share_room, rows_room, turned_room; /* of these */
};

/* worker_resampler_run(); the first one needs kern_has_wide_vectors(). */
void resample_wide(struct worker_resampler *resampler, const struct worker_window *window,
                   uint8_t *out);
void resample_plain(struct worker_resampler *resampler, const struct worker_window *window,
                    uint8_t *out);

#endif
