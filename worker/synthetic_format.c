/* The set that needs no files. */
#include <inttypes.h>

#include "worker/set_format.h"
#include "worker/synthetic.h"

static int shape_of(const struct worker_params *params, const char *folder,
                    struct worker_shape *shape, struct mx_err *err)
{
    enum {
        LEAST = 8,
        MOST = 1024
    };
    int64_t size = params->data_size ? params->data_size : WORKER_SYNTHETIC_SIZE;
    int64_t channels = params->data_channels ? params->data_channels : WORKER_SYNTHETIC_CHANNELS;
    int64_t classes = params->data_synthetic_classes;

    (void)folder;
    if (classes < 2 || classes > WORKER_SYNTHETIC_CLASSES)
        return mx_fail(err, MX_EINVAL, "data.synthetic.classes is %" PRId64 ": give 2 to %d",
                       classes, WORKER_SYNTHETIC_CLASSES);
    if (size < LEAST || size > MOST)
        return mx_fail(err, MX_EINVAL,
                       "data.size is %" PRId64 ": synthetic images have %d to %d pixels", size,
                       LEAST, MOST);
    *shape = (struct worker_shape){
        .channels = (uint32_t)channels,
        .height = (uint32_t)size,
        .width = (uint32_t)size,
        .classes = (uint32_t)classes,
        .groups = 2 * (uint32_t)classes,
    };
    return 0;
}

/* For testing a quarter, but every class once at least. */
static int counts(const struct worker_params *params, const char *folder, uint64_t *train,
                  uint64_t *test, struct mx_err *err)
{
    int64_t quarter = params->data_synthetic_n / 4, classes = params->data_synthetic_classes;

    (void)folder;
    (void)err;
    *train = (uint64_t)params->data_synthetic_n;
    *test = (uint64_t)(quarter > classes ? quarter : classes);
    return 0;
}

static int probe(const struct worker_params *params, const char *folder, uint64_t *fingerprint,
                 struct mx_err *err)
{
    struct worker_shape shape;

    *fingerprint = 0;
    return shape_of(params, folder, &shape, err);
}

static int make(const struct worker_params *params, const char *folder, uint64_t seed,
                struct worker_shape *shape, struct worker_raw_set *raw, struct mx_err *err)
{
    uint64_t train, test;

    if (shape_of(params, folder, shape, err) || counts(params, folder, &train, &test, err))
        return -1;
    if (train < shape->classes || train > INT32_MAX)
        return mx_fail(err, MX_EINVAL,
                       "data.synthetic.n is %" PRId64 ": give at least one image a class",
                       params->data_synthetic_n);
    if (worker_synthetic_make(params, seed, WORKER_SYNTHETIC_TRAIN, shape, (uint32_t)train,
                              &raw->parts[WORKER_PART_TRAIN], err))
        return -1;
    return worker_synthetic_make(params, seed, WORKER_SYNTHETIC_TEST, shape, (uint32_t)test,
                                 &raw->parts[WORKER_PART_TEST], err);
}

const struct worker_set_format worker_synthetic_format = {shape_of, counts, probe, make};
