/* kern.h - the table of operations that each device offers.
 *
 * A backend is a const struct of functions, so that the code above is written
 * once. Memory, copies and waiting are in it; pointers that an operation takes
 * are the backend's own. Every operation is also there on the CPU, made from
 * the same body (kernels/port.h).
 */
#ifndef MX_KERN_H
#define MX_KERN_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

#ifdef __cplusplus
extern "C" {
#endif

/* How one image of a batch is made. A source position is that of the stored
 * image; outside it lies byte 0. A pixel is weight[0] of this image plus
 * weight[1] of the second one: the partner, cropped and flipped in its own way,
 * or an image of args->history. The box gives the weights, or else a mask. */
struct kern_batch_sample {
    uint32_t image;            /* which of the stored images */
    int32_t  shift_y, shift_x; /* crop: source = output + shift, before the flip */
    uint32_t flip;             /* 1: mirrored left to right after the crop */
    uint32_t partner;          /* place in the batch (or the history) of the second image */
    uint32_t y0, x0, y1, x1;   /* the box, y1 and x1 exclusive; may be empty */
    float    outside[2];       /* weights outside the box */
    float    inside[2];        /* and in it; {0, 0} hides the pixel */
    uint32_t mask;             /* 1 + which of args->masks; 0: none */
    uint32_t moves;            /* 1 + which of args->moves; 0: no block moves */
    uint32_t blocks;           /* with moves: blocks a side, a divisor of both sides */
    /* The second image appears shrunk to this many pixels, its corner at
     * (patch_y, patch_x) of the output; height 0: as large as it is. */
    int32_t  patch_y, patch_x;
    uint32_t patch_height, patch_width;
};

enum {
    KERN_MAX_BLOCKS = 16, /* a side */
    KERN_MOVES = 2 * KERN_MAX_BLOCKS * KERN_MAX_BLOCKS,
};

/* Crop, flip, normalise and mix a batch. */
struct kern_batch_args {
    uint32_t       n, channels, height, width;
    const uint8_t *pixels; /* (images, channels, height, width) */
    const float   *table;  /* (channels, 256): byte to normalised value */
    const double *lines; /* NULL, or (channels, 2), scale and offset: (float)(byte * scale + offset)
                            is `table` bit for bit; scale 0: of this channel's it is not. For the CPU alone: NULL
                            on a device */
    const float  *parts; /* the same in single precision, quicker, not for every table: NULL, or
                            (channels, 4), each number in a high and a low part, a b c d: (byte * a + b) + (byte * c + d) */
    const struct kern_batch_sample *samples; /* (n) */
    float                          *out;     /* (n, channels, height, width) */

    /* Each may be NULL where no sample names one. */
    const uint8_t  *masks;   /* (masks, height, width): twice the weight of the own image */
    const uint16_t *moves;   /* (moves, KERN_MOVES): for each block of the own image's grid, then
                                of the partner's, the block seen there */
    const float    *history; /* (images, channels, height, width): second images, already made */
};

struct kern_backend {
    const char *name;
    /* CPU, tests: lanes of a step run in the order k ^ lane_flip; 0 elsewhere. */
    unsigned    lane_flip;

    /* Device memory, 64-byte aligned at least. NULL with MX_ENOMEM or MX_EGPU;
     * release takes NULL. */
    void *(*alloc)(size_t bytes, struct mx_err *err);
    void (*release)(void *memory);
    /* Copies that are complete on return. 0, or -1 with MX_EGPU. */
    int (*to_device)(void *device, const void *host, size_t bytes, struct mx_err *err);
    int (*to_host)(void *host, const void *device, size_t bytes, struct mx_err *err);
    /* Wait until every operation so far is done; tells of those that failed. */
    int (*sync)(struct mx_err *err);

    /* Operations: queued in order; 0, or -1 with MX_EGPU. */
    int (*batch)(const struct kern_backend *self, const struct kern_batch_args *args,
                 struct mx_err *err);
};

/* The CPU's table: always there, its operations are done on return and never fail. */
const struct kern_backend *kern_cpu(void);

/* The first visible CUDA device's table; NULL with MX_EGPU that says why there
 * is none: not built, no driver, no device. */
const struct kern_backend *kern_cuda(struct mx_err *err);

/* Whether this build has the CUDA backend, should there be a device: 0, or -1 with MX_EGPU.
 * Touches no GPU. */
int kern_cuda_built(struct mx_err *err);

/* Begin to use the first visible CUDA device, which takes a while: 0, or -1 with MX_EGPU that
 * says why it cannot be used. */
int kern_cuda_open(struct mx_err *err);

#ifdef __cplusplus
}
#endif

#endif
