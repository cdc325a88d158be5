/* What users of other training programs reported, with the very numbers of their
 * reports. A report that has tests of its own elsewhere:
 *
 *   tensor files that are trusted      test_safetensors_read, tests/fuzz; here the list
 *   NumPy arrays misread               test_npy*, tests/fuzz
 *   resuming in the middle of an epoch test_train_resume, test_dropout_resume,
 *                                      e2e/test_checkpoints; here ten images by twos
 *   shrinking that differs             test_dataset (reference rows); here the row
 *   gradients overwritten, odd sizes,  test_nn, test_engine_nets, test_torch; here
 *   1x1 windows at stride 2            sums of parts, and the reported sizes
 *   photos that decode differently     test_picture (orientation kept and told)
 */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "tests/reference/naive_net.h"
#include "tests/unit/small_training.h"
#include "worker/engine_parts.h"
#include "worker/images.h"
#include "worker/safetensors.h"

static char folder[] = "/tmp/mx_reports_XXXXXX";

static void make_folder(void)
{
    cr_assert_not_null(mkdtemp(folder));
}

static void remove_folder(void)
{
    mx_dir_remove(folder, NULL);
}

/* ---- tensor files ---- */

#define A(shape, from, to)                                                                         \
    "\"a\":{\"dtype\":\"F32\",\"shape\":" shape ",\"data_offsets\":[" from "," to "]}"
#define B(from, to) "\"b\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[" from "," to "]}"

Test(training_reports, every_lie_of_a_tensor_file_is_named, .init = make_folder,
     .fini = remove_folder)
{
    static const struct {
        uint64_t    length; /* as the file says; 0: as it is */
        const char *header;
        size_t      data;
        const char *problem;
    } cases[] = {
        {0, "{" A("[300,7]", "0", "12") "}", 12, "2100 values of F32 in 12 bytes"},
        {0, "{" A("[2]", "0", "8") "," B("0", "8") "}", 8, "overlaps another"},
        {0, "{\"a\":{\"dtype\":\"F99\",\"shape\":[1],\"data_offsets\":[0,4]}}", 4,
         "tensor 'a': unknown dtype 'F99'"},
        {0, "{" A("[4294967296,4294967296]", "0", "0") "}", 0, "a shape beyond counting"},
        {0, "{" A("[2]", "0", "8") "}", 12, "4 bytes at its end belong to no tensor"},
        {0, "{" A("[2]", "0", "8") "," B("12", "20") "}", 20,
         "tensor 'b': 4 bytes before it belong to no tensor"},
        {1ull << 63, "{}", 0, "a header of 9223372036854775808 bytes"},
    };

    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        struct mx_buf file = {0};
        char         *path = mx_path_join(folder, "w.safetensors");
        uint64_t      length = cases[c].length ? cases[c].length : strlen(cases[c].header);
        struct mx_err err = {0};

        mx_buf_add(&file, &length, sizeof length);
        mx_buf_text(&file, cases[c].header);
        for (size_t k = 0; k < cases[c].data; k++)
            mx_buf_add(&file, "", 1);
        cr_assert_eq(mx_file_write(path, file.data, file.len, NULL), 0);
        cr_expect_null(worker_safetensors_open(path, &err));
        cr_expect_eq(err.code, MX_EDATA);
        cr_expect_not_null(strstr(err.text, cases[c].problem), "%s", err.text);
        mx_buf_free(&file);
        free(path);
    }
}

/* ---- ten images by twos, left after the eighth step ---- */

static bool until(void *steps_left, uint64_t done, uint64_t total)
{
    int *left = steps_left;

    cr_expect(done <= total);
    return --*left == 0;
}

static bool keeps_nothing(const char *name)
{
    (void)name;
    return false;
}

static struct mx_buf trained(struct worker_job *job, const int *stops, size_t nstops)
{
    struct worker_cache *cache = worker_cache_new();
    struct worker_result result = {0};
    struct mx_err        err;

    for (size_t k = 0; k < nstops; k++) {
        int                    left = stops[k];
        struct worker_progress progress = {.tick = until, .user = &left};

        cr_assert_eq(worker_stage_run(job, cache, &progress, &result, &err), -1);
        cr_assert_eq(err.code, MX_EINTERRUPTED, "%s", err.text);
    }
    cr_assert_eq(worker_stage_run(job, cache, NULL, &result, &err), 0, "%s", err.text);
    worker_result_free(&result);
    worker_cache_free(cache);
    return small_training_file(job, "weights.safetensors");
}

Test(training_reports, a_training_resumed_in_mid_epoch_sees_the_same_images_in_the_same_order,
     .init = make_folder, .fini = remove_folder)
{
    static const int   stops[] = {8};
    struct worker_job *job = small_training(folder);
    struct mx_buf      whole, pieces;

    job->params.data_synthetic_n = 10;
    job->params.data_synthetic_classes = 2;
    job->params.data_val_fraction = 0;
    job->params.train_batch_size = 2;
    job->params.train_epochs = 2;
    job->checkpoint_s = 1e6;
    whole = trained(job, NULL, 0);
    cr_assert_eq(mx_dir_clear(folder, keeps_nothing, NULL), 0);
    pieces = trained(job, stops, 1);
    cr_assert_eq(whole.len, pieces.len);
    cr_expect_arr_eq(whole.data, pieces.data, whole.len);
    mx_buf_free(&whole);
    mx_buf_free(&pieces);
    free(job);
}

/* ---- shrinking ---- */

/* 45.5357 and 27.3214; four taps around the centre of each half see nothing. */
Test(training_reports, a_bright_pixel_is_not_lost_when_a_row_shrinks)
{
    static const uint8_t row[8] = {0, 0, 0, 255, 0, 0, 0, 0};
    uint8_t              out[2];

    cr_assert_eq(worker_resize(row, 1, 8, out, 1, 2, NULL), 0);
    cr_expect_eq(out[0], 46);
    cr_expect_eq(out[1], 27);
}

/* ---- gradients ---- */

enum {
    MOST = 17,
    IN = 3,
    SIDE = 7,
    CLASSES = 5,
    IMAGE = IN * SIDE * SIDE
};

/* conv 1x1, stride 2, 3 to 5 channels on 7x7; then a mean and a linear layer. */
static void list_narrow(struct worker_net *net)
{
    const struct worker_shape shape = {IN, SIDE, SIDE, CLASSES, 0};
    uint32_t                  at;

    worker_net_input(net, &shape);
    at = worker_net_conv(net, "conv", 0, 5, 1, 2, 0);
    at = worker_net_relu(net, "act", at, 0, 0);
    worker_net_linear(net, "fc", worker_net_pool(net, "pool", at), CLASSES);
}

static void draw(float *images, uint32_t *labels, float *lambda, uint32_t n)
{
    struct mx_rng rng = mx_rng_at(mx_stream_make(5, 0, MX_PURPOSE_DATA, 0), 0, 0, 0);

    for (size_t k = 0; k < (size_t)n * IMAGE; k++)
        images[k] = (float)mx_rng_normal(&rng);
    for (uint32_t i = 0; i < n; i++) {
        labels[i] = i % CLASSES;
        lambda[i] = 1;
    }
}

static struct worker_engine *narrow_engine(uint32_t n)
{
    const struct worker_params params = {.train_threads = 1, .train_batch_size = n};
    struct worker_net          net = {0};
    struct worker_engine      *engine;
    struct mx_err              err;

    list_narrow(&net);
    engine = engine_new(&params, WORKER_DEVICE_CPU, &net, n,
                        mx_stream_make(3, 0, MX_PURPOSE_INIT, 0), &err);
    cr_assert_not_null(engine, "%s", err.text);
    return engine;
}

/* The gradient by all parameters in one row, of images first to first + n. */
static double *gradient(struct worker_engine *engine, float *images, uint32_t *labels,
                        float *lambda, uint32_t n, size_t *count)
{
    struct worker_batch batch = {
        .n = n, .images = images, .y_a = labels, .y_b = labels, .lambda = lambda};
    double *out = NULL, loss;

    *count = 0;
    cr_assert_eq(worker_engine_step(engine, &batch, 0, &loss, NULL), 0);
    for (size_t p = 0; p < engine->nparameters; p++) {
        struct engine_parameter *parameter = &engine->parameters[p];
        float                   *plain = malloc(parameter->info.count * sizeof *plain);

        cr_assert_eq(kern_tensor_read(parameter->grad, plain, NULL), 0);
        out = realloc(out, (*count + parameter->info.count) * sizeof *out);
        for (size_t k = 0; k < parameter->info.count; k++)
            out[(*count)++] = plain[k];
        free(plain);
    }
    return out;
}

Test(training_reports, gradients_of_parts_add_up_to_that_of_all)
{
    struct worker_engine *engine = narrow_engine(5);
    float                 images[5 * IMAGE], lambda[5];
    uint32_t              labels[5];
    size_t                n;
    double               *all, *two, *three;

    draw(images, labels, lambda, 5);
    all = gradient(engine, images, labels, lambda, 5, &n);
    two = gradient(engine, images, labels, lambda, 2, &n);
    three = gradient(engine, images + 2 * IMAGE, labels + 2, lambda + 2, 3, &n);
    for (size_t k = 0; k < n; k++)
        cr_expect(fabs(all[k] - (2 * two[k] + 3 * three[k]) / 5) <= 1e-6, "%zu: %g", k, all[k]);
    free(all);
    free(two);
    free(three);
    worker_engine_free(engine);
}

Test(training_reports, narrow_windows_and_every_size_of_batch_equal_plain_loops)
{
    static const uint32_t sizes[] = {1, 2, 3, 5, 7, 9, 17};
    float                 images[MOST * IMAGE], lambda[MOST];
    uint32_t              labels[MOST];

    draw(images, labels, lambda, MOST);
    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
        struct worker_engine *engine = narrow_engine(sizes[s]);
        struct naive_net     *naive = naive_net_new(&engine->net, sizes[s]);
        struct naive_batch    batch = {images, labels, labels, lambda};
        struct worker_tensor *tensors;
        size_t                n, count, at = 0;
        double               *found;

        cr_assert_eq(worker_engine_export(engine, &tensors, &count, NULL), 0);
        for (size_t p = 0; p < naive->nparameters; p++)
            for (size_t k = 0; k < naive->infos[p].count; k++)
                naive->parameters[p][k] = tensors[p].data[k];
        naive_net_forward(naive, &batch, true);
        naive_net_backward(naive, &batch);
        found = gradient(engine, images, labels, lambda, sizes[s], &n);
        for (size_t p = 0; p < naive->nparameters; p++)
            for (size_t k = 0; k < naive->infos[p].count; k++, at++)
                cr_expect(fabs(found[at] - naive->gradients[p][k]) <= 1e-6,
                          "%u images, %s: %g, not %g", sizes[s], naive->infos[p].name, found[at],
                          naive->gradients[p][k]);
        cr_expect_eq(at, n);
        free(found);
        worker_tensors_free(tensors, count);
        naive_net_free(naive);
        worker_engine_free(engine);
    }
}
