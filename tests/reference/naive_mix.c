#include "tests/reference/naive_mix.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static double surround_mean(const uint8_t *image, int64_t height, int64_t width, int64_t y,
                            int64_t x, int64_t size)
{
    double sum = 0, count = 0;

    for (int64_t v = 0; v < height; v++)
        for (int64_t u = 0; u < width; u++)
            if (llabs(v - y) <= size && llabs(u - x) <= size && (v != y || u != x)) {
                sum += image[v * width + u];
                count++;
            }
    return count > 0 ? sum / count : image[y * width + x];
}

void naive_saliency(const uint8_t *image, uint32_t height, uint32_t width, const uint32_t *sizes,
                    uint32_t nsizes, double *out)
{
    for (uint32_t y = 0; y < height; y++)
        for (uint32_t x = 0; x < width; x++, out++) {
            *out = 0;
            for (uint32_t s = 0; s < nsizes; s++) {
                double on = image[(size_t)y * width + x] -
                            surround_mean(image, height, width, y, x, sizes[s]);

                *out += fmax(on, 0) + fmax(-on, 0);
            }
        }
}

/* A column that is not its own mirror image stands for that one too: its
 * conjugate adds the same real part once more. */
static double fourier_pixel(const float *spectrum, uint32_t height, uint32_t width, uint32_t y,
                            uint32_t x)
{
    const double turn = 6.283185307179586476925;
    double       sum = 0;

    for (uint32_t v = 0; v < height; v++)
        for (uint32_t u = 0; u <= width / 2; u++, spectrum += 2) {
            double down = turn * v * y / height, along = turn * u * x / width;

            if ((width - u) % width == u) /* over rows a complex number, of which along rows
                                             only the real part counts */
                sum += (spectrum[0] * cos(down) - spectrum[1] * sin(down)) * cos(along);
            else
                sum += 2 * (spectrum[0] * cos(down + along) - spectrum[1] * sin(down + along));
        }
    return sum;
}

void naive_fourier_inverse(const float *spectrum, uint32_t height, uint32_t width, double *out)
{
    for (uint32_t y = 0; y < height; y++)
        for (uint32_t x = 0; x < width; x++)
            *out++ = fourier_pixel(spectrum, height, width, y, x);
}

static double binomial_log(unsigned k, double lambda)
{
    static const double ways[] = {1, 2, 1};

    return log(ways[k] * pow(lambda, k) * pow(1 - lambda, 2 - (double)k));
}

static double border_energy(const struct worker_puzzle *p, const struct worker_border *d, double zi,
                            double zj)
{
    double scale = p->beta / (16 * p->side), w = (d->ab + d->ba - d->aa - d->bb) / 2;
    double i_first = zi * (d->ab + d->aa) + (1 - zi) * (d->ba + d->bb);
    double j_first = zj * (d->ba + d->aa) + (1 - zj) * (d->ab + d->bb);

    return scale * p->gamma / 2 * (i_first + j_first) +
           scale * (1 + p->gamma * w) * (zi - zj) * (zi - zj);
}

double naive_puzzle_energy(const struct worker_puzzle *p, const uint8_t *labels)
{
    double sum = 0;

    for (uint32_t y = 0; y < p->side; y++)
        for (uint32_t x = 0; x < p->side; x++) {
            uint32_t i = y * p->side + x;
            double   z = labels[i] / 2.0;

            sum += z * p->u_b[i] + (1 - z) * p->u_a[i] -
                   p->eta / (p->side * p->side) * binomial_log(labels[i], p->lambda);
            if (x + 1 < p->side)
                sum += border_energy(p, &p->right[i], z, labels[i + 1] / 2.0);
            if (y + 1 < p->side)
                sum += border_energy(p, &p->below[i], z, labels[i + p->side] / 2.0);
        }
    return sum;
}

/* A labelling block by block: what the blocks so far cost, and the cheapest end. */
struct search {
    const struct worker_puzzle *p;
    double                      alone[16][3]; /* of a block with a label */
    double  right[16][3][3], below[16][3][3]; /* of a border, by the labels on its sides */
    uint8_t now[16], best[16];
    double  lowest;
};

static void prepare(struct search *s)
{
    const uint32_t side = s->p->side;

    for (uint32_t i = 0; i < side * side; i++)
        for (unsigned a = 0; a < 3; a++) {
            s->alone[i][a] = a / 2.0 * s->p->u_b[i] + (1 - a / 2.0) * s->p->u_a[i] -
                             s->p->eta / (side * side) * binomial_log(a, s->p->lambda);
            for (unsigned b = 0; b < 3; b++) {
                s->right[i][a][b] = border_energy(s->p, &s->p->right[i], a / 2.0, b / 2.0);
                s->below[i][a][b] = border_energy(s->p, &s->p->below[i], a / 2.0, b / 2.0);
            }
        }
}

static void try_all(struct search *s, uint32_t i, double sum)
{
    const uint32_t side = s->p->side;

    if (i == side * side) {
        if (sum < s->lowest) {
            s->lowest = sum;
            memcpy(s->best, s->now, sizeof s->best);
        }
        return;
    }
    for (uint8_t label = 0; label < 3; label++) {
        double more = s->alone[i][label];

        if (i % side > 0)
            more += s->right[i - 1][s->now[i - 1]][label];
        if (i >= side)
            more += s->below[i - side][s->now[i - side]][label];
        s->now[i] = label;
        try_all(s, i + 1, sum + more);
    }
}

double naive_puzzle_minimum(const struct worker_puzzle *p, uint8_t *labels)
{
    struct search s = {.p = p, .lowest = INFINITY};

    prepare(&s);
    try_all(&s, 0, 0);
    memcpy(labels, s.best, p->side * p->side);
    return s.lowest;
}

/* Where each block likes best to be. */
static uint32_t cheapest_place(double cost[64], uint32_t n)
{
    uint32_t best = 0;

    for (uint32_t place = 1; place < n; place++)
        best = cost[place] < cost[best] ? place : best;
    return best;
}

void naive_puzzle_transport(uint32_t side, const double *saliency, const bool *shown, double t,
                            uint16_t *from)
{
    static double cost[64][64];
    uint32_t      n = side * side;
    int           winner[64];

    for (uint32_t i = 0; i < n; i++)
        for (uint32_t j = 0; j < n; j++) {
            double down = (double)(i / side) - (double)(j / side);
            double along = (double)(i % side) - (double)(j % side);

            cost[i][j] = t * (down * down + along * along) / ((side - 1.0) * (side - 1.0));
            cost[i][j] -= shown[j] ? saliency[i] : 0;
        }
    for (uint32_t round = 0; round < side; round++) {
        uint32_t wish[64];

        for (uint32_t j = 0; j < n; j++)
            winner[j] = -1;
        for (uint32_t i = 0; i < n; i++) {
            uint32_t j = wish[i] = cheapest_place(cost[i], n);

            if (winner[j] < 0 || cost[i][j] < cost[winner[j]][j])
                winner[j] = (int)i;
        }
        for (uint32_t i = 0; i < n; i++)
            if (winner[wish[i]] != (int)i)
                cost[i][wish[i]] += 1;
    }
    for (uint32_t j = 0; j < n; j++)
        from[j] = (uint16_t)(winner[j] < 0 ? (int)j : winner[j]);
}
