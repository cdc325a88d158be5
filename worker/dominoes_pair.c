/* Which upper image stands on which lower one. */
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "worker/dominoes.h"

enum {
    /* Kinds of draws of the stream DATA, the third name of a place, as the halves are the
     * first: never renumber. */
    DRAW_OTHER = 0,
    DRAW_ORDER = 1,
    DRAW_TRAIN_HALF = 0,
    DRAW_TEST_HALF = 1,
};

/* One attribute's images, in the order in which they are taken. */
struct deck {
    uint32_t *rows; /* (n), of the upper set */
    uint32_t  n, next;
};

/* The pairing of one half of the set. */
struct pairing {
    const struct worker_domino_half *half;
    struct mx_stream                 data;
    uint32_t                         which; /* DRAW_*_HALF */
    uint64_t                         seed;
    struct deck                     *decks; /* (attributes) */
    uint8_t                         *part;  /* of each lower image: WORKER_PART_* */
    uint8_t                         *agree;
    uint32_t                        *members; /* (2 n): room to draw in */
};

static void free_pairing(struct pairing *p)
{
    for (uint32_t a = 0; p->decks && a < p->half->attributes; a++)
        free(p->decks[a].rows);
    free(p->decks);
    free(p->part);
    free(p->agree);
    free(p->members);
}

/* Shuffle the upper images of each attribute. */
static int shuffle(struct pairing *p, struct mx_err *err)
{
    const struct worker_images *top = &p->half->images[WORKER_DOMINO_TOP];
    uint32_t                   *order = calloc(top->n + 1, 2 * sizeof *order);
    int                         rc = order ? 0 : -1;

    for (uint32_t a = 0; rc == 0 && a < p->half->attributes; a++) {
        struct mx_rng rng = mx_rng_at(p->data, p->which, a, DRAW_ORDER);
        struct deck  *deck = &p->decks[a];
        uint32_t     *members = order + top->n;

        for (uint32_t i = 0; i < top->n; i++)
            if (top->labels[i] == a)
                members[deck->n++] = i;
        if (deck->n == 0) {
            free(order);
            return mx_fail(err, MX_EDATA,
                           "dominoes: the upper set has no %s image of class %u of its list",
                           p->which == DRAW_TEST_HALF ? "test" : "training", a);
        }
        if (!(deck->rows = calloc(deck->n, sizeof *deck->rows))) {
            rc = -1;
            break;
        }
        mx_rng_permutation(&rng, order, deck->n);
        for (uint32_t k = 0; k < deck->n; k++)
            deck->rows[k] = members[order[k]];
    }
    free(order);
    return rc ? mx_fail(err, MX_ENOMEM, "no memory to pair dominoes") : 0;
}

/* Draw which images of a part agree: the share of every class. */
static void draw_agreement(struct pairing *p, uint8_t part, double rate)
{
    const struct worker_images *bottom = &p->half->images[WORKER_DOMINO_BOTTOM];

    for (uint32_t c = 0; c < p->half->classes; c++) {
        uint32_t n = 0;

        for (uint32_t i = 0; i < bottom->n; i++)
            if (bottom->labels[i] == c && p->part[i] == part)
                p->members[n++] = i;
        worker_draw_share(p->seed, c, (enum worker_split_what)(WORKER_SPLIT_AGREE + part), rate,
                          p->members, n, p->members + bottom->n, p->agree);
    }
}

static uint32_t attribute_of(const struct pairing *p, uint32_t i)
{
    const uint32_t own = p->half->images[WORKER_DOMINO_BOTTOM].labels[i] % p->half->attributes;
    struct mx_rng  rng = mx_rng_at(p->data, p->which, i, DRAW_OTHER);

    if (p->agree[i])
        return own;
    return (own + 1 + (uint32_t)mx_rng_below(&rng, p->half->attributes - 1)) % p->half->attributes;
}

/* Put upper image t on lower image i, as the next one of a part. */
static void put_domino(const struct pairing *p, uint32_t t, uint32_t i,
                       struct worker_images *images)
{
    const struct worker_images *top = &p->half->images[WORKER_DOMINO_TOP];
    const struct worker_images *bottom = &p->half->images[WORKER_DOMINO_BOTTOM];
    const size_t                above = (size_t)top->height * top->width;
    const size_t                below = (size_t)bottom->height * bottom->width;
    uint8_t *out = images->pixels + (size_t)images->n * images->channels * (above + below);

    for (uint32_t c = 0; c < images->channels; c++, out += above + below) {
        memcpy(out, top->pixels + ((size_t)t * images->channels + c) * above, above);
        memcpy(out + above, bottom->pixels + ((size_t)i * images->channels + c) * below, below);
    }
    images->labels[images->n] = bottom->labels[i];
    images->groups[images->n] = bottom->labels[i] * p->half->attributes + top->labels[t];
    images->n++;
}

/* Room for those of a part. */
static int make_part(const struct pairing *p, uint8_t part, struct worker_images *images,
                     struct mx_err *err)
{
    const struct worker_images *top = &p->half->images[WORKER_DOMINO_TOP];
    const struct worker_images *bottom = &p->half->images[WORKER_DOMINO_BOTTOM];
    uint32_t                    n = 0;

    for (uint32_t i = 0; i < bottom->n; i++)
        n += p->part[i] == part;
    images->channels = bottom->channels;
    images->height = top->height + bottom->height;
    images->width = bottom->width;
    if (n == 0)
        return 0;
    images->pixels = calloc(n, (size_t)images->channels * images->height * images->width);
    images->labels = calloc(n, sizeof *images->labels);
    images->groups = calloc(n, sizeof *images->groups);
    if (!images->pixels || !images->labels || !images->groups)
        return mx_fail(err, MX_ENOMEM, "no memory for %u dominoes", n);
    return 0;
}

static int begin_pairing(struct pairing *p, const struct worker_domino_half *half, uint32_t which,
                         uint64_t seed, struct mx_err *err)
{
    const uint32_t n = half->images[WORKER_DOMINO_BOTTOM].n;

    *p = (struct pairing){.half = half, .which = which, .seed = seed};
    p->data = mx_stream_make(seed, 0, MX_PURPOSE_DATA, 0);
    p->decks = calloc(half->attributes, sizeof *p->decks);
    p->part = calloc(n + 1, 1);
    p->agree = calloc(n + 1, 1);
    p->members = calloc(n + 1, 2 * sizeof *p->members);
    if (!p->decks || !p->part || !p->agree || !p->members)
        return mx_fail(err, MX_ENOMEM, "no memory to pair %u dominoes", n);
    return shuffle(p, err);
}

/* All lower images in their order, each to its part. */
static void pair_all(struct pairing *p, struct worker_images *parts[WORKER_PARTS])
{
    for (uint32_t i = 0; i < p->half->images[WORKER_DOMINO_BOTTOM].n; i++) {
        struct deck *deck = &p->decks[attribute_of(p, i)];

        put_domino(p, deck->rows[deck->next++ % deck->n], i, parts[p->part[i]]);
    }
}

int worker_dominoes_pair_train(const struct worker_domino_half *half, double rate, uint64_t seed,
                               const uint8_t *marks, struct worker_images *train,
                               struct worker_images *val, struct mx_err *err)
{
    struct worker_images *parts[WORKER_PARTS] = {
        [WORKER_PART_TRAIN] = train, [WORKER_PART_VAL] = val};
    struct pairing p;
    int            rc = begin_pairing(&p, half, DRAW_TRAIN_HALF, seed, err);

    for (uint32_t i = 0; rc == 0 && i < half->images[WORKER_DOMINO_BOTTOM].n; i++)
        p.part[i] = marks[i] ? WORKER_PART_VAL : WORKER_PART_TRAIN;
    if (rc == 0 && !(rc = make_part(&p, WORKER_PART_TRAIN, train, err)) &&
        !(rc = make_part(&p, WORKER_PART_VAL, val, err))) {
        draw_agreement(&p, WORKER_PART_TRAIN, rate);
        draw_agreement(&p, WORKER_PART_VAL, 0.5);
        pair_all(&p, parts);
    }
    free_pairing(&p);
    return rc;
}

int worker_dominoes_pair_test(const struct worker_domino_half *half, uint64_t seed,
                              struct worker_images *test, struct mx_err *err)
{
    struct worker_images *parts[WORKER_PARTS] = {[WORKER_PART_TEST] = test};
    struct pairing        p;
    int                   rc = begin_pairing(&p, half, DRAW_TEST_HALF, seed, err);

    for (uint32_t i = 0; rc == 0 && i < half->images[WORKER_DOMINO_BOTTOM].n; i++)
        p.part[i] = WORKER_PART_TEST;
    if (rc == 0 && !(rc = make_part(&p, WORKER_PART_TEST, test, err))) {
        draw_agreement(&p, WORKER_PART_TEST, 0.5);
        pair_all(&p, parts);
    }
    free_pairing(&p);
    return rc;
}
