/* The set `features` among the others: it has files and a fingerprint, and no
 * images. What is in it: worker/features.h. */
#include "worker/features.h"
#include "worker/set_format.h"

static int no_shape(const struct worker_params *params, const char *folder,
                    struct worker_shape *shape, struct mx_err *err)
{
    (void)params;
    (void)shape;
    return mx_fail(err, MX_EINVAL, "what features %s holds is known once its files are read",
                   folder);
}

static int no_counts(const struct worker_params *params, const char *folder, uint64_t *train,
                     uint64_t *test, struct mx_err *err)
{
    (void)train;
    (void)test;
    return no_shape(params, folder, NULL, err);
}

static int probe(const struct worker_params *params, const char *folder, uint64_t *fingerprint,
                 struct mx_err *err)
{
    (void)params;
    return worker_features_fingerprint(folder, fingerprint, err);
}

static int no_images(const struct worker_params *params, const char *folder, uint64_t seed,
                     struct worker_shape *shape, struct worker_raw_set *raw, struct mx_err *err)
{
    (void)params;
    (void)seed;
    (void)shape;
    (void)raw;
    return mx_fail(err, MX_EINVAL, "the features in %s are no images", folder);
}

const struct worker_set_format worker_features_format = {no_shape, no_counts, probe, no_images};
