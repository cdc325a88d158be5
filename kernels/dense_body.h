/* dense_body.h - the functions of dense.h for one type and one width of vectors:
 * see dense_variants.h, which includes this twice.
 *
 * Tiles hold eight sums in vectors: as many as hide the latency of two units.
 */
#ifdef VARIANT

#define dot_rows    VARIANT(dot_rows)
#define gram_tile   VARIANT(gram_tile)
#define product_row VARIANT(product_row)
#define add_row     VARIANT(add_row)

enum {
    VARIANT(ROWS) = 4,          /* that a tile has */
    VARIANT(GRAM_BYTES) = 4096, /* of a row, so that four of them stay in the nearest cache */
    VARIANT(BLOCK) = 64         /* rows of a product whose result is written in one go */
};

/* The sum of a vector's lanes, by halves. */
TARGET IN_PLACE REAL VARIANT(fold)(const vec *v)
{
    REAL lane[LANES];

    memcpy(lane, v, sizeof lane);
    for (int half = LANES / 2; half > 0; half /= 2)
        for (int k = 0; k < half; k++)
            lane[k] += lane[k + half];
    return lane[0];
}

/* Four rows times one. */
TARGET IN_PLACE void dot_rows(const REAL *const row[4], const REAL *w, size_t columns, REAL out[4])
{
    const REAL *a = row[0], *b = row[1], *c = row[2], *d = row[3];
    vec         a0 = {0}, b0 = {0}, c0 = {0}, d0 = {0}, a1 = {0}, b1 = {0}, c1 = {0}, d1 = {0};
    size_t      j = 0;

    for (; j + 2 * LANES <= columns; j += 2 * LANES) {
        const vec w0 = LOAD(w + j), w1 = LOAD(w + j + LANES);

        ACCUMULATE(a0, LOAD(a + j), w0);
        ACCUMULATE(b0, LOAD(b + j), w0);
        ACCUMULATE(c0, LOAD(c + j), w0);
        ACCUMULATE(d0, LOAD(d + j), w0);
        ACCUMULATE(a1, LOAD(a + j + LANES), w1);
        ACCUMULATE(b1, LOAD(b + j + LANES), w1);
        ACCUMULATE(c1, LOAD(c + j + LANES), w1);
        ACCUMULATE(d1, LOAD(d + j + LANES), w1);
    }
    a0 += a1;
    b0 += b1;
    c0 += c1;
    d0 += d1;
    out[0] = VARIANT(fold)(&a0);
    out[1] = VARIANT(fold)(&b0);
    out[2] = VARIANT(fold)(&c0);
    out[3] = VARIANT(fold)(&d0);
    for (; j < columns; j++)
        for (int k = 0; k < 4; k++)
            out[k] = FMA_ONE(row[k][j], w[j], out[k]);
}

/* Rows beyond the last one are the last one again, and not written. */
TARGET static void VARIANT(dots)(const REAL *x, size_t ldx, size_t n, const REAL *w, size_t ldw,
                                 size_t r, size_t columns, REAL *out, size_t ldo)
{
    for (size_t i = 0; i < n; i += VARIANT(ROWS)) {
        const size_t rows = n - i < VARIANT(ROWS) ? n - i : VARIANT(ROWS);
        const REAL  *row[VARIANT(ROWS)];

        for (size_t k = 0; k < VARIANT(ROWS); k++)
            row[k] = x + (i + (k < rows ? k : rows - 1)) * ldx;
        for (size_t k = 0; k < r; k++) {
            REAL sums[VARIANT(ROWS)];

            dot_rows(row, w + k * ldw, columns, sums);
            for (size_t q = 0; q < rows; q++)
                out[(i + q) * ldo + k] = sums[q];
        }
    }
}

/* sum += e x, for one row. */
TARGET IN_PLACE void add_row(REAL *sum, REAL e, const REAL *x, size_t columns)
{
    const vec e0 = SPREAD(e);

    for (size_t j = 0; j < columns; j += LANES) {
        vec s = LOAD(sum + j);

        ACCUMULATE(s, LOAD(x + j), e0);
        STORE(sum + j, s);
    }
}

TARGET static void VARIANT(outer)(REAL *sum, size_t lds, const REAL *e, size_t lde, size_t r,
                                  const REAL *x, size_t ldx, size_t n, size_t columns)
{
    size_t i = 0;

    for (; i + VARIANT(ROWS) <= n; i += VARIANT(ROWS))
        for (size_t k = 0; k < r; k++) {
            const REAL *a = x + i * ldx, *b = a + ldx, *c = b + ldx, *d = c + ldx;
            const REAL *factor = e + i * lde + k;
            const vec   ea = SPREAD(factor[0]), eb = SPREAD(factor[lde]);
            const vec   ec = SPREAD(factor[2 * lde]), ed = SPREAD(factor[3 * lde]);

            for (size_t j = 0; j < columns; j += LANES) {
                vec s = LOAD(sum + k * lds + j);

                ACCUMULATE(s, LOAD(a + j), ea);
                ACCUMULATE(s, LOAD(b + j), eb);
                ACCUMULATE(s, LOAD(c + j), ec);
                ACCUMULATE(s, LOAD(d + j), ed);
                STORE(sum + k * lds + j, s);
            }
        }
    for (; i < n; i++)
        for (size_t k = 0; k < r; k++)
            add_row(sum + k * lds, e[i * lde + k], x + i * ldx, columns);
}

/* Four rows times two, over some columns. */
TARGET IN_PLACE void gram_tile(const REAL *const row[4], const REAL *y, const REAL *z,
                               size_t columns, REAL out[4][2])
{
    const REAL *a = row[0], *b = row[1], *c = row[2], *d = row[3];
    vec         a0 = {0}, b0 = {0}, c0 = {0}, d0 = {0}, a1 = {0}, b1 = {0}, c1 = {0}, d1 = {0};

    for (size_t j = 0; j < columns; j += LANES) {
        const vec y0 = LOAD(y + j), z0 = LOAD(z + j);

        ACCUMULATE(a0, LOAD(a + j), y0);
        ACCUMULATE(a1, LOAD(a + j), z0);
        ACCUMULATE(b0, LOAD(b + j), y0);
        ACCUMULATE(b1, LOAD(b + j), z0);
        ACCUMULATE(c0, LOAD(c + j), y0);
        ACCUMULATE(c1, LOAD(c + j), z0);
        ACCUMULATE(d0, LOAD(d + j), y0);
        ACCUMULATE(d1, LOAD(d + j), z0);
    }
    out[0][0] = VARIANT(fold)(&a0);
    out[0][1] = VARIANT(fold)(&a1);
    out[1][0] = VARIANT(fold)(&b0);
    out[1][1] = VARIANT(fold)(&b1);
    out[2][0] = VARIANT(fold)(&c0);
    out[2][1] = VARIANT(fold)(&c1);
    out[3][0] = VARIANT(fold)(&d0);
    out[3][1] = VARIANT(fold)(&d1);
}

/* Columns in blocks, so that the four rows of a tile come from the nearest cache
 * for all that they are multiplied with. */
TARGET static void VARIANT(gram)(const REAL *x, size_t ldx, size_t n, size_t columns, REAL *g,
                                 size_t ldg)
{
    const size_t block = VARIANT(GRAM_BYTES) / sizeof(REAL);

    for (size_t c = 0; c < columns; c += block) {
        const size_t width = columns - c < block ? columns - c : block;

        for (size_t i = 0; i < n; i += VARIANT(ROWS)) {
            const REAL *row[VARIANT(ROWS)];

            for (size_t k = 0; k < VARIANT(ROWS); k++)
                row[k] = x + (i + k < n ? i + k : n - 1) * ldx + c;
            for (size_t j = 0; j < n && j < i + VARIANT(ROWS); j += 2) {
                const size_t next = j + 1 < n ? j + 1 : j;
                REAL         part[VARIANT(ROWS)][2];

                gram_tile(row, x + j * ldx + c, x + next * ldx + c, width, part);
                for (size_t k = 0; k < VARIANT(ROWS) && i + k < n; k++)
                    for (size_t q = 0; q < 2 && j + q <= i + k; q++)
                        g[(i + k) * ldg + j + q] =
                            c == 0 ? part[k][q] : g[(i + k) * ldg + j + q] + part[k][q];
            }
        }
    }
    for (size_t i = 0; i < n; i++)
        for (size_t j = i + 1; j < n; j++)
            g[i * ldg + j] = g[j * ldg + i];
}

/* Four rows of a, two vectors of columns. */
TARGET IN_PLACE void product_row(const REAL *const row[4], size_t m, const REAL *b, size_t ldb,
                                 REAL *const out[4])
{
    vec a0 = {0}, b0 = {0}, c0 = {0}, d0 = {0}, a1 = {0}, b1 = {0}, c1 = {0}, d1 = {0};

    for (size_t k = 0; k < m; k++, b += ldb) {
        const vec y0 = LOAD(b), y1 = LOAD(b + LANES);
        const vec fa = SPREAD(row[0][k]), fb = SPREAD(row[1][k]);
        const vec fc = SPREAD(row[2][k]), fd = SPREAD(row[3][k]);

        ACCUMULATE(a0, fa, y0);
        ACCUMULATE(a1, fa, y1);
        ACCUMULATE(b0, fb, y0);
        ACCUMULATE(b1, fb, y1);
        ACCUMULATE(c0, fc, y0);
        ACCUMULATE(c1, fc, y1);
        ACCUMULATE(d0, fd, y0);
        ACCUMULATE(d1, fd, y1);
    }
    /* Rows beyond the last one are the last one again: the same values twice. */
    STORE(out[0], a0);
    STORE(out[0] + LANES, a1);
    STORE(out[1], b0);
    STORE(out[1] + LANES, b1);
    STORE(out[2], c0);
    STORE(out[2] + LANES, c1);
    STORE(out[3], d0);
    STORE(out[3] + LANES, d1);
}

TARGET static void VARIANT(product)(const REAL *a, size_t lda, size_t n, size_t m, const REAL *b,
                                    size_t ldb, size_t columns, REAL *out, size_t ldo)
{
    for (size_t block = 0; block < n; block += VARIANT(BLOCK)) {
        const size_t end = n - block < VARIANT(BLOCK) ? n : block + VARIANT(BLOCK);

        for (size_t j = 0; j < columns; j += 2 * LANES)
            for (size_t i = block; i < end; i += VARIANT(ROWS)) {
                const REAL *row[VARIANT(ROWS)];
                REAL       *to[VARIANT(ROWS)];

                for (size_t k = 0; k < VARIANT(ROWS); k++) {
                    const size_t at = i + k < end ? i + k : end - 1;

                    row[k] = a + at * lda;
                    to[k] = out + at * ldo + j;
                }
                product_row(row, m, b + j, ldb, to);
            }
    }
}

TARGET static double VARIANT(squares)(const REAL *x, size_t ldx, size_t n, size_t columns)
{
    double sum = 0;

    for (size_t i = 0; i < n; i++) {
        const REAL *row = x + i * ldx;
        vec         s0 = {0}, s1 = {0};

        for (size_t j = 0; j < columns; j += 2 * LANES) {
            ACCUMULATE(s0, LOAD(row + j), LOAD(row + j));
            ACCUMULATE(s1, LOAD(row + j + LANES), LOAD(row + j + LANES));
        }
        s0 += s1;
        sum += (double)VARIANT(fold)(&s0);
    }
    return sum;
}

TARGET static void VARIANT(adam)(const struct kern_dense_adam *adam, REAL *x, const REAL *gradient,
                                 REAL *mean, REAL *square, size_t n)
{
    const vec zero = {0}, scale = zero + (REAL)adam->scale;
    const vec beta1 = zero + (REAL)adam->beta1, rest1 = zero + (REAL)(1 - adam->beta1);
    const vec beta2 = zero + (REAL)adam->beta2, rest2 = zero + (REAL)(1 - adam->beta2);
    const vec step = zero + (REAL)adam->step, root = zero + (REAL)adam->root;
    const vec epsilon = zero + (REAL)adam->epsilon;

    for (size_t i = 0; i < n; i += LANES) {
        const vec g = scale * LOAD(gradient + i);
        const vec m = beta1 * LOAD(mean + i) + rest1 * g;
        const vec s = beta2 * LOAD(square + i) + rest2 * (g * g);
        vec       size = s;

        ROOT(size);
        STORE(mean + i, m);
        STORE(square + i, s);
        STORE(x + i, LOAD(x + i) - step * m / (root * size + epsilon));
    }
}

static const struct TABLE VARIANT(table) = {
    VARIANT(dots), VARIANT(outer), VARIANT(gram), VARIANT(product), VARIANT(squares), VARIANT(adam),
};

#undef dot_rows
#undef gram_tile
#undef product_row
#undef add_row

#endif
