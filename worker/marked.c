#include "worker/marked.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/csv_read.h"
#include "base/file.h"
#include "base/num.h"
#include "worker/listing.h"

enum {
    X0,
    Y0,
    X1,
    Y1,
    CORNERS
};
static const char *const corner_names[CORNERS] = {"x0", "y0", "x1", "y1"};

void worker_marked_free(struct worker_marked_list *list)
{
    mx_arena_free(list->arena);
    free(list->boxes);
    *list = (struct worker_marked_list){0};
}

int worker_marked_add(struct worker_marked_list *list, const char *file, const double corners[4],
                      struct mx_err *err)
{
    const char *name;

    if (!list->arena)
        list->arena = mx_arena_new();
    name = list->arena ? mx_arena_text(list->arena, file, strlen(file)) : NULL;
    if (list->n == list->room) {
        size_t                room = list->room ? 2 * list->room : 64;
        struct worker_marked *grown = realloc(list->boxes, room * sizeof *grown);

        if (!grown)
            return mx_fail(err, MX_ENOMEM, "no memory for %zu boxes", room);
        list->boxes = grown;
        list->room = room;
    }
    if (!name)
        return mx_fail(err, MX_ENOMEM, "no memory for %zu boxes", list->n);
    list->boxes[list->n++] =
        (struct worker_marked){name, corners[X0], corners[Y0], corners[X1], corners[Y1]};
    return 0;
}

/* By file, then by place: where they stand in memory is where they stood in the file. */
static int by_file(const void *a, const void *b)
{
    const struct worker_marked *left = a, *right = b;

    return strcmp(left->file, right->file);
}

/* Whether the order is right already, as that of most such files. */
static bool is_sorted(const struct worker_marked_list *list)
{
    for (size_t k = 1; k < list->n; k++)
        if (strcmp(list->boxes[k - 1].file, list->boxes[k].file) > 0)
            return false;
    return true;
}

/* Of one file's boxes any order does: nothing depends on it. */
void worker_marked_sort(struct worker_marked_list *list)
{
    if (list->n > 0 && !is_sorted(list))
        qsort(list->boxes, list->n, sizeof *list->boxes, by_file);
}

const struct worker_marked *worker_marked_find(const struct worker_marked_list *list,
                                               const char *file, size_t *n)
{
    size_t low = 0, high = list->n;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (strcmp(list->boxes[middle].file, file) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    for (*n = 0; low + *n < list->n && strcmp(list->boxes[low + *n].file, file) == 0;)
        (*n)++;
    return *n ? &list->boxes[low] : NULL;
}

size_t worker_marked_unknown(const struct worker_marked_list *list, const char *const *names,
                             size_t n, const char **first)
{
    size_t unknown = 0, at = 0;

    *first = NULL;
    for (size_t k = 0; k < list->n; k++) { /* both are sorted */
        while (at < n && strcmp(names[at], list->boxes[k].file) < 0)
            at++;
        if (at < n && strcmp(names[at], list->boxes[k].file) == 0)
            continue;
        if (unknown++ == 0)
            *first = list->boxes[k].file;
    }
    return unknown;
}

static int take_corner(const struct mx_table *table, size_t column, const char *name, double *out,
                       struct mx_err *err)
{
    if (column >= mx_table_fields(table))
        return mx_table_fail(table, err, "the line ends before column %s", name);
    if (!mx_num_parse_real(mx_table_field(table, column), out) || fabs(*out) > 1e9)
        return mx_table_fail(table, err, "column %s is '%.40s', not a number of pixels", name,
                             mx_table_field(table, column));
    return 0;
}

/* Where the columns are: as the header says, or in the order of formats without one. */
struct columns {
    size_t file, corner[CORNERS];
};

static int read_columns(const struct mx_table *table, struct columns *columns, bool *header,
                        struct mx_err *err)
{
    *columns = (struct columns){0, {1, 2, 3, 4}};
    *header = mx_table_find(table, "file") != SIZE_MAX;
    if (!*header && mx_table_fields(table) == 1)
        return mx_table_fail(table, err, "a line is file,x0,y0,x1,y1 with commas between them");
    if (!*header)
        return 0;
    columns->file = mx_table_find(table, "file");
    for (int c = 0; c < CORNERS; c++)
        if ((columns->corner[c] = mx_table_find(table, corner_names[c])) == SIZE_MAX)
            return mx_table_fail(table, err,
                                 "there is no column %s: file, x0, y0, x1 and y1 are needed",
                                 corner_names[c]);
    return 0;
}

static int take_box(struct worker_marked_list *list, const struct mx_table *table,
                    const struct columns *columns, struct mx_err *err)
{
    double corner[CORNERS];

    if (columns->file >= mx_table_fields(table))
        return mx_table_fail(table, err, "the line ends before column file");
    for (int c = 0; c < CORNERS; c++)
        if (take_corner(table, columns->corner[c], corner_names[c], &corner[c], err))
            return -1;
    if (corner[X0] > corner[X1] || corner[Y0] > corner[Y1])
        return mx_table_fail(table, err,
                             "the box is turned round: x0 has to be below x1, and y0 below y1");
    /* One without area marks nothing: it is no reason to refuse a set of thousands. */
    if (!(corner[X0] < corner[X1] && corner[Y0] < corner[Y1]))
        return 0;
    return worker_marked_add(list, mx_table_field(table, columns->file), corner, err);
}

int worker_marked_csv(struct worker_marked_list *list, const char *path, struct mx_err *err)
{
    char            *file = mx_path_join(path, "boxes.csv");
    struct mx_table *table = NULL;
    struct columns   columns;
    bool             header = false;
    size_t           lines = 0;
    int              rc = -1;

    if (!file)
        return mx_fail(err, MX_ENOMEM, "no memory for a path in %s", path);
    if (!mx_file_exists(file)) {
        free(file);
        return 0;
    }
    if ((table = mx_table_open(file, false, WORKER_TABLE_BYTES, err)) &&
        (rc = mx_table_next(table, err)) > 0) {
        if (read_columns(table, &columns, &header, err) ||
            (!header && take_box(list, table, &columns, err)))
            rc = -1;
        for (lines = !header; rc > 0 && (rc = mx_table_next(table, err)) > 0; lines++)
            if (take_box(list, table, &columns, err))
                rc = -1;
    }
    if (rc == 0 && lines == 0)
        rc = mx_fail(err, MX_EDATA,
                     "%s names no box: write file,x0,y0,x1,y1 on a line for each, or remove it",
                     file);
    mx_table_close(table);
    free(file);
    worker_marked_sort(list);
    return rc ? -1 : 1;
}

/* "NUMBER x y width height" beside "NUMBER NAME". */
static int take_cub(struct worker_marked_list *list, struct mx_table *images,
                    const struct mx_table *boxes, struct mx_err *err)
{
    static const char *const names[] = {"x", "y", "width", "height"};
    double                   x[4];
    char                    *file;
    int                      rc;

    if (mx_table_next(images, err) <= 0 || mx_table_fields(images) < 2 ||
        strcmp(mx_table_field(images, 0), mx_table_field(boxes, 0)) != 0)
        return mx_table_fail(boxes, err, "images.txt has no image '%.20s' there",
                             mx_table_field(boxes, 0));
    for (size_t c = 0; c < 4; c++)
        if (take_corner(boxes, c + 1, names[c], &x[c], err))
            return -1;
    if (!(file = mx_path_join("images", mx_table_field(images, 1))))
        return mx_fail(err, MX_ENOMEM, "no memory for a path");
    rc = worker_marked_add(list, file, (double[]){x[0], x[1], x[0] + x[2], x[1] + x[3]}, err);
    free(file);
    return rc;
}

int worker_marked_cub(struct worker_marked_list *list, const char *path, struct mx_err *err)
{
    struct mx_table *images, *boxes = NULL;
    int              rc = -1;

    if (!(images = worker_listing_table("cub", path, "images.txt", true, err)))
        return -1;
    if ((boxes = worker_listing_table("cub", path, "bounding_boxes.txt", true, err)))
        while ((rc = mx_table_next(boxes, err)) > 0)
            if (take_cub(list, images, boxes, err)) {
                rc = -1;
                break;
            }
    if (rc == 0 && (rc = mx_table_next(images, err)) > 0)
        rc = mx_table_fail(boxes, err, "images.txt goes on with image '%.20s': get the file again",
                           mx_table_field(images, 0));
    mx_table_close(images);
    mx_table_close(boxes);
    worker_marked_sort(list);
    return rc ? -1 : 1;
}

/* The number in the first element of this name between two places, blanks around it or not. */
static bool element(const char *from, const char *to, const char *name, double *out)
{
    char        tag[16] = "<", number[32];
    const char *at;
    size_t      n;

    strcat(strcat(tag, name), ">");
    at = strstr(from, tag);
    if (!at || at >= to)
        return false;
    at += strlen(tag);
    at += strspn(at, " \t\r\n");
    n = strcspn(at, " \t\r\n<");
    if (n >= sizeof number)
        return false;
    memcpy(number, at, n);
    number[n] = '\0';
    return mx_num_parse_real(number, out);
}

/* How much larger the stored image is than the one whose pixels the file counts: 1 where it does
 * not tell. */
static void factors_of(const char *text, uint32_t width, uint32_t height, double factors[2])
{
    const char *size = strstr(text, "<size>"), *end = size ? strstr(size, "</size>") : NULL;
    double      declared[2];

    factors[0] = factors[1] = 1;
    if (end && element(size, end, "width", &declared[0]) &&
        element(size, end, "height", &declared[1]) && declared[0] >= 1 && declared[1] >= 1) {
        factors[0] = width / declared[0];
        factors[1] = height / declared[1];
    }
}

int worker_marked_voc(struct worker_marked_list *list, const char *xml, const char *file,
                      uint32_t width, uint32_t height, struct mx_err *err)
{
    enum {
        MOST_BYTES = 1 << 20
    };
    static const char *const names[CORNERS] = {"xmin", "ymin", "xmax", "ymax"};
    struct mx_buf            text = {0};
    double                   factors[2];
    int                      rc = 0;

    if (mx_file_refuse_pipe(xml, err) || mx_file_read(xml, MOST_BYTES, &text, err))
        return -1;
    if (!strstr(mx_buf_str(&text), "<annotation"))
        rc = mx_fail(err, MX_EDATA,
                     "%s is no file of Pascal VOC: it holds no <annotation>: get it "
                     "again",
                     xml);
    factors_of(mx_buf_str(&text), width, height, factors);
    for (const char *at = strstr(mx_buf_str(&text), "<bndbox>"), *end; rc == 0 && at;
         at = strstr(end, "<bndbox>")) {
        double corner[CORNERS];

        if (!(end = strstr(at, "</bndbox>"))) {
            rc = mx_fail(err, MX_EDATA, "%s is cut short: a box is opened and never closed", xml);
            break;
        }
        for (int c = 0; rc == 0 && c < CORNERS; c++)
            if (!element(at, end, names[c], &corner[c]))
                rc = mx_fail(err, MX_EDATA, "%s: a box has no number %s", xml, names[c]);
        if (rc == 0) {
            corner[X0]--;
            corner[Y0]--;
            for (int c = 0; c < CORNERS; c++)
                corner[c] *= factors[c % 2];
            rc = worker_marked_add(list, file, corner, err);
        }
    }
    if (rc == 0 && !strstr(mx_buf_str(&text), "</annotation>"))
        rc = mx_fail(err, MX_EDATA,
                     "%s is cut short: it does not end in </annotation>: get it again", xml);
    mx_buf_free(&text);
    return rc;
}
