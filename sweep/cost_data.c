#include "sweep/cost_data.h"

#include "worker/augment.h"
#include "worker/known_sets.h"
#include "worker/miniature.h"

/* Width times height of a photo, of the square of its shorter side. */
static const double photo_area = 1.5;

struct mx_cost_set *mx_cost_set_find(struct mx_cost_sets *sets, const struct worker_params *params)
{
    struct mx_cost_set *set;

    for (size_t k = 0; k < sets->n && k < MX_COST_SETS; k++)
        if (worker_dataset_same(&sets->set[k].params, 0, params, 0))
            return &sets->set[k];
    set = &sets->set[sets->n++ % MX_COST_SETS];
    *set = (struct mx_cost_set){.params = *params};
    if (sets->smoke)
        set->known =
            worker_miniature_size(params, &set->shape, &set->ntrain, &set->ntest, &set->why) == 0;
    else
        set->known = worker_dataset_shape(params, &set->shape, &set->why) == 0 &&
                     worker_dataset_counts(params, &set->ntrain, &set->ntest, &set->why) == 0;
    return set;
}

/* Images at data.size and, where parts are cut from the files' own, those of the store that
 * training images are in once more. */
static uint64_t cached_bytes(const struct mx_cost_set *set, const struct worker_params *params)
{
    const double channels = set->shape.channels, train = (double)set->ntrain;
    const double plane = (double)set->shape.height * set->shape.width;
    const double side = worker_originals_side(params), test = (double)set->ntest;
    const double stored = params->data_test_fraction > 0 ? train + test : train;

    return (uint64_t)(channels * ((train + test) * plane + stored * photo_area * side * side));
}

/* In memory of its own, images of the validation part are there twice for a moment. */
static uint64_t loaded_bytes(const struct mx_cost_set *set, const struct worker_params *params)
{
    const double val = (double)set->ntrain * params->data_val_fraction;
    const double image = (double)set->shape.channels * set->shape.height * set->shape.width;

    return (uint64_t)(((double)set->ntrain + val + (double)set->ntest) * image);
}

uint64_t mx_cost_set_bytes(const struct mx_cost_set *set, const struct worker_params *params)
{
    return worker_set_cached(params->data_set) ? cached_bytes(set, params)
                                               : loaded_bytes(set, params);
}

uint64_t mx_cost_set_shared(struct mx_cost_sets *sets, struct mx_cost_set *set,
                            const struct worker_params *params)
{
    const uint64_t bytes = worker_set_cached(params->data_set) ? cached_bytes(set, params) : 0;

    if (bytes > set->shared_bytes) {
        sets->shared_bytes += bytes - set->shared_bytes;
        set->shared_bytes = bytes;
    }
    return bytes;
}
