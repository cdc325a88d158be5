/* run_edited.c - a config.yaml of a sweep that somebody has changed in its directory. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/csv_read.h"
#include "base/file.h"
#include "base/hash.h"
#include "sweep/noted.h"
#include "sweep/run_state.h"

enum {
    MOST_CONFIG_BYTES = 1 << 26
};

static const size_t most_table_bytes = (size_t)1 << 34;

/* Names of trials, sorted. */
struct names {
    char (*list)[MX_TRIAL_NAME_SIZE];
    size_t count, room;
};

static int compare(const void *a, const void *b)
{
    return strcmp(a, b);
}

static int add(struct names *names, const char *name)
{
    const size_t room = names->room ? 2 * names->room : 256;
    char(*list)[MX_TRIAL_NAME_SIZE];

    if (names->count == names->room) {
        if (!(list = realloc(names->list, room * sizeof *list)))
            return -1;
        names->list = list;
        names->room = room;
    }
    snprintf(names->list[names->count++], MX_TRIAL_NAME_SIZE, "%s", name);
    return 0;
}

/* Whether DIR/config.yaml is the file that the sweep has written. What cannot be read, or was
 * never noted, is taken for it. */
static int is_own(const char *directory, bool *own, struct mx_err *err)
{
    struct mx_noted *noted = mx_noted_read(directory, err);
    char            *path = mx_path_join(directory, "config.yaml");
    struct mx_buf    text = {0};
    uint64_t         was;
    int              rc = noted && path ? 0 : -1;

    *own = rc || !mx_noted_config(noted, &was) ||
           mx_file_read(path, MOST_CONFIG_BYTES, &text, NULL) ||
           mx_hash64(text.data, text.len) == was;
    mx_buf_free(&text);
    mx_noted_free(noted);
    free(path);
    return rc ? mx_fail(err, MX_ENOMEM, "no memory to look at %s", directory) : 0;
}

/* The trials that DIR/results.csv has as done; none where it cannot be read. */
static int read_done(const char *directory, struct names *done, struct mx_err *err)
{
    char            *path = mx_path_join(directory, "results.csv");
    struct mx_table *table = path ? mx_table_open(path, false, most_table_bytes, NULL) : NULL;
    int              rc = path ? 0 : -1;

    if (table && mx_table_next(table, NULL) > 0) {
        const size_t trial = mx_table_find(table, "trial"), status = mx_table_find(table, "status");

        while (trial != SIZE_MAX && status != SIZE_MAX && rc == 0 &&
               mx_table_next(table, NULL) > 0 && mx_table_fields(table) > status)
            if (strcmp(mx_table_field(table, status), mx_state_names[MX_STATE_DONE]) == 0)
                rc = add(done, mx_table_field(table, trial));
    }
    mx_table_close(table);
    free(path);
    if (rc)
        return mx_fail(err, MX_ENOMEM, "no memory for the trials of %s", directory);
    if (done->count > 0)
        qsort(done->list, done->count, sizeof *done->list, compare);
    return 0;
}

int run_compare_edited(const struct run *run, struct mx_err *err)
{
    struct names done = {0};
    bool         own;
    size_t       kept = 0;
    int          rc = is_own(run->directory, &own, err);

    if (rc || own)
        return rc;
    rc = read_done(run->directory, &done, err);
    for (uint32_t t = 0; rc == 0 && done.count > 0 && t < run->plan->ntrials; t++) {
        char name[MX_TRIAL_NAME_SIZE];

        mx_trial_name(&run->plan->trials[t], name);
        kept += bsearch(name, done.list, done.count, sizeof *done.list, compare) != NULL;
    }
    if (rc == 0 && kept < done.count)
        rc = mx_fail(err, MX_EINVAL,
                     "%s/config.yaml was changed since the sweep was begun: %zu of the %zu trials "
                     "that are done would be gone; undo that, or begin another sweep with "
                     "mixsweep run %s/config.yaml --out ANOTHER",
                     run->directory, done.count - kept, done.count, run->directory);
    free(done.list);
    return rc;
}
