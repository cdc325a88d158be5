#include "sweep/log_limit.h"

#include <math.h>

bool mx_log_limit_take(struct mx_log_limit *limit, double now_s)
{
    limit->used = fmax(0, limit->used - limit->rate * (now_s - limit->now_s));
    limit->now_s = now_s;
    if (limit->used <= limit->rate - 1) {
        limit->used++;
        return true;
    }
    if (limit->left_out++ == 0)
        limit->since_s = now_s;
    return false;
}

uint64_t mx_log_limit_due(struct mx_log_limit *limit, double now_s, double *seconds)
{
    uint64_t left_out = limit->left_out;

    if (left_out == 0 || now_s < limit->since_s + limit->every_s)
        return 0;
    *seconds = (isfinite(now_s) ? now_s : limit->now_s) - limit->since_s;
    limit->left_out = 0;
    return left_out;
}
