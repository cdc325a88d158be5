#include <stdio.h>
#include <stdlib.h>

#include "worker/stage.h"

int worker_result_add(struct worker_result *result, const char *name, double value,
                      struct mx_err *err)
{
    if (result->nmetrics == result->room) {
        size_t                room = result->room ? 2 * result->room : 32;
        struct worker_metric *grown = realloc(result->metrics, room * sizeof *grown);

        if (!grown)
            return mx_fail(err, MX_ENOMEM, "no memory for metric %s", name);
        result->metrics = grown;
        result->room = room;
    }
    snprintf(result->metrics[result->nmetrics].name, sizeof result->metrics[0].name, "%s", name);
    result->metrics[result->nmetrics++].value = value;
    return 0;
}

void worker_result_free(struct worker_result *result)
{
    free(result->metrics);
    *result = (struct worker_result){0};
}
