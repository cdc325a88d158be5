/* First weights from a file. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "worker/choices.h"
#include "worker/engine.h"
#include "worker/safetensors.h"
#include "worker/weights.h"

static char folder[] = "/tmp/mx_weights_XXXXXX";

static struct worker_params  params;
static struct worker_tensor *tensors; /* of a resnet8 for 3 x 8 x 8 in 4 classes */
static size_t                count;

static struct worker_engine *engine_of(uint32_t channels, uint32_t classes, uint64_t seed)
{
    const struct worker_shape shape = {channels, 8, 8, classes, 0};
    struct mx_err             err;
    struct worker_engine     *engine =
        worker_engine_new(&params, &shape, 2, mx_stream_make(seed, 0, MX_PURPOSE_INIT, 0), &err);

    cr_assert_not_null(engine, "%s", err.text);
    return engine;
}

static void set_up(void)
{
    struct worker_engine *engine;

    cr_assert_not_null(mkdtemp(folder));
    params = (struct worker_params){
        .model_arch = WORKER_ARCH_RESNET8, .train_threads = 1, .train_batch_size = 2};
    snprintf(params.model_weights, sizeof params.model_weights, "%s/w.safetensors", folder);
    engine = engine_of(3, 4, 1);
    cr_assert_eq(worker_engine_export(engine, &tensors, &count, NULL), 0);
    for (size_t t = 0; t < count; t++) /* nothing that a new network has by itself */
        tensors[t].data[0] += 0.25f;
    worker_engine_free(engine);
}

static void tear_down(void)
{
    worker_tensors_free(tensors, count);
    mx_dir_remove(folder, NULL);
}

TestSuite(weights, .init = set_up, .fini = tear_down);

static void write_file(void)
{
    struct mx_err err;

    cr_assert_eq(worker_safetensors_write(params.model_weights, tensors, count, &err), 0, "%s",
                 err.text);
}

static size_t floats_of(const struct worker_tensor *tensor)
{
    size_t n = 1;

    for (uint32_t d = 0; d < tensor->ndims; d++)
        n *= tensor->dims[d];
    return n;
}

static struct worker_tensor *named(struct worker_tensor *list, const char *name)
{
    for (size_t t = 0; t < count; t++)
        if (strcmp(list[t].name, name) == 0)
            return &list[t];
    cr_assert_fail("no tensor %s", name);
    return NULL;
}

static void rename_tensor(struct worker_tensor *tensor, const char *name)
{
    snprintf(tensor->name, sizeof tensor->name, "%s", name);
}

Test(weights, are_the_bits_of_the_file)
{
    struct worker_engine *engine = engine_of(3, 4, 2);
    struct worker_tensor *loaded;
    struct mx_buf         note = {0};
    struct mx_err         err;
    size_t                n;

    write_file();
    cr_assert_eq(worker_weights_load(engine, &params, true, &note, &err), 0, "%s", err.text);
    cr_expect_eq(note.len, 0);
    cr_assert_eq(worker_engine_export(engine, &loaded, &n, NULL), 0);
    cr_assert_eq(n, count);
    for (size_t t = 0; t < n; t++)
        cr_expect_arr_eq(loaded[t].data, tensors[t].data, floats_of(&loaded[t]) * sizeof(float),
                         "%s", loaded[t].name);
    worker_tensors_free(loaded, n);
    worker_engine_free(engine);
}

/* Of a backbone with another head: all but the last layer, which is as drawn. */
Test(weights, leave_a_head_of_other_classes_as_drawn_and_say_so)
{
    struct worker_tensor *drawn, *loaded;
    struct mx_err         err;
    size_t                n;

    write_file();
    for (int missing = 0; missing < 2; missing++) {
        struct worker_engine *engine = engine_of(3, missing ? 4 : 7, 2);
        struct mx_buf         note = {0};

        if (missing) { /* no head at all */
            size_t head = (size_t)(named(tensors, "fc.weight") - tensors);

            cr_assert_eq(worker_engine_export(engine, &drawn, &n, NULL), 0);
            rename_tensor(&tensors[head], "layer1.0.bn1.num_batches_tracked");
            rename_tensor(&tensors[head + 1], "bn1.num_batches_tracked");
            write_file();
        } else {
            cr_assert_eq(worker_engine_export(engine, &drawn, &n, NULL), 0);
        }
        cr_assert_eq(worker_weights_load(engine, &params, false, &note, &err), 0, "%s", err.text);
        cr_expect_not_null(strstr(mx_buf_str(&note),
                                  "w.safetensors does not give, or not for as many classes: "
                                  "fc.weight, fc.bias; they start as drawn"));
        cr_assert_eq(worker_engine_export(engine, &loaded, &n, NULL), 0);
        for (size_t t = 0; t < n; t++) {
            const bool head = strncmp(loaded[t].name, "fc.", 3) == 0;

            cr_expect_arr_eq(loaded[t].data, head ? drawn[t].data : tensors[t].data,
                             floats_of(&loaded[t]) * sizeof(float), "%s", loaded[t].name);
        }
        mx_buf_free(&note);
        worker_tensors_free(drawn, n);
        worker_tensors_free(loaded, n);
        worker_engine_free(engine);
    }
}

static void expect_refused(uint32_t channels, uint32_t classes, bool whole, const char *problem)
{
    struct worker_engine *engine = engine_of(channels, classes, 2);
    struct mx_buf         note = {0};
    struct mx_err         err = {0};

    cr_expect_eq(worker_weights_load(engine, &params, whole, &note, &err), -1);
    cr_expect_eq(err.code, MX_EDATA);
    cr_expect_not_null(strstr(err.text, problem), "%s", err.text);
    cr_expect_eq(strncmp(err.text, params.model_weights, strlen(params.model_weights)), 0);
    mx_buf_free(&note);
    worker_engine_free(engine);
}

Test(weights, are_refused_where_they_are_for_another_network)
{
    struct worker_tensor *norm = named(tensors, "layer2.0.bn1.weight");

    write_file();
    expect_refused(3, 7, true,
                   "its last layer (fc) is not for the 7 classes here: set train.epochs");
    expect_refused(1, 4, false,
                   "tensor 'conv1.weight' is 16 x 3 x 3 x 3, and 16 x 1 x 3 x 3 here (set "
                   "data.channels: 3)");
    norm->dims[0] = 31;
    write_file();
    expect_refused(3, 4, false, "tensor 'layer2.0.bn1.weight' is 31, and 32 here");
    norm->dims[0] = 32;
    rename_tensor(norm, "layer2.0.bn7.weight");
    write_file();
    expect_refused(3, 4, false, "tensor 'layer2.0.bn7.weight' is none of model.arch resnet8");
    rename_tensor(norm, "x.num_batches_tracked");
    write_file();
    expect_refused(3, 4, false,
                   "tensor 'layer2.0.bn1.weight' is missing, which model.arch resnet8 has");
}

Test(weights, are_refused_where_they_are_no_weights)
{
    named(tensors, "layer1.0.conv2.weight")->data[5] = NAN;
    write_file();
    expect_refused(3, 4, false, "tensor 'layer1.0.conv2.weight': value 5 is nan");
    named(tensors, "layer1.0.conv2.weight")->data[5] = 0;
    named(tensors, "bn1.running_var")->data[2] = -1;
    write_file();
    expect_refused(3, 4, false, "tensor 'bn1.running_var': value 2 is -1");
}

Test(weights, decide_the_stem)
{
    float                small[9] = {0};
    struct worker_tensor three[] = {{"conv1.weight", 4, {1, 1, 3, 3}, small}};
    struct worker_tensor last[] = {{"classifier.6.weight", 2, {1, 1}, small}};
    struct mx_err        err;

    cr_assert_eq(worker_safetensors_write(params.model_weights, three, 1, NULL), 0);
    params.model_arch = WORKER_ARCH_RESNET18;
    cr_assert_eq(worker_weights_stem(&params, &err), 0);
    cr_expect_eq(params.model_stem, WORKER_STEM_CIFAR);
    params.model_stem = WORKER_STEM_IMAGENET; /* what is asked for stays */
    cr_assert_eq(worker_weights_stem(&params, &err), 0);
    cr_expect_eq(params.model_stem, WORKER_STEM_IMAGENET);
    params.model_stem = WORKER_STEM_AUTO;
    params.model_arch = WORKER_ARCH_VGG11_BN;
    cr_assert_eq(worker_weights_stem(&params, &err), 0);
    cr_expect_eq(params.model_stem, WORKER_STEM_AUTO);
    cr_assert_eq(worker_safetensors_write(params.model_weights, last, 1, NULL), 0);
    cr_assert_eq(worker_weights_stem(&params, &err), 0);
    cr_expect_eq(params.model_stem, WORKER_STEM_IMAGENET);
}

Test(weights, have_a_fingerprint_of_their_bytes)
{
    uint64_t      first, second;
    struct mx_err err;

    write_file();
    cr_assert_eq(worker_weights_fingerprint(params.model_weights, &first, &err), 0);
    tensors[0].data[1] += 1;
    write_file();
    cr_assert_eq(worker_weights_fingerprint(params.model_weights, &second, &err), 0);
    cr_expect_neq(first, second);
    cr_expect_eq(worker_weights_fingerprint("/nowhere/w", &first, &err), -1);
    cr_expect_eq(err.code, MX_EDATA);
    cr_expect_eq(strncmp(err.text, "model.weights: ", 15), 0, "%s", err.text);
}
