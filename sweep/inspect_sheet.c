/* The contact sheet: a row for each class, training images, then test images with what was marked
 * in them. */
#include <stdio.h>
#include <stdlib.h>

#include "sweep/inspect.h"
#include "worker/choices.h"

enum {
    MARGIN = 28,
    SIDE = 96, /* the room of a picture */
    GAP = 10,
    BREAK = 30, /* between training and test */
    NAMES = 150,
    HEAD = 96,
    CLASSES = 24, /* rows at most */
    TRAIN = 6,    /* pictures of a row */
    TEST = 3,
};

static const uint32_t paper = 0xFFFFFF, ink = 0x1F2430, faint = 0x6B7280, line = 0xD5D9E0,
                      orange = 0xC2570C, shade = 0x1D5FA8;

static const struct mx_font title_font = {16, 2.4}, name_font = {11, 1.9}, text_font = {9, 1.35};

struct sheet {
    struct mx_canvas           *canvas;
    const struct mx_inspection *in;
    uint32_t                    height, width; /* of a picture */
};

static void put_text(const struct sheet *sheet, int y, int x, const char *text, struct mx_font font,
                     double width, uint32_t colour)
{
    char fitting[400];

    mx_canvas_text(sheet->canvas, y, x, mx_font_fit(text, font, width, fitting, sizeof fitting),
                   font, colour);
}

/* Half of a colour over a pixel. */
static void tint(uint8_t pixel[3], uint32_t colour)
{
    for (int c = 0; c < 3; c++)
        pixel[c] = (uint8_t)((pixel[c] + (colour >> (16 - 8 * c) & 255)) / 2);
}

/* An image brought to the sheet's size by leaving out or repeating pixels; its mask in blue. */
static void put_picture(const struct sheet *sheet, int y, int x, const struct worker_split *split,
                        uint32_t i, const struct worker_marks *marks)
{
    const struct worker_shape *shape = &sheet->in->set->shape;
    const size_t               plane = (size_t)shape->height * shape->width;
    const uint8_t             *image = worker_split_image(split, i, shape->channels * plane);

    mx_canvas_fill(sheet->canvas, y - 1, x - 1, (int)sheet->height + 2, (int)sheet->width + 2,
                   line);
    for (uint32_t v = 0; v < sheet->height; v++)
        for (uint32_t u = 0; u < sheet->width; u++) {
            const size_t at = (size_t)(v * shape->height / sheet->height) * shape->width +
                              u * shape->width / sheet->width;
            uint8_t pixel[3];

            for (size_t c = 0; c < 3; c++)
                pixel[c] = image[(c < shape->channels ? c : 0) * plane + at];
            if (marks && marks->mask && marks->mask[at])
                tint(pixel, shade);
            mx_canvas_image(sheet->canvas, y + (int)v, x + (int)u, pixel, 1, 1, 1);
        }
}

static void put_boxes(const struct sheet *sheet, int y, int x, const struct worker_marks *marks)
{
    const struct worker_shape *shape = &sheet->in->set->shape;
    const double               down = (double)sheet->height / shape->height;
    const double               along = (double)sheet->width / shape->width;

    for (uint32_t b = 0; b < marks->nboxes; b++) {
        const struct worker_box *box = &marks->boxes[b];
        const double             top = y + box->top * down, bottom = y + box->bottom * down;
        const double             left = x + box->left * along, right = x + box->right * along;

        mx_canvas_line(sheet->canvas, top, left, top, right, 2, orange);
        mx_canvas_line(sheet->canvas, bottom, left, bottom, right, 2, orange);
        mx_canvas_line(sheet->canvas, top, left, bottom, left, 2, orange);
        mx_canvas_line(sheet->canvas, top, right, bottom, right, 2, orange);
    }
}

/* The first images of a class in a part. */
static uint32_t put_images(const struct sheet *sheet, int y, int x, int part, uint32_t label,
                           uint32_t room)
{
    const struct worker_split *split = mx_inspect_part(sheet->in->set, part);
    uint32_t                   found = 0;

    for (uint32_t i = 0; i < split->n; i++) {
        const bool          marked = part == MX_INSPECT_PARTS - 1 && sheet->in->annotations;
        struct worker_marks marks = {.nboxes = 0};

        if (split->labels[i] != label)
            continue;
        if (found < room) {
            const int at = x + (int)found * (SIDE + GAP);

            if (marked)
                marks = worker_annotations_of(sheet->in->annotations, i);
            put_picture(sheet, y, at, split, i, marked ? &marks : NULL);
            put_boxes(sheet, y, at, &marks);
        }
        found++;
    }
    return found;
}

static int column(int k)
{
    return MARGIN + NAMES + k * (SIDE + GAP) + (k >= TRAIN ? BREAK : 0);
}

static void put_row(const struct sheet *sheet, int y, uint32_t label)
{
    const char    *name = worker_dataset_class(sheet->in->set, label);
    const uint32_t train = put_images(sheet, y, column(0), 0, label, TRAIN);
    const uint32_t test = put_images(sheet, y, column(TRAIN), MX_INSPECT_PARTS - 1, label, TEST);
    char           text[160];

    if (name && mx_font_knows(name))
        snprintf(text, sizeof text, "%u %s", label, name);
    else
        snprintf(text, sizeof text, "class %u", label);
    put_text(sheet, y + 14, MARGIN, text, name_font, NAMES - GAP, ink);
    snprintf(text, sizeof text, "%u train", train);
    put_text(sheet, y + 34, MARGIN, text, text_font, NAMES - GAP, faint);
    snprintf(text, sizeof text, "%u test", test);
    put_text(sheet, y + 52, MARGIN, text, text_font, NAMES - GAP, faint);
}

static void put_head(const struct sheet *sheet, uint32_t rows)
{
    const struct worker_dataset *set = sheet->in->set;
    const double                 width = (double)sheet->canvas->width - 2 * MARGIN;
    char                         text[400];

    snprintf(text, sizeof text, "%s", worker_data_sets[sheet->in->params.data_set].word);
    put_text(sheet, MARGIN + 16, MARGIN, text, title_font, width, ink);
    snprintf(text, sizeof text,
             "%u classes%s, %u training and %u test images, seen as %u \xC3\x97 %u pixels",
             set->shape.classes, rows < set->shape.classes ? " (the first are shown)" : "",
             set->train.n, set->test.n, set->shape.width, set->shape.height);
    put_text(sheet, MARGIN + 42, MARGIN, text, text_font, width, faint);
    mx_canvas_fill(sheet->canvas, MARGIN + 56, MARGIN, 1, (int)width, line);
    put_text(sheet, MARGIN + 80, column(0), "train", name_font, SIDE, ink);
    put_text(sheet, MARGIN + 80, column(TRAIN), "test", name_font, SIDE, ink);
}

int mx_inspect_sheet(const struct mx_inspection *in, struct mx_canvas *canvas, struct mx_err *err)
{
    const struct worker_shape *shape = &in->set->shape;
    const uint32_t             longer = shape->height > shape->width ? shape->height : shape->width;
    const uint32_t             rows = shape->classes < CLASSES ? shape->classes : CLASSES;
    const struct sheet         sheet = {canvas, in, (SIDE * shape->height + longer - 1) / longer,
                                        (SIDE * shape->width + longer - 1) / longer};

    if (mx_canvas_init(canvas, MARGIN + HEAD + rows * (sheet.height + GAP) + MARGIN - GAP,
                       (uint32_t)column(TRAIN + TEST) - GAP + MARGIN, paper, err))
        return -1;
    put_head(&sheet, rows);
    for (uint32_t k = 0; k < rows; k++)
        put_row(&sheet, MARGIN + HEAD + (int)(k * (sheet.height + GAP)), k);
    return 0;
}
