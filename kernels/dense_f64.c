/* dense_f64.c - the products of dense.h in double precision. */
#include <math.h>
#ifdef __x86_64__
#include <immintrin.h>
#endif

#define REAL  double
#define LANES 4
#define TABLE kern_dense_f64
#define SPREAD(s)                                                                                  \
    {                                                                                              \
        (s), (s), (s), (s)                                                                         \
    }
#define FMA_ONE   fma
#define SQRT_ONE  sqrt
#define FMA_WIDE  _mm256_fmadd_pd
#define SQRT_WIDE _mm256_sqrt_pd
#include "kernels/dense_variants.h"
