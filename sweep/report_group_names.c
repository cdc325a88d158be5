/* report_group_names.c - what groups are called: by the set's own attributes, or by the
 * group_names.txt that lies beside frozen features. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "sweep/report_parts.h"
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

static char *number_name(size_t group)
{
    char text[40];

    snprintf(text, sizeof text, "group %zu", group);
    return strdup(text);
}

char *report_group_name(struct report *r, struct mx_cell_trials cell, size_t groups, size_t group)
{
    struct worker_params *params = malloc(sizeof *params);
    struct mx_point       point;
    unsigned              set;
    char                 *name = NULL;

    report_point(r, cell, &point);
    set = point.value[KEY_DATA_SET].choice;
    if (groups == 4 && (set == WORKER_DATA_WATERBIRDS || set == WORKER_DATA_CELEBA))
        name = strdup((set == WORKER_DATA_CELEBA ? celeba : waterbirds)[group]);
    else if (set == WORKER_DATA_FEATURES && params &&
             mx_grid_params(r->plan->grid, &point, params, NULL) == 0)
        name = read_name(params->data_path, groups, group);
    free(params);
    if (!name)
        name = number_name(group);
    r->out->failed |= !name;
    return name;
}
