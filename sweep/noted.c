#include "sweep/noted.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "base/hash.h"
#include "worker/dataset.h"

enum {
    MAX_BYTES = 64 << 20
};

struct mx_noted {
    json_t *root; /* NULL: there is nothing */
};

struct mx_noted *mx_noted_read(const char *directory, struct mx_err *err)
{
    struct mx_noted *noted = calloc(1, sizeof *noted);
    char            *file = mx_path_join(directory, "provenance.json");
    struct mx_buf    text = {0};

    if (!noted || !file) {
        mx_fail(err, MX_ENOMEM, "no memory to read provenance.json in %s", directory);
        free(noted);
        noted = NULL;
    } else if (mx_file_exists(file) && mx_file_read(file, MAX_BYTES, &text, NULL) == 0) {
        noted->root = json_loadb(mx_buf_str(&text), text.len, 0, NULL);
    }
    mx_buf_free(&text);
    free(file);
    return noted;
}

void mx_noted_free(struct mx_noted *noted)
{
    if (!noted)
        return;
    json_decref(noted->root);
    free(noted);
}

static bool is(const json_t *entry, const char *key, const char *want)
{
    const char *text = json_string_value(json_object_get(entry, key));

    return text && strcmp(text, want) == 0;
}

/* The fingerprint in an entry of a list whose path, and set if one is given, are these. */
static bool find(const struct mx_noted *noted, const char *list, const char *set, const char *path,
                 uint64_t *fingerprint)
{
    const json_t *entries = json_object_get(noted->root, list);

    for (size_t k = 0; k < json_array_size(entries); k++) {
        const json_t *entry = json_array_get(entries, k);
        const char   *hex = json_string_value(json_object_get(entry, "fingerprint"));

        if (hex && is(entry, "path", path) && (!set || is(entry, "set", set)))
            return mx_hash64_parse(hex, fingerprint);
    }
    return false;
}

bool mx_noted_data(const struct mx_noted *noted, const char *set, const char *place,
                   uint64_t *fingerprint)
{
    return find(noted, "data", set, place, fingerprint);
}

bool mx_noted_file(const struct mx_noted *noted, const char *path, uint64_t *fingerprint)
{
    return find(noted, "files", NULL, path, fingerprint);
}

bool mx_noted_config(const struct mx_noted *noted, uint64_t *hash)
{
    const char *text = json_string_value(json_object_get(noted->root, "config_xxh3"));

    return text && mx_hash64_parse(text, hash);
}

void mx_noted_marks(const struct worker_params *params, enum worker_mark_files what,
                    char out[MX_NOTED_MARKS])
{
    char place[WORKER_PATH_SIZE];

    worker_dataset_place(params, place);
    snprintf(out, MX_NOTED_MARKS, "%s: %s", place, worker_mark_files_words[what]);
}
