/* edits_sheet.c - a row for each support image: it, its neighbours before, and after. */
#include <stdio.h>
#include <stdlib.h>

#include "sweep/edits.h"
#include "sweep/preview.h"

enum {
    MARGIN = 28,
    GAP = 10,   /* between pictures */
    BREAK = 34, /* between the image, the neighbours before and those after */
    SIDE = 96,  /* the room of a picture */
    WORDS = 42, /* height of what stands below it */
    HEAD = 106
};

static const uint32_t paper = 0xFFFFFF, ink = 0x1F2430, faint = 0x6B7280, line = 0xD5D9E0,
                      blue = 0x1D5FA8, orange = 0xC2570C;

static const struct mx_font title_font = {16, 2.4}, name_font = {11, 1.9}, text_font = {8, 1.3};

struct sheet {
    struct mx_canvas            *canvas;
    const struct worker_dataset *set;
    const struct mx_edits_case  *found;
    const struct worker_edits   *edits;
};

/* An image brought into SIDE x SIDE by leaving out or repeating pixels. */
static int put_picture(const struct sheet *sheet, int y, int x, uint32_t row, uint32_t frame,
                       struct mx_err *err)
{
    const struct worker_shape *shape = &sheet->set->shape;
    const uint32_t             longer = shape->height > shape->width ? shape->height : shape->width;
    const uint32_t height = SIDE * shape->height / longer, width = SIDE * shape->width / longer;
    uint8_t       *pixels = mx_preview_plain(sheet->set, row, err);

    if (!pixels)
        return -1;
    mx_canvas_fill(sheet->canvas, y - 2, x - 2, (int)height + 4, (int)width + 4, frame);
    for (uint32_t i = 0; i < height; i++)
        for (uint32_t j = 0; j < width; j++) {
            size_t from =
                (size_t)(i * shape->height / height) * shape->width + j * shape->width / width;

            mx_canvas_image(sheet->canvas, y + (int)i, x + (int)j, pixels + 3 * from, 1, 1, 1);
        }
    free(pixels);
    return 0;
}

static void put_text(const struct sheet *sheet, int y, int x, const char *text, struct mx_font font,
                     double width, uint32_t colour)
{
    char fitting[160];

    mx_canvas_text(sheet->canvas, y, x, mx_font_fit(text, font, width, fitting, sizeof fitting),
                   font, colour);
}

static const char *part_word(const struct sheet *sheet)
{
    return sheet->found->features->groups > 0 ? "group" : "class";
}

/* A picture with its label and group; orange where that is not the support image's. */
static int put_one(const struct sheet *sheet, int y, int x, uint32_t row, uint32_t part,
                   const char *below, struct mx_err *err)
{
    const uint32_t own = worker_edits_part(sheet->found->features, row);
    const uint32_t label = sheet->set->train.labels[row];
    const uint32_t colour = own == part ? blue : orange;
    const char    *name = worker_dataset_class(sheet->set, label);
    char           words[96];

    if (put_picture(sheet, y, x, row, colour, err))
        return -1;
    if (name && mx_font_knows(name))
        snprintf(words, sizeof words, "%u: %s", own, name);
    else
        snprintf(words, sizeof words, "%s %u", part_word(sheet), own);
    put_text(sheet, y + SIDE + 16, x, words, text_font, SIDE, colour);
    put_text(sheet, y + SIDE + 31, x, below, text_font, SIDE, faint);
    return 0;
}

static int column_at(const struct sheet *sheet, uint32_t column)
{
    const uint32_t k = sheet->edits->neighbours;

    return MARGIN + (int)column * (SIDE + GAP) + (column > 0 ? BREAK : 0) +
           (column > k ? BREAK : 0);
}

static int put_neighbours(const struct sheet *sheet, int y, uint32_t first_column, uint32_t part,
                          const struct worker_neighbour *nearest, struct mx_err *err)
{
    for (uint32_t k = 0; k < sheet->edits->neighbours; k++) {
        char below[32];

        snprintf(below, sizeof below, "%.4g", nearest[k].distance);
        if (put_one(sheet, y, column_at(sheet, first_column + k), nearest[k].row, part, below, err))
            return -1;
    }
    return 0;
}

static int put_row(const struct sheet *sheet, int y, uint32_t s, struct mx_err *err)
{
    const size_t   k = sheet->edits->neighbours;
    const uint32_t part = sheet->edits->part[s];
    char           below[48];

    snprintf(below, sizeof below, "moved %.4g", sheet->edits->moved[s]);
    if (put_one(sheet, y, column_at(sheet, 0), sheet->found->rows[s], part, below, err) ||
        put_neighbours(sheet, y, 1, part, sheet->edits->before + s * k, err))
        return -1;
    return put_neighbours(sheet, y, 1 + (uint32_t)k, part, sheet->edits->after + s * k, err);
}

static void put_head(const struct sheet *sheet, const char *trial)
{
    const double room = (double)sheet->canvas->width - 2 * MARGIN;
    char         text[200];

    snprintf(text, sizeof text, "edited features of %s", trial);
    put_text(sheet, MARGIN + 16, MARGIN, text, title_font, room, ink);
    snprintf(text, sizeof text,
             "training images nearest to a support feature \xC2\xB7 blue: of the support image's "
             "%s, orange: of another \xC2\xB7 numbers: distance",
             part_word(sheet));
    put_text(sheet, MARGIN + 40, MARGIN, text, text_font, room, faint);
    mx_canvas_fill(sheet->canvas, MARGIN + 54, MARGIN, 1, (int)room, line);
    put_text(sheet, MARGIN + 84, column_at(sheet, 0), "support", name_font, SIDE + BREAK, ink);
    put_text(sheet, MARGIN + 84, column_at(sheet, 1), "nearest before", name_font, 3 * SIDE, ink);
    put_text(sheet, MARGIN + 84, column_at(sheet, 1 + sheet->edits->neighbours), "nearest after",
             name_font, 3 * SIDE, ink);
}

int mx_edits_sheet(const char *trial, const struct worker_dataset *set,
                   const struct mx_edits_case *found, const struct worker_edits *edits,
                   uint32_t rows, struct mx_canvas *canvas, struct mx_err *err)
{
    const struct sheet sheet = {.canvas = canvas, .set = set, .found = found, .edits = edits};
    const uint32_t     shown = rows < edits->n ? rows : edits->n;
    const int          width = column_at(&sheet, 2 * edits->neighbours) + SIDE + MARGIN;

    if (set->train.n != found->features->split[WORKER_FEATURES_TRAIN].n)
        return mx_fail(err, MX_EDATA,
                       "the data set has %u training images now, and the features are of %u",
                       set->train.n, found->features->split[WORKER_FEATURES_TRAIN].n);
    if (mx_canvas_init(canvas, HEAD + MARGIN + shown * (SIDE + WORDS + GAP), (uint32_t)width, paper,
                       err))
        return -1;
    put_head(&sheet, trial);
    for (uint32_t r = 0; r < shown; r++)
        if (put_row(&sheet, HEAD + MARGIN + (int)r * (SIDE + WORDS + GAP),
                    (uint32_t)((uint64_t)r * edits->n / shown), err)) {
            mx_canvas_free(canvas);
            return -1;
        }
    return 0;
}
