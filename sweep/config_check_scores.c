/* Checks of score.* against each other, the networks and the data sets. */
#include "sweep/config_reader.h"
#include "sweep/grid.h"
#include "worker/annotations.h"
#include "worker/explain.h"
#include "worker/map_scores.h"
#include "worker/segments.h"

#define BIT(word) (UINT32_C(1) << WORKER_##word)

/* What is asked for. */
struct asked {
    uint64_t scores; /* bits of enum worker_score */
    uint32_t maps;   /* of enum worker_attribution */
    uint32_t sets, archs;
};

static void error_at(const struct mx_reader *reader, enum mx_key_id key, const char *format,
                     const char *word, const char *hint)
{
    mx_error_at(reader->values.messages, reader->places[key], format, word, hint);
}

/* Numbers of maps that are not made. */
static void check_made(const struct mx_reader *reader, const struct asked *asked)
{
    static const struct {
        enum worker_score       score;
        enum worker_attribution map;
    } needs[] = {{WORKER_SCORE_COMPLETENESS_MEDIAN, WORKER_MAP_INTEGRATED_GRADIENTS},
                 {WORKER_SCORE_COMPLETENESS_P95, WORKER_MAP_INTEGRATED_GRADIENTS},
                 {WORKER_SCORE_RELEVANCE_SUM, WORKER_MAP_LAYER_RELEVANCE}};

    for (unsigned score = 0; score < WORKER_SCORES; score++) {
        const char *map = asked->maps ? NULL : "gradcam, integrated_gradients";

        if (!(asked->scores >> score & 1u) ||
            worker_map_scores[score].is & (WORKER_SCORE_NO_MAP | WORKER_SCORE_ENDS))
            continue;
        for (size_t k = 0; k < sizeof needs / sizeof needs[0]; k++)
            if (needs[k].score == score)
                map = asked->maps >> needs[k].map & 1u ? NULL
                                                       : worker_attributions[needs[k].map].word;
        if (map)
            error_at(reader, KEY_SCORE_METRICS,
                     "score.metrics: '%s' is of maps that are not made (score.attributions: [%s])",
                     worker_map_scores[score].word, map);
    }
}

/* Intervals, and no score that has one. */
static void check_intervals(const struct mx_reader *reader, const struct asked *asked)
{
    const uint64_t without = worker_scores_that_are(WORKER_SCORE_ENDS | WORKER_SCORE_NO_MAP) |
                             worker_scores_of(WORKER_STAGE_MAPS);

    if (asked->scores & WORKER_SCORE_BIT(MAP_INTERVALS) && !(asked->scores & ~without))
        error_at(reader, KEY_SCORE_METRICS,
                 "score.metrics: '%s' are of scores that are not asked for (metrics: [%s])",
                 "map_intervals", "deletion, map_intervals");
}

/* Scores of boxes and masks, for sets that have none. */
static void check_marks(const struct mx_reader *reader, const struct asked *asked)
{
    const uint64_t scores = asked->scores & worker_scores_that_are(WORKER_SCORE_MARKS);
    uint32_t       marked = 0;

    for (unsigned set = 0; worker_data_sets[set].word; set++)
        marked |= (uint32_t)worker_annotations_possible(set) << set;
    if ((asked->sets & ~marked) == 0)
        return;
    for (unsigned score = 0; score < WORKER_SCORES; score++) {
        if (!(scores >> score & 1u))
            continue;
        if ((asked->sets & marked) == 0)
            error_at(reader, KEY_SCORE_METRICS,
                     "score.metrics: '%s' needs boxes or masks, and the data set has none (%s can)",
                     worker_map_scores[score].word,
                     "folder, waterbirds, celeba, metashift, cub, imagenet and synthetic");
        else
            mx_warning_at(reader->values.messages, reader->places[KEY_SCORE_METRICS],
                          "score.metrics: '%s' stays empty for the data sets without boxes and "
                          "masks",
                          worker_map_scores[score].word);
    }
}

/* Concepts of channels, of which linear has none, in segments, which sets of files have. */
static void check_concepts(const struct mx_reader *reader, const struct asked *asked)
{
    const uint64_t concepts = worker_scores_that_are(WORKER_SCORE_SEGMENTS);
    uint32_t       able = 0;

    if (!(asked->scores & concepts))
        return;
    for (unsigned set = 0; worker_data_sets[set].word; set++)
        able |= (uint32_t)worker_segments_possible(set) << set;
    if (asked->sets & ~able)
        error_at(reader, KEY_SCORE_METRICS,
                 "score.metrics: '%s' needs segments, and a data set has none (%s)", "concepts",
                 "sets of image files and synthetic can");
    if (asked->archs & BIT(ARCH_LINEAR))
        error_at(reader, KEY_SCORE_METRICS,
                 "score.metrics: '%s' needs a layer of channels, and model.arch linear has none%s",
                 "concepts", "");
}

/* Maps that a network cannot carry: of those that there are, linear has no channels. */
static void check_carried(const struct mx_reader *reader, const struct asked *asked)
{
    for (unsigned map = 0; map < WORKER_MAPS; map++) {
        if (!(asked->maps >> map & 1u) ||
            !(worker_map_kinds[map].needs & WORKER_MAP_NEEDS_CHANNELS) ||
            !(asked->archs & BIT(ARCH_LINEAR)))
            continue;
        if (asked->archs == BIT(ARCH_LINEAR))
            error_at(reader, KEY_SCORE_ATTRIBUTIONS,
                     "score.attributions: '%s' needs a layer of channels, and model.arch linear "
                     "has none (take %s)",
                     worker_attributions[map].word, "gradient or integrated_gradients");
        else
            mx_warning_at(reader->values.messages, reader->places[KEY_SCORE_ATTRIBUTIONS],
                          "score.attributions: '%s' stays empty for model.arch linear, which has "
                          "no layer of channels",
                          worker_attributions[map].word);
    }
}

/* Keys that were given and that nothing uses. */
static void check_unused(const struct mx_reader *reader, const struct asked *asked)
{
    const uint64_t concepts = worker_scores_that_are(WORKER_SCORE_SEGMENTS);
    const uint64_t curves = worker_scores_that_are(WORKER_SCORE_FILLED);
    const uint64_t orders = worker_scores_that_are(WORKER_SCORE_FILLED | WORKER_SCORE_MARKS);
    const uint32_t signs =
        BIT(MAP_INPUT_X_GRADIENT) | BIT(MAP_INTEGRATED_GRADIENTS) | BIT(MAP_GUIDED_BACKPROP);
    const struct {
        enum mx_key_id key;
        uint64_t       scores; /* any of them, 0: no matter */
        uint32_t       maps;   /* the same */
        const char    *with;
    } uses[] = {
        {KEY_SCORE_IMAGES, 0, UINT32_MAX, "score.attributions"},
        {KEY_SCORE_TARGET, 0, UINT32_MAX, "score.attributions"},
        {KEY_SCORE_STEPS, curves, UINT32_MAX, "curves (score.metrics: [deletion])"},
        {KEY_SCORE_FILLS, curves, UINT32_MAX, "curves (score.metrics: [deletion])"},
        {KEY_SCORE_PROTOCOL, curves, UINT32_MAX, "curves (score.metrics: [deletion])"},
        {KEY_SCORE_TIES, orders, UINT32_MAX, "scores that rank pixels (score.metrics: [deletion])"},
        {KEY_SCORE_RANK, orders, signs,
         "scores that rank the pixels of signed maps (score.attributions: [integrated_gradients])"},
        {KEY_SCORE_SMOOTHGRAD_SAMPLES, 0, BIT(MAP_SMOOTHGRAD), "score.attributions: smoothgrad"},
        {KEY_SCORE_SMOOTHGRAD_SIGMA, 0, BIT(MAP_SMOOTHGRAD), "score.attributions: smoothgrad"},
        {KEY_SCORE_INTEGRATED_GRADIENTS_POINTS, 0, BIT(MAP_INTEGRATED_GRADIENTS),
         "score.attributions: integrated_gradients"},
        {KEY_SCORE_RISE_MASKS, 0, BIT(MAP_RISE), "score.attributions: rise"},
        {KEY_SCORE_OCCLUSION_PATCH, 0, BIT(MAP_OCCLUSION), "score.attributions: occlusion"},
    };

    for (size_t k = 0; k < sizeof uses / sizeof uses[0]; k++) {
        const enum mx_key_id key = uses[k].key;
        const bool           used =
            ((!uses[k].scores || uses[k].scores & asked->scores) && uses[k].maps & asked->maps) ||
            (key == KEY_SCORE_IMAGES && asked->scores & concepts);

        if (!used && reader->config->given[key] &&
            !mx_value_equal(key, &reader->config->base[key], &reader->defaults[key]))
            mx_warning_at(reader->values.messages, reader->places[key],
                          "%s has no effect: it is used only with %s", mx_keys[key].name,
                          uses[k].with);
    }
}

void mx_reader_check_scores(const struct mx_reader *reader, uint32_t sets)
{
    const struct mx_value *maps = &reader->config->base[KEY_SCORE_ATTRIBUTIONS];
    struct asked asked = {.scores = mx_scores_asked(&reader->config->base[KEY_SCORE_METRICS]),
                          .sets = sets,
                          .archs = mx_reader_words(reader, KEY_MODEL_ARCH)};

    if (reader->broken[KEY_SCORE_ATTRIBUTIONS] || reader->broken[KEY_SCORE_METRICS])
        return;
    for (size_t i = 0; i < maps->list.count; i++)
        asked.maps |= UINT32_C(1) << maps->list.items[i].choice;
    if (asked.maps && sets == BIT(DATA_FEATURES))
        mx_error_at(reader->values.messages, reader->places[KEY_SCORE_ATTRIBUTIONS],
                    "score.attributions: maps are of images, and data.set features has none");
    if (sets == BIT(DATA_FEATURES))
        return;
    check_made(reader, &asked);
    check_intervals(reader, &asked);
    check_marks(reader, &asked);
    check_concepts(reader, &asked);
    check_carried(reader, &asked);
    check_unused(reader, &asked);
}
