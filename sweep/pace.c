#include "sweep/pace.h"

/* What is known of the kinds together. */
struct whole {
    double timed, timed_s;      /* of all that were timed */
    double measured, predicted; /* what they took, and were expected to, where something was */
    double expected;            /* sum over all kinds */
};

static struct whole add_up(const struct mx_pace_kind *kinds, size_t nkinds)
{
    struct whole whole = {0};

    for (size_t k = 0; k < nkinds; k++) {
        whole.timed += (double)kinds[k].timed;
        whole.timed_s += kinds[k].timed_s;
        whole.expected += kinds[k].expected_s;
        if (kinds[k].expected_s > 0 && kinds[k].timed > 0) {
            whole.measured += kinds[k].timed_s;
            whole.predicted += kinds[k].expected_s * (double)kinds[k].timed;
        }
    }
    return whole;
}

/* What one stage of a kind takes. */
static double one(const struct mx_pace_kind *kind, const struct whole *whole)
{
    if (kind->timed > 0)
        return kind->timed_s / (double)kind->timed;
    if (whole->expected > 0)
        return kind->expected_s * (whole->predicted > 0 ? whole->measured / whole->predicted : 1.0);
    return whole->timed > 0 ? whole->timed_s / whole->timed : 1.0;
}

void mx_pace(const struct mx_pace_kind *kinds, size_t nkinds, double *done_s, double *left_s)
{
    const struct whole whole = add_up(kinds, nkinds);

    *done_s = *left_s = 0;
    for (size_t k = 0; k < nkinds; k++) {
        const double each = one(&kinds[k], &whole);
        const double left = (double)kinds[k].open - kinds[k].running_shares;

        *done_s += kinds[k].timed_s + kinds[k].running_shares * each;
        *left_s += (left > 0 ? left : 0) * each;
    }
}
