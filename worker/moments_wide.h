/* moments_wide.h - sums of bytes and of their squares, in wide vectors where the machine has them. */
#ifndef MX_WORKER_MOMENTS_WIDE_H
#define MX_WORKER_MOMENTS_WIDE_H

#include <stddef.h>
#include <stdint.h>

/* Add n bytes to *sum, and their squares to *squares. Returns how many were done; the rest is the
 * caller's: all of them where vectors are narrow. */
size_t worker_moments_wide(const uint8_t *bytes, size_t n, uint64_t *sum, uint64_t *squares);

#endif
