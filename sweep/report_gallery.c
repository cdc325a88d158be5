/* report_gallery.c - images x cells x maps: what networks look at. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/csv_read.h"
#include "base/num.h"
#include "sweep/report_files.h"
#include "sweep/smoke_data.h"
#include "worker/dataset.h"
#include "worker/explain.h"
#include "worker/picture.h"

enum {
    IMAGES = 6,
    CELLS = 6,
    MAPS = 3,
    SIDE = 96,       /* the longest side of a picture */
    TRAIN_READ = 512 /* training images that are read: the others are not looked at */
};

/* What networks said of the first images. */
struct answers {
    uint32_t n, label[IMAGES], predicted[IMAGES];
};

struct gallery {
    struct report          *r;
    struct worker_dataset  *set; /* NULL: the images cannot be read here */
    struct mx_cell_trials   cells[CELLS];
    size_t                  ncells;
    struct answers          answers[CELLS];
    uint32_t                images; /* that all cells have */
    enum worker_attribution which;  /* the kind of map that is put */
};

/* The first test images as the cell's networks saw them. Few of the others are read. */
static struct worker_dataset *open_set(struct report *r, struct mx_cell_trials cell)
{
    struct worker_params  *params = malloc(sizeof *params);
    struct worker_dataset *set = NULL;
    struct mx_point        point;
    char                  *smoke = NULL;

    report_point(r, cell, &point);
    if (params && mx_grid_params(r->plan->grid, &point, params, NULL) == 0 &&
        mx_smoke_find(r->sweep->directory, &smoke, NULL) == 0) {
        mx_smoke_use(smoke, params);
        if (params->data_train_limit == 0 || params->data_train_limit > TRAIN_READ)
            params->data_train_limit = TRAIN_READ;
        if (params->data_test_limit == 0 || params->data_test_limit > IMAGES)
            params->data_test_limit = IMAGES;
        set = worker_dataset_open(params, (uint64_t)r->config->base[KEY_SEED].integer, NULL);
    }
    free(smoke);
    free(params);
    return set;
}

/* Bytes (height, width, 3) as <img>; larger pictures lose rows and columns. */
static void put_picture(struct report *r, const uint8_t *pixels, uint32_t height, uint32_t width,
                        const char *alt)
{
    const uint32_t longer = height > width ? height : width, step = (longer + SIDE - 1) / SIDE;
    const uint32_t h = (height + step - 1) / step, w = (width + step - 1) / step;
    uint8_t       *small = malloc((size_t)h * w * 3);
    struct mx_buf  png = {0};

    for (uint32_t y = 0; small && y < h; y++)
        for (uint32_t x = 0; x < w; x++)
            memcpy(small + ((size_t)y * w + x) * 3,
                   pixels + ((size_t)y * step * width + (size_t)x * step) * 3, 3);
    if (small && worker_png_encode(small, h, w, 3, &png, NULL) == 0) {
        mx_buf_text(r->out, "<img alt=\"");
        mx_html_text(r->out, alt);
        mx_buf_text(r->out, "\" src=\"data:image/png;base64,");
        mx_html_base64(r->out, png.data, png.len);
        mx_buf_text(r->out, "\">");
    }
    r->out->failed |= !small || png.failed;
    mx_buf_free(&png);
    free(small);
}

static void put_image(struct gallery *g, uint32_t image)
{
    const struct worker_shape *shape = &g->set->shape;
    const size_t               plane = (size_t)shape->height * shape->width;
    const uint8_t *from = worker_split_image(&g->set->test, image, shape->channels * plane);
    uint8_t       *pixels = malloc(3 * plane);
    char           alt[64];

    for (size_t k = 0; pixels && k < 3 * plane; k++)
        pixels[k] = from[(k % 3 < shape->channels ? k % 3 : 0) * plane + k / 3];
    snprintf(alt, sizeof alt, "test image %u", image);
    if (pixels)
        put_picture(g->r, pixels, shape->height, shape->width, alt);
    g->r->out->failed |= !pixels;
    free(pixels);
}

/* A map in colours from light to dark, as worker_map_scaled() has it. */
static void put_map(struct gallery *g, const float *map, uint32_t height, uint32_t width,
                    const char *alt)
{
    const size_t n = (size_t)height * width;
    uint8_t     *pixels = malloc(3 * n);
    float       *scaled = malloc(n * sizeof *scaled);

    if (scaled)
        worker_map_scaled(map, n, worker_map_kinds[g->which].needs & WORKER_MAP_IS_SIGNED, scaled);
    for (size_t k = 0; pixels && scaled && k < n; k++) {
        char     colour[MX_COLOUR_SIZE];
        unsigned rgb;

        mx_plot_shade(scaled[k], colour);
        rgb = (unsigned)strtoul(colour + 1, NULL, 16);
        pixels[3 * k] = (uint8_t)(rgb >> 16);
        pixels[3 * k + 1] = (uint8_t)(rgb >> 8);
        pixels[3 * k + 2] = (uint8_t)rgb;
    }
    if (pixels && scaled)
        put_picture(g->r, pixels, height, width, alt);
    g->r->out->failed |= !pixels || !scaled;
    free(scaled);
    free(pixels);
}

/* The first maps of a cell's first repeat, (images, height, width), to be freed; NULL if they
 * are not there. */
static float *read_maps(const struct gallery *g, size_t cell, struct worker_npy_shape *shape)
{
    const struct report *r = g->r;
    const uint32_t       stage = report_stage(r, g->cells[cell].first, WORKER_STAGE_MAPS);
    char                 name[96], *path;
    struct worker_npy   *file;
    float               *maps = NULL;

    snprintf(name, sizeof name, "%s.npy", worker_map_kinds[g->which].word);
    if (stage == UINT32_MAX ||
        !(path = mx_plan_stage_path(r->plan, stage, r->sweep->directory, name)))
        return NULL;
    file = worker_npy_open(path, NULL);
    free(path);
    if (!file)
        return NULL;
    *shape = *worker_npy_shape(file);
    if (shape->ndims == 3 && shape->rows >= g->images && shape->row < 1 << 24 &&
        (maps = malloc(g->images * (size_t)shape->row * sizeof *maps)) &&
        worker_npy_read_f32(file, 0, g->images, maps, NULL)) {
        free(maps);
        maps = NULL;
    }
    worker_npy_close(file);
    return maps;
}

static uint32_t number(const char *text)
{
    int64_t n = 0;

    mx_num_parse_int(text, &n);
    return (uint32_t)n;
}

static void read_answers(const struct report *r, struct mx_cell_trials cell,
                         struct answers *answers)
{
    struct mx_table *table =
        report_table_open(r, report_stage(r, cell.first, WORKER_STAGE_MAPS), "images.csv");
    size_t label = SIZE_MAX, predicted = SIZE_MAX;

    answers->n = 0;
    if (table && mx_table_next(table, NULL) == 1) {
        label = mx_table_find(table, "label");
        predicted = mx_table_find(table, "predicted");
    }
    while (label != SIZE_MAX && predicted != SIZE_MAX && answers->n < IMAGES &&
           mx_table_next(table, NULL) == 1 && mx_table_fields(table) > predicted) {
        answers->label[answers->n] = number(mx_table_field(table, label));
        answers->predicted[answers->n++] = number(mx_table_field(table, predicted));
    }
    mx_table_close(table);
}

/* The cells of figures whose maps are there. */
static void choose_cells(struct gallery *g)
{
    struct report *r = g->r;

    g->images = IMAGES;
    for (size_t k = 0; k < r->nshown && g->ncells < CELLS; k++) {
        struct answers *answers = &g->answers[g->ncells];

        read_answers(r, r->shown[k], answers);
        if (answers->n == 0)
            continue;
        g->images = answers->n < g->images ? answers->n : g->images;
        g->cells[g->ncells++] = r->shown[k];
    }
}

static void put_class(struct gallery *g, uint32_t label)
{
    const char *name = g->set ? worker_dataset_class(g->set, label) : NULL;

    if (name)
        mx_html_text(g->r->out, name);
    else
        mx_buf_printf(g->r->out, "class %u", label);
}

static void put_head(struct gallery *g)
{
    mx_buf_text(g->r->out, "<h3>");
    mx_html_text(g->r->out, worker_map_kinds[g->which].word);
    mx_buf_text(g->r->out,
                "</h3>\n<div class=\"scroll\"><table class=\"gallery\"><thead><tr><th>image"
                "</th>");
    for (size_t c = 0; c < g->ncells; c++) {
        char *label = report_label_new(g->r, g->cells[c]);

        report_element(g->r, "th", label ? label : "");
        free(label);
    }
    mx_buf_text(g->r->out, "</tr></thead><tbody>\n");
}

static void put_row(struct gallery *g, uint32_t image, float *const maps[CELLS],
                    const struct worker_npy_shape shapes[CELLS])
{
    struct mx_buf *out = g->r->out;

    mx_buf_text(out, "<tr><td>");
    if (g->set && g->set->test.n > image)
        put_image(g, image);
    mx_buf_printf(out, "%u: ", image);
    put_class(g, g->answers[0].label[image]);
    mx_buf_text(out, "</td>");
    for (size_t c = 0; c < g->ncells; c++) {
        const struct answers *answers = &g->answers[c];
        char                  alt[160];

        mx_buf_text(out, "<td>");
        snprintf(alt, sizeof alt, "%s of test image %u, cell %zu", worker_map_kinds[g->which].word,
                 image, c + 1);
        if (maps[c])
            put_map(g, maps[c] + image * shapes[c].row, (uint32_t)shapes[c].dims[1],
                    (uint32_t)shapes[c].dims[2], alt);
        mx_buf_text(out, answers->predicted[image] == answers->label[image]
                             ? "<span>\xE2\x9C\x93 "
                             : "<span class=\"wrong\">"
                               "\xE2\x9C\x97 ");
        put_class(g, answers->predicted[image]);
        mx_buf_text(out, "</span></td>");
    }
    mx_buf_text(out, "</tr>\n");
}

/* Returns whether any cell has maps of this kind. */
static bool put_table(struct gallery *g, enum worker_attribution which)
{
    struct worker_npy_shape shapes[CELLS];
    float                  *maps[CELLS] = {NULL};
    bool                    any = false;

    g->which = which;
    for (size_t c = 0; c < g->ncells; c++)
        any |= (maps[c] = read_maps(g, c, &shapes[c])) != NULL;
    if (any) {
        put_head(g);
        for (uint32_t i = 0; i < g->images; i++)
            put_row(g, i, maps, shapes);
        mx_buf_text(g->r->out, "</tbody></table></div>\n");
    }
    for (size_t c = 0; c < g->ncells; c++)
        free(maps[c]);
    return any;
}

void report_gallery(struct report *r)
{
    struct gallery         g = {.r = r};
    const struct mx_value *maps = &r->config->base[KEY_SCORE_ATTRIBUTIONS];
    size_t                 n = 0;

    if (maps->list.count == 0)
        return;
    choose_cells(&g);
    if (g.ncells == 0)
        return;
    g.set = open_set(r, g.cells[0]);
    /* Maps that know nothing of the network look alike for every cell. */
    for (size_t m = 0; m < maps->list.count && n < MAPS; m++)
        if (maps->list.items[m].choice != WORKER_MAP_RANDOM &&
            maps->list.items[m].choice != WORKER_MAP_CENTRE)
            n += put_table(&g, (enum worker_attribution)maps->list.items[m].choice);
    if (n > 0)
        mx_buf_printf(r->out,
                      "<p class=\"note\">The first test images and the first repeat, chosen by "
                      "nobody. Light is each map's own smallest value, dark its largest; where "
                      "maps have signs, "
                      "light is 0, and either sign has its own largest. \xE2\x9C\x93 and "
                      "\xE2\x9C\x97: what each network took the image for, "
                      "right or wrong.%s</p>\n",
                      g.set ? "" : " The images themselves could not be read here.");
    worker_dataset_free(g.set);
}
