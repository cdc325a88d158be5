#include "sweep/share.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
    WORDS = MX_MAX_CPUS / 64,
    BINDINGS_TOLD = 4, /* of one node: a large node's ranks are bound alike */
    UNSHARED = -1      /* a rank whose node has not been looked at */
};

static unsigned count_cpus(const uint64_t cpus[WORDS])
{
    unsigned n = 0;

    for (size_t w = 0; w < WORDS; w++)
        n += (unsigned)__builtin_popcountll(cpus[w]);
    return n;
}

void mx_place_put(struct mx_buf *out, const struct mx_place *place)
{
    mx_put_text(out, place->host);
    mx_put_text(out, place->boot);
    mx_put_u32(out, place->quota_cpus);
    mx_put_u32(out, place->node_cpus);
    mx_put_u64(out, place->memory_bytes);
    mx_put_i64(out, place->local);
    for (size_t w = 0; w < WORDS; w++)
        mx_put_u64(out, place->cpus[w]);
}

void mx_place_take(struct mx_wire *wire, struct mx_place *place)
{
    mx_take_text(wire, place->host, sizeof place->host);
    mx_take_text(wire, place->boot, sizeof place->boot);
    place->quota_cpus = mx_take_u32(wire);
    place->node_cpus = mx_take_u32(wire);
    place->memory_bytes = mx_take_u64(wire);
    place->local = (int32_t)mx_take_i64(wire);
    for (size_t w = 0; w < WORDS; w++)
        place->cpus[w] = mx_take_u64(wire);
}

/* The ranks of one node taken together. */
struct node {
    const char *host;
    uint64_t    cpus[WORDS];
    uint64_t    memory_bytes;
    unsigned    quota_cpus, ranks, bound; /* bound: ranks told to be */
};

bool mx_place_same_node(const struct mx_place *a, const struct mx_place *b)
{
    return strcmp(a->host, b->host) == 0 && strcmp(a->boot, b->boot) == 0;
}

static void tell_binding(struct node *node, const struct mx_place *place, unsigned rank,
                         struct mx_buf *why)
{
    unsigned cpus = count_cpus(place->cpus);

    if (cpus >= place->node_cpus || ++node->bound > BINDINGS_TOLD)
        return;
    mx_buf_printf(why,
                  "rank %u on %s is bound to %u of the %u CPUs that the job has there, and so are "
                  "its executors; mpirun --bind-to none lets them use all\n",
                  rank, place->host, cpus, place->node_cpus);
}

static void join(struct node *node, const struct mx_place *place)
{
    for (size_t w = 0; w < WORDS; w++)
        node->cpus[w] |= place->cpus[w];
    if (node->ranks == 0 || place->memory_bytes < node->memory_bytes)
        node->memory_bytes = place->memory_bytes;
    if (place->quota_cpus > 0 && (node->quota_cpus == 0 || place->quota_cpus < node->quota_cpus))
        node->quota_cpus = place->quota_cpus;
    node->ranks++;
}

static unsigned usable_cpus(const struct node *node)
{
    unsigned cpus = count_cpus(node->cpus);

    if (node->quota_cpus > 0 && node->quota_cpus < cpus)
        cpus = node->quota_cpus;
    return cpus > 0 ? cpus : 1;
}

/* How many executors a node carries. */
static unsigned node_workers(const struct node *node, const struct mx_share_request *request,
                             struct mx_buf *why)
{
    unsigned       cpus = usable_cpus(node), workers;
    const uint64_t shared = request->bytes_node;
    const uint64_t left = node->memory_bytes > shared ? node->memory_bytes - shared : 0;
    uint64_t       fit;

    if (request->asked == 0 && cpus < count_cpus(node->cpus))
        mx_buf_printf(why, "%s: %u of %u CPUs used: the control group grants no more time\n",
                      node->host, cpus, count_cpus(node->cpus));
    workers = request->asked > 0 ? request->asked : cpus;
    fit = request->bytes_each > 0 ? left / request->bytes_each : workers;
    if (request->asked > cpus)
        mx_buf_printf(why, "%s: %u executors share %u CPU%s, as asked by --workers\n", node->host,
                      request->asked, cpus, cpus == 1 ? "" : "s");
    if (request->asked == 0 && fit < workers) {
        workers = fit > 0 ? (unsigned)fit : 1;
        mx_buf_printf(why,
                      "%s: %u of %u executors started: each needs about %" PRIu64
                      " MiB and %" PRIu64 " MiB are free",
                      node->host, workers, cpus, request->bytes_each >> 20,
                      node->memory_bytes >> 20);
        if (shared > 0)
            mx_buf_printf(why, ", of which they share about %" PRIu64 " MiB", shared >> 20);
        mx_buf_text(why, "\n");
    }
    return workers;
}

/* The node of rank `first`, and shares for all its ranks. */
static void share_node(const struct mx_place *const *places, unsigned nranks, unsigned first,
                       const struct mx_share_request *request, unsigned *workers,
                       struct mx_gpu_hand *hands, struct mx_buf *why)
{
    struct node node = {.host = places[first]->host};
    unsigned    total, seen = 0;

    for (unsigned r = first; r < nranks; r++)
        if (places[r] && mx_place_same_node(places[r], places[first])) {
            join(&node, places[r]);
            if (request->launched)
                tell_binding(&node, places[r], r, why);
        }
    if (node.bound > BINDINGS_TOLD)
        mx_buf_printf(why, "%u more ranks on %s are bound like that\n", node.bound - BINDINGS_TOLD,
                      node.host);
    if (request->cuda) {
        const uint64_t left =
            node.memory_bytes > request->bytes_node ? node.memory_bytes - request->bytes_node : 0;
        const uint64_t carries = request->bytes_each > 0 ? left / request->bytes_each : 0;

        mx_share_gpus(places, nranks, first, request,
                      request->bytes_each == 0 ? 0
                      : carries > 0            ? (unsigned)carries
                                               : 1,
                      workers, hands, why);
        return;
    }
    total = node_workers(&node, request, why);
    for (unsigned r = first; r < nranks; r++)
        if (places[r] && mx_place_same_node(places[r], places[first]))
            workers[r] = total / node.ranks + (seen++ < total % node.ranks);
    if (request->launched)
        mx_buf_printf(
            why,
            "%s: %u executor%s of %u rank%s, %u CPU%s usable, %" PRIu64 " MiB of memory free\n",
            node.host, total, total == 1 ? "" : "s", node.ranks, node.ranks == 1 ? "" : "s",
            usable_cpus(&node), usable_cpus(&node) == 1 ? "" : "s", node.memory_bytes >> 20);
}

unsigned mx_share_out(const struct mx_place *const *places, unsigned nranks,
                      const struct mx_share_request *request, unsigned *workers,
                      struct mx_gpu_hand *hands, struct mx_buf *why)
{
    uint64_t total = 0, jobs = request->jobs > 0 ? request->jobs : 1;

    for (unsigned r = 0; r < nranks; r++)
        workers[r] = places[r] ? (unsigned)UNSHARED : 0;
    for (unsigned r = 0; r < nranks; r++)
        if (workers[r] == (unsigned)UNSHARED)
            share_node(places, nranks, r, request, workers, hands, why);
    for (unsigned r = 0; r < nranks; r++)
        total += workers[r];
    if (total > jobs && request->asked > 0)
        mx_buf_printf(why,
                      "%" PRIu64 " of %" PRIu64 " executors started: there are no more "
                      "stages to run\n",
                      jobs, total);
    total = 0;
    /* More executors than stages: those of the last ranks would never work. */
    for (unsigned r = 0; r < nranks; r++) {
        if (workers[r] > jobs - total)
            workers[r] = (unsigned)(jobs - total);
        total += workers[r];
    }
    return (unsigned)total;
}
