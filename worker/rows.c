#include "worker/rows.h"

#include <stdbool.h>
#include <stddef.h>

enum {
    LANES = 8 /* numbers that are summed side by side */
};

/* As in kernels/statistics.c: twice as fast where vectors are wide, the same bits everywhere. */
#if defined(__x86_64__) && defined(__GNUC__)
#define WIDE __attribute__((target("avx2")))
#else
#define WIDE
#endif
#define IN_PLACE __attribute__((always_inline)) static inline

static bool has_wide_vectors(void)
{
#if defined(__x86_64__) && defined(__GNUC__)
    return __builtin_cpu_supports("avx2");
#else
    return false;
#endif
}

/* Once for each type of feature, and each of those for narrow and for wide vectors. */
#define PRODUCTS(T)                                                                                \
    IN_PLACE double dot_##T(const T *x, const double *w, uint32_t n)                               \
    {                                                                                              \
        double   lanes[LANES] = {0}, sum = 0;                                                      \
        uint32_t k = 0;                                                                            \
                                                                                                   \
        for (; k + LANES <= n; k += LANES)                                                         \
            _Pragma("omp simd") for (uint32_t lane = 0; lane < LANES; lane++) lanes[lane] +=       \
                (double)x[k + lane] * w[k + lane];                                                 \
        for (uint32_t lane = 0; lane < LANES; lane++)                                              \
            sum += lanes[lane];                                                                    \
        for (; k < n; k++)                                                                         \
            sum += (double)x[k] * w[k];                                                            \
        return sum;                                                                                \
    }                                                                                              \
    IN_PLACE void add_##T(const T *x, double factor, double *sum, uint32_t n)                      \
    {                                                                                              \
        _Pragma("omp simd") for (uint32_t k = 0; k < n; k++) sum[k] += factor * (double)x[k];      \
    }                                                                                              \
    static double dot_narrow_##T(const T *x, const double *w, uint32_t n)                          \
    {                                                                                              \
        return dot_##T(x, w, n);                                                                   \
    }                                                                                              \
    WIDE static double dot_wide_##T(const T *x, const double *w, uint32_t n)                       \
    {                                                                                              \
        return dot_##T(x, w, n);                                                                   \
    }                                                                                              \
    static void add_narrow_##T(const T *x, double factor, double *sum, uint32_t n)                 \
    {                                                                                              \
        add_##T(x, factor, sum, n);                                                                \
    }                                                                                              \
    WIDE static void add_wide_##T(const T *x, double factor, double *sum, uint32_t n)              \
    {                                                                                              \
        add_##T(x, factor, sum, n);                                                                \
    }

PRODUCTS(float)
PRODUCTS(double)

struct worker_rows worker_rows_all(const struct worker_features *features,
                                   enum worker_feature_part      part)
{
    return (struct worker_rows){
        .split = &features->split[part],
        .dims = features->dims,
        .n = features->split[part].n,
    };
}

uint32_t worker_row_index(const struct worker_rows *rows, uint32_t i)
{
    return rows->index ? rows->index[i] : i;
}

uint32_t worker_row_label(const struct worker_rows *rows, uint32_t i)
{
    return rows->split->labels[worker_row_index(rows, i)];
}

uint32_t worker_row_group(const struct worker_rows *rows, uint32_t i)
{
    return rows->split->groups ? rows->split->groups[worker_row_index(rows, i)] : 0;
}

double worker_row_dot(const struct worker_rows *rows, uint32_t i, const double *w)
{
    size_t at = (size_t)worker_row_index(rows, i) * rows->dims;
    bool   wide = has_wide_vectors();

    if (rows->split->x32)
        return (wide ? dot_wide_float : dot_narrow_float)(rows->split->x32 + at, w, rows->dims);
    return (wide ? dot_wide_double : dot_narrow_double)(rows->split->x64 + at, w, rows->dims);
}

void worker_row_add(const struct worker_rows *rows, uint32_t i, double factor, double *sum)
{
    size_t at = (size_t)worker_row_index(rows, i) * rows->dims;
    bool   wide = has_wide_vectors();

    if (rows->split->x32)
        (wide ? add_wide_float : add_narrow_float)(rows->split->x32 + at, factor, sum, rows->dims);
    else
        (wide ? add_wide_double : add_narrow_double)(rows->split->x64 + at, factor, sum,
                                                     rows->dims);
}

void worker_row_copy(const struct worker_rows *rows, uint32_t i, double *out, size_t stride)
{
    size_t at = (size_t)worker_row_index(rows, i) * rows->dims;

    for (uint32_t k = 0; k < rows->dims; k++)
        out[k * stride] =
            rows->split->x32 ? (double)rows->split->x32[at + k] : rows->split->x64[at + k];
}
