#include "sweep/stages.h"

#include <inttypes.h>

#include "sweep/value.h"
#include "sweep/words.h"
#include "worker/choices.h"
#include "worker/device.h"

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

static bool has_maps(const struct mx_point *point)
{
    return on_images(point) && point->value[KEY_SCORE_ATTRIBUTIONS].list.count > 0;
}

#define SECTION(name) MX_SECTION_BIT(MX_SECTION_##name)
#define KIND(name)    (1u << WORKER_STAGE_##name)

static const enum mx_key_id no_keys[] = {KEY_COUNT};
static const enum mx_key_id head_keys[] = {KEY_SCORE_BOOTSTRAP, KEY_COUNT};
static const enum mx_key_id map_keys[] = {
    KEY_SCORE_ATTRIBUTIONS,       KEY_SCORE_IMAGES,           KEY_SCORE_TARGET,
    KEY_SCORE_SMOOTHGRAD_SAMPLES, KEY_SCORE_SMOOTHGRAD_SIGMA, KEY_SCORE_INTEGRATED_GRADIENTS_POINTS,
    KEY_SCORE_RISE_MASKS,         KEY_SCORE_OCCLUSION_PATCH,  KEY_COUNT};

const struct mx_stage_kind mx_stage_kinds[] = {
    {WORKER_STAGE_TRAIN, SECTION(DATA) | SECTION(MODEL) | SECTION(TRAIN) | SECTION(MIX), 0, 3,
     "weights.safetensors", no_keys, on_images},
    {WORKER_STAGE_FEATURES, SECTION(DATA) | SECTION(MODEL), KIND(TRAIN), 12, "head_b.npy", no_keys,
     has_features},
    {WORKER_STAGE_HEAD, SECTION(DATA) | SECTION(HEAD), KIND(FEATURES), 0, NULL, head_keys,
     has_head},
    {WORKER_STAGE_MAPS, SECTION(DATA) | SECTION(MODEL), KIND(TRAIN), 2 + WORKER_MAPS, "centre.npy",
     map_keys, has_maps},
};
const size_t mx_stage_nkinds = sizeof mx_stage_kinds / sizeof mx_stage_kinds[0];

struct mx_stage_streams mx_stage_streams(const struct mx_config *config)
{
    return (struct mx_stage_streams){
        .seed = (uint64_t)config->base[KEY_SEED].integer,
        .independent = config->base[KEY_SEEDS].choice == MX_SEEDS_INDEPENDENT,
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
    return kind != WORKER_STAGE_HEAD || keep == MX_KEEP_ALL;
}

bool mx_stage_uses(const struct mx_stage_kind *kind, enum mx_key_id key)
{
    bool listed = false;

    for (const enum mx_key_id *k = kind->keys; *k != KEY_COUNT; k++)
        listed |= *k == key;
    return listed || (kind->sections >> mx_keys[key].section & 1u);
}

void mx_stage_text(const struct mx_stage_kind *kind, const struct mx_point *point,
                   const struct mx_stage_streams *streams, uint64_t fingerprint,
                   struct mx_lines *lines, struct mx_buf *out)
{
    mx_buf_printf(out,
                  "stage=%s\nengine=%u\ndevice=" WORKER_DEVICE_KIND "\nthreads=%" PRId64
                  "\ndata=%016" PRIx64 "\n",
                  worker_kinds[kind->kind].word, worker_kinds[kind->kind].engine,
                  point->value[KEY_TRAIN_THREADS].integer, fingerprint);
    mx_buf_printf(out, "seed=%" PRIu64 "\nseeds=%s\n", streams->seed,
                  streams->independent ? "independent" : "paired");
    mx_lines_add(lines, point, kind->sections, out);
    for (const enum mx_key_id *key = kind->keys; *key != KEY_COUNT; key++) {
        mx_buf_printf(out, "%s=", mx_keys[*key].name);
        mx_value_format(*key, &point->value[*key], out);
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
