#include <math.h>
#include <string.h>

#include "sweep/config_reader.h"
#include "worker/map_scores.h"

enum {
    LOOKED_AT = 100000 /* values of an axis; longer ones get the benefit of the doubt */
};

/* Where the values of a key come from in one block. */
struct source {
    const struct mx_axis_values *axis; /* or NULL: the one value */
    const struct mx_value       *value;
    struct mx_place              place;
};

/* Block 0 of a file without grid is the one point. */
static struct source source_of(const struct mx_reader *reader, size_t block, enum mx_key_id key)
{
    struct source source = {NULL, &reader->config->base[key], reader->places[key]};

    if (block < reader->nblocks)
        source.axis = mx_reader_axis(&reader->blocks[block], key, &source.place);
    return source;
}

size_t mx_reader_blocks(const struct mx_reader *reader)
{
    return reader->nblocks > 0 ? reader->nblocks : 1;
}

static uint64_t count_of(const struct source *source)
{
    return source->axis ? source->axis->count : 1;
}

static struct mx_value value_of(const struct source *source, enum mx_key_id key, uint64_t i)
{
    return source->axis ? mx_axis_value(source->axis, key, i) : *source->value;
}

uint32_t mx_reader_words(const struct mx_reader *reader, enum mx_key_id key)
{
    uint32_t words = 0;

    for (size_t b = 0; b < mx_reader_blocks(reader); b++) {
        struct source source = source_of(reader, b, key);

        for (uint64_t i = 0; i < count_of(&source); i++)
            words |= UINT32_C(1) << value_of(&source, key, i).choice;
    }
    return words;
}

/* Required keys: a value or an axis in every block. */
static void check_required(const struct mx_reader *reader, enum mx_key_id key, const char *example)
{
    struct mx_place place = reader->section_places[mx_keys[key].section];
    const char     *section = mx_section_names[mx_keys[key].section];
    size_t          swept = 0;

    for (size_t b = 0; b < reader->nblocks; b++)
        swept += mx_reader_axis(&reader->blocks[b], key, NULL) != NULL;
    if (reader->attempted[key] || reader->broken[key] ||
        (reader->nblocks > 0 && swept == reader->nblocks))
        return;
    if (place.line == 0)
        place.line = place.column = 1;
    mx_error_at(reader->values.messages, place, "%s is missing (write %s: {%s: %s})",
                mx_keys[key].name, section, strchr(mx_keys[key].name, '.') + 1, example);
}

/* Values that no bound forbids and that mean nothing. */
static void check_values(const struct mx_reader *reader)
{
    static const struct {
        enum mx_key_id key;
        int64_t        value;
        const char    *problem;
    } wrong[] = {
        {KEY_DATA_CHANNELS, 2, "is 2 (an image has 1 or 3 channels)"},
    };

    for (size_t w = 0; w < sizeof wrong / sizeof wrong[0]; w++)
        for (size_t b = 0; b < mx_reader_blocks(reader); b++) {
            struct source source = source_of(reader, b, wrong[w].key);

            for (uint64_t i = 0;
                 !reader->broken[wrong[w].key] && i < count_of(&source) && i < LOOKED_AT; i++)
                if (value_of(&source, wrong[w].key, i).integer == wrong[w].value) {
                    mx_error_at(reader->values.messages, source.place, "%s: %s",
                                mx_keys[wrong[w].key].name, wrong[w].problem);
                    break;
                }
        }
}

/* The smallest or largest number of a key in a block: axes are lists, or
 * monotone. */
static double extreme(const struct source *source, enum mx_key_id key, bool largest)
{
    double best = largest ? -INFINITY : INFINITY;

    for (uint64_t i = 0; i < count_of(source); i++) {
        struct mx_value value = value_of(source, key, i);
        double          x = mx_value_number(key, &value);

        best = (largest ? x > best : x < best) ? x : best;
        if (source->axis && source->axis->form != MX_AXIS_LIST && i == 0 && count_of(source) > 1)
            i = count_of(source) - 2;
    }
    return best;
}

double mx_reader_extreme(const struct mx_reader *reader, size_t block, enum mx_key_id key,
                         bool largest)
{
    const struct source source = source_of(reader, block, key);

    return extreme(&source, key, largest);
}

/* Epochs of a part that is longer than the whole: a warm-up that never reaches
 * the rate asked for, a ramp that never ends. Exclude rules and zips may keep
 * the values apart: then nothing is said. */
static void check_epochs(const struct mx_reader *reader, enum mx_key_id key)
{
    bool broken = reader->broken[key] || reader->broken[KEY_TRAIN_EPOCHS];

    for (size_t b = 0; !broken && b < mx_reader_blocks(reader); b++) {
        struct source part = source_of(reader, b, key);
        struct source epochs = source_of(reader, b, KEY_TRAIN_EPOCHS);

        if ((part.axis || epochs.axis) && (reader->nexcludes > 0 || (part.axis && epochs.axis)))
            continue;
        if (extreme(&part, key, true) > extreme(&epochs, KEY_TRAIN_EPOCHS, false))
            mx_error_at(reader->values.messages, part.place.line ? part.place : epochs.place,
                        "%s is longer than train.epochs", mx_keys[key].name);
    }
}

/* Nothing to train and no weights to score. Axes of weights have no empty value. */
static void check_weights(const struct mx_reader *reader)
{
    bool broken = reader->broken[KEY_MODEL_WEIGHTS] || reader->broken[KEY_TRAIN_EPOCHS];

    for (size_t b = 0; !broken && b < mx_reader_blocks(reader); b++) {
        struct source weights = source_of(reader, b, KEY_MODEL_WEIGHTS);
        struct source epochs = source_of(reader, b, KEY_TRAIN_EPOCHS);

        if (!weights.axis && !*weights.value->text &&
            extreme(&epochs, KEY_TRAIN_EPOCHS, false) <= 0) {
            mx_error_at(reader->values.messages, epochs.place,
                        "train.epochs: 0 needs model.weights (write model: {weights: "
                        "file.safetensors})");
            return;
        }
    }
}

/* A rate that is to drop at milestones, and none are given. */
static void check_milestones(const struct mx_reader *reader)
{
    if (reader->broken[KEY_TRAIN_MILESTONES] || reader->broken[KEY_TRAIN_SCHEDULE])
        return;
    for (size_t b = 0; b < mx_reader_blocks(reader); b++) {
        struct source schedule = source_of(reader, b, KEY_TRAIN_SCHEDULE);
        struct source milestones = source_of(reader, b, KEY_TRAIN_MILESTONES);

        for (uint64_t i = 0; !milestones.axis && milestones.value->list.count == 0 &&
                             i < count_of(&schedule) && i < LOOKED_AT;
             i++)
            if (value_of(&schedule, KEY_TRAIN_SCHEDULE, i).choice == WORKER_SCHEDULE_MULTI_STEP) {
                mx_error_at(reader->values.messages, schedule.place,
                            "train.milestones is missing (write train: {schedule: multi_step, "
                            "milestones: [10, 20]})");
                return;
            }
    }
}

/* True if a required key has values, good ones. */
static bool knows(const struct mx_reader *reader, enum mx_key_id key)
{
    bool known = reader->config->given[key];

    for (size_t b = 0; b < reader->nblocks; b++)
        known |= mx_reader_axis(&reader->blocks[b], key, NULL) != NULL;
    return known && !reader->broken[key];
}

const uint32_t mx_grouped_sets = 1u << WORKER_DATA_SYNTHETIC | 1u << WORKER_DATA_WATERBIRDS |
                                 1u << WORKER_DATA_CELEBA | 1u << WORKER_DATA_METASHIFT |
                                 1u << WORKER_DATA_DOMINOES | 1u << WORKER_DATA_FEATURES;

/* Metrics of groups, on sets that have none. */
static void check_groups(const struct mx_reader *reader, uint32_t sets)
{
    const uint32_t         grouped = mx_grouped_sets;
    const struct mx_value *metrics = &reader->config->base[KEY_SCORE_METRICS];
    struct mx_place        place = reader->places[KEY_SCORE_METRICS];

    if ((sets & ~grouped) == 0 || !knows(reader, KEY_DATA_SET) || reader->broken[KEY_SCORE_METRICS])
        return;
    for (size_t i = 0; i < metrics->list.count; i++) {
        unsigned    metric = metrics->list.items[i].choice;
        const char *word = mx_metric_words[metric].word;

        if (metric < MX_METRIC_WORST_GROUP_ACCURACY || metric > MX_METRIC_GROUP_GAP)
            continue;
        if ((sets & grouped) == 0)
            mx_error_at(reader->values.messages, place,
                        "score.metrics: '%s' needs groups, and the data set has none", word);
        else
            mx_warning_at(reader->values.messages, place,
                          "score.metrics: '%s' stays empty for the data sets without groups", word);
    }
}

/* Metrics of images, on sets that have none. */
static void check_images(const struct mx_reader *reader, uint32_t sets)
{
    const struct mx_value *metrics = &reader->config->base[KEY_SCORE_METRICS];

    if (sets != 1u << WORKER_DATA_FEATURES || reader->broken[KEY_SCORE_METRICS])
        return;
    for (size_t i = 0; i < metrics->list.count; i++) {
        unsigned metric = metrics->list.items[i].choice;

        if (metric >= MX_METRIC_OCCLUSION_ACCURACY)
            mx_error_at(reader->values.messages, reader->places[KEY_SCORE_METRICS],
                        "score.metrics: '%s' is measured on images, and data.set features has none",
                        mx_metric_words[metric].word);
    }
}

bool mx_reader_has_metric(const struct mx_reader *reader, unsigned metric)
{
    const struct mx_value *metrics = &reader->config->base[KEY_SCORE_METRICS];

    for (size_t i = 0; i < metrics->list.count; i++)
        if (metrics->list.items[i].choice == metric)
            return true;
    return false;
}

/* Whether a metric has a column val.METRIC; scores of maps are of test images alone. */
static bool is_of_validation(unsigned metric)
{
    const struct worker_map_score *score = worker_map_score(mx_metric_words[metric].word);

    return !score || metric == MX_METRIC_OCCLUSION_ACCURACY;
}

/* search.metric is val.WORD with a word of score.metrics; group_accuracy needs
 * its group behind it. */
static void check_search_metric(const struct mx_reader *reader)
{
    static const char   val[] = "val.";
    struct mx_messages *messages = reader->values.messages;
    struct mx_place     place = reader->places[KEY_SEARCH_METRIC];
    const char         *text = reader->config->base[KEY_SEARCH_METRIC].text;
    char                shown[MX_SHOWN_SIZE];
    size_t              length;

    if (!*text || reader->broken[KEY_SCORE_METRICS])
        return;
    mx_shown(text, shown);
    if (strncmp(text, val, sizeof val - 1) != 0) {
        mx_error_at(messages, place,
                    "search.metric: '%s' is not of the validation part (write val.METRIC, such as "
                    "val.accuracy)",
                    shown);
        return;
    }
    text += sizeof val - 1;
    for (unsigned m = 0; mx_metric_words[m].word; m++) {
        length = strlen(mx_metric_words[m].word);
        if (strncmp(text, mx_metric_words[m].word, length) != 0 || !mx_reader_has_metric(reader, m))
            continue;
        if (m == MX_METRIC_GROUP_ACCURACY || m == MX_METRIC_GROUP_COUNT ||
                    m == MX_METRIC_OCCLUSION_ACCURACY
                ? text[length] == '.' && text[length + 1] &&
                      strspn(text + length + 1, "0123456789") == strlen(text + length + 1)
                : !text[length] && is_of_validation(m))
            return;
        if (!text[length] && !is_of_validation(m)) {
            mx_error_at(messages, place,
                        "search.metric: '%s' is of test images, and those never rank (take "
                        "val.accuracy)",
                        shown);
            return;
        }
    }
    mx_error_at(messages, place,
                "search.metric: '%s' is not measured (add the metric to score.metrics)", shown);
}

/* Without search.metric: the worst group where it is measured, else accuracy, else what is
 * measured first; accuracy, which every training has, where only maps are scored. */
static void choose_search_metric(struct mx_reader *reader)
{
    static const char *const preferred[] = {"val.worst_group_accuracy", "val.accuracy"};
    const struct mx_value   *metrics = &reader->config->base[KEY_SCORE_METRICS];
    struct mx_value         *chosen = &reader->config->base[KEY_SEARCH_METRIC];
    const char              *word;
    char                    *text;
    size_t                   k = 0;

    if (*chosen->text || metrics->list.count == 0)
        return;
    while (k < metrics->list.count && !is_of_validation(metrics->list.items[k].choice))
        k++;
    if (mx_reader_has_metric(reader, MX_METRIC_WORST_GROUP_ACCURACY)) {
        chosen->text = preferred[0];
    } else if (mx_reader_has_metric(reader, MX_METRIC_ACCURACY) || k == metrics->list.count) {
        chosen->text = preferred[1];
    } else {
        const unsigned metric = metrics->list.items[k].choice;

        word = mx_metric_words[metric].word;
        if (!(text = mx_arena_alloc(reader->values.arena, strlen(word) + 8, 1)))
            return;
        strcat(strcpy(text, "val."), word);
        if (metric == MX_METRIC_GROUP_ACCURACY || metric == MX_METRIC_GROUP_COUNT)
            strcat(text, ".0");
        else if (metric == MX_METRIC_OCCLUSION_ACCURACY)
            strcat(text, ".30");
        chosen->text = text;
    }
}

/* Points without validation images have no val.* values, and search.metric is
 * one of those. */
static void check_validation(const struct mx_reader *reader)
{
    enum mx_key_id key = KEY_DATA_VAL_FRACTION;

    if (reader->broken[key] || !knows(reader, key))
        return;
    for (size_t b = 0; b < mx_reader_blocks(reader); b++) {
        struct source source = source_of(reader, b, key);

        if (extreme(&source, key, false) > 0)
            continue;
        if (reader->config->base[KEY_SCHEDULE_EARLY_STOP].choice != MX_EARLY_STOP_NONE)
            mx_error_at(reader->values.messages, source.place,
                        "data.val_fraction: schedule.early_stop judges trainings by their "
                        "validation images, and 0 leaves none (write 0.1)");
        else
            mx_warning_at(reader->values.messages, source.place,
                          extreme(&source, key, true) > 0
                              ? "data.val_fraction: where it is 0 there will be no val.* values: "
                                "nothing to rank by"
                              : "data.val_fraction: 0: there will be no val.* columns: nothing to "
                                "rank by");
        break;
    }
}

/* The name becomes that of a directory. */
static void check_name(const struct mx_reader *reader)
{
    const char     *name = reader->config->name;
    struct mx_place place = reader->places[KEY_NAME];

    if (place.line == 0)
        place.line = place.column = 1;
    if (strchr(name, '/') || *name == '.' || *name == '-' || strlen(name) > 100)
        mx_error_at(reader->values.messages, place,
                    "name becomes a directory's name: at most 100 bytes, without '/', and not "
                    "beginning with '.' or '-'");
}

/* True if no value that the condition's key takes fulfils it. */
static bool never_holds(const struct mx_reader *reader, const struct mx_condition *condition)
{
    for (size_t b = 0; b < mx_reader_blocks(reader); b++) {
        struct source source = source_of(reader, b, condition->key);

        for (uint64_t i = 0; i < count_of(&source); i++) {
            struct mx_value value = value_of(&source, condition->key, i);

            if (i >= LOOKED_AT || mx_condition_holds(condition, &value))
                return false;
        }
    }
    return true;
}

/* True if an entry of a block's mix.choices is one of the words. */
static bool chooses_one_of(const struct mx_reader *reader, size_t block, uint32_t words)
{
    struct source source = source_of(reader, block, KEY_MIX_CHOICES);

    for (uint64_t i = 0; i < count_of(&source); i++) {
        struct mx_value value = value_of(&source, KEY_MIX_CHOICES, i);

        for (size_t k = 0; k < value.list.count; k++)
            if (words >> value.list.items[k].choice & 1u)
                return true;
    }
    return false;
}

/* True if the key is used where `choices` is drawn from, and by no entry of mix.choices. */
static bool never_chosen(const struct mx_reader *reader, const struct mx_condition *condition)
{
    const uint32_t choices = 1u << WORKER_MIX_CHOICES, any = choices - 1;

    if (condition->key != KEY_MIX_STRATEGY || !(condition->words & choices) ||
        condition->words == choices || reader->broken[KEY_MIX_CHOICES])
        return false;
    for (size_t b = 0; b < mx_reader_blocks(reader); b++) {
        struct source source = source_of(reader, b, KEY_MIX_STRATEGY);

        for (uint64_t i = 0; i < count_of(&source); i++) {
            uint32_t word = 1u << value_of(&source, KEY_MIX_STRATEGY, i).choice;

            if (word != choices ? condition->words & word
                                : chooses_one_of(reader, b, condition->words) ||
                                      !chooses_one_of(reader, b, any))
                return false;
        }
    }
    return true;
}

/* Warn of a value or axis that is folded away everywhere, or is that of a strategy which is never
 * drawn. */
static void check_use(const struct mx_reader *reader, enum mx_key_id key)
{
    struct mx_place place = reader->places[key];
    struct mx_buf   text = {0};
    bool            asked = reader->config->given[key] &&
                 !mx_value_equal(key, &reader->config->base[key], &reader->defaults[key]);

    for (size_t b = 0; b < reader->nblocks; b++)
        asked |= mx_reader_axis(&reader->blocks[b], key, &place) != NULL;
    for (const struct mx_condition *c = mx_keys[key].used; asked && c->words != 0; c++) {
        const bool          negated = c->words >> 31;
        struct mx_condition named = {c->key, negated ? ~c->words : c->words};

        if (!never_holds(reader, c) && !never_chosen(reader, c))
            continue;
        mx_condition_format(&named, &text);
        mx_warning_at(reader->values.messages, place,
                      never_holds(reader, c)
                          ? "%s has no effect: it is %s with %s"
                          : "%s has no effect: no entry of mix.choices uses it (it is %s with %s)",
                      mx_keys[key].name, negated ? "not used" : "used only", mx_buf_str(&text));
        break;
    }
    mx_buf_free(&text);
}

void mx_reader_check(struct mx_reader *reader)
{
    uint32_t sets;

    check_required(reader, KEY_DATA_SET, "fashion-mnist");
    sets = mx_reader_words(reader, KEY_DATA_SET);
    if (sets != 1u << WORKER_DATA_FEATURES)
        check_required(reader, KEY_MODEL_ARCH, "resnet8");
    if (sets == 1u << WORKER_DATA_FOLDER)
        check_required(reader, KEY_DATA_PATH, "photos");
    if (sets == 1u << WORKER_DATA_FEATURES)
        check_required(reader, KEY_DATA_PATH, "features");
    check_name(reader);
    check_values(reader);
    check_epochs(reader, KEY_TRAIN_WARMUP_EPOCHS);
    check_milestones(reader);
    check_weights(reader);
    check_epochs(reader, KEY_MIX_OFF_EPOCHS);
    check_epochs(reader, KEY_MIX_RAMP_EPOCHS);
    check_groups(reader, sets);
    check_images(reader, sets);
    mx_reader_check_scores(reader, sets);
    mx_reader_check_cross(reader);
    mx_reader_check_precision(reader);
    if (sets != 1u << WORKER_DATA_FEATURES)
        mx_reader_check_sizes(reader);
    check_search_metric(reader);
    mx_reader_check_search(reader);
    choose_search_metric(reader);
    mx_reader_check_early(reader, sets);
    if (sets != 1u << WORKER_DATA_FEATURES && reader->values.messages->errors == 0)
        check_validation(reader);
    if (reader->values.messages->errors == 0) {
        mx_reader_check_data(reader);
        mx_reader_check_mix(reader);
    }
    for (size_t key = 0; reader->values.messages->errors == 0 && key < KEY_COUNT; key++)
        check_use(reader, (enum mx_key_id)key);
}
