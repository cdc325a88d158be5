/* What formats of sets share. */
#include <inttypes.h>

#include "base/hash.h"
#include "worker/known_sets.h"
#include "worker/set_format.h"

int worker_check_size(const struct worker_params *params, int64_t least, int64_t most,
                      struct mx_err *err)
{
    if (params->data_size != 0 && (params->data_size < least || params->data_size > most))
        return mx_fail(err, MX_EINVAL,
                       "data.size is %" PRId64 ": give %" PRId64 " to %" PRId64
                       " pixels, or 0 for native",
                       params->data_size, least, most);
    return 0;
}

int worker_known_shape(const struct worker_params *params, const char *folder,
                       struct worker_shape *shape, struct mx_err *err)
{
    enum {
        MOST = 1024
    };
    const struct worker_known_set *known = worker_known_set(params->data_set, err);

    (void)folder;
    if (!known || worker_check_size(params, 1, MOST, err))
        return -1;
    *shape = (struct worker_shape){
        .channels = params->data_channels ? (uint32_t)params->data_channels : known->channels,
        .height = params->data_size ? (uint32_t)params->data_size : known->height,
        .width = params->data_size ? (uint32_t)params->data_size : known->width,
        .classes = known->classes,
    };
    return 0;
}

int worker_known_counts(const struct worker_params *params, const char *folder, uint64_t *train,
                        uint64_t *test, struct mx_err *err)
{
    const struct worker_known_set *known = worker_known_set(params->data_set, err);

    (void)folder;
    if (!known)
        return -1;
    *train = known->train;
    *test = known->test;
    return 0;
}

int worker_raw_fit(struct worker_raw_set *raw, const struct worker_shape *shape, struct mx_err *err)
{
    for (int p = 0; p < WORKER_PARTS; p++)
        if (raw->parts[p].n > 0 &&
            worker_images_fit(&raw->parts[p], shape->channels, shape->height, err))
            return -1;
    return 0;
}

int worker_fingerprint_add(struct mx_buf *text, const char *path, const char *name,
                           struct mx_err *err)
{
    uint64_t bytes, hash;

    if (mx_hash_file(path, &bytes, &hash, err))
        return -1;
    worker_fingerprint_line(text, name, bytes, hash);
    return 0;
}

void worker_fingerprint_line(struct mx_buf *text, const char *name, uint64_t bytes, uint64_t hash)
{
    mx_buf_printf(text, "%s %" PRIu64 " %016" PRIx64 "\n", name, bytes, hash);
}

int worker_fingerprint_end(const struct mx_buf *text, uint64_t *fingerprint, struct mx_err *err)
{
    if (!mx_buf_ok(text))
        return mx_fail(err, MX_ENOMEM, "no memory to fingerprint a data set");
    *fingerprint = mx_hash64(mx_buf_str(text), text->len);
    return 0;
}
