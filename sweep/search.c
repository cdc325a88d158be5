#include "sweep/search.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "sweep/grid_private.h"
#include "sweep/sobol.h"

enum {
    MOST_LOOKS = 100000000,
    SOBOL_LOOKS = 64 /* points of the sequence for each cell that is wanted */
};

struct search {
    const struct mx_grid *grid;
    uint64_t              budget, looks;
    uint64_t             *points; /* in the order of choice */
    size_t                count;
    uint64_t             *seen; /* hash table of chosen points + 1 */
    size_t                room; /* a power of two */
};

/* True if the point has not been chosen before; notes it. */
static bool is_new(struct search *search, uint64_t number)
{
    size_t at = (size_t)(number * UINT64_C(0x9e3779b97f4a7c15) >> 20);

    for (at &= search->room - 1; search->seen[at]; at = (at + 1) & (search->room - 1))
        if (search->seen[at] == number + 1)
            return false;
    search->seen[at] = number + 1;
    return true;
}

/* Look at a point, and take it if it is a cell that is not there yet. */
static void look(struct search *search, uint64_t number)
{
    struct mx_point point;

    search->looks++;
    mx_grid_point(search->grid, number, &point);
    if (mx_grid_fate(search->grid, number, &point) == MX_POINT_CELL && is_new(search, number))
        search->points[search->count++] = number;
}

static bool goes_on(const struct search *search)
{
    return search->count < search->budget && search->looks < MOST_LOOKS;
}

static void choose_first(struct search *search)
{
    for (uint64_t n = 0; n < search->grid->count && goes_on(search); n++)
        look(search, n);
}

/* A permutation of {0 .. 4^half - 1}: four rounds of Feistel's network. */
static uint64_t shuffle(uint64_t x, unsigned half, struct mx_stream stream)
{
    const uint64_t mask = (UINT64_C(1) << half) - 1;
    uint64_t       left = x >> half, right = x & mask;

    for (uint32_t round = 0; round < 4; round++) {
        const uint32_t counter[4] = {(uint32_t)right, (uint32_t)(right >> 32), round, 0};
        uint32_t       bits[4];
        uint64_t       old = right;

        mx_philox4x32(counter, stream.key, bits);
        right = left ^ (((uint64_t)bits[1] << 32 | bits[0]) & mask);
        left = old;
    }
    return left << half | right;
}

/* All points in random order: numbers that the permutation takes out of the grid
 * are sent through it again. */
static void choose_at_random(struct search *search, struct mx_stream stream)
{
    const uint64_t count = search->grid->count;
    unsigned       half = 1;

    while (half < 32 && UINT64_C(1) << 2 * half < count)
        half++;
    for (uint64_t n = 0; n < count && goes_on(search); n++) {
        uint64_t number = n;

        do
            number = shuffle(number, half, stream);
        while (number >= count);
        look(search, number);
    }
}

/* Entry of n that a coordinate falls into. */
static uint64_t entry(uint32_t x, uint64_t n)
{
    return (uint64_t)((unsigned __int128)x * n >> 32);
}

/* The point of the grid that coordinates fall into: the first one tells the block, if
 * there are several. */
static uint64_t number_of(const struct mx_grid *grid, const uint32_t *x)
{
    const struct mx_grid_block *block = &grid->blocks[0];
    uint64_t                    number = 0;

    if (grid->nblocks > 1) {
        const uint64_t at = entry(*x++, grid->count);

        while (at >= block->first + block->count)
            block++;
    }
    for (size_t a = 0; a < block->naxes; a++)
        number = number * block->axes[a].count + entry(x[a], block->axes[a].count);
    return block->first + number;
}

unsigned mx_search_dims(const struct mx_config *config)
{
    size_t most = 0;

    for (size_t b = 0; b < config->nblocks; b++)
        most = config->blocks[b].naxes > most ? config->blocks[b].naxes : most;
    return (unsigned)most + (config->nblocks > 1);
}

static void choose_evenly(struct search *search, struct mx_stream stream)
{
    const unsigned  dims = mx_search_dims(search->grid->config);
    struct mx_rng   rng = mx_rng_at(stream, 0, 0, 1);
    struct mx_sobol sobol;
    uint32_t        shift[MX_SOBOL_DIMS], x[MX_SOBOL_DIMS];

    if (dims == 0)
        return;
    mx_sobol_begin(&sobol, dims);
    for (unsigned d = 0; d < dims; d++)
        shift[d] = mx_rng_u32(&rng);
    while (goes_on(search) && search->looks < SOBOL_LOOKS * search->budget) {
        mx_sobol_next(&sobol, x);
        for (unsigned d = 0; d < dims; d++)
            x[d] ^= shift[d];
        look(search, number_of(search->grid, x));
    }
}

static int by_number(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return x < y ? -1 : x > y;
}

static int choose(struct search *search, struct mx_err *err)
{
    const struct mx_value *base = search->grid->config->base;
    const struct mx_stream stream =
        mx_stream_make((uint64_t)base[KEY_SEED].integer, 0, MX_PURPOSE_SEARCH, 0);

    if (base[KEY_SEARCH_STRATEGY].choice == MX_SEARCH_GRID)
        choose_first(search);
    if (base[KEY_SEARCH_STRATEGY].choice == MX_SEARCH_SOBOL)
        choose_evenly(search, stream);
    if (base[KEY_SEARCH_STRATEGY].choice != MX_SEARCH_GRID)
        choose_at_random(search, stream);
    if (search->count < search->budget && search->looks >= MOST_LOOKS)
        return mx_fail(err, MX_ERANGE,
                       "search.budget: only %zu cells were found among %d points of the grid; "
                       "exclude fewer, or give axes whose values make a difference",
                       search->count, MOST_LOOKS);
    qsort(search->points, search->count, sizeof *search->points, by_number);
    return 0;
}

int mx_search_choose(const struct mx_grid *grid, uint64_t **points, size_t *count,
                     struct mx_err *err)
{
    const uint64_t asked = (uint64_t)grid->config->base[KEY_SEARCH_BUDGET].integer;
    struct search  search = {
         .grid = grid, .budget = asked < grid->count ? asked : grid->count, .room = 16};
    int rc = -1;

    while (search.room < 2 * search.budget)
        search.room *= 2;
    search.points = calloc(search.budget, sizeof *search.points);
    search.seen = calloc(search.room, sizeof *search.seen);
    if (search.points && search.seen)
        rc = choose(&search, err);
    else
        mx_fail(err, MX_ENOMEM, "no memory to choose %" PRIu64 " cells", search.budget);
    free(search.seen);
    if (rc) {
        free(search.points);
        return -1;
    }
    *points = search.points;
    *count = search.count;
    return 0;
}
