#include <criterion/criterion.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "sweep/keys.h"
#include "worker/params.h"
#include "worker/stage_parts.h"

struct field {
    const char  *name;
    ptrdiff_t    offset;
    enum mx_type type;
};

#define FIELD_ROW(name, type) {#name, offsetof(struct worker_params, name), type},
#define REAL_ROW(name)        FIELD_ROW(name, MX_TYPE_REAL)
#define INT_ROW(name)         FIELD_ROW(name, MX_TYPE_INT)
#define BOOL_ROW(name)        FIELD_ROW(name, MX_TYPE_BOOL)
#define CHOICE_ROW(name)      FIELD_ROW(name, MX_TYPE_CHOICE)
#define PATH_ROW(name)        FIELD_ROW(name, MX_TYPE_PATH)
#define LIST_ROW(name)        FIELD_ROW(name, MX_TYPE_LIST)
#define SET_ROW(name)         FIELD_ROW(name, MX_TYPE_LIST)

static const struct field fields[] = {
    WORKER_PARAMS(REAL_ROW, INT_ROW, BOOL_ROW, CHOICE_ROW, PATH_ROW, LIST_ROW, SET_ROW)};

/* True if the field mix_alpha belongs to the key mix.alpha. */
static bool same_name(const char *field, const char *key)
{
    for (; *field && *key; field++, key++)
        if (*field != (*key == '.' ? '_' : *key))
            return false;
    return *field == *key;
}

Test(keys, every_worker_parameter_is_the_target_of_one_key_of_its_name_and_type)
{
    size_t targets = 0;

    for (size_t f = 0; f < sizeof fields / sizeof fields[0]; f++) {
        unsigned hits = 0;

        if (strcmp(fields[f].name, "device") == 0)
            continue; /* the executor's, which schedule.device decides for all */
        for (size_t k = 0; k < KEY_COUNT; k++)
            if (mx_keys[k].offset == fields[f].offset) {
                hits++;
                cr_expect(same_name(fields[f].name, mx_keys[k].name), "%s is not %s",
                          mx_keys[k].name, fields[f].name);
                cr_expect_eq(mx_keys[k].type, fields[f].type, "type of %s", mx_keys[k].name);
            }
        cr_expect_eq(hits, 1, "%u keys for %s", hits, fields[f].name);
    }
    for (size_t k = 0; k < KEY_COUNT; k++)
        targets += mx_keys[k].offset >= 0;
    cr_expect_eq(targets, sizeof fields / sizeof fields[0] - 1);
}

/* Each alone: what is not used is not in the record. */
Test(keys, records_of_stages_name_used_parameters_as_configurations_do)
{
    static struct worker_params params;

    for (size_t k = 0; k < KEY_COUNT; k++) {
        struct worker_param_set used = {{0}};
        struct mx_buf           text = {0};
        struct mx_json          json = {.out = &text};
        char                    wanted[96];

        if (mx_keys[k].offset < 0)
            continue;
        worker_param_add(&used, mx_keys[k].field);
        worker_params_json(&json, &params, &used);
        snprintf(wanted, sizeof wanted, "\"parameters\":{\"%s\":", mx_keys[k].name);
        cr_expect_eq(strncmp(mx_buf_str(&text), wanted, strlen(wanted)), 0, "%s, not %s",
                     mx_buf_str(&text), wanted);
        cr_expect_null(strstr(mx_buf_str(&text) + strlen(wanted), "\":"), "%s", mx_buf_str(&text));
        mx_buf_free(&text);
    }
}

Test(keys, names_are_unique_and_begin_with_their_section)
{
    for (size_t k = 0; k < KEY_COUNT; k++) {
        const char *section = mx_section_names[mx_keys[k].section];
        size_t      length = strlen(section);

        cr_expect_eq(mx_key_find(mx_keys[k].name), k, "%s is there twice", mx_keys[k].name);
        if (length > 0)
            cr_expect(strncmp(mx_keys[k].name, section, length) == 0 &&
                          mx_keys[k].name[length] == '.',
                      "%s in %s", mx_keys[k].name, section);
        else
            cr_expect_null(strchr(mx_keys[k].name, '.'));
    }
}

Test(keys, rows_are_consistent)
{
    for (size_t k = 0; k < KEY_COUNT; k++) {
        const struct mx_key *key = &mx_keys[k];
        enum mx_type         type = key->type == MX_TYPE_LIST ? key->element : key->type;
        bool number = type == MX_TYPE_REAL || type == MX_TYPE_INT || type == MX_TYPE_DURATION;

        cr_expect_eq(type == MX_TYPE_CHOICE, key->choices != NULL, "%s", key->name);
        if (number)
            cr_expect_lt(key->low, key->high, "bounds of %s", key->name);
        cr_expect(key->offset < 0 || key->built, "%s is computed with, yet not built", key->name);
        for (const struct mx_condition *c = key->used; c->words != 0; c++)
            cr_expect(c->key < k, "%s depends on a later key", key->name);
    }
}

Test(keys, nearest_name_is_a_transposition_a_missing_letter_or_a_missing_section)
{
    cr_expect_str_eq(mx_key_nearest("train.epoch"), "train.epochs");
    cr_expect_str_eq(mx_key_nearest("trian.epochs"), "train.epochs");
    cr_expect_str_eq(mx_key_nearest("momentum"), "train.momentum");
    cr_expect_str_eq(mx_key_nearest("sed"), "seed");
    cr_expect_null(mx_key_nearest("zebra"));
    cr_expect_null(mx_key_nearest(""));
}

Test(keys, distance_counts_a_swap_of_neighbours_as_one)
{
    cr_expect_eq(mx_name_distance("mixup", "mixup"), 0);
    cr_expect_eq(mx_name_distance("mixpu", "mixup"), 1);
    cr_expect_eq(mx_name_distance("mxup", "mixup"), 1);
    cr_expect_eq(mx_name_distance("", "cutout"), 6);
    cr_expect_eq(mx_name_distance("kitten", "sitting"), 3);
}

Test(keys, only_data_model_train_mix_and_head_can_be_swept)
{
    cr_expect(mx_key_sweepable(KEY_DATA_SET));
    cr_expect(mx_key_sweepable(KEY_HEAD_METHOD));
    cr_expect_not(mx_key_sweepable(KEY_SEED));
    cr_expect_not(mx_key_sweepable(KEY_SCORE_METRICS));
    cr_expect_not(mx_key_sweepable(KEY_SCHEDULE_RETRIES));
}

Test(keys, a_key_is_used_only_where_its_strategy_schedule_set_and_epochs_ask_for_it)
{
    struct mx_value values[KEY_COUNT] = {0};

    values[KEY_DATA_SET].choice = WORKER_DATA_MNIST;
    values[KEY_TRAIN_EPOCHS].integer = 3;
    values[KEY_MIX_STRATEGY].choice = WORKER_MIX_NONE;
    values[KEY_TRAIN_SCHEDULE].choice = WORKER_SCHEDULE_STEP;
    cr_expect_not(mx_key_used(KEY_MIX_ALPHA, values));
    cr_expect_not(mx_key_used(KEY_MIX_PROB, values));
    cr_expect_not(mx_key_used(KEY_DATA_SYNTHETIC_N, values));
    cr_expect(mx_key_used(KEY_TRAIN_STEP_EPOCHS, values));

    values[KEY_MIX_STRATEGY].choice = WORKER_MIX_CUTOUT;
    cr_expect_not(mx_key_used(KEY_MIX_ALPHA, values));
    cr_expect_not(mx_key_used(KEY_MIX_LABELS, values));
    cr_expect(mx_key_used(KEY_MIX_PROB, values));
    cr_expect(mx_key_used(KEY_MIX_SIZE, values));

    values[KEY_MIX_STRATEGY].choice = WORKER_MIX_CUTMIX;
    cr_expect(mx_key_used(KEY_MIX_ALPHA, values));
    cr_expect_not(mx_key_used(KEY_MIX_SIZE, values));

    /* The label is the base's, whatever it weighs; nothing is clipped. */
    cr_expect(mx_key_used(KEY_MIX_WEIGHT, values));
    values[KEY_MIX_LABELS].choice = WORKER_LABELS_HOST;
    cr_expect_not(mx_key_used(KEY_MIX_WEIGHT, values));
    values[KEY_MIX_LABELS].choice = WORKER_LABELS_ONLY;
    cr_expect(mx_key_used(KEY_MIX_WEIGHT, values));
    values[KEY_MIX_STRATEGY].choice = WORKER_MIX_FMIX;
    cr_expect_not(mx_key_used(KEY_MIX_WEIGHT, values));
    values[KEY_MIX_STRATEGY].choice = WORKER_MIX_CUTMIX;

    values[KEY_TRAIN_EPOCHS].integer = 0;
    cr_expect_not(mx_key_used(KEY_MIX_ALPHA, values));
    cr_expect_not(mx_key_used(KEY_TRAIN_LR, values));
    cr_expect(mx_key_used(KEY_TRAIN_THREADS, values));

    values[KEY_DATA_SET].choice = WORKER_DATA_FEATURES;
    cr_expect_not(mx_key_used(KEY_MODEL_ARCH, values));
    cr_expect_not(mx_key_used(KEY_TRAIN_EPOCHS, values));
    cr_expect(mx_key_used(KEY_HEAD_METHOD, values));
}

Test(keys, conditions_read_as_people_write_them)
{
    struct mx_buf text = {0};

    mx_condition_format(&mx_keys[KEY_MIX_LABELS].used[2], &text);
    cr_expect_str_eq(mx_buf_str(&text), "mix.strategy: not none, cutout");
    mx_buf_clear(&text);
    mx_condition_format(&mx_keys[KEY_TRAIN_GAMMA].used[2], &text);
    cr_expect_str_eq(mx_buf_str(&text), "train.schedule: step, multi_step");
    mx_buf_clear(&text);
    mx_condition_format(&mx_keys[KEY_MIX_LABELS].used[1], &text);
    cr_expect_str_eq(mx_buf_str(&text), "train.epochs: not 0");
    mx_buf_free(&text);
}
