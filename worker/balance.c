#include "worker/balance.h"

#include <stdlib.h>
#include <string.h>

int worker_groups_sort(const struct worker_rows *rows, uint32_t groups, uint32_t classes,
                       struct worker_groups *sorted, struct mx_err *err)
{
    const uint32_t parts = groups > 0 ? groups : classes;

    *sorted = (struct worker_groups){.groups = parts, .n = rows->n};
    sorted->rows = calloc(rows->n ? rows->n : 1, sizeof *sorted->rows);
    sorted->start = calloc((size_t)parts + 2, sizeof *sorted->start);
    if (!sorted->rows || !sorted->start) {
        worker_groups_free(sorted);
        return mx_fail(err, MX_ENOMEM, "no memory to sort %u rows by group", rows->n);
    }
    /* Counts go two places up, so that filling moves each start one place down. */
    for (uint32_t i = 0; i < rows->n; i++)
        sorted->start[2 + (groups > 0 ? worker_row_group(rows, i) : worker_row_label(rows, i))]++;
    for (uint32_t g = 0; g < parts; g++) {
        uint32_t n = sorted->start[g + 2];

        sorted->used += n > 0;
        if (n > 0 && (sorted->smallest == 0 || n < sorted->smallest))
            sorted->smallest = n;
        sorted->start[g + 2] += sorted->start[g + 1];
    }
    for (uint32_t i = 0; i < rows->n; i++) {
        uint32_t g = groups > 0 ? worker_row_group(rows, i) : worker_row_label(rows, i);

        sorted->rows[sorted->start[g + 1]++] = worker_row_index(rows, i);
    }
    return 0;
}

void worker_groups_free(struct worker_groups *sorted)
{
    free(sorted->rows);
    free(sorted->start);
    memset(sorted, 0, sizeof *sorted);
}

uint32_t worker_groups_count(const struct worker_groups *sorted, uint32_t group)
{
    return sorted->start[group + 1] - sorted->start[group];
}

uint32_t worker_groups_balanced_size(const struct worker_groups *sorted)
{
    return sorted->used * sorted->smallest;
}

/* By reservoir sampling, which needs no scratch and leaves the sorted rows alone. */
void worker_groups_draw_balanced(const struct worker_groups *sorted, struct mx_rng *rng,
                                 uint32_t *out)
{
    for (uint32_t g = 0; g < sorted->groups; g++) {
        const uint32_t *rows = sorted->rows + sorted->start[g];
        const uint32_t  n = worker_groups_count(sorted, g), k = n > 0 ? sorted->smallest : 0;

        memcpy(out, rows, k * sizeof *out);
        for (uint32_t i = k; i < n; i++) {
            uint64_t j = mx_rng_below(rng, (uint64_t)i + 1);

            if (j < k)
                out[j] = rows[i];
        }
        out += k;
    }
}

/* Put k rows of a group, drawn without replacement, in front of the others (Fisher and Yates). */
static void shuffle_front(uint32_t *rows, uint32_t n, uint32_t k, struct mx_rng *rng)
{
    for (uint32_t i = 0; i < k; i++) {
        uint32_t j = i + (uint32_t)mx_rng_below(rng, n - i), row = rows[i];

        rows[i] = rows[j];
        rows[j] = row;
    }
}

void worker_groups_halve(const struct worker_groups *sorted, struct mx_rng *rng,
                         struct worker_halves *halves)
{
    halves->nfirst = halves->nsecond = 0;
    for (uint32_t g = 0; g < sorted->groups; g++) {
        const uint32_t n = worker_groups_count(sorted, g), k = n - n / 2;
        uint32_t      *here = halves->first + halves->nfirst;

        /* All of the group are put there; those behind the half move over. */
        memcpy(here, sorted->rows + sorted->start[g], n * sizeof *here);
        shuffle_front(here, n, k, rng);
        memcpy(halves->second + halves->nsecond, here + k, (n - k) * sizeof *here);
        halves->nfirst += k;
        halves->nsecond += n - k;
    }
}
