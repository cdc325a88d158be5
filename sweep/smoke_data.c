#include "sweep/smoke_data.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/file.h"
#include "worker/choices.h"
#include "worker/dataset.h"
#include "worker/known_sets.h"
#include "worker/miniature.h"

int mx_smoke_find(const char *directory, char **folder, struct mx_err *err)
{
    *folder = mx_path_join(directory, "smoke-data");
    if (!*folder)
        return mx_fail(err, MX_ENOMEM, "no memory for a path");
    if (!mx_file_exists(*folder)) {
        free(*folder);
        *folder = NULL;
    }
    return 0;
}

/* One that does not fit is cut off, and then not found. */
static void point_to(const char *folder, unsigned set, char out[WORKER_PATH_SIZE])
{
    snprintf(out, WORKER_PATH_SIZE, "%s/%s", folder, worker_data_sets[set].word);
}

void mx_smoke_use(const char *folder, struct worker_params *params)
{
    if (!folder)
        return;
    if (params->data_set == WORKER_DATA_DOMINOES) {
        params->data_path[0] = '\0';
        point_to(folder, worker_domino_data_set(params->data_dominoes_top),
                 params->data_dominoes_top_path);
        point_to(folder, worker_domino_data_set(params->data_dominoes_bottom),
                 params->data_dominoes_bottom_path);
    } else if (params->data_set != WORKER_DATA_SYNTHETIC) {
        point_to(folder, params->data_set, params->data_path);
    }
}

int mx_smoke_make(const char *folder, const struct worker_params *params, struct mx_err *err)
{
    unsigned    sets[WORKER_DATASET_SOURCES];
    const char *paths[WORKER_DATASET_SOURCES];

    if (!folder)
        return 0;
    for (unsigned n = worker_dataset_sources(params, sets, paths); n-- > 0;)
        if (worker_miniature_make(sets[n], paths[n], err))
            return -1;
    return 0;
}
