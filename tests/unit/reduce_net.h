/* reduce_net.h - the participants of a reduction in one process, for tests. */
#ifndef MX_TESTS_REDUCE_NET_H
#define MX_TESTS_REDUCE_NET_H

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "reduce/tree.h"

enum {
    MOST = 17, /* participants */
    ROUND = 3,
    HEAD_BYTES = 4 + 8 + 1, /* of each message */
    EMPTY_BYTES = HEAD_BYTES + 8
};

struct message {
    struct message *behind;
    size_t          len;
    char            body[];
};

/* Participants in one process: what each has to give, and messages under way to
 * its parent. */
struct net {
    unsigned             count;
    uint64_t             nslots;
    struct reduce_slots *slots[MOST], *all; /* all: added up slot by slot */
    struct reduce_part  *parts[MOST];
    struct message      *front[MOST], *back[MOST];
};

static inline struct mx_rng rng_of(uint32_t a, uint32_t b)
{
    return mx_rng_at(mx_stream_make(2, 0, MX_PURPOSE_ORDER, 0), a, b, 0);
}

static inline void open_net(struct net *net, unsigned count, uint64_t nslots)
{
    *net = (struct net){.count = count, .nslots = nslots};
    cr_assert_not_null(net->all = reduce_slots_new(NULL));
    for (unsigned p = 0; p < count; p++)
        cr_assert_not_null(net->slots[p] = reduce_slots_new(NULL));
}

static inline void give(struct net *net, unsigned p, uint64_t slot, uint64_t bits)
{
    cr_assert_eq(reduce_slots_set(net->slots[p], slot, bits, NULL), 0);
    cr_assert_eq(reduce_slots_set(net->all, slot, bits, NULL), 0);
}

static inline void start_net(struct net *net, uint32_t round)
{
    for (unsigned p = 0; p < net->count; p++)
        cr_assert_not_null(net->parts[p] = reduce_part_new(net->slots[p], net->nslots, p,
                                                           net->count, round, NULL));
}

static inline void forget_messages(struct net *net, unsigned p)
{
    while (net->front[p]) {
        struct message *message = net->front[p];

        net->front[p] = message->behind;
        free(message);
    }
}

static inline void close_net(struct net *net)
{
    for (unsigned p = 0; p < MOST; p++) {
        reduce_part_free(net->parts[p]);
        reduce_slots_free(net->slots[p]);
        forget_messages(net, p);
    }
    reduce_slots_free(net->all);
}

/* Put the next message of p under way. Returns what emit says. */
static inline int send_one(struct net *net, unsigned p, struct mx_err *err)
{
    struct mx_buf   out = {0};
    int             rc = reduce_part_emit(net->parts[p], &out, err);
    struct message *message;

    if (rc == 1) {
        cr_assert_not_null(message = malloc(sizeof *message + out.len));
        *message = (struct message){.len = out.len};
        memcpy(message->body, out.data, out.len);
        if (net->front[p])
            net->back[p]->behind = message;
        else
            net->front[p] = message;
        net->back[p] = message;
    }
    mx_buf_free(&out);
    return rc;
}

/* Give the parent of p the oldest message under way. Returns 0 if there is none,
 * 1 if it was taken, 2 if it was ignored, -1 with *err. */
static inline int deliver_one(struct net *net, unsigned p, struct mx_err *err)
{
    struct message *message = net->front[p];
    int             rc;

    if (!message)
        return 0;
    net->front[p] = message->behind;
    rc = reduce_part_take(net->parts[reduce_parent(p, net->count)], p, message->body, message->len,
                          err);
    free(message);
    return rc < 0 ? rc : rc + 1;
}

static inline bool finished(const struct net *net)
{
    for (unsigned p = 0; p < net->count; p++)
        if (!reduce_part_finished(net->parts[p]))
            return false;
    return true;
}

/* Messages come and go in an order that rng decides, until all have finished.
 * Returns 0, or -1 with the first error; fails if nothing moves any more. */
static inline int run_net(struct net *net, struct mx_rng *rng, struct mx_err *err)
{
    for (unsigned still = 0; !finished(net); still++) {
        unsigned p = (unsigned)mx_rng_below(rng, net->count);
        int      rc = mx_rng_below(rng, 2) ? deliver_one(net, p, err) : send_one(net, p, err);

        if (rc < 0)
            return -1;
        if (rc > 0)
            still = 0;
        cr_assert_lt(still, 100000, "nothing moves any more");
    }
    return 0;
}

static inline void expect_all(const struct net *net, const char *what)
{
    uint64_t slot = 0, sum = 0, wanted = 0;
    unsigned there = 0;

    cr_expect_eq(reduce_part_compare(net->parts[0], net->all, &slot, &sum, &wanted, &there), 0,
                 "%s: %u participants, %llu slots: slot %llu is %llx, not %llx", what, net->count,
                 (unsigned long long)net->nslots, (unsigned long long)slot, (unsigned long long)sum,
                 (unsigned long long)wanted);
}

#endif
