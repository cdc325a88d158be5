/* Products of few long rows, against plain loops; wide and narrow vectors to the bit. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "kernels/dense.h"

enum {
    GUARD = 8 /* elements behind every output that nobody may touch */
};

static const struct {
    size_t n, m, columns; /* rows, rows of the other side, columns before padding */
} shapes[] = {{1, 1, 1},   {3, 2, 5},   {4, 1, 16},    {5, 3, 17},
              {9, 7, 130}, {70, 5, 33}, {34, 34, 2100}};

/* One file of tests for two types. */
#define DENSE_TESTS(REAL, TYPE, TOLERANCE)                                                         \
    static REAL *random_##TYPE(size_t rows, size_t columns, size_t stride, uint32_t name)          \
    {                                                                                              \
        struct mx_rng rng = mx_rng_at(mx_stream_make(5, 0, MX_PURPOSE_DATA, 0), name, 0, 0);       \
        REAL         *x = calloc(rows * stride + GUARD, sizeof *x);                                \
                                                                                                   \
        for (size_t i = 0; i < rows; i++)                                                          \
            for (size_t j = 0; j < columns; j++)                                                   \
                x[i * stride + j] = (REAL)mx_rng_normal(&rng);                                     \
        for (size_t k = 0; k < GUARD; k++)                                                         \
            x[rows * stride + k] = 77;                                                             \
        return x;                                                                                  \
    }                                                                                              \
                                                                                                   \
    static void expect_##TYPE(const char *what, const REAL *got, const REAL *plain,                \
                              const double *wanted, size_t rows, size_t columns, size_t stride,    \
                              double scale)                                                        \
    {                                                                                              \
        cr_expect_eq(memcmp(got, plain, (rows * stride + GUARD) * sizeof *got), 0, "%s", what);    \
        for (size_t i = 0; i < rows; i++)                                                          \
            for (size_t j = 0; j < columns; j++)                                                   \
                cr_expect(fabs((double)got[i * stride + j] - wanted[i * columns + j]) <=           \
                              TOLERANCE * scale,                                                   \
                          "%s, row %zu, column %zu: %g, not %g", what, i, j,                       \
                          (double)got[i * stride + j], wanted[i * columns + j]);                   \
        for (size_t k = 0; k < GUARD; k++)                                                         \
            cr_expect_eq(got[rows * stride + k], 77, "%s wrote behind its result", what);          \
    }                                                                                              \
                                                                                                   \
    /* out[i][j] = sum of a over k of a[i or k] b[k or j] */                                       \
    static void check_##TYPE(size_t n, size_t m, size_t columns)                                   \
    {                                                                                              \
        const size_t padded = kern_dense_columns(columns, sizeof(REAL));                           \
        const size_t stride = kern_dense_stride(columns, sizeof(REAL));                            \
        REAL        *x = random_##TYPE(n, columns, stride, 1);                                     \
        REAL        *w = random_##TYPE(m, columns, stride, 2);                                     \
        REAL        *e = random_##TYPE(n, m, m, 3);                                                \
        double      *wanted = calloc(n * (n + m + columns) + m * columns, sizeof *wanted);         \
        REAL        *out[2];                                                                       \
                                                                                                   \
        for (int plain = 0; plain < 2; plain++) {                                                  \
            out[plain] = random_##TYPE(n, m, m, 4);                                                \
            kern_dense_##TYPE(plain)->dots(x, stride, n, w, stride, m, columns, out[plain], m);    \
        }                                                                                          \
        for (size_t i = 0; i < n; i++)                                                             \
            for (size_t k = 0; k < m; k++)                                                         \
                for (size_t j = 0; j < columns; j++)                                               \
                    wanted[i * m + k] += (double)x[i * stride + j] * (double)w[k * stride + j];    \
        expect_##TYPE("dots", out[0], out[1], wanted, n, m, m, sqrt((double)columns));             \
        for (int plain = 0; plain < 2; plain++) {                                                  \
            free(out[plain]);                                                                      \
            out[plain] = random_##TYPE(m, columns, stride, 5);                                     \
            kern_dense_##TYPE(plain)->outer(out[plain], stride, e, m, m, x, stride, n, padded);    \
        }                                                                                          \
        {                                                                                          \
            REAL *start = random_##TYPE(m, columns, stride, 5);                                    \
                                                                                                   \
            for (size_t k = 0; k < m; k++)                                                         \
                for (size_t j = 0; j < columns; j++) {                                             \
                    wanted[k * columns + j] = (double)start[k * stride + j];                       \
                    for (size_t i = 0; i < n; i++)                                                 \
                        wanted[k * columns + j] +=                                                 \
                            (double)e[i * m + k] * (double)x[i * stride + j];                      \
                }                                                                                  \
            free(start);                                                                           \
        }                                                                                          \
        expect_##TYPE("outer", out[0], out[1], wanted, m, columns, stride, sqrt((double)n) + 1);   \
        for (int plain = 0; plain < 2; plain++) {                                                  \
            free(out[plain]);                                                                      \
            out[plain] = random_##TYPE(n, n, n, 6);                                                \
            kern_dense_##TYPE(plain)->gram(x, stride, n, padded, out[plain], n);                   \
        }                                                                                          \
        for (size_t i = 0; i < n; i++)                                                             \
            for (size_t k = 0; k < n; k++) {                                                       \
                wanted[i * n + k] = 0;                                                             \
                for (size_t j = 0; j < columns; j++)                                               \
                    wanted[i * n + k] += (double)x[i * stride + j] * (double)x[k * stride + j];    \
                cr_expect_eq(out[0][i * n + k], out[0][k * n + i]);                                \
            }                                                                                      \
        expect_##TYPE("gram", out[0], out[1], wanted, n, n, n, (double)columns);                   \
        for (int plain = 0; plain < 2; plain++) {                                                  \
            free(out[plain]);                                                                      \
            out[plain] = random_##TYPE(n, columns, stride, 7);                                     \
            kern_dense_##TYPE(plain)->product(e, m, n, m, w, stride, padded, out[plain], stride);  \
        }                                                                                          \
        for (size_t i = 0; i < n; i++)                                                             \
            for (size_t j = 0; j < columns; j++) {                                                 \
                wanted[i * columns + j] = 0;                                                       \
                for (size_t k = 0; k < m; k++)                                                     \
                    wanted[i * columns + j] += (double)e[i * m + k] * (double)w[k * stride + j];   \
            }                                                                                      \
        expect_##TYPE("product", out[0], out[1], wanted, n, columns, stride, sqrt((double)m) + 1); \
        free(out[0]);                                                                              \
        free(out[1]);                                                                              \
        free(x);                                                                                   \
        free(w);                                                                                   \
        free(e);                                                                                   \
        free(wanted);                                                                              \
    }                                                                                              \
                                                                                                   \
    Test(dense, products_are_right_and_the_same_bits_on_every_machine_##TYPE)                      \
    {                                                                                              \
        for (size_t s = 0; s < sizeof shapes / sizeof shapes[0]; s++)                              \
            check_##TYPE(shapes[s].n, shapes[s].m, shapes[s].columns);                             \
    }                                                                                              \
                                                                                                   \
    Test(dense, a_row_has_the_same_bits_whatever_rows_are_beside_it_##TYPE)                        \
    {                                                                                              \
        REAL *x = random_##TYPE(11, 203, 203, 1), *w = random_##TYPE(3, 203, 203, 2);              \
        REAL  all[33], one[3];                                                                     \
                                                                                                   \
        kern_dense_##TYPE(0)->dots(x, 203, 11, w, 203, 3, 203, all, 3);                            \
        for (size_t i = 0; i < 11; i++) {                                                          \
            kern_dense_##TYPE(0)->dots(x + i * 203, 203, 1, w, 203, 3, 203, one, 3);               \
            cr_expect_eq(memcmp(one, all + i * 3, sizeof one), 0, "row %zu", i);                   \
        }                                                                                          \
        free(x);                                                                                   \
        free(w);                                                                                   \
    }                                                                                              \
                                                                                                   \
    Test(dense, adam_and_squares_are_their_formulas_##TYPE)                                        \
    {                                                                                              \
        const struct kern_dense_adam adam = {.scale = 0.5,                                         \
                                             .beta1 = 0.9,                                         \
                                             .beta2 = 0.999,                                       \
                                             .step = 0.1,                                          \
                                             .root = 1.5,                                          \
                                             .epsilon = 1e-8};                                     \
        REAL                        *x[2], *m[2], *s[2], *g = random_##TYPE(1, 33, 48, 2);         \
        double                       sum[2], wanted = 0;                                           \
                                                                                                   \
        for (int plain = 0; plain < 2; plain++) {                                                  \
            x[plain] = random_##TYPE(1, 33, 48, 1);                                                \
            m[plain] = random_##TYPE(1, 33, 48, 3);                                                \
            s[plain] = calloc(48 + GUARD, sizeof(REAL));                                           \
            sum[plain] = kern_dense_##TYPE(plain)->squares(x[plain], 48, 1, 48);                   \
            kern_dense_##TYPE(plain)->adam(&adam, x[plain], g, m[plain], s[plain], 48);            \
        }                                                                                          \
        {                                                                                          \
            REAL *x0 = random_##TYPE(1, 33, 48, 1), *m0 = random_##TYPE(1, 33, 48, 3);             \
                                                                                                   \
            for (size_t k = 0; k < 48; k++) {                                                      \
                const double step = 0.5 * (double)g[k], mean = 0.9 * (double)m0[k] + 0.1 * step;   \
                const double size = sqrt(0.001) * fabs(step);                                      \
                const double to = (double)x0[k] - 0.1 * mean / (1.5 * size + 1e-8);                \
                                                                                                   \
                wanted += (double)x0[k] * (double)x0[k];                                           \
                cr_expect(fabs((double)x[0][k] - to) <= 100 * TOLERANCE * (1 + fabs(to)),          \
                          "%zu: %g, not %g", k, (double)x[0][k], to);                              \
                cr_expect(fabs((double)s[0][k] - size * size) <= TOLERANCE * size * size);         \
            }                                                                                      \
            free(x0);                                                                              \
            free(m0);                                                                              \
        }                                                                                          \
        cr_expect(fabs(sum[0] - wanted) <= TOLERANCE * wanted);                                    \
        cr_expect_eq(sum[0], sum[1]);                                                              \
        cr_expect_eq(memcmp(x[0], x[1], 48 * sizeof(REAL)), 0);                                    \
        cr_expect_eq(memcmp(m[0], m[1], 48 * sizeof(REAL)), 0);                                    \
        cr_expect_eq(memcmp(s[0], s[1], 48 * sizeof(REAL)), 0);                                    \
        for (int plain = 0; plain < 2; plain++) {                                                  \
            free(x[plain]);                                                                        \
            free(m[plain]);                                                                        \
            free(s[plain]);                                                                        \
        }                                                                                          \
        free(g);                                                                                   \
    }

DENSE_TESTS(float, f32, 1e-5)
DENSE_TESTS(double, f64, 1e-14)

Test(dense, padding_fills_lines_and_strides_are_odd_in_lines)
{
    cr_expect_eq(kern_dense_columns(1, 4), 16);
    cr_expect_eq(kern_dense_columns(2048, 4), 2048);
    cr_expect_eq(kern_dense_columns(2049, 8), 2056);
    cr_expect_eq(kern_dense_stride(2048, 4), 2064);
    cr_expect_eq(kern_dense_stride(2048, 8), 2056);
    cr_expect_eq(kern_dense_stride(16, 4), 16);
}
