/* Strategies and head methods and what does not go with them, looked for in every combination
 * that a block of the grid has and no exclude rule surely leaves out. */
#include "sweep/config_reader.h"

enum {
    LOOKED_AT = 100000 /* combinations of a block; more get the benefit of the doubt */
};

static uint32_t strategies_of(const struct mx_value *value)
{
    const struct mx_value *choices = &value[KEY_MIX_CHOICES];
    uint32_t               set = 0;

    if (value[KEY_MIX_STRATEGY].choice != WORKER_MIX_CHOICES)
        return UINT32_C(1) << value[KEY_MIX_STRATEGY].choice;
    for (size_t i = 0; i < choices->list.count; i++)
        set |= UINT32_C(1) << choices->list.items[i].choice;
    return set;
}

static bool has(const struct mx_value *value, enum worker_strategy strategy)
{
    return strategies_of(value) >> strategy & 1;
}

static bool soft_labels_by_rule(const struct mx_value *value)
{
    return has(value, WORKER_MIX_RECURSIVEMIX) &&
           value[KEY_MIX_LABELS].choice != WORKER_LABELS_MIXED;
}

static bool clean_within_network(const struct mx_value *value)
{
    return has(value, WORKER_MIX_MANIFOLD_MIXUP) &&
           value[KEY_MIX_LABELS].choice == WORKER_LABELS_ONLY;
}

static bool nothing_to_choose(const struct mx_value *value)
{
    return value[KEY_MIX_STRATEGY].choice == WORKER_MIX_CHOICES &&
           value[KEY_MIX_CHOICES].list.count == 0;
}

static bool choices_of_choices(const struct mx_value *value)
{
    return has(value, WORKER_MIX_CHOICES);
}

static bool no_such_layer(const struct mx_value *value)
{
    const struct mx_value *layers = &value[KEY_MIX_LAYERS];
    bool                   deeper = false;

    for (size_t i = 0; i < layers->list.count; i++)
        deeper |= layers->list.items[i].choice != WORKER_LAYER_INPUT;
    return has(value, WORKER_MIX_MANIFOLD_MIXUP) && deeper &&
           value[KEY_MODEL_ARCH].choice == WORKER_ARCH_LINEAR;
}

static bool odd_halves(const struct mx_value *value)
{
    return has(value, WORKER_MIX_PUZZLEMIX) && value[KEY_DATA_SIZE].integer % 2 != 0;
}

static bool nobody_to_meet(const struct mx_value *value)
{
    const uint32_t alone = 1u << WORKER_MIX_NONE | 1u << WORKER_MIX_CUTOUT;

    return value[KEY_TRAIN_BATCH_SIZE].integer == 1 && (strategies_of(value) & ~alone) != 0;
}

static bool balances_no_groups(const struct mx_value *value)
{
    const uint32_t balancing =
        1u << WORKER_HEAD_DFR | 1u << WORKER_HEAD_GROUP_DRO | 1u << WORKER_HEAD_SUBG;

    return (balancing >> value[KEY_HEAD_METHOD].choice & 1) &&
           !(mx_grouped_sets >> value[KEY_DATA_SET].choice & 1);
}

static bool holds_out_features(const struct mx_value *value)
{
    return value[KEY_HEAD_METHOD].choice == WORKER_HEAD_AFR &&
           value[KEY_HEAD_AFR_SPLIT].choice == WORKER_AFR_SPLIT_HOLDOUT &&
           value[KEY_DATA_SET].choice == WORKER_DATA_FEATURES;
}

static bool holds_out_of_nothing(const struct mx_value *value)
{
    return value[KEY_HEAD_METHOD].choice == WORKER_HEAD_AFR &&
           value[KEY_HEAD_AFR_SPLIT].choice == WORKER_AFR_SPLIT_HOLDOUT &&
           value[KEY_TRAIN_EPOCHS].integer == 0;
}

static const struct problem {
    bool (*holds)(const struct mx_value *value);
    enum mx_key_id subject; /* what it is about: used, or there is no problem */
    enum mx_key_id at;      /* whose place is told, or else the subject's */
    const char    *text;
    bool           allowed; /* a warning, no error */
} problems[] = {
    {balances_no_groups, KEY_HEAD_METHOD, KEY_HEAD_METHOD,
     "head.method: dfr, group_dro and subg balance groups, and the data set has none (use llr, "
     "jtt_head, afr, feature_mixup or hsfm)",
     false},
    {holds_out_features, KEY_HEAD_METHOD, KEY_HEAD_AFR_SPLIT,
     "head.afr.split: holdout keeps images out of the training, which is over where there are "
     "only features (use val_half)",
     false},
    {holds_out_of_nothing, KEY_HEAD_AFR_SPLIT, KEY_HEAD_AFR_SPLIT,
     "head.afr.split: holdout keeps images out of the training, and with train.epochs 0 there is "
     "none (use val_half)",
     false},
    {soft_labels_by_rule, KEY_MIX_STRATEGY, KEY_MIX_LABELS,
     "mix.labels: recursivemix mixes labels over and over, and goes with mixed only (leave other "
     "rules out with exclude)",
     false},
    {clean_within_network, KEY_MIX_STRATEGY, KEY_MIX_LABELS,
     "mix.labels: manifold_mixup mixes within the network, and does not go with only (leave it out "
     "with exclude)",
     false},
    {nothing_to_choose, KEY_MIX_STRATEGY, KEY_MIX_STRATEGY,
     "mix.choices is missing (write mix: {strategy: choices, choices: [mixup, cutmix]})", false},
    {choices_of_choices, KEY_MIX_STRATEGY, KEY_MIX_CHOICES,
     "mix.choices: 'choices' is no strategy to choose", false},
    {no_such_layer, KEY_MIX_STRATEGY, KEY_MIX_LAYERS,
     "mix.layers: model.arch linear has no stages to mix after (write mix: {layers: [input]})",
     false},
    {odd_halves, KEY_MIX_STRATEGY, KEY_DATA_SIZE,
     "data.size: puzzlemix cuts images in halves at least, and needs an even size (leave odd ones "
     "out with exclude)",
     false},
    {nobody_to_meet, KEY_MIX_STRATEGY, KEY_TRAIN_BATCH_SIZE,
     "train.batch_size: an image alone in its batch is not mixed (give 2 or more, or "
     "mix.strategy: none)",
     true},
};

enum {
    PROBLEMS = sizeof problems / sizeof problems[0]
};

/* The axes of a block that the problems depend on, and where each stands. */
struct combination {
    const struct mx_block_draft *block; /* NULL: a file without grid, one point */
    size_t                       axes[KEY_COUNT];
    uint64_t                     digit[KEY_COUNT];
    size_t                       naxes;
    struct mx_value              value[KEY_COUNT];
    bool                         known[KEY_COUNT]; /* the value is that of the combination */
    bool                         set[KEY_COUNT];   /* it is no default */
};

static void add_axis(struct combination *c, size_t axis)
{
    static const enum mx_key_id keys[] = {KEY_MIX_STRATEGY, KEY_MIX_LABELS,      KEY_MIX_CHOICES,
                                          KEY_MIX_LAYERS,   KEY_MODEL_ARCH,      KEY_DATA_SET,
                                          KEY_DATA_SIZE,    KEY_HEAD_METHOD,     KEY_HEAD_AFR_SPLIT,
                                          KEY_TRAIN_EPOCHS, KEY_TRAIN_BATCH_SIZE};
    bool                        matters = false;

    for (size_t k = 0; k < c->block->axes[axis].nkeys; k++)
        for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++)
            matters |= c->block->axes[axis].keys[k] == keys[i];
    for (size_t k = 0; k < c->block->axes[axis].nkeys; k++) {
        c->known[c->block->axes[axis].keys[k]] = matters;
        c->set[c->block->axes[axis].keys[k]] = true;
    }
    if (matters) {
        c->digit[c->naxes] = 0;
        c->axes[c->naxes++] = axis;
    }
}

static void begin(struct combination *c, const struct mx_reader *reader, size_t block)
{
    c->block = block < reader->nblocks ? &reader->blocks[block] : NULL;
    c->naxes = 0;
    for (size_t k = 0; k < KEY_COUNT; k++) {
        c->value[k] = reader->config->base[k];
        c->known[k] = true;
        c->set[k] = reader->config->given[k];
    }
    for (size_t a = 0; c->block && a < c->block->naxes; a++)
        add_axis(c, a);
}

static void settle(struct combination *c, const struct mx_reader *reader)
{
    for (size_t a = 0; a < c->naxes; a++) {
        const struct mx_axis_draft *axis = &c->block->axes[c->axes[a]];

        for (size_t k = 0; k < axis->nkeys; k++)
            c->value[axis->keys[k]] = mx_axis_value(&axis->values[k], axis->keys[k], c->digit[a]);
    }
    for (size_t s = 0; s < reader->specials.n; s++) {
        const struct mx_special *special = &reader->specials.key[s];

        if (!c->set[special->key])
            c->value[special->key] = mx_special_holds(special, c->value)
                                         ? special->other
                                         : reader->config->base[special->key];
    }
}

static bool next(struct combination *c)
{
    for (size_t a = c->naxes; a-- > 0; c->digit[a] = 0)
        if (++c->digit[a] < c->block->axes[c->axes[a]].count)
            return true;
    return false;
}

static bool matches(const struct mx_match *match, const struct mx_value *value)
{
    double x = mx_value_number(match->key, value);

    for (size_t i = 0; i < match->nany; i++)
        if (mx_value_equal(match->key, value, &match->any[i]))
            return true;
    return match->nany == 0 && (!match->has_below || x < match->below) &&
           (!match->has_above || x > match->above);
}

static bool is_left_out(const struct combination *c, const struct mx_reader *reader)
{
    for (size_t r = 0; r < reader->nexcludes; r++) {
        const struct mx_exclude *rule = &reader->excludes[r];
        bool                     all = true;

        for (size_t m = 0; m < rule->nmatches && all; m++) {
            enum mx_key_id key = rule->matches[m].key;

            all = c->known[key] && mx_key_used(key, c->value) &&
                  matches(&rule->matches[m], &c->value[key]);
        }
        if (all)
            return true;
    }
    return false;
}

static void tell(const struct combination *c, const struct mx_reader *reader,
                 const struct problem *problem)
{
    struct mx_place place = reader->places[problem->at];

    if (c->block)
        mx_reader_axis(c->block, problem->at, &place);
    if (place.line == 0) {
        place = reader->places[problem->subject];
        if (c->block)
            mx_reader_axis(c->block, problem->subject, &place);
    }
    (problem->allowed ? mx_warning_at : mx_error_at)(reader->values.messages, place, "%s",
                                                     problem->text);
}

void mx_reader_check_mix(const struct mx_reader *reader)
{
    struct combination c;
    bool               told[PROBLEMS] = {false};

    for (size_t b = 0; b == 0 || b < reader->nblocks; b++) {
        uint64_t looked = 0;

        begin(&c, reader, b);
        do {
            settle(&c, reader);
            for (size_t p = 0; p < PROBLEMS; p++)
                if (!told[p] && mx_key_used(problems[p].subject, c.value) &&
                    problems[p].holds(c.value) && !is_left_out(&c, reader)) {
                    tell(&c, reader, &problems[p]);
                    told[p] = true;
                }
        } while (++looked < LOOKED_AT && next(&c));
    }
}
