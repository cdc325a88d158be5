#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "sweep/grid_private.h"
#include "worker/dataset.h"
#include "worker/map_scores.h"
#include "worker/params.h"

/* dir/path, made absolute, into out[WORKER_PATH_SIZE]; "" stays "". */
static int absolute(const char *dir, const char *path, char *out, struct mx_err *err)
{
    char here[PATH_MAX] = "";
    int  n;

    if (!*path) {
        *out = '\0';
        return 0;
    }
    if (*path == '/')
        n = snprintf(out, WORKER_PATH_SIZE, "%s", path);
    else if (*dir == '/')
        n = snprintf(out, WORKER_PATH_SIZE, "%s/%s", dir, path);
    else if (!getcwd(here, sizeof here))
        return mx_fail(err, MX_EIO, "cannot tell the working directory, so '%s' cannot be found",
                       path);
    else if (!*dir || strcmp(dir, ".") == 0)
        n = snprintf(out, WORKER_PATH_SIZE, "%s/%s", here, path);
    else
        n = snprintf(out, WORKER_PATH_SIZE, "%s/%s/%s", here, dir, path);
    if (n >= WORKER_PATH_SIZE)
        return mx_fail(err, MX_EINVAL, "path '%.60s...' is longer than %d bytes when made absolute",
                       path, WORKER_PATH_SIZE - 1);
    return 0;
}

/* Reading a configuration saw to it that there is room. */
static void set_list(enum mx_key_id key, const struct mx_value *value, struct worker_list *list)
{
    for (size_t i = 0; i < value->list.count && i < WORKER_LIST_ROOM; i++) {
        const struct mx_value *item = &value->list.items[i];
        enum mx_type           type = mx_keys[key].element;

        list->items[list->count++] = type == MX_TYPE_CHOICE ? item->choice
                                     : type == MX_TYPE_INT  ? (double)item->integer
                                                            : item->real;
    }
}

uint64_t mx_scores_asked(const struct mx_value *metrics)
{
    uint64_t set = 0;

    for (size_t i = 0; i < metrics->list.count; i++) {
        const char                    *word = mx_metric_words[metrics->list.items[i].choice].word;
        const struct worker_map_score *score = worker_map_score(word);

        if (score)
            set |= UINT64_C(1) << (score - worker_map_scores);
    }
    return set;
}

static int set_field(const struct mx_grid *grid, enum mx_key_id key, const struct mx_value *value,
                     struct worker_params *params, struct mx_err *err)
{
    void       *field = (char *)params + mx_keys[key].offset;
    const char *text;

    switch (mx_keys[key].type) {
    case MX_TYPE_REAL:
    case MX_TYPE_DURATION:
        memcpy(field, &value->real, sizeof value->real);
        break;
    case MX_TYPE_INT:
        memcpy(field, &value->integer, sizeof value->integer);
        break;
    case MX_TYPE_BOOL:
        memcpy(field, &value->boolean, sizeof value->boolean);
        break;
    case MX_TYPE_CHOICE:
        memcpy(field, &value->choice, sizeof value->choice);
        break;
    case MX_TYPE_PATH:
    case MX_TYPE_TEXT:
        text = value->text ? value->text : "";
        return absolute(grid->config->directory, text, field, err);
    case MX_TYPE_LIST:
        if (mx_keys[key].scores)
            params->score_metrics = mx_scores_asked(value);
        else
            set_list(key, value, field);
        break;
    }
    return 0;
}

int mx_grid_params(const struct mx_grid *grid, const struct mx_point *point,
                   struct worker_params *params, struct mx_err *err)
{
    memset(params, 0, sizeof *params);
    for (unsigned k = 0; k < KEY_COUNT; k++)
        if (mx_keys[k].offset >= 0 && set_field(grid, k, &point->value[k], params, err))
            return -1;
    if (!*params->data_path && *worker_dataset_default_path(params->data_set)) {
        struct mx_buf path = {0};
        int           rc;

        worker_dataset_look_path(params->data_set, &path);
        rc = absolute(grid->config->directory, mx_buf_str(&path), params->data_path, err);
        mx_buf_free(&path);
        return rc;
    }
    return 0;
}
