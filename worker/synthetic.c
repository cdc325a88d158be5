#include "worker/synthetic.h"

#include <stdlib.h>

#include "base/rng.h"

/* Kinds of draws, the third name of a place: never renumber. */
enum draw {
    DRAW_BOX = 0,
    DRAW_ATTRIBUTE = 1,
    DRAW_LOOK = 2,
    DRAW_NOISE = 3,
};

static struct mx_rng rng_of(uint64_t seed, uint32_t half, uint32_t row, enum draw draw)
{
    return mx_rng_at(mx_stream_make(seed, 0, MX_PURPOSE_DATA, 0), half, row, (uint32_t)draw);
}

struct worker_box worker_synthetic_box(uint64_t seed, uint32_t half, uint32_t row, uint32_t size)
{
    struct mx_rng     rng = rng_of(seed, half, row, DRAW_BOX);
    uint32_t          least = size / 2, most = size * 3 / 4;
    uint32_t          side = least + (uint32_t)mx_rng_below(&rng, most - least + 1);
    struct worker_box box;

    box.top = (uint32_t)mx_rng_below(&rng, size - side + 1);
    box.left = (uint32_t)mx_rng_below(&rng, size - side + 1);
    box.bottom = box.top + side;
    box.right = box.left + side;
    return box;
}

static double magnitude(double x)
{
    return x < 0 ? -x : x;
}

static bool covers_plus(double y, double x)
{
    return magnitude(y) < 0.3 || magnitude(x) < 0.3;
}

static bool covers_diagonals(double y, double x)
{
    return magnitude(y - x) < 0.45 || magnitude(y + x) < 0.45;
}

bool worker_synthetic_covers(uint32_t class_, double y, double x)
{
    double far = y * y + x * x, ay = magnitude(y), ax = magnitude(x), edge = ay > ax ? ay : ax;

    switch (class_) { /* the first ones differ most: small sets use them */
    case 0:           /* disc */
        return far < 0.95;
    case 1:
        return covers_plus(y, x);
    case 2: /* frame */
        return edge < 0.85 && edge > 0.5;
    case 3: /* triangle, point up */
        return ax < (y + 1) / 2;
    case 4: /* two bars, lying */
        return ay > 0.3 && ay < 0.8;
    case 5:
        return covers_diagonals(y, x);
    case 6: /* ring */
        return far < 0.95 && far > 0.3;
    case 7: /* two bars, standing */
        return ax > 0.3 && ax < 0.8;
    case 8: /* square */
        return edge < 0.85;
    case 9: /* triangle, point down */
        return ax < (1 - y) / 2;
    case 10: /* diamond */
        return ay + ax < 0.95;
    default: /* crescent */
        return far < 0.95 && y * y + (x - 0.5) * (x - 0.5) > 0.5;
    }
}

/* Share of a pixel that the shape covers, from 4 x 4 points. */
static double coverage(uint32_t class_, const struct worker_box *box, uint32_t y, uint32_t x)
{
    double side = box->bottom - box->top;
    int    hits = 0;

    if (y < box->top || y >= box->bottom || x < box->left || x >= box->right)
        return 0;
    for (unsigned k = 0; k < 16; k++) {
        unsigned row = k / 4, column = k % 4;
        double   down = y - box->top + (row + 0.5) / 4, right = x - box->left + (column + 0.5) / 4;

        hits += worker_synthetic_covers(class_, 2 * down / side - 1, 2 * right / side - 1);
    }
    return hits / 16.0;
}

void worker_synthetic_mask(const struct worker_box *box, uint32_t class_, uint32_t size, bool *mask)
{
    for (uint32_t y = 0; y < size; y++)
        for (uint32_t x = 0; x < size; x++)
            mask[(size_t)y * size + x] = coverage(class_, box, y, x) >= 0.5;
}

/* How one image is painted; grey levels / 255. */
struct look {
    double   ground[WORKER_MAX_CHANNELS], shape[WORKER_MAX_CHANNELS];
    double   depth;         /* of the stripes, to either side of the ground */
    uint32_t period, phase; /* of the stripes, in pixels */
    uint32_t attribute;     /* 0: lying stripes, 1: standing ones */
};

/* Ground near the middle; the shape clearly lighter or darker in each channel. */
static void draw_look(struct look *look, struct mx_rng *rng, uint32_t size)
{
    double sign = mx_rng_uniform(rng) < 0.5 ? -1 : 1;

    for (int c = 0; c < WORKER_MAX_CHANNELS; c++) {
        look->ground[c] = 0.4 + 0.2 * mx_rng_uniform(rng);
        look->shape[c] = look->ground[c] + sign * (0.2 + 0.2 * mx_rng_uniform(rng));
    }
    look->depth = 0.04 + 0.04 * mx_rng_uniform(rng);
    look->period = size / 8 + (uint32_t)mx_rng_below(rng, size / 8 + 1);
    look->phase = (uint32_t)mx_rng_below(rng, look->period);
}

/* A triangle wave from -1 to 1 across the stripes. A flip leaves their direction. */
static double stripe(const struct look *look, uint32_t y, uint32_t x)
{
    uint32_t across = look->attribute ? x : y;
    double   at = (across + look->phase) % look->period / (double)look->period;

    return at < 0.5 ? 4 * at - 1 : 3 - 4 * at;
}

/* Mean 0, standard deviation 1: four bytes have the variance 4 (256^2 - 1) / 12. */
static double noise(struct mx_rng *rng)
{
    const double sd = 147.80054127099805;
    uint32_t     bits = mx_rng_u32(rng);
    uint32_t     sum = (bits & 255) + (bits >> 8 & 255) + (bits >> 16 & 255) + (bits >> 24);

    return (sum - 510.0) / sd;
}

static uint8_t to_byte(double level)
{
    return level <= 0 ? 0 : level >= 1 ? 255 : (uint8_t)(level * 255 + 0.5);
}

static void paint(uint8_t *out, const struct worker_shape *shape, uint32_t class_,
                  const struct worker_box *box, const struct look *look, double noise_sd,
                  struct mx_rng *rng)
{
    size_t plane = (size_t)shape->height * shape->width;

    for (uint32_t y = 0; y < shape->height; y++)
        for (uint32_t x = 0; x < shape->width; x++, out++) {
            double cover = coverage(class_, box, y, x);
            double ground = look->depth * stripe(look, y, x);

            for (uint32_t c = 0; c < shape->channels; c++) {
                double level = (1 - cover) * (look->ground[c] + ground) + cover * look->shape[c];

                out[c * plane] = to_byte(level + noise_sd * noise(rng));
            }
        }
}

static uint32_t draw_attribute(struct mx_rng *rng, uint32_t class_, double rate)
{
    return mx_rng_uniform(rng) < rate ? class_ % 2 : 1 - class_ % 2;
}

int worker_synthetic_make(const struct worker_params *params, uint64_t seed, uint32_t half,
                          const struct worker_shape *shape, uint32_t n,
                          struct worker_images *images, struct mx_err *err)
{
    size_t bytes = (size_t)shape->channels * shape->height * shape->width;
    double rate = half == WORKER_SYNTHETIC_TRAIN ? params->data_spurious_rate : 0.5;

    *images = (struct worker_images){.n = n, .channels = shape->channels};
    images->height = shape->height;
    images->width = shape->width;
    images->pixels = calloc(n, bytes);
    images->labels = calloc(n, sizeof *images->labels);
    images->groups = calloc(n, sizeof *images->groups);
    if (!images->pixels || !images->labels || !images->groups) {
        worker_images_free(images);
        return mx_fail(err, MX_ENOMEM, "no memory for %u synthetic images", n);
    }
    for (uint32_t i = 0; i < n; i++) {
        struct worker_box box = worker_synthetic_box(seed, half, i, shape->height);
        struct mx_rng     attribute = rng_of(seed, half, i, DRAW_ATTRIBUTE);
        struct mx_rng     painter = rng_of(seed, half, i, DRAW_LOOK);
        struct mx_rng     grain = rng_of(seed, half, i, DRAW_NOISE);
        uint32_t          class_ = i % shape->classes;
        struct look       look;

        look.attribute = draw_attribute(&attribute, class_, rate);
        draw_look(&look, &painter, shape->height);
        paint(images->pixels + i * bytes, shape, class_, &box, &look, params->data_synthetic_noise,
              &grain);
        images->labels[i] = class_;
        images->groups[i] = 2 * class_ + look.attribute;
    }
    return 0;
}
