/* What is done to a map that is there: another size, another scale. */
#include <math.h>
#include <string.h>

#include "worker/explain.h"

/* Where output k of a side lies between two inputs. */
struct between {
    uint32_t low, high;
    float    share; /* of high */
};

static struct between between(uint32_t k, uint32_t from, uint32_t to)
{
    const double   at = fmax(0, (k + 0.5) * from / to - 0.5);
    struct between result = {(uint32_t)at, 0, 0};

    if (result.low > from - 1)
        result.low = from - 1;
    result.high = result.low + 1 < from ? result.low + 1 : result.low;
    result.share = (float)(at - result.low);
    return result;
}

void worker_map_cut(const float *map, uint32_t height, uint32_t width,
                    const struct worker_map_cutout *cut, float *out)
{
    for (uint32_t y = 0; y < cut->height; y++) {
        const struct between row = between(y + cut->top, height, cut->to_height);
        const float         *above = map + (size_t)row.low * width;
        const float         *below = map + (size_t)row.high * width;

        for (uint32_t x = 0; x < cut->width; x++) {
            const struct between column = between(x + cut->left, width, cut->to_width);
            const float          upper =
                above[column.low] + column.share * (above[column.high] - above[column.low]);
            const float lower =
                below[column.low] + column.share * (below[column.high] - below[column.low]);

            out[(size_t)y * cut->width + x] = upper + row.share * (lower - upper);
        }
    }
}

void worker_map_resize(const float *map, uint32_t height, uint32_t width, float *out,
                       uint32_t to_height, uint32_t to_width)
{
    const struct worker_map_cutout whole = {to_height, to_width, 0, 0, to_height, to_width};

    worker_map_cut(map, height, width, &whole, out);
}

enum worker_map_state worker_map_state(const float *map, size_t n)
{
    for (size_t k = 1; k < n; k++)
        if (!(map[k] == map[0]))
            return WORKER_MAP_VARIED;
    return n == 0 || map[0] == 0 ? WORKER_MAP_ZERO : WORKER_MAP_FLAT;
}

/* In double, so that neither the range nor a quotient of the smallest floats is lost. */
enum worker_map_state worker_map_scaled(const float *map, size_t n, bool is_signed, float *out)
{
    const enum worker_map_state state = worker_map_state(map, n);
    double                      low = 0, high = 0;

    if (state != WORKER_MAP_VARIED) {
        memset(out, 0, n * sizeof *out);
        return state;
    }
    low = high = map[0];
    for (size_t k = 1; k < n; k++) {
        low = fmin(low, map[k]);
        high = fmax(high, map[k]);
    }
    for (size_t k = 0; k < n; k++)
        if (!is_signed)
            out[k] = (float)((map[k] - low) / (high - low));
        else if (map[k] > 0)
            out[k] = (float)(map[k] / high);
        else
            out[k] = map[k] < 0 ? (float)(map[k] / low) : 0;
    return state;
}
