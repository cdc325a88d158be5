/* dense_variants.h - the functions of dense.h for one type, with wide vectors and
 * without. The file that includes this has said what the type is:
 *
 *   REAL, LANES            float and 8, or double and 4: 32 bytes
 *   TABLE                  kern_dense_f32 or kern_dense_f64
 *   SPREAD(s)              an initialiser with s in every lane
 *   FMA_ONE, SQRT_ONE      fmaf ...
 *   FMA_WIDE, SQRT_WIDE    _mm256_fmadd_ps ...
 */
#ifdef TABLE

#include <string.h>

#include "kernels/dense.h"

#if defined(__x86_64__) && defined(__GNUC__)
#define HAS_WIDE_VECTORS (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
#else
#define HAS_WIDE_VECTORS 0
#endif

typedef REAL vec __attribute__((vector_size(LANES * sizeof(REAL))));
typedef REAL vec_anywhere
    __attribute__((vector_size(LANES * sizeof(REAL)), aligned(sizeof(REAL)), may_alias));

#define LOAD(p)     (*(const vec_anywhere *)(p))
#define STORE(p, v) (*(vec_anywhere *)(p) = (v))
#define IN_PLACE    __attribute__((always_inline)) static inline

#if defined(__x86_64__) && defined(__GNUC__)
#define TARGET                __attribute__((target("avx2,fma")))
#define VARIANT(name)         name##_wide
#define ACCUMULATE(sum, a, b) ((sum) = FMA_WIDE(a, b, sum))
#define ROOT(v)               ((v) = SQRT_WIDE(v))
#include "kernels/dense_body.h"
#undef TARGET
#undef VARIANT
#undef ACCUMULATE
#undef ROOT
#endif

#define TARGET
#define VARIANT(name) name##_plain
#define ACCUMULATE(sum, a, b)                                                                      \
    do {                                                                                           \
        const vec a_ = (a), b_ = (b);                                                              \
        for (int lane_ = 0; lane_ < LANES; lane_++)                                                \
            (sum)[lane_] = FMA_ONE(a_[lane_], b_[lane_], (sum)[lane_]);                            \
    } while (0)
#define ROOT(v)                                                                                    \
    do {                                                                                           \
        for (int lane_ = 0; lane_ < LANES; lane_++)                                                \
            (v)[lane_] = SQRT_ONE((v)[lane_]);                                                     \
    } while (0)
#include "kernels/dense_body.h"

const struct TABLE *TABLE(int plain)
{
#if defined(__x86_64__) && defined(__GNUC__)
    if (!plain && HAS_WIDE_VECTORS)
        return &table_wide;
#endif
    (void)plain;
    return &table_plain;
}

#endif
