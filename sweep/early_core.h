/* early_core.h - inside sweep/early*.c: what is known of trainings and rungs. */
#ifndef MX_SWEEP_EARLY_CORE_H
#define MX_SWEEP_EARLY_CORE_H

#include "sweep/early.h"

enum {
    MOST_VALUES = 1 << 28,
    LEAST_OTHERS = 3, /* for a median to say something */
};

struct training {
    uint32_t pool, nrungs;
    uint32_t reached; /* rungs */
    bool     behind;  /* it has passed one rung less: it waits there, or did */
    bool     stopped, gone;
};

/* One that came to a rung, larger values first. */
struct ranked {
    double   value;
    uint32_t training;
};

struct rung {
    uint32_t       coming;  /* trainings that may still come here */
    uint32_t       waiting; /* that wait here */
    uint32_t       lost;    /* that failed on their way from the rung below */
    uint32_t       room;    /* that may ever come */
    uint32_t       n;       /* that came here, whatever came of them */
    struct ranked *ranked;  /* (n); NULL: all is decided, and let go */
    bool           in_todo;
    uint32_t       scanned; /* of those that are ranked: decided, as far as they can be */
};

struct pool {
    uint32_t     first, count; /* of early->members */
    uint32_t     bracket, nrungs;
    struct rung *rungs;
};

struct pool_key {
    uint32_t repeat, bracket, training;
};

struct place {
    uint32_t pool, rung;
};

struct mx_early {
    struct mx_early_rule rule;
    uint32_t             count;
    struct training     *all;
    double              *values; /* by training and rung, larger is better; NULL: let go */
    size_t              *first;  /* of a training's values; NULL as above */
    size_t               nvalues;
    uint32_t            *members; /* trainings that are judged, pool after pool */
    uint32_t             nmembers;
    struct pool         *pools;
    uint32_t             npools;
    struct place        *todo;          /* rungs at which something changed */
    size_t               ntodo, nrungs; /* rungs of all pools */
    double              *means;         /* median: of a pool up to a rung, sorted ... */
    uint32_t             nmeans;
    struct place         means_of; /* ... those of this one, if nmeans > 0 */
};

/* The epoch of a rung; UINT32_MAX or more: there is none. */
uint64_t early_rung_epoch(const struct mx_early_rule *rule, uint32_t bracket, uint32_t rung);

static inline uint32_t early_passed(const struct training *training)
{
    return training->reached - training->behind;
}

static inline bool early_waits(const struct training *training)
{
    return training->behind && !training->stopped && !training->gone;
}

#endif
