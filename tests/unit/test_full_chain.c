/* A training, its maps and their curves in double precision by plain loops, beside the stages that
 * do the same: their means agree. Only what is drawn is shared, and the bytes of the images.
 *
 * Maps without equal pixels: those of an enlarged map are put in order by the last bit, which says
 * nothing about the chain. */
#include "tests/reference/naive_maps.h"
#include "tests/reference/naive_relevance.h"
#include "tests/unit/map_stages.h"
#include "worker/batch.h"
#include "worker/map_scores.h"

enum {
    IMAGES = 7, /* of map_stages.h */
    SIDE = 10,
    PIXELS = SIDE * SIDE,
    STEPS = 4,
    EACH = PIXELS / STEPS,
    BATCH = 16,
    EPOCHS = 1,
    KINDS = 2
};

static const enum worker_attribution kinds[KINDS] = {WORKER_MAP_GRADIENT,
                                                     WORKER_MAP_INTEGRATED_GRADIENTS};
static const char                    scores_key[] = "33333333333333333333333333333333";

TestSuite(full_chain, .init = make_folder, .fini = remove_folder);

struct chain {
    struct worker_job     *job;
    struct worker_dataset *set;
    struct worker_net      net;
    struct naive_net      *training, *trained;
    struct worker_batch   *batch;
};

/* The weights that the training stage begins with. */
static void take_initial_weights(struct chain *c)
{
    struct worker_engine *engine =
        worker_engine_new(&c->job->params, &c->set->shape, BATCH,
                          mx_stream_make(c->job->seed, 0, MX_PURPOSE_INIT, 0), NULL);
    struct worker_tensor *tensors;
    size_t                count;

    cr_assert_not_null(engine);
    cr_assert_eq(worker_engine_export(engine, &tensors, &count, NULL), 0);
    for (size_t p = 0; p < c->training->nparameters; p++)
        for (size_t k = 0; k < c->training->infos[p].count; k++)
            c->training->parameters[p][k] = (double)tensors[p].data[k];
    worker_tensors_free(tensors, count);
    worker_engine_free(engine);
}

static void train_naively(struct chain *c)
{
    const struct worker_params *params = &c->job->params;
    const uint32_t              n = c->set->train.n, batches = n / BATCH;
    const struct mx_stream      none = mx_stream_make(c->job->seed, 0, MX_PURPOSE_MIX, 0);
    uint32_t                   *order = malloc(n * sizeof *order);

    cr_assert_eq(n % BATCH, 0, "%u", n);
    for (uint32_t step = 0; step < EPOCHS * batches; step++) {
        const uint32_t epoch = step / batches, b = step % batches;
        const double   rate =
            params->train_lr / 2 * (1 + cos(3.14159265358979323846 * step / (EPOCHS * batches)));
        struct mx_rng rng =
            mx_rng_at(mx_stream_make(c->job->seed, 0, MX_PURPOSE_ORDER, 0), epoch, 0, 0);

        mx_rng_permutation(&rng, order, n);
        cr_assert_eq(worker_batch_train(c->batch, params, c->set, order + b * BATCH, BATCH, none,
                                        none, epoch, b, NULL),
                     0);
        naive_net_step(
            c->training,
            &(struct naive_batch){c->batch->images, c->batch->y_a, c->batch->y_b, c->batch->lambda},
            params, rate);
    }
    free(order);
}

/* What was learnt, for one image at a time. */
static void take_trained_weights(struct chain *c)
{
    const struct naive_net *from = c->training;

    for (size_t p = 0; p < from->nparameters; p++)
        memcpy(c->trained->parameters[p], from->parameters[p],
               from->infos[p].count * sizeof(double));
    for (uint32_t l = 0; l < c->net.nlayers; l++)
        if (c->net.layers[l].kind == WORKER_NORM) {
            const size_t size = c->net.layers[l].channels * sizeof(double);

            memcpy(c->trained->running_mean[l], from->running_mean[l], size);
            memcpy(c->trained->running_variance[l], from->running_variance[l], size);
        }
}

/* 3 taps of a Gaussian of sigma 5 side/224 on each axis; beyond an edge lies what is as far
 * within. */
static void blur(const float *image, double *out)
{
    const double sigma = 5.0 * SIDE / 224, side = exp(-0.5 / (sigma * sigma)),
                 taps[] = {side / (1 + 2 * side), 1 / (1 + 2 * side), side / (1 + 2 * side)};

    for (int y = 0; y < SIDE; y++)
        for (int x = 0; x < SIDE; x++) {
            out[y * SIDE + x] = 0;
            for (int dy = -1; dy <= 1; dy++)
                for (int dx = -1; dx <= 1; dx++) {
                    const int r = y + dy < 0 ? 1 : y + dy == SIDE ? SIDE - 2 : y + dy;
                    const int k = x + dx < 0 ? 1 : x + dx == SIDE ? SIDE - 2 : x + dx;

                    out[y * SIDE + x] += taps[dy + 1] * taps[dx + 1] * (double)image[r * SIDE + k];
                }
        }
}

static double probability(const struct chain *c, const float *image, uint32_t label)
{
    const uint32_t last = c->net.nlayers - 1;
    const double   logit = naive_eval_forward(c->trained, image, label);
    double         sum = 0;

    for (uint32_t k = 0; k < c->set->shape.classes; k++)
        sum += exp(c->trained->values[last][k] - logit);
    return 1 / sum;
}

/* Add image i's curves of a map, an IMAGES-th of them. */
static void add_curves(const struct chain *c, const float *image, uint32_t label,
                       const double *value, double deletion[STEPS + 1], double insertion[STEPS + 1])
{
    double blurred[PIXELS];
    int    place[PIXELS];

    blur(image, blurred);
    for (int p = 0; p < PIXELS; p++) {
        place[p] = 0;
        for (int q = 0; q < PIXELS; q++)
            place[p] += value[q] > value[p];
    }
    for (int t = 0; t <= STEPS; t++) {
        float without[PIXELS], with[PIXELS];

        for (int p = 0; p < PIXELS; p++) {
            without[p] = place[p] < t * EACH ? 0 : image[p];
            with[p] = place[p] < t * EACH ? image[p] : (float)blurred[p];
        }
        deletion[t] += probability(c, without, label) / IMAGES;
        insertion[t] += probability(c, with, label) / IMAGES;
    }
}

/* The mean curve of a file, and its area under a metric's name, beside what is due. */
static void expect_curve(const struct worker_result *result, const char *word, const char *fill,
                         enum worker_attribution which, const double due[STEPS + 1])
{
    const uint64_t     dims[] = {IMAGES, STEPS + 1};
    struct worker_npy *file;
    float              curves[IMAGES][STEPS + 1];
    double             area = 0, got;
    char               name[96], path[256];

    snprintf(name, sizeof name, "test.%s.%s.%s", word, worker_map_kinds[which].word, fill);
    snprintf(path, sizeof path, "%s/%s/%s.npy", folder, scores_key, name + strlen("test."));
    file = worker_npy_open(path, NULL);
    cr_assert_not_null(file, "%s", path);
    cr_assert_eq(worker_npy_want(file, 2, dims, NULL), 0);
    cr_assert_eq(worker_npy_read_f32(file, 0, IMAGES, curves[0], NULL), 0);
    worker_npy_close(file);
    for (int t = 0; t <= STEPS; t++) {
        double mean = 0;

        for (int i = 0; i < IMAGES; i++)
            mean += (double)curves[i][t] / IMAGES;
        cr_expect(fabs(mean - due[t]) <= 1e-4, "%s, step %d: %g, not %g", name, t, mean, due[t]);
        area += t > 0 ? (due[t] + due[t - 1]) / 2 / STEPS : 0;
    }
    got = metric(result, name);
    cr_expect(fabs(got - area) <= 1e-4, "%s: %g, not %g", name, got, area);
}

static void expect_kind(struct chain *c, enum worker_attribution which,
                        const struct worker_result *result)
{
    struct worker_map_options options =
        worker_map_defaults(mx_stream_make(c->job->seed, 0, MX_PURPOSE_SCORE, 0));
    double map[PIXELS], deletion[STEPS + 1] = {0}, insertion[STEPS + 1] = {0};

    options.integrated_gradients_points =
        (uint32_t)c->job->params.score_integrated_gradients_points;
    for (uint32_t i = 0; i < IMAGES; i++) {
        const float   *image = c->batch->images + (size_t)i * PIXELS;
        const uint32_t label = c->set->test.labels[i];

        naive_map(c->trained, which, &options, image, label, i, map);
        for (int p = 0; p < PIXELS; p++)
            map[p] = fabs(map[p]); /* score.rank: absolute */
        add_curves(c, image, label, map, deletion, insertion);
    }
    expect_curve(result, "deletion", "zero", which, deletion);
    expect_curve(result, "insertion", "blur", which, insertion);
}

static struct worker_result run_the_stages(struct worker_job *job)
{
    struct worker_cache *cache = worker_cache_new();
    struct worker_result result;

    train(job, cache, WORKER_ARCH_RESNET8, kinds, KINDS);
    result = run(job, cache);
    worker_result_free(&result);
    become(job, WORKER_STAGE_SCORES, scores_key);
    cr_assert_eq(worker_job_add_input(job, WORKER_STAGE_MAPS, maps_key, NULL), 0);
    job->params.score_metrics = WORKER_SCORE_BIT(DELETION) | WORKER_SCORE_BIT(INSERTION);
    job->params.score_steps = STEPS;
    job->params.score_rank = WORKER_RANK_ABSOLUTE;
    job->params.score_fills = (struct worker_list){1, {WORKER_FILL_ZERO}};
    result = run(job, cache);
    worker_cache_free(cache);
    return result;
}

Test(full_chain, from_training_to_curves_agrees_with_double_precision_on_means)
{
    struct worker_job   *job = small_training("");
    struct chain         c = {.job = job};
    struct worker_result result;

    job->params.data_size = SIDE;
    job->params.data_synthetic_n = 60;
    job->params.data_augment = WORKER_AUGMENT_NONE;
    job->params.mix_strategy = WORKER_MIX_NONE;
    job->params.train_epochs = EPOCHS;
    job->params.train_batch_size = BATCH;
    result = run_the_stages(job);

    c.set = worker_dataset_open(&job->params, job->seed, NULL);
    cr_assert_not_null(c.set);
    cr_assert_eq(worker_net_build(&job->params, &c.set->shape, &c.net, NULL), 0);
    c.training = naive_net_new(&c.net, BATCH);
    c.trained = naive_net_new(&c.net, 1);
    c.batch = worker_batch_new(&job->params, &c.set->shape, BATCH, NULL);
    take_initial_weights(&c);
    train_naively(&c);
    take_trained_weights(&c);
    worker_batch_plain(c.batch, c.set, &c.set->test, 0, IMAGES);
    for (int k = 0; k < KINDS; k++)
        expect_kind(&c, kinds[k], &result);

    worker_result_free(&result);
    worker_batch_free(c.batch);
    naive_net_free(c.training);
    naive_net_free(c.trained);
    worker_net_free(&c.net);
    worker_dataset_free(c.set);
    worker_job_free(job);
    free(job);
}
