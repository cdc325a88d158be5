#include "worker/net_memory.h"

#include <stdlib.h>
#include <string.h>

enum {
    ALIGN = 64,
    HUGE_PAGE = 2 << 20
};

/* A place that several arrays use one after another. While the plan is made,
 * the offsets in struct worker_layer_memory are numbers of places. */
struct place {
    size_t   bytes;
    uint32_t users; /* of what lies there now; 0: free */
};

struct planner {
    const struct worker_net    *net;
    const size_t               *bytes;
    struct worker_layer_memory *layers;
    struct place               *places;
    size_t                      nplaces;
    enum worker_memory_use      use;
};

/* A free place: the tightest that fits, else the largest grows, else a new one. */
static size_t take(struct planner *p, size_t bytes)
{
    size_t best = p->nplaces;

    for (size_t i = 0; i < p->nplaces; i++) {
        const struct place *place = &p->places[i];
        size_t              found = best < p->nplaces ? p->places[best].bytes : 0;

        if (place->users)
            continue;
        if (best == p->nplaces || (place->bytes >= bytes ? found < bytes || place->bytes < found
                                                         : found < bytes && place->bytes > found))
            best = i;
    }
    if (best == p->nplaces)
        p->nplaces++;
    if (p->places[best].bytes < bytes)
        p->places[best].bytes = bytes;
    p->places[best].users = 1;
    return best;
}

static void release(struct planner *p, size_t place)
{
    p->places[place].users--;
}

static uint32_t inputs_of(const struct worker_layer *layer)
{
    return layer->kind == WORKER_INPUT ? 0 : layer->kind == WORKER_ADD || layer->adds ? 2 : 1;
}

/* True if a layer's backward pass does not read its own output. */
static bool forgets(const struct worker_layer *layer)
{
    return layer->kind != WORKER_INPUT && !layer->relu;
}

uint32_t worker_memory_absorber(const struct worker_net *net, enum worker_memory_use use,
                                uint32_t layer)
{
    const struct worker_layer *norm = &net->layers[layer];

    if (use != WORKER_TRAIN || norm->kind != WORKER_NORM || norm->relu ||
        worker_net_users(net, layer) != 1)
        return 0;
    for (uint32_t l = layer + 1; l < net->nlayers; l++)
        if (net->layers[l].kind == WORKER_ADD &&
            (net->layers[l].inputs[0] == layer || net->layers[l].inputs[1] == layer))
            return l;
    return 0;
}

/* A sum or a ReLU may overwrite an output that no backward pass reads: not that of
 * the layer it comes from, nor that of another user. */
static size_t overwritten(const struct planner *p, const struct worker_layer *layer)
{
    const bool free = layer->kind == WORKER_ADD || layer->kind == WORKER_RELU;

    for (uint32_t i = 0; free && i < inputs_of(layer); i++) {
        const struct worker_layer *in = &p->net->layers[layer->inputs[i]];

        if (forgets(in) && worker_net_users(p->net, layer->inputs[i]) == 1 &&
            p->layers[layer->inputs[i]].value != WORKER_NOWHERE)
            return p->layers[layer->inputs[i]].value;
    }
    return WORKER_NOWHERE;
}

static void plan_kept_values(struct planner *p)
{
    for (uint32_t l = p->use == WORKER_EXPLAIN ? 0 : 1; l < p->net->nlayers; l++) {
        size_t over = overwritten(p, &p->net->layers[l]);

        if (worker_memory_absorber(p->net, p->use, l))
            continue;
        p->layers[l].value = over != WORKER_NOWHERE ? over : take(p, p->bytes[l]);
    }
}

/* Norms, ReLUs and sums work in place where nobody else wants their input; a
 * convolution that adds was made for that. */
static size_t in_place(const struct planner *p, const struct worker_layer *layer)
{
    if (layer->adds)
        return p->layers[layer->inputs[1]].value;
    if (layer->kind != WORKER_NORM && layer->kind != WORKER_ADD && layer->kind != WORKER_RELU)
        return WORKER_NOWHERE;
    for (uint32_t i = 0; i < inputs_of(layer); i++) {
        size_t place = p->layers[layer->inputs[i]].value;

        if (layer->inputs[i] != 0 && p->places[place].users == 1)
            return place;
    }
    return WORKER_NOWHERE;
}

static void plan_passing_values(struct planner *p)
{
    for (uint32_t l = 0; l < p->net->nlayers; l++) {
        const struct worker_layer *layer = &p->net->layers[l];
        size_t                     place = in_place(p, layer);

        p->layers[l].value = place != WORKER_NOWHERE ? place : take(p, p->bytes[l]);
        for (uint32_t i = 0; i < inputs_of(layer); i++)
            release(p, p->layers[layer->inputs[i]].value);
        p->places[p->layers[l].value].users = worker_net_users(p->net, l);
    }
}

static int give(struct planner *p, uint32_t layer, uint32_t input, size_t place, struct mx_err *err)
{
    uint32_t                    to = p->net->layers[layer].inputs[input];
    struct worker_layer_memory *in = &p->layers[to];

    p->layers[layer].gives[input] = place;
    if (to == 0 && p->use != WORKER_EXPLAIN) {
        release(p, place);
        return 0;
    }
    if (in->nparts == 2)
        return mx_fail(err, MX_EINTERNAL, "layer %s has more than two users",
                       p->net->layers[to].name);
    in->parts[in->nparts++] = place;
    return 0;
}

/* Where the parts of a gradient are brought together: over one that is nobody
 * else's. */
static size_t gather(struct planner *p, uint32_t layer)
{
    struct worker_layer_memory *memory = &p->layers[layer];
    size_t                      place = WORKER_NOWHERE;
    const struct worker_layer  *at = &p->net->layers[layer];
    bool masked = at->relu && at->kind != WORKER_NORM, untouched = memory->nparts == 1 && !masked;

    for (uint32_t i = 0; i < memory->nparts && place == WORKER_NOWHERE; i++)
        if (untouched || p->places[memory->parts[i]].users == 1)
            place = memory->parts[i];
    if (place == WORKER_NOWHERE)
        place = take(p, p->bytes[layer]);
    else
        p->places[place].users++;
    for (uint32_t i = 0; i < memory->nparts; i++)
        release(p, memory->parts[i]);
    return place;
}

static int plan_gradient(struct planner *p, uint32_t l, struct mx_err *err)
{
    const struct worker_layer *layer = &p->net->layers[l];
    size_t                     place = gather(p, l);
    bool                       passes = layer->kind == WORKER_ADD || layer->kind == WORKER_RELU ||
                  (layer->kind == WORKER_NORM && p->places[place].users == 1);

    p->layers[l].grad = place;
    if (!passes && layer->inputs[0] == 0 && layer->kind != WORKER_NORM &&
        p->use != WORKER_EXPLAIN) {
        release(p, place);
        return 0;
    }
    if (layer->kind == WORKER_ADD)
        p->places[place].users++; /* it goes to both */
    if (give(p, l, 0, passes ? place : take(p, p->bytes[layer->inputs[0]]), err) ||
        (layer->kind == WORKER_ADD && give(p, l, 1, place, err)))
        return -1;
    if (!passes)
        release(p, place);
    return 0;
}

/* From the last layer; what a sum absorbed comes with it, its first input last, which
 * then may write over the sum's own gradient. */
static int plan_gradients(struct planner *p, struct mx_err *err)
{
    for (uint32_t l = p->net->nlayers; l-- > 1;) {
        if (worker_memory_absorber(p->net, p->use, l))
            continue;
        if (plan_gradient(p, l, err))
            return -1;
        for (uint32_t i = inputs_of(&p->net->layers[l]); i-- > 0;) {
            const uint32_t in = p->net->layers[l].inputs[i];

            if (worker_memory_absorber(p->net, p->use, in) && plan_gradient(p, in, err))
                return -1;
        }
    }
    if (p->use == WORKER_EXPLAIN)
        p->layers[0].grad = gather(p, 0);
    return 0;
}

/* From numbers of places to offsets. */
static void number_to_offset(size_t *number, const size_t *offsets)
{
    if (*number != WORKER_NOWHERE)
        *number = offsets[*number];
}

static void settle(struct planner *p, size_t *offsets, struct worker_memory *memory)
{
    for (size_t i = 0; i < p->nplaces; i++) {
        offsets[i] = memory->bytes;
        memory->bytes += (p->places[i].bytes + ALIGN - 1) / ALIGN * ALIGN;
    }
    for (uint32_t l = 0; l < p->net->nlayers; l++) {
        struct worker_layer_memory *layer = &p->layers[l];

        number_to_offset(&layer->value, offsets);
        number_to_offset(&layer->grad, offsets);
        for (int i = 0; i < 2; i++) {
            number_to_offset(&layer->parts[i], offsets);
            number_to_offset(&layer->gives[i], offsets);
        }
    }
}

int worker_memory_plan(const struct worker_net *net, const size_t *bytes,
                       enum worker_memory_use use, struct worker_memory *memory, struct mx_err *err)
{
    size_t         room = 4 * (size_t)net->nlayers; /* a value, a gradient and two gifts each */
    struct planner p = {
        net, bytes, calloc(net->nlayers, sizeof *p.layers), calloc(room, sizeof *p.places), 0, use};
    size_t *offsets = calloc(room, sizeof *offsets);
    int     result = -1;

    memset(memory, 0, sizeof *memory);
    if (!p.layers || !p.places || !offsets) {
        mx_fail(err, MX_ENOMEM, "no memory to lay out a network");
        goto done;
    }
    memset(p.layers, 0xff, net->nlayers * sizeof *p.layers); /* NOWHERE */
    for (uint32_t l = 0; l < net->nlayers; l++)
        p.layers[l].nparts = 0;
    if (use == WORKER_INFER)
        plan_passing_values(&p);
    else
        plan_kept_values(&p);
    if (use != WORKER_INFER && plan_gradients(&p, err))
        goto done;
    settle(&p, offsets, memory);
    memory->layers = p.layers;
    p.layers = NULL;
    result = 0;

done:
    free(p.layers);
    free(p.places);
    free(offsets);
    return result;
}

void worker_memory_free(struct worker_memory *memory)
{
    free(memory->layers);
    memset(memory, 0, sizeof *memory);
}

size_t worker_memory_align(size_t bytes)
{
    return bytes >= 4 * (size_t)HUGE_PAGE ? HUGE_PAGE : ALIGN;
}
