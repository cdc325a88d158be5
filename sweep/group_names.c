/* group_names.c - what groups are called: by the set's own attributes, or by the
 * group_names.txt that lies beside frozen features. */
#include "sweep/group_names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "worker/choices.h"

enum {
    NAMES_BYTES = 1 << 20
};

static const char *const waterbirds[] = {"landbird on land", "landbird on water",
                                         "waterbird on land", "waterbird on water"};
static const char *const celeba[] = {"not blond, female", "not blond, male", "blond, female",
                                     "blond, male"};

/* Line `group` of group_names.txt in a folder, if it has a line for each; to be freed. */
static char *read_name(const char *folder, size_t groups, size_t group)
{
    struct mx_buf text = {0};
    char         *path = mx_path_join(folder, "group_names.txt"), *found = NULL;
    size_t        n = 0;

    if (path && mx_file_read(path, NAMES_BYTES, &text, NULL) == 0)
        for (const char *line = mx_buf_str(&text); *line; n++) {
            const size_t len = strcspn(line, "\r\n");

            if (n == group)
                found = strndup(line, len);
            line += len;
            line += *line == '\r';
            line += *line == '\n';
        }
    if (n != groups) {
        free(found);
        found = NULL;
    }
    mx_buf_free(&text);
    free(path);
    return found;
}

/* "4 under 0": the lower class, which is the label, and the upper one. */
static char *name_domino(const struct worker_params *params, size_t groups, size_t group)
{
    const struct worker_list *tops = &params->data_dominoes_top_classes;
    const struct worker_list *bottoms = &params->data_dominoes_bottom_classes;
    char                      text[64];

    if (tops->count == 0 || groups != (size_t)tops->count * bottoms->count)
        return NULL;
    snprintf(text, sizeof text, "class %d under %d", (int)bottoms->items[group / tops->count],
             (int)tops->items[group % tops->count]);
    return strdup(text);
}

bool mx_group_has_name(const struct mx_plan *plan, uint32_t trial, size_t groups)
{
    char *name = mx_group_name(plan, trial, groups, 0);
    bool  has = name && strcmp(name, "group 0") != 0;

    free(name);
    return has;
}

char *mx_group_name(const struct mx_plan *plan, uint32_t trial, size_t groups, size_t group)
{
    struct worker_params *params = malloc(sizeof *params);
    struct mx_point       point;
    unsigned              set;
    char                 *name = NULL, text[40];

    mx_grid_point(plan->grid, plan->trials[trial].point, &point);
    set = point.value[KEY_DATA_SET].choice;
    if (groups == 4 && (set == WORKER_DATA_WATERBIRDS || set == WORKER_DATA_CELEBA))
        name = strdup((set == WORKER_DATA_CELEBA ? celeba : waterbirds)[group]);
    else if ((set == WORKER_DATA_FEATURES || set == WORKER_DATA_DOMINOES) && params &&
             mx_grid_params(plan->grid, &point, params, NULL) == 0)
        name = set == WORKER_DATA_DOMINOES ? name_domino(params, groups, group)
                                           : read_name(params->data_path, groups, group);
    free(params);
    snprintf(text, sizeof text, "group %zu", group);
    return name ? name : strdup(text);
}
