#include "sweep/stages.h"

#include <inttypes.h>

#include "sweep/value.h"
#include "sweep/words.h"
#include "worker/choices.h"
#include "worker/device.h"
#include "worker/map_scores.h"

static bool on_images(const struct mx_point *point)
{
    return point->value[KEY_DATA_SET].choice != WORKER_DATA_FEATURES;
}

/* With method erm the network's own head is the trial's head. */
static bool has_other_head(const struct mx_point *point)
{
    return point->value[KEY_HEAD_METHOD].choice != WORKER_HEAD_ERM;
}

static bool has_features(const struct mx_point *point)
{
    return on_images(point) && has_other_head(point);
}

static bool has_head(const struct mx_point *point)
{
    return !on_images(point) || has_other_head(point);
}

/* Of a comparison across models, which is planned once all trials are (sweep/cross.h). */
static bool never(const struct mx_point *point)
{
    (void)point;
    return false;
}

static bool has_maps(const struct mx_point *point)
{
    return on_images(point) && point->value[KEY_SCORE_ATTRIBUTIONS].list.count > 0;
}

/* The scores that stages of a kind would measure, of those that are asked for. */
static uint64_t scores_of(const struct mx_point *point, enum worker_kind kind)
{
    return mx_scores_asked(&point->value[KEY_SCORE_METRICS]) & worker_scores_of(kind);
}

/* Without maps only what is of the network itself. */
static bool has_scores(const struct mx_point *point)
{
    const uint64_t scores = scores_of(point, WORKER_STAGE_SCORES);

    return on_images(point) &&
           (has_maps(point) ? scores != 0
                            : (scores & worker_scores_that_are(WORKER_SCORE_NO_MAP)) != 0);
}

#define SECTION(name) MX_SECTION_BIT(MX_SECTION_##name)
#define KIND(name)    (1u << WORKER_STAGE_##name)

#define ALWAYS(key)                                                                                \
    {                                                                                              \
        KEY_##key, UINT32_MAX                                                                      \
    }

/* afr's part that is held out is no part of the training: a network of its own. */
static const struct mx_condition train_others[] = {
    {KEY_HEAD_AFR_SPLIT, 1u << WORKER_AFR_SPLIT_HOLDOUT}, ALWAYS(SCORE_BOOTSTRAP), {KEY_COUNT, 0}};
static const struct mx_condition features_others[] = {{KEY_COUNT, 0}};
static const struct mx_condition head_others[] = {ALWAYS(SCORE_BOOTSTRAP), {KEY_COUNT, 0}};
static const struct mx_condition map_others[] = {ALWAYS(SCORE_ATTRIBUTIONS),
                                                 ALWAYS(SCORE_IMAGES),
                                                 ALWAYS(SCORE_TARGET),
                                                 ALWAYS(SCORE_SMOOTHGRAD_SAMPLES),
                                                 ALWAYS(SCORE_SMOOTHGRAD_SIGMA),
                                                 ALWAYS(SCORE_INTEGRATED_GRADIENTS_POINTS),
                                                 ALWAYS(SCORE_RISE_MASKS),
                                                 ALWAYS(SCORE_OCCLUSION_PATCH),
                                                 {KEY_COUNT, 0}};
static const struct mx_condition score_others[] = {ALWAYS(SCORE_METRICS),
                                                   ALWAYS(SCORE_BOOTSTRAP),
                                                   ALWAYS(SCORE_STEPS),
                                                   ALWAYS(SCORE_FILLS),
                                                   ALWAYS(SCORE_RANK),
                                                   ALWAYS(SCORE_TIES),
                                                   ALWAYS(SCORE_PROTOCOL),
                                                   ALWAYS(SCORE_ATTRIBUTIONS),
                                                   ALWAYS(SCORE_IMAGES),
                                                   ALWAYS(SCORE_TARGET),
                                                   ALWAYS(SCORE_SMOOTHGRAD_SAMPLES),
                                                   ALWAYS(SCORE_SMOOTHGRAD_SIGMA),
                                                   ALWAYS(SCORE_INTEGRATED_GRADIENTS_POINTS),
                                                   ALWAYS(SCORE_RISE_MASKS),
                                                   ALWAYS(SCORE_OCCLUSION_PATCH),
                                                   {KEY_COUNT, 0}};

#define CROSS_OTHERS                                                                               \
    ALWAYS(SCORE_ATTRIBUTIONS), ALWAYS(SCORE_STEPS), ALWAYS(SCORE_FILLS), ALWAYS(SCORE_RANK),      \
        ALWAYS(SCORE_TIES), ALWAYS(SCORE_PROTOCOL), ALWAYS(SCORE_INTER_MODEL_IMAGES),              \
        ALWAYS(SCORE_INTER_MODEL_CURVES), ALWAYS(SCORE_INTER_MODEL_MIN_ACCURACY)
static const struct mx_condition scorer_others[] = {CROSS_OTHERS, {KEY_COUNT, 0}};
static const struct mx_condition cross_others[] = {
    CROSS_OTHERS, ALWAYS(SCORE_BOOTSTRAP), {KEY_COUNT, 0}};
static const struct mx_condition standing_others[] = {{KEY_COUNT, 0}};

const struct mx_stage_kind mx_stage_kinds[] = {
    {WORKER_STAGE_TRAIN, SECTION(DATA) | SECTION(MODEL) | SECTION(TRAIN) | SECTION(MIX), 0, 3,
     "weights.safetensors", train_others, on_images},
    {WORKER_STAGE_FEATURES, SECTION(DATA) | SECTION(MODEL), KIND(TRAIN), 12, "head_b.npy",
     features_others, has_features},
    {WORKER_STAGE_HEAD, SECTION(DATA) | SECTION(HEAD), KIND(FEATURES), 0, NULL, head_others,
     has_head},
    {WORKER_STAGE_MAPS, SECTION(DATA) | SECTION(MODEL), KIND(TRAIN), 2 + WORKER_MAPS, "centre.npy",
     map_others, has_maps},
    {WORKER_STAGE_SCORES, SECTION(DATA) | SECTION(MODEL), KIND(TRAIN) | KIND(MAPS), 1, NULL,
     score_others, has_scores},
    {WORKER_STAGE_SCORER, SECTION(DATA) | SECTION(MODEL), KIND(TRAIN) | KIND(MAPS), 2, "areas.npy",
     scorer_others, never},
    {WORKER_STAGE_INTER_MODEL, 0, KIND(MAPS) | KIND(SCORER), 4, "values.csv", cross_others, never},
    {WORKER_STAGE_STANDING, 0, KIND(INTER_MODEL) | KIND(MAPS), 0, NULL, standing_others, never},
};
const size_t mx_stage_nkinds = sizeof mx_stage_kinds / sizeof mx_stage_kinds[0];

struct mx_stage_streams mx_stage_streams(const struct mx_config *config)
{
    return (struct mx_stage_streams){
        .seed = (uint64_t)config->base[KEY_SEED].integer,
        .independent = config->base[KEY_SEEDS].choice == MX_SEEDS_INDEPENDENT,
        .device = config->base[KEY_SCHEDULE_DEVICE].choice == MX_DEVICE_CUDA ? WORKER_DEVICE_CUDA
                                                                             : WORKER_DEVICE_CPU,
    };
}

const struct mx_stage_kind *mx_stage_kind_of(enum worker_kind kind)
{
    size_t k = 0;

    while (mx_stage_kinds[k].kind != kind)
        k++;
    return &mx_stage_kinds[k];
}

bool mx_stage_leaves_folder(enum worker_kind kind, enum mx_keep keep)
{
    return (kind != WORKER_STAGE_HEAD && kind != WORKER_STAGE_STANDING) || keep == MX_KEEP_ALL;
}

bool mx_stage_uses(const struct mx_stage_kind *kind, const struct mx_point *point,
                   enum mx_key_id key)
{
    if (kind->sections >> mx_keys[key].section & 1u)
        return point->used[key];
    for (const struct mx_condition *other = kind->others; other->words != 0; other++)
        if (other->key == key)
            return mx_condition_holds(other, &point->value[key]);
    return false;
}

/* Words in an order of our own: how they were written does not matter. */
static void put_scores(uint64_t scores, struct mx_buf *out)
{
    for (unsigned k = 0; k < WORKER_SCORES; k++)
        if (scores >> k & 1u)
            mx_buf_printf(out, "%s ", worker_map_scores[k].word);
}

void mx_stage_text(const struct mx_stage_kind *kind, const struct mx_point *point,
                   const struct mx_stage_streams *streams, uint64_t fingerprint,
                   struct mx_lines *lines, struct mx_buf *out)
{
    mx_buf_printf(out, "stage=%s\nengine=%u\ndevice=%s\nthreads=%" PRId64 "\ndata=%016" PRIx64 "\n",
                  worker_kinds[kind->kind].word, worker_kinds[kind->kind].engine,
                  worker_devices[streams->device].word, point->value[KEY_TRAIN_THREADS].integer,
                  fingerprint);
    mx_buf_printf(out, "seed=%" PRIu64 "\nseeds=%s\n", streams->seed,
                  streams->independent ? "independent" : "paired");
    mx_lines_add(lines, point, kind->sections, out);
    for (const struct mx_condition *other = kind->others; other->words != 0; other++)
        if (mx_condition_holds(other, &point->value[other->key])) {
            mx_buf_printf(out, "%s=", mx_keys[other->key].name);
            if (other->key == KEY_SCORE_METRICS)
                put_scores(scores_of(point, kind->kind), out);
            else
                mx_value_format(other->key, &point->value[other->key], out);
            mx_buf_text(out, "\n");
        }
}

struct mx_hash128 mx_stage_key(struct mx_buf *text, uint32_t repeat,
                               const struct mx_hash128 *inputs, size_t ninputs)
{
    size_t            len = text->len;
    struct mx_hash128 key;

    mx_buf_printf(text, "repeat=%" PRIu32 "\n", repeat);
    for (size_t i = 0; i < ninputs; i++) {
        char hex[MX_HASH128_HEX];

        mx_buf_printf(text, "input=%s\n", mx_hash128_hex(inputs[i], hex));
    }
    key = mx_hash128(mx_buf_str(text), text->len);
    text->len = len;
    return key;
}
