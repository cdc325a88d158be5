#include "worker/feature_names.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "base/utf8.h"

enum {
    MAX_BYTES = 1 << 30
};

static const struct {
    const char *file, *of;
    bool        more; /* ids that occur in no row may have names as well */
} kinds[WORKER_FEATURE_NAMES] = {
    [WORKER_FEATURE_CLASS_NAMES] = {"class_names.txt", "classes", false},
    [WORKER_FEATURE_GROUP_NAMES] = {"group_names.txt", "groups", true},
    [WORKER_FEATURE_ROW_NAMES] = {"train_names.txt", "training rows", false},
};

/* The next line, ended in place; NULL after the last one. */
static char *next_line(char **at)
{
    char *line = *at, *end;

    if (*line == '\0')
        return NULL;
    end = line + strcspn(line, "\n");
    *at = *end ? end + 1 : end;
    *end = '\0';
    if (end > line && end[-1] == '\r')
        end[-1] = '\0';
    return line;
}

static bool is_name(const char *line)
{
    size_t left = strlen(line), bytes = 0;

    for (uint32_t c; left > 0; line += bytes, left -= bytes)
        if ((bytes = mx_utf8_decode(line, left, &c)) == 0)
            return false;
    return bytes > 0;
}

/* `text` becomes the names' own memory. */
static int split(const char *path, unsigned kind, uint64_t want, char *text,
                 struct worker_name_list *list, struct mx_err *err)
{
    char    *at = text;
    uint64_t n = 0;

    list->text = text;
    for (const char *c = text; *c; c++)
        n += *c == '\n' || c[1] == '\0';
    if (kinds[kind].more ? n < want : n != want)
        return mx_fail(err, MX_EDATA,
                       "%s has %llu lines, and there are %llu %s: write one name a line, in the "
                       "order of their numbers",
                       path, (unsigned long long)n, (unsigned long long)want, kinds[kind].of);
    if (!(list->names = calloc(n + 1, sizeof *list->names)))
        return mx_fail(err, MX_ENOMEM, "no memory for the %llu names in %s", (unsigned long long)n,
                       path);
    for (char *line; (line = next_line(&at)) != NULL; list->n++) {
        if (!is_name(line))
            return mx_fail(err, MX_EDATA, "%s: line %llu is %s", path,
                           (unsigned long long)list->n + 1, *line ? "not UTF-8" : "empty");
        list->names[list->n] = line;
    }
    return 0;
}

static int read_kind(const char *folder, unsigned kind, uint64_t want,
                     struct worker_name_list *list, struct mx_err *err)
{
    char         *path = mx_path_join(folder, kinds[kind].file);
    struct mx_buf text = {0};
    int           rc = 0;

    if (!path)
        return mx_fail(err, MX_ENOMEM, "no memory to look for %s", kinds[kind].file);
    if (mx_file_exists(path)) {
        rc = mx_file_refuse_pipe(path, err) ? -1 : mx_file_read(path, MAX_BYTES, &text, err);
        if (rc == 0 && text.len == 0)
            rc = mx_fail(err, MX_EDATA, "%s is empty: remove it if there are no names", path);
        if (rc == 0 && memchr(text.data, '\0', text.len))
            rc = mx_fail(err, MX_EDATA, "%s holds a zero byte: it is no text", path);
        if (rc == 0)
            rc = split(path, kind, want, text.data, list, err);
        else
            mx_buf_free(&text);
    }
    free(path);
    return rc;
}

int worker_feature_names_read(const char *folder, uint64_t train_rows,
                              struct worker_features *features, struct mx_err *err)
{
    const uint64_t want[WORKER_FEATURE_NAMES] = {features->classes, features->groups, train_rows};

    for (unsigned kind = 0; kind < WORKER_FEATURE_NAMES; kind++)
        if (read_kind(folder, kind, want[kind], &features->names[kind], err))
            return -1;
    return 0;
}

void worker_feature_names_free(struct worker_features *features)
{
    for (unsigned kind = 0; kind < WORKER_FEATURE_NAMES; kind++) {
        free(features->names[kind].text);
        free(features->names[kind].names);
    }
}

const char *worker_feature_name(const struct worker_features *features,
                                enum worker_feature_names kind, uint32_t number)
{
    const struct worker_name_list *list = &features->names[kind];

    return number < list->n ? list->names[number] : NULL;
}
