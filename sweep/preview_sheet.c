/* The contact sheet: a row for each base image, a column for each setting. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sweep/preview.h"

enum {
    MARGIN = 28,
    GAP = 20,   /* between columns */
    WORDS = 58, /* height of what stands below a picture */
    LEAST_SIDE = 128,
    MOST_SIDE = 320,
    HEAD = 78,    /* height of the title */
    COLUMNS = 44, /* and of the columns' names */
    NEXT = 14,    /* from a line of small text to the next */
    LABEL = 17,   /* and of those below a picture */
    SENTENCE = 256,
    LINES = 384, /* bytes of text that goes over several lines */
};

/* Colours of paper and ink; what belongs to the base image is blue, what to its partner orange. */
static const uint32_t paper = 0xFFFFFF, ink = 0x1F2430, faint = 0x6B7280, line = 0xD5D9E0,
                      blue = 0x1D5FA8, orange = 0xC2570C, hidden = 0x2B2B2B;

static const struct mx_font title_font = {16, 2.4}, name_font = {11, 1.9}, text_font = {9, 1.35};

struct sheet {
    struct mx_canvas            *canvas;
    const struct worker_dataset *set;
    uint32_t                     height, width;  /* of an image as shown */
    uint32_t                     scale, divisor; /* how it comes to that */
    uint32_t                     column;         /* width of a column */
    bool                         masks;
};

/* How long a side comes out. */
static uint32_t shown(uint32_t side, const struct sheet *sheet)
{
    return (side > sheet->divisor ? side / sheet->divisor : 1) * sheet->scale;
}

/* Small images are enlarged by a whole number, very large ones shrunk by one. */
static void choose_size(struct sheet *sheet)
{
    const struct worker_shape *shape = &sheet->set->shape;
    uint32_t                   longer = shape->height > shape->width ? shape->height : shape->width;

    sheet->scale = longer < LEAST_SIDE ? (LEAST_SIDE + longer - 1) / longer : 1;
    sheet->divisor = longer > MOST_SIDE ? (longer + MOST_SIDE - 1) / MOST_SIDE : 1;
    sheet->height = shown(shape->height, sheet);
    sheet->width = shown(shape->width, sheet);
    sheet->column = sheet->width > LEAST_SIDE ? sheet->width : LEAST_SIDE;
}

/* An image (height, width, 3) of the set's shape at a place, with a frame. */
static void put_image(const struct sheet *sheet, int y, int x, const uint8_t *pixels,
                      uint32_t frame, int thick)
{
    const struct worker_shape *shape = &sheet->set->shape;

    mx_canvas_fill(sheet->canvas, y - thick, x - thick, (int)sheet->height + 2 * thick,
                   (int)sheet->width + 2 * thick, frame);
    if (sheet->divisor == 1)
        mx_canvas_image(sheet->canvas, y, x, pixels, shape->height, shape->width, sheet->scale);
    else
        mx_canvas_shrunk(sheet->canvas, y, x, pixels, shape->height, shape->width, sheet->divisor);
}

static void put_text(const struct sheet *sheet, int y, int x, const char *text, struct mx_font font,
                     double width, uint32_t colour)
{
    char fitting[LINES];

    mx_canvas_text(sheet->canvas, y, x, mx_font_fit(text, font, width, fitting, sizeof fitting),
                   font, colour);
}

/* Small text in as many lines as it needs, in a smaller hand where a word is too long for one. */
static void put_lines(const struct sheet *sheet, int y, int x, const char *text,
                      struct mx_font font, double width, uint32_t colour)
{
    char lines[LINES], *rest = lines;

    mx_font_wrap(text, font, width, lines, sizeof lines);
    for (; rest; y += NEXT) {
        char *end = strchr(rest, '\n');

        if (end)
            *end++ = '\0';
        put_text(sheet, y, x, rest, mx_font_shrink(rest, font, width), width, colour);
        rest = end;
    }
}

/* The height that its lines behind the first take. */
static int more_lines(const char *text, struct mx_font font, double width)
{
    char lines[LINES];

    return NEXT * ((int)mx_font_wrap(text, font, width, lines, sizeof lines) - 1);
}

/* The name of a class; where it has none, or one in letters that would be boxes, "class 7". */
static const char *class_name(const struct worker_dataset *set, uint32_t label, char out[96])
{
    const char *name = worker_dataset_class(set, label);

    if (name && mx_font_knows(name))
        snprintf(out, 96, "%s", name);
    else
        snprintf(out, 96, "class %u", label);
    return out;
}

/* A somewhat smaller hand for text that then fits. What is too long even so is cut off, and had
 * better be large. */
static struct mx_font hand_for(const char *text, double width)
{
    const double         least = 0.75;
    const struct mx_font font = mx_font_shrink(text, text_font, width);

    return font.size < least * text_font.size ? text_font : font;
}

/* A dot of the colour and a label, with its weight unless it is the only one (NULL). */
static void put_label(const struct sheet *sheet, int y, int x, uint32_t label, const double *weight,
                      uint32_t colour)
{
    const double width = sheet->column - 12;
    char         name[96], text[128];

    class_name(sheet->set, label, name);
    if (weight)
        snprintf(text, sizeof text, "%.2f %s", *weight, name);
    else
        snprintf(text, sizeof text, "%s", name);
    mx_canvas_line(sheet->canvas, y - 4.5, x + 4, y - 4.5, x + 4, 7, colour);
    put_text(sheet, y, x + 12, text, hand_for(text, width), width, ink);
}

/* Where base and partner show: their colours, by their shares. */
static int put_shares(const struct sheet *sheet, int y, int x,
                      const struct mx_preview_example *example, struct mx_err *err)
{
    const size_t plane = (size_t)sheet->set->shape.height * sheet->set->shape.width;
    uint8_t     *pixels = malloc(3 * plane);

    if (!pixels)
        return mx_fail(err, MX_ENOMEM, "no memory for a picture");
    for (size_t k = 0; k < plane; k++) {
        unsigned own = example->shares[2 * k], other = example->shares[2 * k + 1];
        unsigned rest = own + other < 255 ? 255 - own - other : 0;

        for (int c = 0; c < 3; c++) {
            int shift = 16 - 8 * c;

            pixels[3 * k + (size_t)c] =
                (uint8_t)(((blue >> shift & 255) * own + (orange >> shift & 255) * other +
                           (hidden >> shift & 255) * rest) /
                          (own + other + rest));
        }
    }
    put_image(sheet, y, x, pixels, line, 1);
    free(pixels);
    return 0;
}

/* What was drawn of mix.choices, on a line of its own. Returns how far that moves the rest. */
static int put_choice(const struct sheet *sheet, int y, int x,
                      const struct mx_preview_example *example)
{
    const char *word = worker_strategies[example->strategy].word;
    char        text[64];

    snprintf(text, sizeof text, "%s", word);
    if (example->layer != WORKER_LAYER_INPUT)
        snprintf(text, sizeof text, "%s at %s", word, worker_layers[example->layer].word);
    put_text(sheet, y, x, text, hand_for(text, sheet->column), sheet->column, faint);
    return LABEL;
}

/* lambda as a number and as a bar, then the labels. */
static void put_words(const struct sheet *sheet, int y, int x,
                      const struct mx_preview_setting *setting,
                      const struct mx_preview_example *example, uint32_t base_label)
{
    const bool chosen = example->strategy != setting->params.mix_strategy;
    char       text[64];
    int        bar, length;

    snprintf(text, sizeof text, "\xCE\xBB %.2f", example->share);
    if (example->layer != WORKER_LAYER_INPUT && !chosen)
        snprintf(text + strlen(text), sizeof text - strlen(text), " at %s",
                 worker_layers[example->layer].word);
    put_text(sheet, y + 18, x, text, text_font, sheet->column, ink);
    bar = (int)mx_font_width(text, text_font) + 10;
    length = (int)sheet->width - bar;
    if (length >= 24) {
        int own = (int)lround(length * example->share);

        mx_canvas_fill(sheet->canvas, y + 11, x + bar, 5, own, blue);
        mx_canvas_fill(sheet->canvas, y + 11, x + bar + own, 5, length - own, orange);
    }
    if (chosen)
        y += put_choice(sheet, y + 35, x, example);
    for (uint32_t k = 0; k < example->nlabels; k++)
        put_label(sheet, y + 35 + LABEL * (int)k, x, example->labels[k],
                  example->nlabels > 1 ? &example->weights[k] : NULL,
                  example->labels[k] == base_label ? blue : orange);
}

static int put_example(const struct sheet *sheet, int y, int x,
                       const struct mx_preview_setting *setting,
                       const struct mx_preview_example *example, uint32_t base_label,
                       struct mx_err *err)
{
    put_image(sheet, y, x, example->image, line, 1);
    y += (int)sheet->height;
    if (sheet->masks) {
        if (put_shares(sheet, y + 8, x, example, err))
            return -1;
        y += (int)sheet->height + 8;
    }
    put_words(sheet, y, x, setting, example, base_label);
    return 0;
}

static int put_plain(const struct sheet *sheet, int y, int x, uint32_t image, uint32_t colour,
                     struct mx_err *err)
{
    uint8_t *pixels = mx_preview_plain(sheet->set, image, err);

    if (!pixels)
        return -1;
    put_image(sheet, y, x, pixels, colour, 3);
    put_label(sheet, y + (int)sheet->height + 18, x, sheet->set->train.labels[image], NULL, colour);
    free(pixels);
    return 0;
}

/* The first image from `from` on, going round, that has another label than the base; if all
 * have its label, another image. */
static uint32_t partner_of(const struct worker_split *train, uint32_t base, uint32_t from)
{
    for (uint32_t k = 0; k < train->n; k++) {
        uint32_t image = (uint32_t)(((uint64_t)from + k) % train->n);

        if (train->labels[image] != train->labels[base])
            return image;
    }
    return (base + 1) % train->n;
}

static int column_at(const struct sheet *sheet, size_t column)
{
    return MARGIN + (int)column * (int)(sheet->column + GAP);
}

static int put_row(const struct sheet *sheet, const struct mx_preview_settings *settings,
                   uint64_t seed, uint32_t row, uint32_t rows, int y, struct mx_err *err)
{
    const struct worker_split *train = &sheet->set->train;
    const uint32_t             base = row, partner = partner_of(train, base, rows + row);

    if (put_plain(sheet, y, column_at(sheet, 0), base, blue, err) ||
        put_plain(sheet, y, column_at(sheet, 1), partner, orange, err))
        return -1;
    for (size_t s = 0; s < settings->n; s++) {
        struct mx_preview_example example;
        int                       rc;

        if (mx_preview_mix(&settings->setting[s], sheet->set, seed, row, base, partner, &example,
                           err))
            return mx_err_prefix(err, "%s", settings->setting[s].title);
        rc = put_example(sheet, y, column_at(sheet, s + 2), &settings->setting[s], &example,
                         train->labels[base], err);
        mx_preview_example_free(&example);
        if (rc)
            return -1;
    }
    return 0;
}

/* What is shown, in a sentence. */
static void describe(const struct worker_shape *shape, const struct mx_preview_settings *settings,
                     uint64_t seed, char text[SENTENCE])
{
    const struct worker_params *params = &settings->setting[0].params;
    int                         len =
        snprintf(text, SENTENCE,
                 "%s, %u classes, %u \xC3\x97 %u pixels \xC2\xB7 seed %llu \xC2\xB7 \xCE\xBB is "
                 "the share of the base image",
                 worker_data_sets[params->data_set].word, shape->classes, shape->width,
                 shape->height, (unsigned long long)seed);

    if (params->data_augment != WORKER_AUGMENT_NONE)
        snprintf(text + len, SENTENCE - (size_t)len,
                 " \xC2\xB7 %s as in the first epoch, right of the partner",
                 worker_augments[params->data_augment].word);
}

static bool any_choices(const struct mx_preview_settings *settings)
{
    bool any = false;

    for (size_t s = 0; s < settings->n; s++)
        any |= settings->setting[s].params.mix_strategy == WORKER_MIX_CHOICES;
    return any;
}

/* `head` is the height of the title, with what its lines need. */
static void put_head(const struct sheet *sheet, const char *name,
                     const struct mx_preview_settings *settings, const char *sentence, int head)
{
    const int    y = MARGIN + head;
    const double width = (double)sheet->canvas->width - 2 * MARGIN;

    put_text(sheet, MARGIN + 16, MARGIN, name, mx_font_shrink(name, title_font, width), width, ink);
    put_lines(sheet, MARGIN + 42, MARGIN, sentence, text_font, width, faint);
    mx_canvas_fill(sheet->canvas, y - 20, MARGIN, 1, (int)width, line);
    put_text(sheet, y + 12, column_at(sheet, 0), "base", name_font, sheet->column, blue);
    put_text(sheet, y + 12, column_at(sheet, 1), "partner", name_font, sheet->column, orange);
    for (size_t s = 0; s < settings->n; s++) {
        const char *title = settings->setting[s].title;

        put_text(sheet, y + 12, column_at(sheet, s + 2), title,
                 mx_font_shrink(title, name_font, sheet->column), sheet->column, ink);
        put_lines(sheet, y + 29, column_at(sheet, s + 2), settings->setting[s].below, text_font,
                  sheet->column, faint);
    }
}

int mx_preview_sheet(const char *name, const struct mx_preview_settings *settings,
                     const struct worker_dataset *set, uint64_t seed, uint32_t rows, bool masks,
                     struct mx_canvas *canvas, struct mx_err *err)
{
    struct sheet sheet = {.canvas = canvas, .set = set, .masks = masks};
    uint32_t     height, width;
    int          rc, head = HEAD, top = 0; /* top: what lies above the images */
    char         sentence[SENTENCE];

    if (set->train.n < 2)
        return mx_fail(err, MX_EDATA, "there is only one training image: nothing to mix it with");
    rows = rows < set->train.n ? rows : set->train.n;
    choose_size(&sheet);
    height = sheet.height + (masks ? sheet.height + 8 : 0) + WORDS + GAP;
    height += any_choices(settings) ? LABEL : 0;
    width = (uint32_t)column_at(&sheet, settings->n + 2) - GAP + MARGIN;
    describe(&set->shape, settings, seed, sentence);
    head += more_lines(sentence, text_font, width - 2 * MARGIN);
    for (size_t s = 0; s < settings->n; s++) {
        int more = more_lines(settings->setting[s].below, text_font, sheet.column);

        top = more > top ? more : top;
    }
    top += MARGIN + head + COLUMNS;
    if (mx_canvas_init(canvas, (uint32_t)top + rows * height + MARGIN - GAP, width, paper, err))
        return -1;
    put_head(&sheet, name, settings, sentence, head);
    rc = 0;
    for (uint32_t row = 0; rc == 0 && row < rows; row++)
        rc = put_row(&sheet, settings, seed, row, rows, top + (int)(row * height), err);
    if (rc)
        mx_canvas_free(canvas);
    return rc;
}
