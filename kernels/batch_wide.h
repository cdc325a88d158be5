/* batch_wide.h - normalised values of bytes, computed in wide vectors where the machine has them. */
#ifndef KERN_BATCH_WIDE_H
#define KERN_BATCH_WIDE_H

#include <stdint.h>

/* out[x] = (float)(at[step x] line[0] + line[1]), in double precision, for x = 0, 1, ...; step is 1
 * or -1. Quicker than a look-up of each, which waits for a load after a load. Returns how many of
 * the n were done; the rest is the caller's: all of them where vectors are narrow. */
uint32_t kern_batch_compute(const double line[2], const uint8_t *at, int32_t step, uint32_t n,
                            float *out);

#endif
