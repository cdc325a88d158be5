/* batch_wide.h - normalised values of bytes, computed in wide vectors where the machine has them. */
#ifndef KERN_BATCH_WIDE_H
#define KERN_BATCH_WIDE_H

#include <stdint.h>

/* How a channel's bytes become values: as `lines` and `parts` of struct kern_batch_args have it;
 * NULL, or 0 in front: not so. */
struct kern_batch_line {
    const double *line;  /* (2) */
    const float  *parts; /* (4) */
};

/* out[x] = the value of at[step x], by the parts or else the line, for x = 0, 1, ...; step is 1
 * or -1. Quicker than a look-up of each, which waits for a load after a load. Returns how many of
 * the n were done, all or none; the rest is the caller's. */
uint32_t kern_batch_compute(struct kern_batch_line by, const uint8_t *at, int32_t step, uint32_t n,
                            float *out);

#endif
