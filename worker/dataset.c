#include "worker/dataset.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "worker/augment.h"
#include "worker/choices.h"
#include "worker/image_store.h"
#include "worker/images.h"
#include "worker/known_sets.h"
#include "worker/set_format.h"

const char *worker_dataset_default_path(unsigned data_set)
{
    const struct worker_known_set *known = worker_known_set(data_set, NULL);

    return known && known->package_path ? known->package_path : "";
}

void worker_dataset_fetch_path(unsigned data_set, struct mx_buf *out)
{
    const char *data = getenv("XDG_DATA_HOME"), *home = getenv("HOME");

    if (data && data[0])
        mx_buf_printf(out, "%s/mixsweep/%s", data, worker_set_name(data_set));
    else if (home && home[0])
        mx_buf_printf(out, "%s/.local/share/mixsweep/%s", home, worker_set_name(data_set));
}

void worker_dataset_look_path(unsigned data_set, struct mx_buf *out)
{
    const char   *package = worker_dataset_default_path(data_set);
    struct mx_buf fetched = {0};

    worker_dataset_fetch_path(data_set, &fetched);
    mx_buf_text(out, *package && (mx_file_exists(package) || !mx_file_exists(mx_buf_str(&fetched)))
                         ? package
                         : mx_buf_str(&fetched));
    mx_buf_free(&fetched);
}

int worker_set_folder(const struct worker_params *params, struct mx_buf *folder, struct mx_err *err)
{
    if (params->data_path[0])
        mx_buf_text(folder, params->data_path);
    else
        worker_dataset_look_path(params->data_set, folder);
    if (!mx_buf_ok(folder))
        return mx_fail(err, MX_ENOMEM, "no memory for the path of %s",
                       worker_set_name(params->data_set));
    /* Dominoes are of two sets, which have places of their own. */
    if (folder->len == 0 && params->data_set != WORKER_DATA_SYNTHETIC &&
        params->data_set != WORKER_DATA_DOMINOES)
        return mx_fail(err, MX_EDATA,
                       "%s: there is no home directory to look for it in: set data.path",
                       worker_set_name(params->data_set));
    return 0;
}

unsigned worker_dataset_sources(const struct worker_params *params,
                                unsigned                    sets[WORKER_DATASET_SOURCES],
                                const char                 *paths[WORKER_DATASET_SOURCES])
{
    if (params->data_set == WORKER_DATA_SYNTHETIC)
        return 0;
    if (params->data_set == WORKER_DATA_DOMINOES && !params->data_path[0]) {
        sets[0] = worker_domino_data_set(params->data_dominoes_top);
        sets[1] = worker_domino_data_set(params->data_dominoes_bottom);
        paths[0] = params->data_dominoes_top_path;
        paths[1] = params->data_dominoes_bottom_path;
        return 2;
    }
    sets[0] = params->data_set;
    paths[0] = params->data_path;
    return 1;
}

const char *worker_dataset_place(const struct worker_params *params, char out[WORKER_PATH_SIZE])
{
    unsigned      sets[WORKER_DATASET_SOURCES];
    const char   *paths[WORKER_DATASET_SOURCES];
    struct mx_buf text = {0};

    if (worker_dataset_sources(params, sets, paths) < 2) {
        memcpy(out, params->data_path, WORKER_PATH_SIZE);
        return out;
    }
    mx_buf_printf(&text, "%s %s over %s %s", worker_set_name(sets[0]), paths[0],
                  worker_set_name(sets[1]), paths[1]);
    snprintf(out, WORKER_PATH_SIZE, "%s", mx_buf_str(&text));
    mx_buf_free(&text);
    return out;
}

/* The row of the set, and its folder. */
static const struct worker_known_set *look_up(const struct worker_params *params,
                                              struct mx_buf *folder, struct mx_err *err)
{
    const struct worker_known_set *known = worker_known_set(params->data_set, err);

    if (known && params->data_channels != 0 && params->data_channels != 1 &&
        params->data_channels != 3) {
        mx_fail(err, MX_EINVAL, "data.channels is %" PRId64 ": give 1 or 3, or 0 for native",
                params->data_channels);
        return NULL;
    }
    return known && worker_set_folder(params, folder, err) == 0 ? known : NULL;
}

int worker_dataset_shape(const struct worker_params *params, struct worker_shape *shape,
                         struct mx_err *err)
{
    struct mx_buf                  folder = {0};
    const struct worker_known_set *known = look_up(params, &folder, err);
    int rc = known ? known->format->shape(params, mx_buf_str(&folder), shape, err) : -1;

    mx_buf_free(&folder);
    return rc;
}

static uint64_t limited(uint64_t n, int64_t limit)
{
    return limit > 0 && (uint64_t)limit < n ? (uint64_t)limit : n;
}

int worker_dataset_counts(const struct worker_params *params, uint64_t *train, uint64_t *test,
                          struct mx_err *err)
{
    struct mx_buf                  folder = {0};
    const struct worker_known_set *known = look_up(params, &folder, err);
    int rc = known ? known->format->counts(params, mx_buf_str(&folder), train, test, err) : -1;

    if (rc == 0) {
        *train = limited(*train, params->data_train_limit);
        *test = limited(*test, params->data_test_limit);
    }
    mx_buf_free(&folder);
    return rc;
}

int worker_dataset_probe(const struct worker_params *params, uint64_t *fingerprint,
                         struct mx_err *err)
{
    struct mx_buf                  folder = {0};
    const struct worker_known_set *known = look_up(params, &folder, err);
    int rc = known ? known->format->probe(params, mx_buf_str(&folder), fingerprint, err) : -1;

    mx_buf_free(&folder);
    return rc;
}

unsigned worker_dataset_normalize(const struct worker_params *params)
{
    return params->model_arch == WORKER_ARCH_EFFICIENTNET_LITE0 ? WORKER_NORMALIZE_OF_ARCH
                                                                : params->data_normalize;
}

/* Constants as worker_dataset_normalize() says. Published ones hold for the set's own channels, and
 * those of grey images for copies of them. */
static int choose_moments(const struct worker_params *params, const struct worker_raw_set *raw,
                          struct worker_dataset *set, struct mx_err *err)
{
    /* Red, green, blue, and their mean for one channel. */
    static const float             imagenet[2][WORKER_MAX_CHANNELS] = {{.485f, .456f, .406f, .449f},
                                                                       {.229f, .224f, .225f, .226f}};
    const struct worker_known_set *known = worker_known_set(params->data_set, NULL);
    const struct worker_images    *train = &raw->parts[WORKER_PART_TRAIN];
    const uint32_t                 channels = set->shape.channels;
    const char                    *name = worker_set_name(params->data_set);
    const unsigned                 normalize = worker_dataset_normalize(params);

    if (normalize == WORKER_NORMALIZE_DATASET && raw->measured)
        return worker_moments_round(&raw->moments, channels, name, set->mean, set->sd, err);
    if (normalize == WORKER_NORMALIZE_DATASET && !(known->sd[0] > 0 && channels >= known->channels))
        return worker_images_moments(train, name, set->mean, set->sd, err);
    for (uint32_t c = 0; c < channels; c++) {
        set->mean[c] = 0;
        set->sd[c] = 1;
        if (normalize == WORKER_NORMALIZE_IMAGENET) {
            set->mean[c] = imagenet[0][channels == 1 ? 3 : c];
            set->sd[c] = imagenet[1][channels == 1 ? 3 : c];
        } else if (normalize == WORKER_NORMALIZE_DATASET) {
            set->mean[c] = known->mean[known->channels == 1 ? 0 : c];
            set->sd[c] = known->sd[known->channels == 1 ? 0 : c];
        } else if (normalize == WORKER_NORMALIZE_OF_ARCH) {
            set->mean[c] = 127.0f / 255;
            set->sd[c] = 128.0f / 255;
        }
    }
    return 0;
}

struct worker_dataset *worker_dataset_open(const struct worker_params *params, uint64_t seed,
                                           struct mx_err *err)
{
    return worker_dataset_open_told(params, seed, NULL, err);
}

/* Give the set what was read; what it does not keep is freed. */
static void keep(struct worker_dataset *set, const struct worker_known_set *known,
                 struct worker_raw_set *raw)
{
    set->known_classes = known ? known->class_names : NULL;
    set->own_classes = raw->class_names;
    set->remarks = raw->remarks;
    set->decoded = raw->decoded;
    memcpy(set->stores, raw->stores, sizeof set->stores);
    set->originals = raw->originals;
    for (int p = 0; p < WORKER_PARTS; p++)
        worker_images_free(&raw->parts[p]);
}

int worker_dataset_help(const struct worker_params *params, uint64_t seed,
                        const struct worker_progress *progress, struct mx_err *err)
{
    struct worker_dataset         *set;
    struct worker_raw_set          raw = {.progress = progress, .only_helps = true};
    struct mx_buf                  folder = {0};
    const struct worker_known_set *known = NULL;
    int                            rc = -1;

    if (!worker_set_cached(params->data_set))
        return mx_fail(err, MX_EINVAL, "%s has no image files", worker_set_name(params->data_set));
    if (!(set = calloc(1, sizeof *set)))
        return mx_fail(err, MX_ENOMEM, "no memory for a data set");
    if ((known = look_up(params, &folder, err)))
        rc = known->format->read(params, mx_buf_str(&folder), seed, &set->shape, &raw, err);
    keep(set, known, &raw);
    worker_dataset_free(set);
    mx_buf_free(&folder);
    return rc;
}

struct worker_dataset *worker_dataset_open_told(const struct worker_params *params, uint64_t seed,
                                                const struct worker_progress *progress,
                                                struct mx_err                *err)
{
    struct worker_dataset         *set = calloc(1, sizeof *set);
    struct worker_raw_set          raw = {.progress = progress};
    struct mx_buf                  folder = {0};
    const struct worker_known_set *known = NULL;
    int                            rc = -1;

    if (!set)
        mx_fail(err, MX_ENOMEM, "no memory for a data set");
    else if ((known = look_up(params, &folder, err)))
        rc = known->format->read(params, mx_buf_str(&folder), seed, &set->shape, &raw, err);
    if (!rc)
        rc = choose_moments(params, &raw, set, err);
    if (!rc)
        rc = worker_split_images(raw.parts, params, seed, set, err);
    if (set)
        keep(set, known, &raw);
    mx_buf_free(&folder);
    if (rc) {
        worker_dataset_free(set);
        set = NULL;
    }
    return set;
}

const char *worker_dataset_class(const struct worker_dataset *set, uint32_t label)
{
    if (set->own_classes)
        return set->own_classes[label];
    return set->known_classes ? set->known_classes[label] : NULL;
}

static void free_split(struct worker_split *split)
{
    if (!split->at)
        free(split->pixels);
    free(split->at);
    free(split->labels);
    free(split->groups);
    free(split->rows);
}

void worker_dataset_free(struct worker_dataset *set)
{
    if (!set)
        return;
    free_split(&set->train);
    free_split(&set->val);
    free_split(&set->test);
    for (int s = 0; s < WORKER_DATASET_STORES; s++)
        worker_image_store_free(set->stores[s]);
    worker_image_store_free(set->originals);
    for (uint32_t c = 0; set->own_classes && c < set->shape.classes; c++)
        free(set->own_classes[c]);
    free(set->own_classes);
    free(set);
}

static bool same_list(const struct worker_list *a, const struct worker_list *b)
{
    bool same = a->count == b->count;

    for (uint32_t i = 0; same && i < a->count; i++)
        same = a->items[i] == b->items[i];
    return same;
}

/* For other sets these fields hold their defaults. */
static bool same_dominoes(const struct worker_params *a, const struct worker_params *b)
{
    return a->data_dominoes_top == b->data_dominoes_top &&
           a->data_dominoes_bottom == b->data_dominoes_bottom &&
           !strcmp(a->data_dominoes_top_path, b->data_dominoes_top_path) &&
           !strcmp(a->data_dominoes_bottom_path, b->data_dominoes_bottom_path) &&
           same_list(&a->data_dominoes_top_classes, &b->data_dominoes_top_classes) &&
           same_list(&a->data_dominoes_bottom_classes, &b->data_dominoes_bottom_classes);
}

static bool same_originals(const struct worker_params *a, const struct worker_params *b)
{
    const uint32_t side = worker_originals_side(b);

    return side == 0 || side == worker_originals_side(a);
}

bool worker_dataset_same(const struct worker_params *a, uint64_t seed_a,
                         const struct worker_params *b, uint64_t seed_b)
{
    return seed_a == seed_b && a->data_set == b->data_set && !strcmp(a->data_path, b->data_path) &&
           a->data_size == b->data_size && a->data_channels == b->data_channels &&
           a->data_train_limit == b->data_train_limit && a->data_test_limit == b->data_test_limit &&
           a->data_val_fraction == b->data_val_fraction &&
           a->data_test_fraction == b->data_test_fraction &&
           worker_dataset_normalize(a) == worker_dataset_normalize(b) &&
           a->data_on_decode_error == b->data_on_decode_error &&
           a->data_spurious_rate == b->data_spurious_rate &&
           a->data_synthetic_n == b->data_synthetic_n &&
           a->data_synthetic_classes == b->data_synthetic_classes &&
           a->data_synthetic_noise == b->data_synthetic_noise && same_dominoes(a, b) &&
           same_originals(a, b);
}
