#include "sweep/cost_cross.h"

#include "sweep/cost_maps.h"
#include "sweep/cross.h"
#include "worker/choices.h"

void mx_cross_count_take(struct mx_cross_count *count, uint64_t group, bool fresh)
{
    unsigned g = 0;

    while (g < count->ngroups && count->groups[g].id != group)
        g++;
    if (g == MX_CROSS_GROUPS)
        g--;
    else if (g == count->ngroups)
        count->groups[count->ngroups++].id = group;
    count->groups[g].trained += fresh;
    count->groups[g].uses++;
}

static void add(struct mx_kind_counts *kind, uint64_t planned, uint64_t uses)
{
    kind->planned += planned;
    kind->uses += uses;
}

void mx_cross_count_fill(const struct mx_cross_count *count, const struct mx_config *config,
                         struct mx_estimate *estimate)
{
    const uint64_t              repeats = (uint64_t)config->base[KEY_REPEATS].integer;
    const enum mx_cross_outside who = mx_cross_outside(config);
    const uint64_t              outside = who != MX_OUTSIDE_NONE;

    for (unsigned g = 0; count->asked && g < count->ngroups; g++) {
        const double   trained = (double)count->groups[g].trained * (double)repeats;
        const double   uses = (double)count->groups[g].uses * (double)repeats;
        const uint64_t all = trained < 1e9 ? (uint64_t)trained : (uint64_t)1e9;
        const uint64_t models = mx_cross_models(config, all);
        /* Every network is taken to have as many trials as others. */
        const uint64_t used = models > 0 ? (uint64_t)(uses * (double)models / trained) : 0;

        if (models == 0)
            continue;
        add(&estimate->kinds[WORKER_STAGE_TRAIN], who == MX_OUTSIDE_TRAINED, 0);
        add(&estimate->kinds[WORKER_STAGE_SCORER], models + outside, used);
        add(&estimate->kinds[WORKER_STAGE_INTER_MODEL], 1, used);
        add(&estimate->kinds[WORKER_STAGE_STANDING], models, used);
        estimate->cross.pairs += (double)models * (double)(models + outside);
        if (models > estimate->cross.models)
            estimate->cross.models = models;
    }
}

/* Curves of one map. */
static double curves(const struct worker_params *params)
{
    double road = 0, n = 0;

    for (uint32_t k = 0; k < params->score_fills.count; k++)
        road += (enum worker_fill)params->score_fills.items[k] == WORKER_FILL_ROAD;
    for (uint32_t k = 0; k < params->score_inter_model_curves.count; k++)
        n += (enum worker_inter_curve)params->score_inter_model_curves.items[k] ==
                     WORKER_INTER_DELETION
                 ? params->score_fills.count
                 : 1 + road;
    return n;
}

double mx_cross_numbers(const struct worker_params *params, double images)
{
    return images * mx_maps_count(params) * curves(params);
}

double mx_cross_passes(const struct worker_params *params, double images)
{
    return mx_cross_numbers(params, images) * (double)(params->score_steps + 1);
}

double mx_cross_share(const struct mx_estimate *estimate, const struct mx_config *config,
                      const struct worker_params *params)
{
    const double models = (double)estimate->cross.models;
    const double repeats = (double)config->base[KEY_REPEATS].integer;
    const double kinds = mx_maps_count(params), controls = 2;

    if (config->base[KEY_SEEDS].choice == MX_SEEDS_INDEPENDENT || !(models > repeats))
        return 1;
    return (kinds - controls + controls * repeats / models) / kinds;
}

struct mx_cross_join mx_cross_join(const struct mx_estimate   *estimate,
                                   const struct worker_params *params, double images)
{
    const double numbers = mx_cross_numbers(params, images), pairs = estimate->cross.pairs;
    const double models = (double)estimate->cross.models;
    const double kinds = images > 0 ? numbers / images : 0;
    const double resamples = (double)params->score_bootstrap;

    return (struct mx_cross_join){
        .operations = 2 * pairs * numbers * resamples,
        .memory_bytes = 8 * models * models * (images * (1 + curves(params)) + resamples),
        .disk_bytes = pairs * (4 * numbers + 24 * kinds),
        .files = (4 + 4 * kinds) * (double)estimate->kinds[WORKER_STAGE_INTER_MODEL].planned};
}
