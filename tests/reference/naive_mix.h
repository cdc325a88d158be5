/* naive_mix.h - pieces of the mixing strategies by definition: double
 * precision, plain loops, no tables.
 */
#ifndef MX_NAIVE_MIX_H
#define MX_NAIVE_MIX_H

#include <stdbool.h>
#include <stdint.h>

#include "worker/puzzle.h"

/* Fine-grained static saliency of an 8-bit image (height, width) into out: the
 * sum over sizes of |I(p) - mean of the square of 2 s + 1 pixels a side around p,
 * without p, cut at the border|. */
void naive_saliency(const uint8_t *image, uint32_t height, uint32_t width, const uint32_t *sizes,
                    uint32_t nsizes, double *out);

/* The real inverse Fourier transform as worker/fourier.h defines it, by a direct
 * sum over every frequency; spectrum (height, width / 2 + 1, 2). */
void naive_fourier_inverse(const float *spectrum, uint32_t height, uint32_t width, double *out);

/* The energy of worker/puzzle.h, term by term, of labels 2 z. */
double naive_puzzle_energy(const struct worker_puzzle *puzzle, const uint8_t *labels);

/* The lowest energy of all 3^(K K) labellings, every one of them tried, and one
 * that has it; K at most 4. */
double naive_puzzle_minimum(const struct worker_puzzle *puzzle, uint8_t *labels);

/* worker_puzzle_transport() as its header tells it, of side x side blocks, at most 8 a side. */
void naive_puzzle_transport(uint32_t side, const double *saliency, const bool *shown, double t,
                            uint16_t *from);

#endif
