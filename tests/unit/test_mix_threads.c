/* Draws have names: neither threads nor the sizes of batches change them, epochs do. */
#include <criterion/criterion.h>
#include <pthread.h>

#include "mix_sets.h"

enum {
    SAMPLES = 12
};

/* Batches of an epoch as they come out, whoever makes them. */
struct epoch {
    float   *images; /* (SAMPLES, image) */
    float    lambda[SAMPLES];
    uint32_t y_b[SAMPLES];
    int32_t  shift[SAMPLES];
};

struct maker {
    struct mix_set set; /* the batch is its own */
    struct epoch  *out;
    uint32_t       first, step, size, epoch;
};

static void *make_batches(void *argument)
{
    struct maker *maker = argument;
    uint32_t     *order = maker->set.order;

    for (uint32_t b = maker->first; b * maker->size < SAMPLES; b += maker->step) {
        const uint32_t at = b * maker->size;

        maker->set.order = order + at;
        mix_set_train(&maker->set, maker->size, maker->epoch, b);
        memcpy(maker->out->images + at * maker->set.image, maker->set.batch->images,
               maker->size * maker->set.image * sizeof(float));
        memcpy(maker->out->lambda + at, maker->set.batch->lambda, maker->size * sizeof(float));
        memcpy(maker->out->y_b + at, maker->set.batch->y_b, maker->size * sizeof(uint32_t));
        for (uint32_t i = 0; i < maker->size; i++)
            maker->out->shift[at + i] = maker->set.batch->samples[i].shift_x;
    }
    maker->set.order = order;
    return NULL;
}

/* An epoch in batches of `size`, dealt out to so many threads. */
static struct epoch run_epoch(const struct mix_set *set, uint32_t epoch, uint32_t size,
                              uint32_t threads)
{
    struct epoch out = {.images = calloc(SAMPLES * set->image, sizeof(float))};
    struct maker makers[4];
    pthread_t    ids[4];

    for (uint32_t t = 0; t < threads; t++) {
        makers[t] = (struct maker){*set, &out, t, threads, size, epoch};
        makers[t].set.batch = worker_batch_new(&set->params, &set->set.shape, size, NULL);
        worker_batch_lend(
            makers[t].set.batch,
            (struct worker_gradient){mix_set_gradient, (void *)(uintptr_t)&set->image});
        cr_assert_eq(pthread_create(&ids[t], NULL, make_batches, &makers[t]), 0);
    }
    for (uint32_t t = 0; t < threads; t++) {
        pthread_join(ids[t], NULL);
        worker_batch_free(makers[t].set.batch);
    }
    return out;
}

static void expect_same(const struct epoch *a, const struct epoch *b, size_t values)
{
    cr_expect_arr_eq(a->images, b->images, values * sizeof(float));
    cr_expect_arr_eq(a->lambda, b->lambda, sizeof a->lambda);
    cr_expect_arr_eq(a->y_b, b->y_b, sizeof a->y_b);
}

/* Of recursivemix, which builds on the batch before, see test_recursivemix.c. */
Test(mix_threads, batches_are_the_same_for_any_number_of_threads_and_new_in_each_epoch)
{
    const struct worker_shape shape = {3, 16, 12, 2, 0};

    for (unsigned s = WORKER_MIX_MIXUP; s < WORKER_MIX_RECURSIVEMIX; s++) {
        struct worker_params params = mix_params(s);
        struct mix_set       set;
        struct epoch         alone, next;

        params.mix_granularity = WORKER_GRANULARITY_SAMPLE;
        params.data_augment = WORKER_AUGMENT_FLIP_CROP;
        set = mix_set_make(&params, &shape, SAMPLES, true);
        for (uint32_t size = 3; size <= 4; size++) {
            alone = run_epoch(&set, 0, size, 1);
            next = run_epoch(&set, 1, size, 1);
            cr_expect(memcmp(alone.images, next.images, SAMPLES * set.image * sizeof(float)) != 0);
            for (uint32_t threads = 2; threads <= 4; threads += 2) {
                struct epoch shared = run_epoch(&set, 0, size, threads);

                expect_same(&alone, &shared, SAMPLES * set.image);
                free(shared.images);
            }
            free(alone.images);
            free(next.images);
        }
        mix_set_free(&set);
    }
}

/* What is named after the image is the same in any batch; what is named after the
 * place, in any batch of that number, however large; and every sample has its own. */
Test(mix_threads, the_size_of_a_batch_changes_no_draw_of_a_place)
{
    const struct worker_shape shape = {1, 9, 9, 2, 0};
    struct worker_params      params = mix_params(WORKER_MIX_MIXUP);
    struct mix_set            set;
    struct epoch              of3, of4;

    params.mix_granularity = WORKER_GRANULARITY_SAMPLE;
    params.data_augment = WORKER_AUGMENT_FLIP_CROP;
    set = mix_set_make(&params, &shape, SAMPLES, true);
    of3 = run_epoch(&set, 0, 3, 1);
    of4 = run_epoch(&set, 0, 4, 1);
    cr_expect_arr_eq(of3.shift, of4.shift, sizeof of3.shift);
    for (uint32_t b = 0; b < 3; b++)
        for (uint32_t i = 0; i < 3; i++)
            cr_expect_eq(of3.lambda[3 * b + i], of4.lambda[4 * b + i]);
    for (uint32_t i = 0; i < SAMPLES; i++)
        for (uint32_t j = 0; j < i; j++)
            cr_expect_neq(of4.lambda[i], of4.lambda[j]);
    free(of3.images);
    free(of4.images);
    mix_set_free(&set);
}
