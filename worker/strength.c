#include "worker/strength.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "worker/selection.h"

int worker_strength_choose(const struct worker_head_task       *task,
                           const struct worker_strength_search *search, struct worker_head *head,
                           struct mx_err *err)
{
    const struct worker_features *features = task->features;
    const size_t                  nw = (size_t)features->classes * features->dims;
    double                       *w = calloc(nw, sizeof *w);
    double                       *b = calloc(features->classes, sizeof *b);
    double                        best = NAN;
    int                           result = -1;

    if (!w || !b) {
        mx_fail(err, MX_ENOMEM, "no memory for a head of %u features", features->dims);
        goto done;
    }
    for (uint32_t k = 0; k < search->candidates->count; k++) {
        const struct worker_logistic logistic = {.penalty = search->penalty,
                                                 .c = search->candidates->items[k],
                                                 .classes = features->classes,
                                                 .scale = search->scale};
        struct worker_verdict        verdict;

        if (worker_head_tick(task, k, search->candidates->count, err) ||
            worker_logistic_fit(&logistic, search->fit, w, b, err))
            goto done;
        worker_head_round(features, w, b);
        if (worker_judge(search->choose, features->classes, features->groups, w, b, &verdict, NULL,
                         err))
            goto done;
        if (k > 0 && !(verdict.worst > best))
            continue;
        best = verdict.worst;
        head->chosen = logistic.c;
        memcpy(head->w, w, nw * sizeof *w);
        memcpy(head->b, b, features->classes * sizeof *b);
    }
    head->fit_rows = search->fit->n;
    result = 0;
done:
    free(w);
    free(b);
    return result;
}
