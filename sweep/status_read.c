#include "sweep/status_read.h"

#include <jansson.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "sweep/outdir.h"

enum {
    MAX_BYTES = 1 << 26 /* a hundred thousand ranks */
};

static const char *const states[] = {"running", "draining", "finished", "interrupted", "lost"};

/* A number of an object: NaN if it is null or not there. */
static double real_of(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);

    return json_is_number(value) ? json_number_value(value) : NAN;
}

static uint64_t count_of(const json_t *object, const char *key)
{
    const json_int_t value = json_integer_value(json_object_get(object, key));

    return value > 0 ? (uint64_t)value : 0;
}

/* The same where 32 bits hold it. */
static uint32_t small_of(const json_t *object, const char *key)
{
    const uint64_t value = count_of(object, key);

    return value < UINT32_MAX ? (uint32_t)value : UINT32_MAX;
}

static const char *text_of(struct mx_arena *arena, const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return mx_arena_text(arena, text ? text : "", text ? strlen(text) : 0);
}

/* Room for the items of a list, and how many there are. */
static void *list_of(struct mx_arena *arena, const json_t *root, const char *key, size_t size,
                     const json_t **list, size_t *count)
{
    *list = json_object_get(root, key);
    *count = json_array_size(*list);
    return mx_arena_alloc(arena, *count, size);
}

/* Not known, of a sweep on CPUs or of an older version, if it has no hours. */
static struct mx_gpu_use use_of(const json_t *object)
{
    const double hours = real_of(object, "gpu_hours");

    return (struct mx_gpu_use){.known = isfinite(hours),
                               .seconds = isfinite(hours) ? 3600 * hours : 0,
                               .energy_j = real_of(object, "energy_j")};
}

static void read_gpus(struct mx_arena *arena, const json_t *root, struct mx_status_node *node)
{
    const json_t         *list;
    struct mx_status_gpu *gpus = list_of(arena, root, "gpus", sizeof *gpus, &list, &node->ngpus);

    node->gpus = gpus;
    for (size_t k = 0; gpus && k < node->ngpus; k++) {
        const json_t *item = json_array_get(list, k);

        gpus[k] = (struct mx_status_gpu){
            .uuid = text_of(arena, item, "uuid"),
            .model = text_of(arena, item, "model"),
            .fault = text_of(arena, item, "left_out"),
            .executors = small_of(item, "executors"),
            .memory_bytes = count_of(item, "memory_bytes"),
            .memory_used_bytes = real_of(item, "memory_used_bytes"),
            .load = real_of(item, "load"),
            .energy_j = real_of(item, "energy_j"),
        };
    }
}

static void read_nodes(struct mx_arena *arena, const json_t *root, struct mx_status *status)
{
    const json_t          *list;
    struct mx_status_node *nodes =
        list_of(arena, root, "nodes", sizeof *nodes, &list, &status->nnodes);

    status->nodes = nodes;
    for (size_t k = 0; nodes && k < status->nnodes; k++) {
        const json_t *node = json_array_get(list, k);

        read_gpus(arena, node, &nodes[k]);
        nodes[k].host = text_of(arena, node, "host");
        nodes[k].rank = small_of(node, "rank");
        nodes[k].executors = small_of(node, "executors");
        nodes[k].running = count_of(node, "running");
        nodes[k].done = count_of(node, "done");
        nodes[k].failed = count_of(node, "failed");
        nodes[k].rate_per_hour = real_of(node, "rate_per_hour");
        nodes[k].busy_s = real_of(node, "busy_seconds");
        nodes[k].gpu = use_of(node);
        nodes[k].quarantined = json_is_true(json_object_get(node, "quarantined"));
        nodes[k].lost = json_is_true(json_object_get(node, "lost"));
    }
}

static void read_slowest(struct mx_arena *arena, const json_t *root, struct mx_status *status)
{
    const json_t             *list;
    struct mx_status_running *slowest =
        list_of(arena, root, "slowest", sizeof *slowest, &list, &status->nslowest);

    status->slowest = slowest;
    for (size_t k = 0; slowest && k < status->nslowest; k++) {
        const json_t *item = json_array_get(list, k);

        slowest[k] = (struct mx_status_running){.trial = text_of(arena, item, "trial"),
                                                .stage = text_of(arena, item, "stage"),
                                                .host = text_of(arena, item, "host"),
                                                .executor = small_of(item, "executor"),
                                                .seconds = real_of(item, "seconds"),
                                                .progress = real_of(item, "progress")};
    }
}

static enum mx_reason reason_of(const json_t *item)
{
    const char *word = json_string_value(json_object_get(item, "reason"));

    for (unsigned k = 0; word && k < MX_REASONS; k++)
        if (strcmp(word, mx_reason_names[k]) == 0)
            return (enum mx_reason)k;
    return MX_REASON_NONE;
}

static void read_failing(struct mx_arena *arena, const json_t *root, struct mx_status *status)
{
    const json_t             *list;
    struct mx_status_failing *failing =
        list_of(arena, root, "failing", sizeof *failing, &list, &status->nfailing);

    status->failing = failing;
    for (size_t k = 0; failing && k < status->nfailing; k++) {
        const json_t *item = json_array_get(list, k);

        failing[k] = (struct mx_status_failing){.trial = text_of(arena, item, "trial"),
                                                .text = text_of(arena, item, "text"),
                                                .attempts = small_of(item, "attempts"),
                                                .reason = reason_of(item)};
    }
}

static void read_reduction(struct mx_arena *arena, const json_t *root, struct mx_status *status)
{
    const json_t               *item = json_object_get(root, "reduction");
    struct mx_status_reduction *reduction;

    if (!json_is_object(item) || !(reduction = mx_arena_alloc(arena, 1, sizeof *reduction)))
        return;
    *reduction =
        (struct mx_status_reduction){.path = text_of(arena, item, "path"),
                                     .ranks = small_of(item, "ranks"),
                                     .bytes = count_of(item, "bytes"),
                                     .seconds = real_of(item, "seconds"),
                                     .matches = json_is_true(json_object_get(item, "matches"))};
    status->reduction = reduction;
}

/* False if this is not what mx_status_json() writes. */
static bool read_totals(struct mx_arena *arena, const json_t *root, struct mx_status *status)
{
    const char   *state = json_string_value(json_object_get(root, "state"));
    const char   *updated = json_string_value(json_object_get(root, "updated"));
    const json_t *basis = json_object_get(root, "eta_basis");
    const json_t *code = json_object_get(root, "exit_code");

    for (size_t k = 0; state && k < sizeof states / sizeof states[0]; k++)
        if (strcmp(state, states[k]) == 0)
            status->state = states[k];
    if (!status->state || !updated || !json_is_integer(json_object_get(root, "planned")) ||
        strlen(updated) != MX_UTC_LENGTH || !mx_clock_parse_utc(updated, &status->updated_utc_s))
        return false;
    status->name = text_of(arena, root, "name");
    status->incarnation = small_of(root, "incarnation");
    status->counts.planned = count_of(root, "planned");
    for (unsigned k = 0; k < MX_STATES; k++)
        status->counts.by_state[k] = count_of(root, mx_state_names[k]);
    status->rate_per_hour = real_of(root, "rate_per_hour");
    status->eta_s = real_of(root, "eta_s");
    status->eta_basis = json_is_string(basis) ? text_of(arena, root, "eta_basis") : NULL;
    status->gpu = use_of(root);
    status->exit_code = json_is_integer(code) ? (int)json_integer_value(code) : -1;
    return true;
}

static int read_file(const char *directory, struct mx_status_view *view, struct mx_err *err)
{
    struct mx_buf text = {0};
    char         *path = mx_path_join(directory, "status.json");
    json_t       *root = NULL;
    int           rc = -1;

    if (!path || !(view->arena = mx_arena_new())) {
        mx_fail(err, MX_ENOMEM, "no memory to read how %s is doing", directory);
        goto done;
    }
    if (!mx_file_exists(path)) {
        mx_fail(err, MX_EIO,
                "there is no %s; a sweep that starts writes it within seconds, and mixsweep "
                "resume %s does it anew",
                path, directory);
        goto done;
    }
    if (mx_file_read(path, MAX_BYTES, &text, err))
        goto done;
    root = json_loadb(mx_buf_str(&text), text.len, 0, NULL);
    if (!read_totals(view->arena, root, &view->status)) {
        mx_fail(err, MX_EIO, "%s was not written by mixsweep; mixsweep resume %s writes it anew",
                path, directory);
        goto done;
    }
    read_nodes(view->arena, root, &view->status);
    read_slowest(view->arena, root, &view->status);
    read_failing(view->arena, root, &view->status);
    read_reduction(view->arena, root, &view->status);
    rc = mx_arena_ok(view->arena) ? 0 : mx_fail(err, MX_ENOMEM, "no memory for %s", path);
done:
    json_decref(root);
    mx_buf_free(&text);
    free(path);
    return rc;
}

/* What the file says and what the owner is, together. */
static void judge(struct mx_status_view *view)
{
    struct mx_status *status = &view->status;
    const bool        runs =
        strcmp(status->state, "running") == 0 || strcmp(status->state, "draining") == 0;

    if (runs && !view->owner.alive) {
        status->state = "lost"; /* and nothing runs: those trials are to be run again */
        status->counts.by_state[MX_STATE_PENDING] += status->counts.by_state[MX_STATE_RUNNING];
        status->counts.by_state[MX_STATE_RUNNING] = 0;
    } else if (!runs && view->owner.alive && view->owner.incarnation != status->incarnation) {
        status->state = "running";
        status->exit_code = -1;
        status->eta_basis = NULL;
        status->rate_per_hour = status->eta_s = NAN;
        status->nnodes = status->nslowest = 0;
        status->reduction = NULL;
    }
    if (strcmp(status->state, "running") != 0 && strcmp(status->state, "draining") != 0) {
        status->eta_s = strcmp(status->state, "finished") == 0 ? 0 : NAN;
        status->eta_basis = NULL;
    }
}

/* One look at both. */
static int look(const char *directory, const struct mx_owner_system *system,
                struct mx_status_view *view, struct mx_err *err)
{
    *view = (struct mx_status_view){.arena = NULL};
    if (mx_owner_look(directory, system, &view->owner, err) || read_file(directory, view, err)) {
        mx_status_view_close(view);
        return -1;
    }
    judge(view);
    view->age_s = fmax(0, system->utc_s(system->user) - view->status.updated_utc_s);
    return 0;
}

int mx_status_view_open(const char *directory, const struct mx_owner_system *system,
                        struct mx_status_view *view, struct mx_err *err)
{
    if (mx_outdir_expect(directory, err) || look(directory, system, view, err))
        return -1;
    /* One that was begun between the two looks is not lost: a second one tells. */
    if (strcmp(view->status.state, "lost") != 0)
        return 0;
    mx_status_view_close(view);
    return look(directory, system, view, err);
}

void mx_status_view_close(struct mx_status_view *view)
{
    mx_arena_free(view->arena);
    *view = (struct mx_status_view){.arena = NULL};
}
