/* share_gpus.c - the GPUs of a node dealt out over its ranks. */
#include <stdlib.h>
#include <string.h>

#include "sweep/share.h"

/* A GPU that is fit, and who sees it. */
struct seen {
    const struct mx_gpu *gpu;
    unsigned             viewers;
    unsigned             owner;
};

struct node_gpus {
    struct seen list[MX_MAX_GPUS];
    unsigned    n;
    bool        mps, exclusive; /* exclusive: all of them */
};

static void tell_left_out(const struct mx_place *place, const struct mx_gpu *gpu,
                          struct mx_buf *why)
{
    mx_buf_printf(why, "%s: %s (%s) is left out: %s; %s\n", place->host, gpu->uuid, gpu->model,
                  gpu->fault, gpu->mend);
}

/* Add what a rank sees; what is not fit is told once for a node. */
static void join(struct node_gpus *node, const struct mx_place *place, bool told,
                 struct mx_buf *why)
{
    for (size_t k = 0; place->gpus && k < place->gpus->n; k++) {
        const struct mx_gpu *gpu = &place->gpus->list[k];
        unsigned             i = 0;

        if (gpu->fault[0]) {
            if (!told)
                tell_left_out(place, gpu, why);
            continue;
        }
        while (i < node->n && strcmp(node->list[i].gpu->uuid, gpu->uuid) != 0)
            i++;
        if (i == MX_MAX_GPUS)
            continue;
        if (i == node->n)
            node->list[node->n++] = (struct seen){.gpu = gpu};
        node->list[i].viewers++;
        node->exclusive &= gpu->exclusive;
        node->mps |= place->gpus->mps;
    }
}

/* The place of a GPU in a rank's list, -1 if it does not see it. */
static int place_of(const struct mx_place *place, const struct mx_gpu *gpu)
{
    for (size_t k = 0; place->gpus && k < place->gpus->n; k++)
        if (strcmp(place->gpus->list[k].uuid, gpu->uuid) == 0)
            return (int)k;
    return -1;
}

/* Whether rank `a` has a better claim than rank `b`. */
static bool goes_before(const struct mx_place *const *places, const struct mx_gpu_hand *hands,
                        unsigned a, unsigned b)
{
    if (hands[a].n != hands[b].n)
        return hands[a].n < hands[b].n;
    return places[a]->local < places[b]->local;
}

static void deal_one(const struct mx_place *const *places, unsigned nranks, unsigned first,
                     struct seen *seen, struct mx_gpu_hand *hands)
{
    int owner = -1;

    for (unsigned r = first; r < nranks; r++)
        if (places[r] && mx_place_same_node(places[r], places[first]) &&
            place_of(places[r], seen->gpu) >= 0 &&
            (owner < 0 || goes_before(places, hands, r, (unsigned)owner)))
            owner = (int)r;
    seen->owner = (unsigned)owner;
    hands[owner].gpus[hands[owner].n++] = (uint16_t)place_of(places[owner], seen->gpu);
}

/* How many executors the node gets. */
static unsigned count_workers(const struct node_gpus *node, const struct mx_place *place,
                              const struct mx_share_request *request, unsigned carries,
                              struct mx_buf *why)
{
    const unsigned each = request->per_gpu > 0 ? request->per_gpu : 1;
    unsigned       workers = node->n * each;

    if (request->asked > 0 && (request->per_gpu == 0 || request->asked < workers))
        workers = request->asked;
    if (workers > node->n && node->exclusive && !node->mps) {
        workers = node->n;
        mx_buf_printf(why,
                      "%s: one executor for each GPU: they take one process at a time (compute "
                      "mode), and MPS does not run\n",
                      place->host);
    }
    if (request->asked == 0 && carries > 0 && workers > carries) {
        mx_buf_printf(why, "%s: %u of %u executors started: there is no memory for more\n",
                      place->host, carries, workers);
        workers = carries;
    }
    return workers;
}

static void tell_node(const struct node_gpus *node, const struct mx_place *place, unsigned workers,
                      struct mx_buf *why)
{
    if (node->n == 0) {
        mx_buf_printf(why, "%s: no executor, since there is no GPU that can be used\n",
                      place->host);
        return;
    }
    mx_buf_printf(why, "%s: %u executor%s on %u GPU%s", place->host, workers,
                  workers == 1 ? "" : "s", node->n, node->n == 1 ? "" : "s");
    if (workers > node->n)
        mx_buf_text(why, node->mps ? "; MPS runs: those of one GPU compute at once"
                                   : "; MPS does not run: those of one GPU take turns on it");
    mx_buf_text(why, "\n");
}

void mx_share_gpus(const struct mx_place *const *places, unsigned nranks, unsigned first,
                   const struct mx_share_request *request, unsigned carries, unsigned *workers,
                   struct mx_gpu_hand *hands, struct mx_buf *why)
{
    struct node_gpus node = {.exclusive = true};
    unsigned         total;

    for (unsigned r = first; r < nranks; r++)
        if (places[r] && mx_place_same_node(places[r], places[first])) {
            join(&node, places[r], r > first, why);
            workers[r] = 0;
            hands[r].n = 0;
        }
    for (unsigned viewers = 1; viewers <= nranks; viewers++)
        for (unsigned k = 0; k < node.n; k++)
            if (node.list[k].viewers == viewers)
                deal_one(places, nranks, first, &node.list[k], hands);
    total = node.n > 0 ? count_workers(&node, places[first], request, carries, why) : 0;
    for (unsigned i = 0; i < total; i++)
        workers[node.list[i % node.n].owner]++;
    tell_node(&node, places[first], total, why);
}
