#include "worker/annotations.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/file.h"
#include "worker/choices.h"
#include "worker/images.h"
#include "worker/listing.h"
#include "worker/marked.h"
#include "worker/names.h"
#include "worker/picture.h"
#include "worker/set_format.h"
#include "worker/synthetic.h"

struct worker_annotations {
    uint32_t           n, height, width;
    bool               has_boxes;
    uint32_t          *first; /* (n + 1), of boxes */
    struct worker_box *boxes;
    uint32_t           nboxes, room;
    bool              *masks; /* (n, height, width), or NULL */
    char               remark[WORKER_REMARK_SIZE];
};

void worker_annotations_free(struct worker_annotations *annotations)
{
    if (!annotations)
        return;
    free(annotations->first);
    free(annotations->boxes);
    free(annotations->masks);
    free(annotations);
}

const char *worker_annotations_remark(const struct worker_annotations *annotations)
{
    return annotations->remark;
}

bool worker_annotations_own(unsigned data_set)
{
    return data_set == WORKER_DATA_FOLDER || data_set == WORKER_DATA_WATERBIRDS ||
           data_set == WORKER_DATA_CELEBA || data_set == WORKER_DATA_METASHIFT;
}

bool worker_annotations_possible(unsigned data_set)
{
    return data_set == WORKER_DATA_SYNTHETIC || worker_annotations_own(data_set) ||
           data_set == WORKER_DATA_CUB || data_set == WORKER_DATA_IMAGENET;
}

bool worker_annotations_boxes(const struct worker_annotations *annotations)
{
    return annotations->has_boxes;
}

bool worker_annotations_masks(const struct worker_annotations *annotations)
{
    return annotations->masks != NULL;
}

static size_t plane_of(const struct worker_annotations *a)
{
    return (size_t)a->height * a->width;
}

struct worker_marks worker_annotations_of(const struct worker_annotations *a, uint32_t i)
{
    return (struct worker_marks){
        .height = a->height,
        .width = a->width,
        .mask = a->masks ? a->masks + i * plane_of(a) : NULL,
        .boxes = a->boxes + a->first[i],
        .nboxes = a->first[i + 1] - a->first[i],
    };
}

static int add_box(struct worker_annotations *a, struct worker_box box, struct mx_err *err)
{
    if (a->nboxes == a->room) {
        uint32_t           room = a->room ? 2 * a->room : 64;
        struct worker_box *grown = realloc(a->boxes, room * sizeof *grown);

        if (!grown)
            return mx_fail(err, MX_ENOMEM, "no memory for %u boxes", room);
        a->boxes = grown;
        a->room = room;
    }
    a->boxes[a->nboxes++] = box;
    return 0;
}

/* One edge on one axis: from the file's pixels to the network's, clipped. As
 * worker_fit_plane() scales and cuts. */
static uint32_t map_edge(double edge, uint32_t from, uint32_t shorter, uint32_t size, bool native)
{
    const uint32_t to = native ? from : (uint32_t)((uint64_t)from * size / shorter);
    const uint32_t shown = native ? from : size;
    const double   at = floor(edge * to / from + 0.5) - (to - shown) / 2;

    return at <= 0 ? 0 : at >= shown ? shown : (uint32_t)at;
}

/* What is left of a box in the network's image; boxes of which nothing is are left out. */
static int map_box(struct worker_annotations *a, const struct worker_marked *marked,
                   const struct worker_picture *picture, bool native, struct mx_err *err)
{
    const uint32_t    h = picture->height, w = picture->width, shorter = h < w ? h : w;
    struct worker_box box = {
        .top = map_edge(marked->y0, h, shorter, a->height, native),
        .left = map_edge(marked->x0, w, shorter, a->width, native),
        .bottom = map_edge(marked->y1, h, shorter, a->height, native),
        .right = map_edge(marked->x1, w, shorter, a->width, native),
    };

    if (!(marked->x0 < w && marked->y0 < h && marked->x1 > 0 && marked->y1 > 0))
        return mx_fail(err, MX_EDATA,
                       "a box of %.200s lies outside of its %u x %u pixels: boxes are in pixels of "
                       "the stored file",
                       marked->file, w, h);
    if (box.top >= box.bottom || box.left >= box.right)
        return 0;
    return add_box(a, box, err);
}

/* Reading those of image files. */
struct task {
    const struct worker_params *params;
    const char                 *path; /* data.path */
    struct worker_annotations  *out;
    struct worker_marked_list   marked;
    bool                        has_boxes, wants_masks;
};

/* The first of the names that a mask can have and that is there; to be freed, or NULL. */
static char *find_mask(const struct task *task, const char *file)
{
    const char   *base = strrchr(file, '/') ? strrchr(file, '/') + 1 : file;
    const bool    cub = task->params->data_set == WORKER_DATA_CUB;
    const char   *below = cub ? strchr(file, '/') + 1 : file;
    const char   *names[] = {below, base};
    struct mx_buf path = {0};
    char         *found = NULL;

    for (int k = 0; k < 2 && !found; k++) {
        const char *dot = strrchr(names[k], '.');
        int         len =
            dot && dot > strrchr(names[k], '/') ? (int)(dot - names[k]) : (int)strlen(names[k]);

        mx_buf_clear(&path);
        mx_buf_printf(&path, "%s/%s/%.*s.png", task->path, cub ? "segmentations" : "masks", len,
                      names[k]);
        if (mx_buf_ok(&path) && mx_file_exists(path.data))
            found = strdup(path.data);
    }
    mx_buf_free(&path);
    return found;
}

/* 255 where a mask's pixel means object, else 0. */
static void choose_values(const struct worker_list *values, const struct worker_picture *mask)
{
    bool means[256];

    for (unsigned v = 0; v < 256; v++) {
        means[v] = values->count == 0 && v > 0;
        for (uint32_t k = 0; k < values->count; k++)
            means[v] |= values->items[k] == v;
    }
    for (size_t k = 0; k < (size_t)mask->height * mask->width; k++)
        mask->pixels[k] = means[mask->pixels[k]] ? 255 : 0;
}

/* A pixel is object if at least half of what it shows is. */
static int map_mask(const struct task *task, const struct worker_picture *mask, bool *out,
                    struct mx_err *err)
{
    const size_t plane = plane_of(task->out);
    uint8_t     *fitted = NULL;

    choose_values(&task->params->data_mask_values, mask);
    if (task->params->data_size == 0) {
        for (size_t k = 0; k < plane; k++)
            out[k] = mask->pixels[k] >= 128;
        return 0;
    }
    if (!(fitted = malloc(plane)))
        return mx_fail(err, MX_ENOMEM, "no memory for a mask");
    if (worker_fit_plane(mask->pixels, mask->height, mask->width, fitted, task->out->height, err)) {
        free(fitted);
        return -1;
    }
    for (size_t k = 0; k < plane; k++)
        out[k] = fitted[k] >= 128;
    free(fitted);
    return 0;
}

static int read_mask(const struct task *task, const char *file, const struct worker_picture *image,
                     bool *out, struct mx_err *err)
{
    struct worker_picture mask = {.pixels = NULL};
    char                 *path = find_mask(task, file), shown[WORKER_SHOWN_SIZE];
    int                   rc = 0;

    if (!path)
        return 0; /* an empty one */
    worker_shown_path(path, shown);
    if (worker_picture_read(path, &mask, err))
        rc = -1;
    else if (mask.channels != 1)
        rc = mx_fail(err, MX_EDATA,
                     "%s is in colour: a mask holds grey levels: save it with one channel", shown);
    else if (mask.height != image->height || mask.width != image->width)
        rc =
            mx_fail(err, MX_EDATA,
                    "%s has %u x %u pixels, and its image has %u x %u: a mask has its image's size",
                    shown, mask.width, mask.height, image->width, image->height);
    else
        rc = map_mask(task, &mask, out, err);
    worker_picture_free(&mask);
    free(path);
    return rc;
}

/* Where the boxes of an image of ImageNet are: false if nowhere. */
static bool find_voc(const struct task *task, const char *file, struct mx_buf *path)
{
    static const char *const places[] = {"Annotations/CLS-LOC/val/", ""};
    const char              *base = strrchr(file, '/') ? strrchr(file, '/') + 1 : file;

    for (int k = 0; k < 2; k++) {
        const char *name = k ? file : base, *dot = strrchr(name, '.');

        mx_buf_clear(path);
        mx_buf_printf(path, "%s/%s%.*s.xml", task->path, places[k],
                      (int)(dot ? (size_t)(dot - name) : strlen(name)), name);
        if (mx_buf_ok(path) && mx_file_exists(path->data))
            return true;
    }
    return false;
}

static int read_voc(struct task *task, const char *file, const struct worker_picture *picture,
                    struct mx_err *err)
{
    struct mx_buf path = {0};
    int           rc = 0;

    if (find_voc(task, file, &path)) {
        task->has_boxes = true;
        rc =
            worker_marked_voc(&task->marked, path.data, file, picture->width, picture->height, err);
    }
    mx_buf_free(&path);
    return rc;
}

/* All marks of test image i, whose picture gives its size. */
static int take_marks(struct task *task, const char *file, const struct worker_picture *picture,
                      uint32_t i, struct mx_err *err)
{
    struct worker_annotations  *a = task->out;
    const bool                  native = task->params->data_size == 0;
    const struct worker_marked *marked;
    size_t                      n = 0;

    if (task->params->data_set == WORKER_DATA_IMAGENET) {
        task->marked.n = 0;
        if (read_voc(task, file, picture, err))
            return -1;
    }
    marked = worker_marked_find(&task->marked, file, &n);
    for (size_t k = 0; k < n; k++)
        if (map_box(a, &marked[k], picture, native, err))
            return -1;
    a->first[i + 1] = a->nboxes;
    return task->wants_masks ? read_mask(task, file, picture, a->masks + i * plane_of(a), err) : 0;
}

/* Walk along the test files as reading the set did: those that it left out are passed over. */
static int walk(struct task *task, const struct worker_folder_part *part, struct mx_err *err)
{
    const bool skips = task->params->data_on_decode_error == WORKER_ON_DECODE_ERROR_SKIP;
    uint32_t   taken = 0;
    int        rc = 0;

    for (uint32_t i = 0; rc == 0 && i < part->n && taken < task->out->n; i++) {
        struct worker_picture picture = {.pixels = NULL};
        struct mx_err         why = {.code = MX_OK};
        char                 *path = mx_path_join(task->path, part->files[i].name);

        if (!path)
            rc = mx_fail(err, MX_ENOMEM, "no memory for a path in %s", task->path);
        else if (worker_picture_read(path, &picture, &why))
            rc = why.code == MX_EDATA && skips ? 0 : mx_fail(err, why.code, "%s", why.text);
        else
            rc = take_marks(task, part->files[i].name, &picture, taken++, err);
        worker_picture_free(&picture);
        free(path);
    }
    if (rc == 0 && taken < task->out->n)
        rc = mx_fail(err, MX_EDATA, "the images of %s have changed while they were read",
                     task->path);
    return rc;
}

/* Read what the set has beside its images. */
static int read_tables(struct task *task, struct mx_err *err)
{
    const bool cub = task->params->data_set == WORKER_DATA_CUB;
    char      *masks = mx_path_join(task->path, cub ? "segmentations" : "masks");
    int        rc = 0;

    if (!masks)
        return mx_fail(err, MX_ENOMEM, "no memory for a path in %s", task->path);
    if (task->params->data_set != WORKER_DATA_IMAGENET) {
        rc = cub ? worker_marked_cub(&task->marked, task->path, err)
                 : worker_marked_csv(&task->marked, task->path, err);
        task->has_boxes = rc > 0;
    }
    task->wants_masks = mx_file_exists(masks);
    if (rc >= 0 && task->wants_masks && !worker_names_folder(masks, ""))
        rc = mx_fail(err, MX_EDATA, "%s is a file, and should be the folder of the masks", masks);
    free(masks);
    return rc < 0 ? -1 : 0;
}

static int no_marks(const struct task *task, struct mx_err *err)
{
    const char *what =
        worker_annotations_own(task->params->data_set) ? "a boxes.csv or a folder masks"
        : task->params->data_set == WORKER_DATA_CUB ? "bounding_boxes.txt or a folder segmentations"
                                                    : "Annotations/CLS-LOC/val";

    return mx_fail(err, MX_EINVAL, "%s holds neither boxes nor masks: put %s there", task->path,
                   what);
}

static int make_masks(struct worker_annotations *a, struct mx_err *err)
{
    if (!(a->masks = calloc((size_t)a->n + 1, plane_of(a) * sizeof *a->masks)))
        return mx_fail(err, MX_ENOMEM, "no memory for the masks of %u images", a->n);
    return 0;
}

static int by_bytes(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Boxes of files that no part has: a slip in boxes.csv, which nobody would notice. */
static int find_unknown(const struct task *task, const struct worker_folder *folder,
                        struct mx_err *err)
{
    size_t       n = 0, unknown;
    const char **names, *first;
    char         shown[WORKER_SHOWN_SIZE];

    for (int p = 0; p < WORKER_PARTS; p++)
        n += folder->parts[p].n;
    if (!(names = malloc((n + 1) * sizeof *names)))
        return mx_fail(err, MX_ENOMEM, "no memory for the names of %zu images", n);
    n = 0;
    for (int p = 0; p < WORKER_PARTS; p++)
        for (uint32_t i = 0; i < folder->parts[p].n; i++)
            names[n++] = folder->parts[p].files[i].name;
    qsort(names, n, sizeof *names, by_bytes);
    if ((unknown = worker_marked_unknown(&task->marked, names, n, &first)) > 0)
        snprintf(task->out->remark, sizeof task->out->remark,
                 "boxes.csv: %zu of %zu boxes are of files that are not there, the first: %s",
                 unknown, task->marked.n, worker_shown_path(first, shown));
    free(names);
    return 0;
}

static int read_files(const struct worker_params *params, uint64_t seed,
                      struct worker_annotations *out, struct mx_err *err)
{
    struct mx_buf         path = {0};
    struct task           task = {.params = params, .out = out};
    struct worker_folder *folder = NULL;
    int                   rc = -1;

    if (worker_set_folder(params, &path, err))
        return -1;
    task.path = mx_buf_str(&path);
    if ((folder = worker_listing(params, task.path, err)) &&
        !worker_folder_hold_out(folder, params->data_test_fraction, seed, task.path, err) &&
        !read_tables(&task, err) && (!task.wants_masks || !make_masks(out, err)) &&
        (!worker_annotations_own(params->data_set) || !find_unknown(&task, folder, err)))
        rc = walk(&task, &folder->parts[WORKER_PART_TEST], err);
    out->has_boxes = task.has_boxes;
    if (rc == 0 && !task.has_boxes && !task.wants_masks)
        rc = no_marks(&task, err);
    worker_folder_free(folder);
    worker_marked_free(&task.marked);
    mx_buf_free(&path);
    return rc;
}

/* ImageNet has no table: a file of boxes for each image that has any. */
static int find_any_voc(struct task *task, struct mx_err *err)
{
    struct worker_folder            *folder = worker_listing(task->params, task->path, err);
    const struct worker_folder_part *part = folder ? &folder->parts[WORKER_PART_TEST] : NULL;
    struct mx_buf                    path = {0};

    for (uint32_t i = 0; folder && i < part->n && !task->has_boxes; i++)
        task->has_boxes = find_voc(task, part->files[i].name, &path);
    mx_buf_free(&path);
    worker_folder_free(folder);
    return folder ? 0 : -1;
}

int worker_annotations_check(const struct worker_params *params, struct mx_err *err)
{
    struct mx_buf path = {0};
    struct task   task = {.params = params};
    int           rc = -1;

    if (params->data_set == WORKER_DATA_SYNTHETIC)
        return 0;
    if (!worker_annotations_possible(params->data_set))
        return mx_fail(err, MX_EINVAL, "the data set has neither boxes nor masks");
    if (worker_set_folder(params, &path, err))
        return -1;
    task.path = mx_buf_str(&path);
    if (!read_tables(&task, err) &&
        (params->data_set != WORKER_DATA_IMAGENET || !find_any_voc(&task, err)))
        rc = task.has_boxes || task.wants_masks ? 0 : no_marks(&task, err);
    worker_marked_free(&task.marked);
    mx_buf_free(&path);
    return rc;
}

static int make_synthetic(const struct worker_dataset *set, uint64_t seed,
                          struct worker_annotations *out, struct mx_err *err)
{
    const struct worker_split *test = &set->test;

    out->has_boxes = true;
    if (make_masks(out, err))
        return -1;
    for (uint32_t i = 0; i < out->n; i++) {
        struct worker_box box =
            worker_synthetic_box(seed, WORKER_SYNTHETIC_TEST, test->rows[i], out->height);

        if (add_box(out, box, err))
            return -1;
        out->first[i + 1] = out->nboxes;
        worker_synthetic_mask(&box, test->labels[i], out->height, out->masks + i * plane_of(out));
    }
    return 0;
}

struct worker_annotations *worker_annotations_read(const struct worker_params *params,
                                                   uint64_t seed, const struct worker_dataset *set,
                                                   struct mx_err *err)
{
    struct worker_annotations *out = calloc(1, sizeof *out);
    int                        rc;

    if (!out || !(out->first = calloc((size_t)set->test.n + 1, sizeof *out->first))) {
        mx_fail(err, MX_ENOMEM, "no memory for the marks of %u images", set->test.n);
        free(out);
        return NULL;
    }
    out->n = set->test.n;
    out->height = set->shape.height;
    out->width = set->shape.width;
    if (params->data_set == WORKER_DATA_SYNTHETIC)
        rc = make_synthetic(set, seed, out, err);
    else if (worker_annotations_possible(params->data_set))
        rc = read_files(params, seed, out, err);
    else
        rc = mx_fail(err, MX_EINVAL, "the data set has neither boxes nor masks");
    if (rc) {
        worker_annotations_free(out);
        return NULL;
    }
    return out;
}
