#include "worker/segments.h"

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/csv_read.h"
#include "base/file.h"
#include "base/num.h"
#include "worker/choices.h"
#include "worker/image_files.h"
#include "worker/known_sets.h"
#include "worker/picture.h"
#include "worker/set_format.h"
#include "worker/synthetic.h"

enum {
    TABLE_BYTES = 1 << 20,
    LYING = 101 /* the concept of lying stripes; the next one is that of standing stripes */
};

struct worker_segments {
    struct worker_shape        shape;
    bool                       native; /* images are seen at their own size */
    struct worker_image_files *files;
    char                      *path; /* data.path */
    char                      *names[WORKER_CONCEPTS];
    uint32_t                   nconcepts, nimages;
    uint32_t                   n;        /* test images */
    char                     **pictures; /* (n), paths; NULL: it has none */
    const char               **images;   /* (n), names below data.path, lent by files */

    /* Of the synthetic set: (n) each. */
    struct worker_box *boxes;
    uint8_t           *classes, *stripes;
};

bool worker_segments_possible(unsigned data_set)
{
    const struct worker_known_set *known = worker_known_set(data_set, NULL);

    return data_set == WORKER_DATA_SYNTHETIC || (known && known->format == &worker_folder_format);
}

void worker_segments_free(struct worker_segments *segments)
{
    if (!segments)
        return;
    for (int k = 0; k < WORKER_CONCEPTS; k++)
        free(segments->names[k]);
    for (uint32_t i = 0; segments->pictures && i < segments->n; i++)
        free(segments->pictures[i]);
    free(segments->pictures);
    free(segments->boxes);
    free(segments->classes);
    free(segments->stripes);
    free(segments->images);
    free(segments->path);
    worker_image_files_free(segments->files);
    free(segments);
}

static int take_name(struct worker_segments *segments, const struct mx_table *table,
                     struct mx_err *err)
{
    int64_t     number;
    const char *name;

    if (mx_table_fields(table) < 2)
        return mx_table_fail(table, err, "a line is number,name");
    name = mx_table_field(table, 1);
    if (!mx_num_parse_int(mx_table_field(table, 0), &number) || number < 1 ||
        number >= WORKER_CONCEPTS)
        return mx_table_fail(table, err, "'%.40s' is no number from 1 to %d",
                             mx_table_field(table, 0), WORKER_CONCEPTS - 1);
    if (!*name)
        return mx_table_fail(table, err, "concept %d has no name", (int)number);
    if (segments->names[number])
        return mx_table_fail(table, err, "concept %d is there already, as '%.40s'", (int)number,
                             segments->names[number]);
    if (!(segments->names[number] = strdup(name)))
        return mx_fail(err, MX_ENOMEM, "no memory for the names of concepts");
    segments->nconcepts++;
    return 0;
}

static int read_names(struct worker_segments *segments, struct mx_err *err)
{
    char            *path = mx_path_join(segments->path, "segments/names.csv");
    struct mx_table *table = NULL;
    int              rc = -1;
    bool             first = true;

    if (!path)
        return mx_fail(err, MX_ENOMEM, "no memory for the names of concepts");
    if (!mx_file_exists(path))
        mx_fail(err, MX_EDATA,
                "there is no %s: it has to say which number of a pixel is which concept, a line "
                "number,name each",
                path);
    else
        table = mx_table_open(path, false, TABLE_BYTES, err);
    while (table && (rc = mx_table_next(table, err)) > 0) {
        const bool header = first && strcmp(mx_table_field(table, 0), "number") == 0;

        first = false;
        if (!header && take_name(segments, table, err)) {
            rc = -1;
            break;
        }
    }
    mx_table_close(table);
    if (rc == 0 && segments->nconcepts == 0)
        rc = mx_fail(err, MX_EDATA, "%s names no concept: write number,name on a line for each",
                     path);
    free(path);
    return rc;
}

/* "segments/test/cat/1.png" of "test/cat/1.jpg", or "segments/1.png"; to be freed, NULL if neither is
 * there. */
static char *find_picture(const struct worker_segments *segments, const char *image)
{
    const char   *slash = strrchr(image, '/');
    const char   *names[] = {image, slash ? slash + 1 : image};
    struct mx_buf path = {0};
    char         *found = NULL;

    for (int k = 0; k < 2 && !found; k++) {
        const char *dot = strrchr(names[k], '.'), *last = strrchr(names[k], '/');
        const int   len =
            dot && (!last || dot > last) ? (int)(dot - names[k]) : (int)strlen(names[k]);

        mx_buf_clear(&path);
        mx_buf_printf(&path, "%s/segments/%.*s.png", segments->path, len, names[k]);
        if (mx_buf_ok(&path) && mx_file_exists(path.data))
            found = strdup(path.data);
    }
    mx_buf_free(&path);
    return found;
}

static int find_pictures(struct worker_segments *segments, const struct worker_dataset *set,
                         struct mx_err *err)
{
    segments->n = set->test.n;
    segments->pictures = calloc(segments->n + 1u, sizeof *segments->pictures);
    segments->images = calloc(segments->n + 1u, sizeof *segments->images);
    if (!segments->pictures || !segments->images)
        return mx_fail(err, MX_ENOMEM, "no memory for the segments of %u images", segments->n);
    for (uint32_t i = 0; i < segments->n; i++) {
        const char *image = worker_image_files_of(segments->files, set, WORKER_PART_TEST, i);

        if (image && (segments->pictures[i] = find_picture(segments, image)))
            segments->nimages++;
        segments->images[i] = image;
    }
    if (segments->nimages == 0)
        return mx_fail(err, MX_EDATA,
                       "%s/segments holds no picture for any test image: test/cat/1.jpg would have "
                       "segments/test/cat/1.png or segments/1.png",
                       segments->path);
    return 0;
}

/* Shapes in their boxes on stripes, as worker/synthetic.h paints them. */
static int know_synthetic(struct worker_segments *segments, uint64_t seed,
                          const struct worker_dataset *set, struct mx_err *err)
{
    static const char *const shapes[WORKER_SYNTHETIC_CLASSES] = {
        "disc", "plus",          "frame",  "triangle",      "lying bars", "diagonals",
        "ring", "standing bars", "square", "triangle down", "diamond",    "crescent"};
    const uint32_t n = set->test.n;
    bool           full = true;

    segments->n = segments->nimages = n;
    segments->nconcepts = set->shape.classes + 2;
    for (uint32_t k = 0; k < set->shape.classes; k++)
        full = full && (segments->names[1 + k] = strdup(shapes[k]));
    full = full && (segments->names[LYING] = strdup("lying stripes")) &&
           (segments->names[LYING + 1] = strdup("standing stripes")) &&
           (segments->boxes = malloc((n + 1u) * sizeof *segments->boxes)) &&
           (segments->classes = malloc(n + 1u)) && (segments->stripes = malloc(n + 1u));
    if (!full)
        return mx_fail(err, MX_ENOMEM, "no memory for the segments of %u images", n);
    for (uint32_t i = 0; i < n; i++) {
        segments->boxes[i] =
            worker_synthetic_box(seed, WORKER_SYNTHETIC_TEST, set->test.rows[i], set->shape.height);
        segments->classes[i] = (uint8_t)set->test.labels[i];
        segments->stripes[i] = (uint8_t)(set->test.groups[i] % 2);
    }
    return 0;
}

static int read_synthetic(const struct worker_segments *segments, uint32_t i, uint8_t *out,
                          struct mx_err *err)
{
    const size_t pixels = (size_t)segments->shape.height * segments->shape.width;
    bool        *mask = malloc(pixels * sizeof *mask);

    if (!mask)
        return mx_fail(err, MX_ENOMEM, "no memory for the segments of an image");
    worker_synthetic_mask(&segments->boxes[i], segments->classes[i], segments->shape.height, mask);
    for (size_t p = 0; p < pixels; p++)
        out[p] = (uint8_t)(mask[p] ? 1 + segments->classes[i] : LYING + segments->stripes[i]);
    free(mask);
    return 1;
}

struct worker_segments *worker_segments_open(const struct worker_params *params, uint64_t seed,
                                             const struct worker_dataset *set, struct mx_err *err)
{
    struct worker_segments *segments = calloc(1, sizeof *segments);
    struct mx_buf           path = {0};

    if (!segments) {
        mx_fail(err, MX_ENOMEM, "no memory for segments");
        return NULL;
    }
    segments->shape = set->shape;
    segments->native = params->data_size == 0;
    if (params->data_set == WORKER_DATA_SYNTHETIC) {
        if (know_synthetic(segments, seed, set, err) == 0)
            return segments;
        worker_segments_free(segments);
        return NULL;
    }
    if ((segments->files = worker_image_files_list(params, seed, err)) &&
        worker_set_folder(params, &path, err) == 0) {
        if (!(segments->path = strdup(mx_buf_str(&path))))
            mx_fail(err, MX_ENOMEM, "no memory for segments");
        else if (read_names(segments, err) == 0 && find_pictures(segments, set, err) == 0) {
            mx_buf_free(&path);
            return segments;
        }
    }
    mx_buf_free(&path);
    worker_segments_free(segments);
    return NULL;
}

const char *worker_segments_name(const struct worker_segments *segments, uint32_t number)
{
    return number < WORKER_CONCEPTS ? segments->names[number] : NULL;
}

uint32_t worker_segments_concepts(const struct worker_segments *segments)
{
    return segments->nconcepts;
}

uint32_t worker_segments_images(const struct worker_segments *segments)
{
    return segments->nimages;
}

bool worker_segments_has(const struct worker_segments *segments, uint32_t i)
{
    return i < segments->n && (segments->boxes || segments->pictures[i]);
}

/* It has to be grey, as large as its image, and of known numbers. */
static int check(const struct worker_segments *segments, uint32_t i,
                 const struct worker_picture *picture, struct mx_err *err)
{
    const char              *path = segments->pictures[i];
    struct worker_image_size size;

    if (picture->channels != 1)
        return mx_fail(err, MX_EDATA,
                       "%s is in colour: a pixel of a segment picture is grey, the number of its "
                       "concept",
                       path);
    if (worker_image_size_of(segments->path, segments->images[i], &size) == 0 &&
        (size.width != picture->width || size.height != picture->height))
        return mx_fail(
            err, MX_EDATA,
            "%s has %u x %u pixels and its image %u x %u: a segment picture has its image's size",
            path, picture->width, picture->height, size.width, size.height);
    for (size_t k = 0; k < (size_t)picture->height * picture->width; k++)
        if (picture->pixels[k] && !segments->names[picture->pixels[k]])
            return mx_fail(err, MX_EDATA,
                           "%s has pixels of concept %d, which segments/names.csv does not name",
                           path, picture->pixels[k]);
    return 0;
}

/* The stored pixel at the centre of output pixel `at` of `size`, the shorter of both sides being
 * scaled to that and the longer one's ends cut off. */
static uint32_t source(uint32_t at, uint32_t from, uint32_t shorter, uint32_t size)
{
    const uint64_t to = (uint64_t)from * size / shorter, cut = (to - size) / 2;

    return (uint32_t)((2 * (at + cut) + 1) * from / (2 * to));
}

int worker_segments_read(const struct worker_segments *segments, uint32_t i, uint8_t *out,
                         struct mx_err *err)
{
    const uint32_t        height = segments->shape.height, width = segments->shape.width;
    struct worker_picture picture;
    uint32_t              shorter;

    if (!worker_segments_has(segments, i))
        return 0;
    if (segments->boxes)
        return read_synthetic(segments, i, out, err);
    if (worker_picture_read(segments->pictures[i], &picture, err))
        return -1;
    if (check(segments, i, &picture, err)) {
        worker_picture_free(&picture);
        return -1;
    }
    shorter = picture.height < picture.width ? picture.height : picture.width;
    for (uint32_t y = 0; y < height; y++)
        for (uint32_t x = 0; x < width; x++) {
            const uint32_t row = segments->native ? y : source(y, picture.height, shorter, height);
            const uint32_t column = segments->native ? x : source(x, picture.width, shorter, width);

            out[(size_t)y * width + x] = picture.pixels[(size_t)row * picture.width + column];
        }
    worker_picture_free(&picture);
    return 1;
}

int worker_segments_among(const struct worker_segments *segments, int64_t most, uint32_t *n,
                          uint32_t *with, struct mx_err *err)
{
    *n = segments->n > (uint64_t)most ? (uint32_t)most : segments->n;
    *with = 0;
    for (uint32_t i = 0; i < *n; i++)
        *with += worker_segments_has(segments, i);
    if (*with == 0)
        return mx_fail(
            err, MX_EDATA,
            "none of the first %u test images has segments: draw some, or raise score.images", *n);
    return 0;
}

static int read_first(const struct worker_segments *segments, int64_t most, struct mx_err *err)
{
    uint32_t n, with;
    uint8_t *concepts;
    int      rc = 0;

    if (worker_segments_among(segments, most, &n, &with, err))
        return -1;
    if (!(concepts = malloc((size_t)segments->shape.height * segments->shape.width)))
        return mx_fail(err, MX_ENOMEM, "no memory for the segments of an image");
    for (uint32_t i = 0; i < n && rc >= 0; i++)
        rc = worker_segments_read(segments, i, concepts, err);
    free(concepts);
    return rc < 0 ? -1 : 0;
}

int worker_segments_check(const struct worker_params *params, uint64_t seed, int64_t most,
                          struct mx_err *err)
{
    struct worker_dataset  *set;
    struct worker_segments *segments = NULL;
    int                     rc = -1;

    if (params->data_set == WORKER_DATA_SYNTHETIC)
        return 0;
    if ((set = worker_dataset_open(params, seed, err)) &&
        (segments = worker_segments_open(params, seed, set, err)))
        rc = read_first(segments, most, err);
    worker_segments_free(segments);
    worker_dataset_free(set);
    return rc;
}

bool worker_segments_there(const struct worker_params *params)
{
    struct mx_buf path = {0};
    bool          there = true;

    if (params->data_set != WORKER_DATA_SYNTHETIC && worker_set_folder(params, &path, NULL) == 0) {
        mx_buf_printf(&path, "/segments/names.csv");
        there = !mx_buf_ok(&path) || mx_file_exists(path.data);
    }
    mx_buf_free(&path);
    return there;
}
