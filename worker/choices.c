#include "worker/choices.h"

#include <stddef.h>

#define ROW(symbol, word, built) {word, built},
#define END                                                                                        \
    {                                                                                              \
        NULL, false                                                                                \
    }

const struct worker_choice worker_data_sets[] = {WORKER_DATA_SETS(ROW) END};
const struct worker_choice worker_domino_sets[] = {WORKER_DOMINO_SETS(ROW) END};
const struct worker_choice worker_normalizes[] = {WORKER_NORMALIZES(ROW) END};
const struct worker_choice worker_augments[] = {WORKER_AUGMENTS(ROW) END};
const struct worker_choice worker_on_decode_errors[] = {WORKER_ON_DECODE_ERRORS(ROW) END};
const struct worker_choice worker_archs[] = {WORKER_ARCHS(ROW) END};
const struct worker_choice worker_stems[] = {WORKER_STEMS(ROW) END};
const struct worker_choice worker_optimizers[] = {WORKER_OPTIMIZERS(ROW) END};
const struct worker_choice worker_schedules[] = {WORKER_SCHEDULES(ROW) END};
const struct worker_choice worker_strategies[] = {WORKER_STRATEGIES(ROW) END};
const struct worker_choice worker_layers[] = {WORKER_LAYERS(ROW) END};
const struct worker_choice worker_label_rules[] = {WORKER_LABEL_RULES(ROW) END};
const struct worker_choice worker_granularities[] = {WORKER_GRANULARITIES(ROW) END};
const struct worker_choice worker_mix_weights[] = {WORKER_MIX_WEIGHTS(ROW) END};
const struct worker_choice worker_heads[] = {WORKER_HEADS(ROW) END};
const struct worker_choice worker_attributions[] = {WORKER_ATTRIBUTIONS(ROW) END};
const struct worker_choice worker_targets[] = {WORKER_TARGETS(ROW) END};
const struct worker_choice worker_fills[] = {WORKER_FILL_WORDS(ROW) END};
const struct worker_choice worker_ranks[] = {WORKER_RANK_WORDS(ROW) END};
const struct worker_choice worker_ties[] = {WORKER_TIES_WORDS(ROW) END};
const struct worker_choice worker_protocols[] = {WORKER_PROTOCOL_WORDS(ROW) END};
const struct worker_choice worker_inter_curves[] = {WORKER_INTER_CURVES(ROW) END};
const struct worker_choice worker_precisions[] = {WORKER_PRECISIONS(ROW) END};
const struct worker_choice worker_net_precisions[] = {WORKER_NET_PRECISIONS(ROW) END};
const struct worker_choice worker_hard_splits[] = {WORKER_HARD_SPLITS(ROW) END};
const struct worker_choice worker_hsfm_forms[] = {WORKER_HSFM_FORMS(ROW) END};
const struct worker_choice worker_afr_splits[] = {WORKER_AFR_SPLITS(ROW) END};
