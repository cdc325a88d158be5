/* dense.h - products of small matrices with long rows.
 *
 * What robust heads spend their time in (methods.md 4, "Doing it fast"): a few
 * rows of d numbers against tens to thousands of such rows. A library's matrix
 * product reads the long side once for each of them; these are made to be called
 * on a few rows at a time, while they are in the cache, and take any of float and
 * double.
 *
 * A matrix is its first element and the distance of two rows, in elements. Where
 * columns are said to be padded, there are a multiple of KERN_DENSE_BYTES of
 * them, and those beyond the matrix are zero; kern_dense_columns() and
 * kern_dense_stride() give the numbers. Nothing else is asked of addresses.
 *
 * Every sum has an order of its own that depends on its length alone, not on how
 * many rows a call is given; and multiplication and addition are fused on
 * every machine, so that bits do not depend on its vectors. A machine without
 * fused arithmetic is slow here, not different.
 */
#ifndef MX_KERN_DENSE_H
#define MX_KERN_DENSE_H

#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
    KERN_DENSE_BYTES = 64 /* of a row: two vectors, and a line of the cache */
};

/* Columns after padding, of elements of `size` bytes. */
size_t kern_dense_columns(size_t columns, size_t size);

/* Distance of two rows so that equal columns of neighbouring rows do not compete
 * for one place in the cache: an odd number of lines. */
size_t kern_dense_stride(size_t columns, size_t size);

/* Adam (Kingma and Ba 2015), without decay: mean = beta1 mean + (1 - beta1) g,
 * square = beta2 square + (1 - beta2) g^2, x -= step mean / (root sqrt(square) +
 * epsilon), g = scale times the gradient; step = lr / (1 - beta1^t), root = 1 /
 * sqrt(1 - beta2^t). */
struct kern_dense_adam {
    double scale, beta1, beta2, step, root, epsilon;
};

/* The functions for one type of element:
 *
 *   dots     out[i ldo + k] = sum over j of x[i][j] w[k][j]; i < n, k < r; any
 *            number of columns
 *   outer    sum[k][j] += sum over i of e[i lde + k] x[i][j], one i after the other;
 *            columns padded
 *   gram     g[i][j] = sum over k of x[i][k] x[j][k], for all i, j < n, symmetric to
 *            the bit; columns padded
 *   product  out[i][j] = sum over k of a[i][k] b[k][j]; i < n, k < m; columns of b
 *            and out padded
 *   squares  the sum of x[i]^2, rows of padded columns, rows added in double
 *   adam     a step of Adam on n elements; n is padded
 */
#define KERN_DENSE_TABLE(REAL, NAME)                                                               \
    struct NAME {                                                                                  \
        void (*dots)(const REAL *x, size_t ldx, size_t n, const REAL *w, size_t ldw, size_t r,     \
                     size_t columns, REAL *out, size_t ldo);                                       \
        void (*outer)(REAL * sum, size_t lds, const REAL *e, size_t lde, size_t r, const REAL *x,  \
                      size_t ldx, size_t n, size_t columns);                                       \
        void (*gram)(const REAL *x, size_t ldx, size_t n, size_t columns, REAL *g, size_t ldg);    \
        void (*product)(const REAL *a, size_t lda, size_t n, size_t m, const REAL *b, size_t ldb,  \
                        size_t columns, REAL *out, size_t ldo);                                    \
        double (*squares)(const REAL *x, size_t ldx, size_t n, size_t columns);                    \
        void (*adam)(const struct kern_dense_adam *adam, REAL *x, const REAL *gradient,            \
                     REAL *mean, REAL *square, size_t n);                                          \
    }

KERN_DENSE_TABLE(float, kern_dense_f32);
KERN_DENSE_TABLE(double, kern_dense_f64);

/* The functions for this machine: those with wide vectors where it has them and
 * `plain` is 0. Plain ones give the same bits. */
const struct kern_dense_f32 *kern_dense_f32(int plain);
const struct kern_dense_f64 *kern_dense_f64(int plain);

#ifdef __cplusplus
}
#endif

#endif
