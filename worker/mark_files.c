#include "worker/mark_files.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/file.h"
#include "worker/annotations.h"
#include "worker/dataset.h"
#include "worker/file_index.h"
#include "worker/image_cache.h"
#include "worker/map_scores.h"
#include "worker/names.h"
#include "worker/segments.h"
#include "worker/set_format.h"

enum {
    MAX_DEPTH = 16, /* of folders: a link to a folder above ends here */
    ANY_SET = -1,
    OWN_SET = -2
};

const char *const worker_mark_files_words[WORKER_MARK_FILES] = {
    [WORKER_MARK_FILES_BOXES] = "boxes and masks",
    [WORKER_MARK_FILES_SEGMENTS] = "segments",
};

/* A file, or a folder and those below it that end so. */
struct mark_place {
    enum worker_mark_files what;
    int                    set; /* ANY_SET: any that has such; OWN_SET: worker_annotations_own() */
    const char            *name, *ending;
};

static const struct mark_place places[] = {
    {WORKER_MARK_FILES_BOXES, OWN_SET, "boxes.csv", ""},
    {WORKER_MARK_FILES_BOXES, OWN_SET, "masks", ".png"},
    {WORKER_MARK_FILES_BOXES, WORKER_DATA_CUB, "bounding_boxes.txt", ""},
    {WORKER_MARK_FILES_BOXES, WORKER_DATA_CUB, "segmentations", ".png"},
    {WORKER_MARK_FILES_BOXES, WORKER_DATA_IMAGENET, "Annotations/CLS-LOC/val", ".xml"},
    {WORKER_MARK_FILES_BOXES, WORKER_DATA_IMAGENET, "val", ".xml"},
    {WORKER_MARK_FILES_SEGMENTS, ANY_SET, "segments", ""},
};

static bool is_of(const struct mark_place *place, unsigned set, enum worker_mark_files what)
{
    return place->what == what && set != WORKER_DATA_SYNTHETIC &&
           (place->set == ANY_SET   ? worker_segments_possible(set)
            : place->set == OWN_SET ? worker_annotations_own(set)
                                    : place->set == (int)set);
}

bool worker_mark_files_matter(const struct worker_params *params, enum worker_mark_files what)
{
    const uint64_t read = worker_scores_that_are(
        what == WORKER_MARK_FILES_SEGMENTS ? WORKER_SCORE_SEGMENTS : WORKER_SCORE_MARKS);

    for (size_t k = 0; params->score_metrics & read && k < sizeof places / sizeof places[0]; k++)
        if (is_of(&places[k], params->data_set, what))
            return true;
    return false;
}

static bool ends_in(const char *name, const char *ending)
{
    const size_t n = strlen(name), m = strlen(ending);

    return n >= m && strcmp(name + n - m, ending) == 0;
}

/* Add what lies below FOLDER/below, in the order of names. */
static int add_folder(struct worker_file_index *index, const struct mark_place *place,
                      const char *folder, const char *below, unsigned depth, struct mx_buf *text,
                      struct mx_err *err)
{
    struct worker_names names = {0};
    char               *path = below[0] ? mx_path_join(folder, below) : strdup(folder);
    int                 rc = 0;

    if (!path)
        return mx_fail(err, MX_ENOMEM, "no memory for a path in %s", folder);
    if (depth == MAX_DEPTH)
        rc = mx_fail(err, MX_EDATA,
                     "%s: folders lie more than %d deep in each other; is one a "
                     "link to a folder above it?",
                     path, MAX_DEPTH);
    else
        rc = worker_names_read(worker_mark_files_words[place->what], path, &names, err);
    for (size_t k = 0; rc == 0 && k < names.n; k++) {
        char    *name = below[0] ? mx_path_join(below, names.name[k]) : strdup(names.name[k]);
        uint64_t bytes, hash;

        if (!name)
            rc = mx_fail(err, MX_ENOMEM, "no memory for a path in %s", folder);
        else if (worker_names_folder(folder, name))
            rc = add_folder(index, place, folder, name, depth + 1, text, err);
        else if (ends_in(name, place->ending) &&
                 (rc = worker_file_index_hash(index, name, &bytes, &hash, err)) == 0)
            worker_fingerprint_line(text, name, bytes, hash);
        free(name);
    }
    worker_names_free(&names);
    free(path);
    return rc;
}

static int add_place(const struct mark_place *place, const char *at, struct mx_buf *text,
                     struct mx_err *err)
{
    struct worker_file_index *index = NULL;
    struct mx_buf             cache = {0};
    char                     *path = mx_path_join(at, place->name);
    bool                      cached;
    int                       rc;

    if (!path)
        return mx_fail(err, MX_ENOMEM, "no memory for a path in %s", at);
    if (!mx_file_exists(path)) {
        rc = 0;
    } else if (!worker_names_folder(path, "")) {
        rc = worker_fingerprint_add(text, path, place->name, err);
    } else {
        cached = worker_image_cache_folder(&cache, NULL) == 0;
        index =
            worker_file_index_open(cached ? mx_buf_str(&cache) : NULL, path, mx_clock_utc_s(), err);
        rc = index ? add_folder(index, place, path, "", 0, text, err) : -1;
    }
    worker_file_index_close(index);
    mx_buf_free(&cache);
    free(path);
    return rc;
}

int worker_mark_files_fingerprint(const struct worker_params *params, enum worker_mark_files what,
                                  uint64_t *fingerprint, struct mx_err *err)
{
    struct mx_buf text = {0};
    char          at[WORKER_PATH_SIZE];
    int           rc = 0;

    worker_dataset_place(params, at);
    *fingerprint = 0;
    for (size_t k = 0; rc == 0 && k < sizeof places / sizeof places[0]; k++)
        if (is_of(&places[k], params->data_set, what))
            rc = add_place(&places[k], at, &text, err);
    if (rc == 0 && (text.len > 0 || !mx_buf_ok(&text)))
        rc = worker_fingerprint_end(&text, fingerprint, err);
    mx_buf_free(&text);
    return rc;
}
