/* Batch norm with its sum and ReLU against the definition, in every order of memory. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "kernels/norm.h"
#include "tests/reference/naive_layers.h"

/* n, channels, points, block, image, group, point; floats in all. */
static const struct order {
    const char          *name;
    struct kern_channels where;
    size_t               floats;
} orders[] = {
    {"row-major", {3, 11, 7, 1, 77, 7, 1}, 231},
    {"blocks of 8, the last not full", {3, 11, 7, 8, 112, 56, 8}, 336},
    {"blocks of 16, the last not full", {3, 11, 7, 16, 112, 112, 16}, 336},
    {"channels last", {3, 11, 7, 11, 77, 0, 11}, 231},
    {"blocks of 16, half of each empty", {2, 4, 5, 16, 80, 80, 16}, 160},
    {"channels last, of eights", {2, 16, 5, 16, 80, 0, 16}, 160},
};

enum {
    ORDERS = sizeof orders / sizeof orders[0],
    MOST_CHANNELS = 16
};

/* What is summed: a norm, with a ReLU or not; a second norm; something else. */
static const struct form {
    bool relu, two, rest, parts; /* parts: the gradient comes in two */
} forms[] = {{false, false, false, false}, {true, false, false, false}, {true, false, false, true},
             {false, false, true, false},  {true, false, true, true},   {true, true, false, false},
             {false, true, false, true},   {true, true, true, true}};

enum {
    FORMS = sizeof forms / sizeof forms[0]
};

static size_t place(const struct kern_channels *w, size_t element)
{
    const size_t p = element % w->points, c = element / w->points % w->channels;

    return element / w->points / w->channels * w->image + c / w->block * w->group + p * w->point +
           c % w->block;
}

/* Arrays of elements: as the operation has them, and row-major in double. */
enum array {
    X,
    X2,
    REST,
    Y,
    A,
    B,
    THROUGH,
    DX,
    DX2,
    ARRAYS
};

enum vector {
    SCALE,
    SHIFT,
    MEAN,
    VARIANCE,
    DSCALE,
    DSHIFT,
    VECTORS
};

struct data {
    const struct order *order;
    struct form         form;
    size_t              count; /* elements */
    float              *array[ARRAYS];
    double             *wide[ARRAYS];
    float               vector[2][VECTORS][MOST_CHANNELS];
    double              wide_vector[2][VECTORS][MOST_CHANNELS];
};

/* Inputs are drawn by element, whatever the order; padding is 0. */
static void draw(struct data *data, const struct order *order, struct form form)
{
    struct mx_rng rng = mx_rng_at(mx_stream_make(2, 0, MX_PURPOSE_DATA, 0), 1, 0, 0);

    *data = (struct data){.order = order, .form = form};
    data->count = (size_t)order->where.n * order->where.channels * order->where.points;
    for (int a = 0; a < ARRAYS; a++) {
        data->array[a] = aligned_alloc(64, (order->floats + 15) / 16 * 16 * sizeof(float));
        data->wide[a] = calloc(data->count, sizeof(double));
        memset(data->array[a], a == Y || a >= THROUGH ? 0xFF : 0, order->floats * sizeof(float));
        for (size_t i = 0; i < data->count; i++) {
            const double value = 0.5 * (a == X) + mx_rng_normal(&rng);

            if (a != Y && a < THROUGH)
                data->wide[a][i] = data->array[a][place(&order->where, i)] = (float)value;
        }
    }
    for (int norm = 0; norm < 2; norm++)
        for (int v = SCALE; v <= SHIFT; v++)
            for (uint32_t c = 0; c < order->where.channels; c++)
                data->wide_vector[norm][v][c] = data->vector[norm][v][c] =
                    (float)mx_rng_normal(&rng);
}

static void release(struct data *data)
{
    for (int a = 0; a < ARRAYS; a++) {
        free(data->array[a]);
        free(data->wide[a]);
    }
}

static void run(struct data *data, bool fixed)
{
    struct kern_norm          norms[2];
    struct kern_norm_sum      sum = {.where = data->order->where, .relu = data->form.relu};
    struct kern_norm_gradient gradient = {.a = data->array[A]};

    for (int k = 0; k < 2; k++) {
        float(*v)[MOST_CHANNELS] = data->vector[k];

        norms[k] = (struct kern_norm){.x = data->array[X + k],
                                      .scale = v[SCALE],
                                      .shift = v[SHIFT],
                                      .mean = v[MEAN],
                                      .variance = v[VARIANCE],
                                      .epsilon = 1e-5,
                                      .fixed = fixed,
                                      .dx = data->array[DX + k],
                                      .dscale = fixed ? NULL : v[DSCALE],
                                      .dshift = fixed ? NULL : v[DSHIFT]};
    }
    sum.norms[0] = &norms[0];
    sum.norms[1] = data->form.two ? &norms[1] : NULL;
    sum.rest = data->form.rest ? data->array[REST] : NULL;
    sum.y = data->array[Y];
    gradient.b = data->form.parts ? data->array[B] : NULL;
    gradient.through = data->form.two || data->form.rest ? data->array[THROUGH] : NULL;
    kern_norm_forward(&sum);
    kern_norm_backward(&sum, &gradient);
}

static struct naive_norm naive_shape(const struct data *data, bool training)
{
    const struct kern_channels *w = &data->order->where;

    return (struct naive_norm){w->n, w->channels, w->points, training, false, 1e-5};
}

static void run_naive(struct data *data)
{
    const struct naive_norm shape = naive_shape(data, true);
    double                 *other = calloc(data->count, sizeof *other);

    for (int k = 0; k <= data->form.two; k++) {
        double(*v)[MOST_CHANNELS] = data->wide_vector[k];

        naive_norm_forward(&shape, data->wide[X + k], v[SCALE], v[SHIFT], v[MEAN], v[VARIANCE],
                           other);
        for (size_t i = 0; i < data->count; i++)
            data->wide[Y][i] += other[i];
    }
    for (size_t i = 0; i < data->count; i++) {
        double *y = &data->wide[Y][i];

        *y += data->form.rest ? data->wide[REST][i] : 0;
        if (data->form.relu && *y < 0)
            *y = 0;
        if (!data->form.relu || *y > 0)
            data->wide[THROUGH][i] = data->wide[A][i] + (data->form.parts ? data->wide[B][i] : 0);
    }
    for (int k = 0; k <= data->form.two; k++) {
        double(*v)[MOST_CHANNELS] = data->wide_vector[k];

        naive_norm_backward(&shape, data->wide[X + k], data->wide[Y], v[SCALE], v[MEAN],
                            v[VARIANCE], data->wide[THROUGH], data->wide[DX + k], v[DSCALE],
                            v[DSHIFT]);
    }
    free(other);
}

static void expect_array(const struct data *data, enum array which, const char *what, size_t form)
{
    for (size_t i = 0; i < data->count; i++) {
        const double got = data->array[which][place(&data->order->where, i)];

        cr_expect(fabs(got - data->wide[which][i]) <= 4e-6 * fmax(1, fabs(data->wide[which][i])),
                  "%s, form %zu: %s %zu is %.9g, not %.9g", data->order->name, form, what, i, got,
                  data->wide[which][i]);
    }
}

static void expect_vectors(const struct data *data, size_t form)
{
    for (int k = 0; k <= data->form.two; k++)
        for (int v = MEAN; v < VECTORS; v++)
            for (uint32_t c = 0; c < data->order->where.channels; c++)
                cr_expect(fabs(data->vector[k][v][c] - data->wide_vector[k][v][c]) <=
                              1e-6 * fmax(1, fabs(data->wide_vector[k][v][c])),
                          "%s, form %zu: vector %d of norm %d at channel %u is %.9g, not %.9g",
                          data->order->name, form, v, k, c, (double)data->vector[k][v][c],
                          data->wide_vector[k][v][c]);
}

Test(norm, equals_its_definition_alone_and_in_sums)
{
    for (size_t o = 0; o < ORDERS; o++)
        for (size_t f = 0; f < FORMS; f++) {
            struct data data;

            draw(&data, &orders[o], forms[f]);
            run(&data, false);
            run_naive(&data);
            expect_vectors(&data, f);
            expect_array(&data, Y, "output", f);
            expect_array(&data, DX, "gradient", f);
            if (forms[f].two)
                expect_array(&data, DX2, "second gradient", f);
            if (forms[f].two || forms[f].rest)
                expect_array(&data, THROUGH, "gradient of the sum", f);
            release(&data);
        }
}

/* Both orders of the same elements. */
static void expect_same_bits(const struct order *one, const struct order *other, struct form form)
{
    struct data first, second;
    int         wrong = 0;

    draw(&first, one, form);
    draw(&second, other, form);
    run(&first, false);
    run(&second, false);
    cr_expect_arr_eq(first.vector, second.vector, sizeof first.vector);
    for (int a = 0; a < ARRAYS; a++)
        for (size_t i = 0; i < first.count; i++)
            wrong += memcmp(&first.array[a][place(&one->where, i)],
                            &second.array[a][place(&other->where, i)], sizeof(float)) != 0;
    cr_expect_eq(wrong, 0, "%s: %d elements differ", other->name, wrong);
    release(&first);
    release(&second);
}

/* Bits are a matter of the elements alone: one by one in row-major order, eight by
 * eight in blocks. */
Test(norm, gives_the_same_bits_in_every_order)
{
    for (size_t f = 0; f < FORMS; f++)
        for (size_t o = 1; o < 3; o++)
            expect_same_bits(&orders[0], &orders[o], forms[f]);
}

/* ... and past the caches, where they are many. */
Test(norm, gives_the_same_bits_over_megabytes)
{
    static const struct order many[] = {
        {"row-major", {36, 16, 1024, 1, 16384, 1024, 1}, 36 * 16384},
        {"blocks of 8", {36, 16, 1024, 8, 16384, 8192, 8}, 36 * 16384}};

    expect_same_bits(&many[0], &many[1], forms[4]);
}

/* Statistics that are given stay, and are constants to the gradient. */
Test(norm, takes_given_statistics)
{
    for (size_t o = 0; o < ORDERS; o++) {
        struct data                 data;
        const struct kern_channels *w = &orders[o].where;
        float                       kept[2][MOST_CHANNELS];

        draw(&data, &orders[o], forms[1]);
        for (uint32_t c = 0; c < w->channels; c++) {
            data.vector[0][MEAN][c] = 0.25f * (float)c;
            data.vector[0][VARIANCE][c] = 0.5f + (float)c;
        }
        memcpy(kept, data.vector[0][MEAN], sizeof kept);
        run(&data, true);
        cr_expect_arr_eq(kept, data.vector[0][MEAN], sizeof kept);
        for (size_t i = 0; i < data.count; i++) {
            const size_t c = i / w->points % w->channels, at = place(w, i);
            const double factor = data.vector[0][SCALE][c] / sqrt(0.5 + (double)c + 1e-5);
            const double y =
                (data.wide[X][i] - 0.25 * (double)c) * factor + (double)data.vector[0][SHIFT][c];
            const double dx = y > 0 ? factor * data.wide[A][i] : 0;

            cr_expect(fabs(data.array[Y][at] - fmax(0, y)) <= 1e-6 * fmax(1, fabs(y)));
            cr_expect(fabs(data.array[DX][at] - dx) <= 1e-6 * fmax(1, fabs(dx)));
        }
        release(&data);
    }
}

static void expect_padding(const struct order *order)
{
    struct data  data;
    const size_t at = place(&order->where, 5);
    size_t       padding[2] = {0, 0};

    draw(&data, order, forms[4]);
    data.array[X][at] = NAN;
    run(&data, false);
    cr_expect(isnan(data.array[Y][at]), "%s", order->name);
    for (size_t i = 0; i < data.count; i++)
        data.array[Y][place(&order->where, i)] = data.array[DX][place(&order->where, i)] = 1;
    for (size_t k = 0; k < order->floats; k++) {
        padding[0] += data.array[Y][k] == 0;
        padding[1] += data.array[DX][k] == 0;
    }
    cr_expect_eq(padding[0], order->floats - data.count, "%s", order->name);
    cr_expect_eq(padding[1], order->floats - data.count, "%s: gradient", order->name);
    release(&data);
}

/* Into memory that held something else. */
Test(norm, leaves_padding_zero_and_lets_what_is_not_a_number_through)
{
    for (size_t o = 0; o < sizeof orders / sizeof *orders; o++)
        expect_padding(&orders[o]);
}

/* As the engine runs it: outputs and gradients over what nobody reads any more. */
Test(norm, may_write_over_what_it_reads)
{
    struct data apart, over;

    draw(&apart, &orders[1], forms[5]);
    run(&apart, false);
    draw(&over, &orders[1], forms[5]);
    free(over.array[THROUGH]);
    free(over.array[DX]);
    over.array[THROUGH] = over.array[DX] = over.array[A];
    run(&over, false);
    cr_expect_arr_eq(apart.array[DX], over.array[DX], orders[1].floats * sizeof(float));
    cr_expect_arr_eq(apart.array[DX2], over.array[DX2], orders[1].floats * sizeof(float));
    over.array[THROUGH] = over.array[DX] = NULL;
    release(&apart);
    release(&over);
}
