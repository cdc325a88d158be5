#include "worker/resamples.h"

#include <stdlib.h>
#include <string.h>

enum {
    ROOM = 16 /* repeats times parts */
};

struct set {
    struct mx_stream stream;
    uint32_t         part, n, count;
    uint8_t         *counts; /* (count, n) */
};

struct worker_resamples {
    struct set sets[ROOM];
    size_t     nsets, bytes;
};

/* An image is drawn 255 times or more about once in 10^500 resamples. */
void worker_resample(struct mx_stream stream, uint32_t part, uint32_t r, uint32_t n,
                     uint8_t *counts)
{
    struct mx_rng rng = mx_rng_at(stream, part, r, 0);

    memset(counts, 0, n);
    for (uint32_t i = 0; i < n; i++) {
        uint64_t pick = (uint64_t)mx_rng_u32(&rng) * n >> 32; /* even to one part in 2^32 / n */

        if (counts[pick] < UINT8_MAX)
            counts[pick]++;
    }
}

struct worker_resamples *worker_resamples_new(void)
{
    return calloc(1, sizeof(struct worker_resamples));
}

static void drop_all(struct worker_resamples *kept)
{
    for (size_t s = 0; s < kept->nsets; s++)
        free(kept->sets[s].counts);
    kept->nsets = kept->bytes = 0;
}

void worker_resamples_free(struct worker_resamples *kept)
{
    if (!kept)
        return;
    drop_all(kept);
    free(kept);
}

static const struct set *find(const struct worker_resamples *kept, const struct set *wanted)
{
    for (size_t s = 0; s < kept->nsets; s++) {
        const struct set *set = &kept->sets[s];

        if (memcmp(set->stream.key, wanted->stream.key, sizeof wanted->stream.key) == 0 &&
            set->part == wanted->part && set->n == wanted->n && set->count == wanted->count)
            return set;
    }
    return NULL;
}

const uint8_t *worker_resamples_get(struct worker_resamples *kept, struct mx_stream stream,
                                    uint32_t part, uint32_t n, uint32_t count)
{
    struct set        set = {stream, part, n, count, NULL};
    const struct set *known = kept ? find(kept, &set) : NULL;
    const size_t      bytes = (size_t)n * count;

    if (known)
        return known->counts;
    if (!kept || bytes == 0 || bytes > WORKER_RESAMPLES_BYTES)
        return NULL;
    if (kept->nsets == ROOM || kept->bytes + bytes > WORKER_RESAMPLES_BYTES)
        drop_all(kept);
    if (!(set.counts = malloc(bytes)))
        return NULL;
    for (uint32_t r = 0; r < count; r++)
        worker_resample(stream, part, r, n, set.counts + (size_t)r * n);
    kept->bytes += bytes;
    kept->sets[kept->nsets++] = set;
    return set.counts;
}
