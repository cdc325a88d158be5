#include <criterion/criterion.h>
#include <math.h>

#include "config_files.h"
#include "sweep/preview.h"
#include "worker/choices.h"

#define HEAD                                                                                       \
    "data: {set: synthetic, size: 12, synthetic: {n: 40, classes: 4}}\nmodel: {arch: resnet8}\n"   \
    "train: {batch_size: 8}\n"

struct fixture {
    struct mx_config          *config;
    struct mx_grid            *grid;
    struct mx_preview_settings settings;
};

static struct fixture open_text(const char *text)
{
    struct mx_err  err = {0};
    struct fixture f = {.config = good_config(text)};

    f.grid = mx_grid_new(f.config, &err);
    cr_assert_not_null(f.grid, "%s", err.text);
    cr_assert_eq(mx_preview_settings_find(f.grid, &f.settings, &err), 0, "%s", err.text);
    return f;
}

static void close_all(struct fixture *f)
{
    mx_preview_settings_free(&f->settings);
    mx_grid_free(f->grid);
    mx_config_free(f->config);
}

/* "title|below title|below ". */
static const char *names_of(const struct mx_preview_settings *settings)
{
    static struct mx_buf out;

    mx_buf_clear(&out);
    for (size_t s = 0; s < settings->n; s++)
        mx_buf_printf(&out, "%s|%s ", settings->setting[s].title, settings->setting[s].below);
    return mx_buf_str(&out);
}

Test(preview, settings_are_those_of_the_first_two_mix_axes_each_once)
{
    struct fixture f = open_text(HEAD "grid:\n  train.lr: [0.1, 0.2]\n"
                                      "  mix.strategy: [none, mixup, cutout]\n"
                                      "  mix.alpha: [0.2, 1]\n  mix.labels: [mixed, host]\n");

    cr_expect_str_eq(names_of(&f.settings), "none| mixup|alpha 0.2 mixup|alpha 1 cutout| ");
    cr_expect_eq(f.settings.left_out, 0);
    cr_expect(!f.settings.setting[0].has_alpha);
    cr_expect(f.settings.setting[1].has_alpha);
    cr_expect_eq(f.settings.setting[2].params.mix_labels, WORKER_LABELS_MIXED);
    close_all(&f);
}

Test(preview, a_grid_without_mix_axes_has_one_setting_and_a_large_one_leaves_some_out)
{
    struct fixture one = open_text(HEAD "mix: {strategy: cutmix}\ngrid: {train.lr: [0.1, 0.2]}\n");
    struct fixture many = open_text(HEAD "mix: {strategy: cutmix}\ngrid:\n"
                                         "  mix.alpha: {linear: [1, 20], count: 20}\n"
                                         "  train.lr: [0.1, 0.2]\n");

    cr_expect_str_eq(names_of(&one.settings), "cutmix| ");
    cr_expect_eq(many.settings.n, MX_PREVIEW_SETTINGS);
    cr_expect_eq(many.settings.left_out, 8);
    cr_expect_str_eq(many.settings.setting[11].below, "alpha 12");
    close_all(&one);
    close_all(&many);
}

#define EVERY                                                                                      \
    "[none, mixup, cutmix, cutout, saliencymix, resizemix, fmix, puzzlemix, gridmix, "             \
    "manifold_mixup, recursivemix]"

/* Under every strategy, where a pixel is the base's alone or the partner's alone,
 * it is the byte of that image; and lambda is the mean of the shares. */
Test(preview, pictures_show_what_their_shares_say)
{
    struct fixture         f = open_text(HEAD "grid: {mix.strategy: " EVERY "}\n");
    struct mx_err          err = {0};
    struct worker_dataset *set = worker_dataset_open(&f.settings.setting[0].params, 3, &err);
    const uint32_t         base = 1, partner = 6;
    uint8_t               *plain[2];

    cr_assert_not_null(set, "%s", err.text);
    plain[0] = mx_preview_plain(set, base, &err);
    plain[1] = mx_preview_plain(set, partner, &err);
    cr_assert_eq(f.settings.n, 11);
    for (size_t s = 0; s < f.settings.n; s++) {
        const struct mx_preview_setting *setting = &f.settings.setting[s];
        struct mx_preview_example        e;
        double                           own = 0;

        cr_assert_eq(mx_preview_mix(setting, set, 3, 2, base, partner, &e, &err), 0, "%s: %s",
                     setting->title, err.text);
        for (size_t k = 0; k < 144; k++) {
            own += e.shares[2 * k] / 255.0 / 144;
            /* These move or shrink what they paste. */
            if (setting->params.mix_strategy == WORKER_MIX_RESIZEMIX ||
                setting->params.mix_strategy == WORKER_MIX_RECURSIVEMIX ||
                setting->params.mix_strategy == WORKER_MIX_PUZZLEMIX)
                continue;
            for (int c = 0; c < 3; c++)
                for (int i = 0; i < 2; i++)
                    if (e.shares[2 * k + (size_t)i] == 255)
                        cr_assert_eq(e.image[3 * k + (size_t)c], plain[i][3 * k + (size_t)c],
                                     "%s %zu", setting->title, k);
        }
        cr_expect(s == 0 || e.mixed, "%s", setting->title);
        if (e.layer == WORKER_LAYER_INPUT)
            cr_expect(fabs(own - e.share) <= 0.003, "%s: %g %g", setting->title, own, e.share);
        cr_expect_eq(e.labels[0], set->train.labels[base], "%s", setting->title);
        cr_expect_eq(e.nlabels, s == 0 || s == 3 ? 1 : 2, "%s: %g", setting->title, e.share);
        if (e.nlabels == 2) {
            cr_expect_eq(e.labels[1], set->train.labels[partner], "%s", setting->title);
            cr_expect(fabs(e.weights[0] + e.weights[1] - 1) <= 1e-6, "%s", setting->title);
            cr_expect(fabs(e.weights[0] - e.share) <= 1e-6, "%s", setting->title);
        }
        mx_preview_example_free(&e);
    }
    free(plain[0]);
    free(plain[1]);
    worker_dataset_free(set);
    close_all(&f);
}

/* Mean and spread of lambda by their formulas or methods of the strategies; bounds are
 * five standard errors of 4000 draws, at most. */
Test(preview, statistics_are_those_of_the_strategies)
{
    static const struct {
        const char *strategy;
        double      lambda, below, hidden;
    } rows[] = {{"mixup", .5, .5, 0},
                {"cutmix", .701, .145, .299},
                {"cutout", 1, 0, .191},
                {"resizemix", .833, .02, .167},
                {"fmix", .5, .5, .5},
                {"gridmix", .5, .45, .5},
                {"recursivemix", .825, 0, .175},
                {"manifold_mixup", .5, .5, 0}};
    char text[512];

    for (size_t k = 0; k < sizeof rows / sizeof rows[0]; k++) {
        struct mx_preview_stats stats;
        struct fixture          f;
        double                  alpha;

        snprintf(text, sizeof text,
                 "data: {set: synthetic, size: 32}\nmodel: {arch: resnet8}\n"
                 "mix: {strategy: %s%s}\n",
                 rows[k].strategy, strcmp(rows[k].strategy, "manifold_mixup") ? "" : ", alpha: 1");
        f = open_text(text);
        alpha = f.settings.setting[0].params.mix_alpha;
        cr_assert_eq(mx_preview_stats(&f.settings.setting[0], 5, 4000, &stats, NULL), 0);
        cr_expect_eq(stats.n, 4000);
        cr_expect(fabs(stats.lambda_mean - rows[k].lambda) <= 0.023, "%s: %g", rows[k].strategy,
                  stats.lambda_mean);
        cr_expect(fabs(stats.lambda_below_half - rows[k].below) <= 0.04, "%s: %g", rows[k].strategy,
                  stats.lambda_below_half);
        cr_expect(fabs(stats.hidden_mean - rows[k].hidden) <= 0.023, "%s: %g", rows[k].strategy,
                  stats.hidden_mean);
        cr_expect_eq(stats.unmixed, 0);
        cr_expect(alpha > 0);
        for (int q = 1; q < MX_PREVIEW_QUANTILES; q++)
            cr_expect(stats.lambda_quantiles[q] >= stats.lambda_quantiles[q - 1]);
        close_all(&f);
    }
}

Test(preview, statistics_follow_alpha_and_the_chance_of_mixing)
{
    struct fixture          f = open_text("data: {set: synthetic, size: 8}\nmodel: {arch: linear}\n"
                                                   "mix: {strategy: mixup, prob: 0.25, ramp_epochs: 3}\n"
                                                   "grid: {mix.alpha: [0.2, 8]}\n");
    struct mx_preview_stats stats;

    /* Beta(a, a) has the variance 1 / (4 (2 a + 1)). */
    for (size_t s = 0; s < 2; s++) {
        double a = s ? 8 : 0.2;

        cr_assert_eq(mx_preview_stats(&f.settings.setting[s], 1, 10000, &stats, NULL), 0);
        cr_expect(fabs(stats.lambda_sd - sqrt(1 / (4 * (2 * a + 1)))) <= 0.006, "%g",
                  stats.lambda_sd);
        cr_expect(fabs(stats.unmixed - 0.75) <= 0.012, "%g", stats.unmixed);
    }
    f.settings.setting[0].params.mix_prob = 0;
    cr_assert_eq(mx_preview_stats(&f.settings.setting[0], 1, 10, &stats, NULL), 0);
    cr_expect_eq(stats.n, 0);
    cr_expect_eq(stats.unmixed, 1);
    cr_expect(isnan(stats.lambda_mean));
    close_all(&f);
}

/* The draw of a strategy that looks at images, made the long way, and without them. */
Test(preview, draws_with_and_without_images_are_of_one_kind)
{
    struct fixture          f = open_text(HEAD "grid: {mix.strategy: [saliencymix, puzzlemix]}\n");
    struct mx_preview_stats stats;
    struct mx_err           err = {0};

    cr_assert_eq(mx_preview_stats(&f.settings.setting[0], 1, 500, &stats, &err), 0, "%s", err.text);
    cr_expect_eq(stats.n, 500);
    cr_expect(stats.lambda_mean > 0.6 && stats.lambda_mean < 0.78, "%g", stats.lambda_mean);
    cr_expect(fabs(stats.lambda_mean + stats.hidden_mean - 1) <= 1e-6);
    cr_assert_eq(mx_preview_stats(&f.settings.setting[1], 1, 100, &stats, &err), 0, "%s", err.text);
    cr_expect_eq(stats.n, 100);
    cr_expect_eq(stats.height, 12);
    close_all(&f);
}

Test(preview, the_json_has_the_keys_of_the_format_and_null_for_what_there_is_not)
{
    struct fixture          f = open_text(HEAD "grid: {mix.strategy: [none, mixup]}\n");
    struct mx_preview_stats stats;
    struct mx_buf           out = {0};

    cr_assert_eq(mx_preview_stats(&f.settings.setting[0], 1, 10, &stats, NULL), 0);
    mx_preview_stats_json(&f.settings.setting[0], &stats, &out);
    cr_expect_str_eq(
        mx_buf_str(&out),
        "{\"strategy\":\"none\",\"alpha\":null,\"size\":12,\"n\":0,\"lambda\":{\"mean\":"
        "null,\"sd\":null,\"quantiles\":{\"0.01\":null,\"0.05\":null,\"0.25\":null,"
        "\"0.5\":null,\"0.75\":null,\"0.95\":null,\"0.99\":null}},"
        "\"lambda_below_half\":null,\"hidden_area\":{\"mean\":null,\"sd\":null},"
        "\"unmixed\":1,\"drawn_weight\":{\"mean\":null,\"sd\":null},"
        "\"axes\":{\"mix.strategy\":\"none\"}}");
    mx_buf_free(&out);
    close_all(&f);
}

Test(preview, the_sheet_has_the_images_where_they_belong)
{
    struct fixture         f = open_text(HEAD "grid: {mix.strategy: [none, cutmix]}\n");
    struct worker_dataset *set = worker_dataset_open(&f.settings.setting[0].params, 3, NULL);
    struct mx_canvas       canvas, masked;
    uint8_t               *plain = mx_preview_plain(set, 0, NULL);
    const uint32_t         y = 28 + 78 + 44, x = 28; /* margin, title, names */

    cr_assert_eq(mx_preview_sheet("n", &f.settings, set, 3, 2, false, &canvas, NULL), 0);
    cr_assert_eq(mx_preview_sheet("n", &f.settings, set, 3, 2, true, &masked, NULL), 0);
    cr_expect_eq(canvas.width, 28 * 2 + 4 * 132 + 3 * 20); /* 12 pixels 11 times as large */
    cr_expect_gt(masked.height, canvas.height + 2 * 132);
    for (uint32_t k = 0; k < 12; k++)
        for (uint32_t column = 0; column < 3; column += 2) { /* base, and none */
            size_t at = ((y + 11 * k + 5) * canvas.width + x + column * 152 + 11 * k + 5) * 3u;

            cr_expect_arr_eq(canvas.pixels + at, plain + (k * 12 + k) * 3u, 3);
        }
    free(plain);
    mx_canvas_free(&canvas);
    mx_canvas_free(&masked);
    worker_dataset_free(set);
    close_all(&f);
}

static uint32_t inked(const struct mx_canvas *canvas, uint32_t from, uint32_t to)
{
    uint32_t n = 0;

    for (uint32_t y = 0; y < canvas->height; y++)
        for (uint32_t x = from; x < to; x++)
            n += canvas->pixels[((size_t)y * canvas->width + x) * 3] < 255;
    return n;
}

Test(canvas, letters_are_as_wide_as_told_and_no_two_look_alike)
{
    const struct mx_font font = {20, 2};
    struct mx_canvas     canvas, before = {0};

    for (char c = '!'; c <= '~'; c++) {
        char   text[] = {c, '\0'};
        double width = mx_font_width(text, font);

        cr_assert_eq(mx_canvas_init(&canvas, 40, 60, 0xFFFFFF, NULL), 0);
        mx_canvas_text(&canvas, 28, 10, text, font, 0);
        cr_expect_gt(inked(&canvas, 9, (uint32_t)(11 + width)), 3, "%c", c);
        cr_expect_eq(inked(&canvas, 0, 9), 0, "%c", c);
        cr_expect_eq(inked(&canvas, (uint32_t)(12 + width), 60), 0, "%c", c);
        if (before.pixels)
            cr_expect_neq(memcmp(canvas.pixels, before.pixels, 40 * 60 * 3), 0, "%c", c);
        mx_canvas_free(&before);
        before = canvas;
    }
    mx_canvas_free(&before);
}

Test(canvas, text_is_cut_between_characters_to_fit)
{
    const struct mx_font font = {9, 1.3};
    char                 out[64];

    cr_expect_str_eq(mx_font_fit("cat", font, 100, out, sizeof out), "cat");
    mx_font_fit("american_bulldog", font, 60, out, sizeof out);
    cr_expect(strncmp(out, "american", 5) == 0 && strstr(out, "\xE2\x80\xA6"));
    cr_expect_leq(mx_font_width(out, font), 60);
    cr_expect_str_eq(mx_font_fit("\xCE\xBB\xCE\xBB\xCE\xBB", font, 18, out, sizeof out),
                     "\xCE\xBB\xE2\x80\xA6");
    cr_expect_str_eq(mx_font_fit("", font, 0, out, sizeof out), "");
    for (size_t size = 4; size <= 8; size++) /* by the room for it, too, and never unseen */
        cr_expect_str_eq(mx_font_fit("abcdefg", font, 1000, out, size),
                         ((const char *[]){"\xE2\x80\xA6", "a\xE2\x80\xA6", "ab\xE2\x80\xA6",
                                           "abc\xE2\x80\xA6", "abcdefg"})[size - 4]);
    cr_expect_gt(mx_font_width("\xFF\xFE", font), 0);
}

Test(canvas, what_lies_outside_is_cut_off)
{
    static const uint8_t image[] = {1, 2, 3, 4, 5, 6};
    struct mx_canvas     canvas;

    cr_assert_eq(mx_canvas_init(&canvas, 4, 5, 0x102030, NULL), 0);
    mx_canvas_fill(&canvas, -3, -3, 4, 4, 0xFF0000);
    cr_expect_eq(canvas.pixels[0], 0xFF);
    cr_expect_eq(canvas.pixels[3], 0x10);
    mx_canvas_image(&canvas, 3, 4, image, 1, 2, 3);
    cr_expect_arr_eq(canvas.pixels + 3 * 19, image, 3);
    mx_canvas_line(&canvas, -10, -10, 20, 20, 3, 0);
    mx_canvas_text(&canvas, 100, -50, "outside", (struct mx_font){9, 1}, 0);
    mx_canvas_free(&canvas);
}

Test(canvas, long_text_goes_on_in_the_next_line_or_gets_smaller)
{
    const struct mx_font font = {9, 1.3};
    const double         width = mx_font_width("beta 1.2, alpha", font);
    struct mx_font       small;
    char                 out[64];

    cr_expect_eq(mx_font_wrap("beta 1.2, alpha", font, width, out, sizeof out), 1);
    cr_expect_str_eq(out, "beta 1.2, alpha");
    cr_expect_eq(mx_font_wrap("beta 1.2, alpha 0.5", font, width, out, sizeof out), 2);
    cr_expect_str_eq(out, "beta 1.2, alpha\n0.5");
    cr_expect_eq(mx_font_wrap("transport_cost_of_a_block 0.8 b", font, width, out, sizeof out), 2);
    cr_expect_str_eq(out, "transport_cost_of_a_block\n0.8 b");
    cr_expect_eq(mx_font_wrap("", font, width, out, sizeof out), 1);
    cr_expect_str_eq(out, "");
    cr_expect_eq(mx_font_wrap("a b c", font, 1, out, 4), 2);
    cr_expect_str_eq(out, "a\nb");
    small = mx_font_shrink("beta 1.2, alpha 0", font, width);
    cr_expect_lt(small.size, font.size);
    cr_expect(mx_font_width("beta 1.2, alpha 0", small) <= width + 1e-9);
    small = mx_font_shrink("beta 1.2, alpha", font, width);
    cr_expect(small.size == font.size && small.thick == font.thick);
    small = mx_font_shrink("beta 1.2, alpha", font, 1);
    cr_expect_float_eq(small.size, 5.4, 1e-12);
}

Test(canvas, large_images_are_shrunk_to_means_that_lose_no_pixel)
{
    static const uint8_t stripes[2 * 5 * 3] = {0, 0, 0, 255, 90, 9, 0, 0, 0, 255, 90, 9, 7, 7, 7,
                                               0, 0, 0, 255, 90, 9, 0, 0, 0, 255, 90, 9, 7, 7, 7};
    static const uint8_t grey[3] = {128, 45, 5};
    struct mx_canvas     canvas;

    cr_assert_eq(mx_canvas_init(&canvas, 4, 4, 0, NULL), 0);
    mx_canvas_shrunk(&canvas, 1, 1, stripes, 2, 5, 2); /* the fifth column is less than a pixel */
    cr_expect_arr_eq(canvas.pixels + 3 * 5, grey, 3);
    cr_expect_arr_eq(canvas.pixels + 3 * 6, grey, 3);
    cr_expect_eq(canvas.pixels[3 * 7], 0);
    cr_expect_eq(canvas.pixels[3 * 9], 0);
    mx_canvas_shrunk(&canvas, 3, 0, stripes, 2, 5, 9); /* lower than one pixel, and narrower */
    cr_expect_eq(canvas.pixels[3 * 12], (2 * 2 * 255 + 2 * 7 + 5) / 10);
    cr_expect_eq(canvas.pixels[3 * 13], 0);
    mx_canvas_shrunk(&canvas, -1, 3, stripes, 2, 5, 2); /* outside */
    mx_canvas_free(&canvas);
}

Test(canvas, text_that_was_shrunk_to_fit_is_shown_whole)
{
    static const char    text[] = "manifold_mixup at stage1";
    const struct mx_font font = {9, 1.35};
    const double         whole = mx_font_width(text, font);
    char                 out[64];

    for (double width = 0.6 * whole; width <= whole; width += 0.37)
        cr_expect_str_eq(mx_font_fit(text, mx_font_shrink(text, font, width), width, out, 64), text,
                         "at %g of %g", width, whole);
}

/* Ink in a rectangle. */
static uint32_t ink_in(const struct mx_canvas *canvas, uint32_t y0, uint32_t y1, uint32_t x0,
                       uint32_t x1)
{
    uint32_t n = 0;

    for (uint32_t y = y0; y < y1; y++)
        for (uint32_t x = x0; x < x1; x++)
            n += canvas->pixels[((size_t)y * canvas->width + x) * 3] < 200;
    return n;
}

/* Under `choices` every picture names its strategy, on a line that other sheets do not have. */
Test(preview, what_was_chosen_stands_on_a_line_of_its_own)
{
    struct fixture         f = open_text(HEAD "mix: {choices: [manifold_mixup], layers: [stage1]}\n"
                                                      "grid: {mix.strategy: [manifold_mixup, choices]}\n");
    struct fixture         plain = open_text(HEAD "mix: {layers: [stage1]}\n"
                                                          "grid: {mix.strategy: [manifold_mixup, cutmix]}\n");
    struct worker_dataset *set = worker_dataset_open(&f.settings.setting[0].params, 3, NULL);
    struct mx_canvas       canvas, other;
    const uint32_t         words = 28 + 78 + 44 + 132, column = 28 + 3 * 152;

    cr_assert_eq(mx_preview_sheet("n", &f.settings, set, 3, 1, false, &canvas, NULL), 0);
    cr_assert_eq(mx_preview_sheet("n", &plain.settings, set, 3, 1, false, &other, NULL), 0);
    cr_expect_eq(canvas.height, other.height + 17);
    cr_expect_gt(ink_in(&canvas, words + 24, words + 38, column, column + 132), 100);
    cr_expect_gt(ink_in(&canvas, words + 11, words + 16, column + 60, column + 132),
                 100);               /* the bar */
    for (uint32_t k = 0; k < 2; k++) /* and both labels, a line further down */
        cr_expect_gt(
            ink_in(&canvas, words + 43 + 17 * k, words + 53 + 17 * k, column, column + 132), 30);
    mx_canvas_free(&canvas);
    mx_canvas_free(&other);
    worker_dataset_free(set);
    close_all(&f);
    close_all(&plain);
}

/* A list of 16 goes over as many lines as it needs, in letters of full size. */
Test(preview, long_lists_end_their_lines_between_entries)
{
    struct fixture f = open_text(
        HEAD "mix: {strategy: choices}\ngrid: {mix.choices: [[manifold_mixup, manifold_mixup, "
             "manifold_mixup, manifold_mixup, manifold_mixup, manifold_mixup, manifold_mixup, "
             "manifold_mixup, manifold_mixup, manifold_mixup, manifold_mixup, manifold_mixup, "
             "manifold_mixup, manifold_mixup, manifold_mixup, recursivemix]]}\n");
    const struct mx_font font = {9, 1.35};
    const char          *below = f.settings.setting[0].below;
    char                 lines[512], *rest = lines;

    cr_expect_str_eq(strrchr(below, ','), ", recursivemix]");
    mx_font_wrap(below, font, 132, lines, sizeof lines);
    while (rest) {
        char *end = strchr(rest, '\n');

        if (end)
            *end++ = '\0';
        cr_expect_leq(mx_font_width(rest, font), 132, "%s", rest);
        rest = end;
    }
    close_all(&f);
}

/* What is shown is told in one line where there is room for it, to its last word. */
Test(preview, the_sentence_below_the_title_is_shown_whole)
{
    struct fixture f =
        open_text("data: {set: synthetic, size: 12, synthetic: {n: 40, classes: 4}, augment: "
                  "random_resized_crop_jitter}\nmodel: {arch: resnet8}\ntrain: {batch_size: 8}\n"
                  "mix: {strategy: mixup}\ngrid: {mix.alpha: [0.1, 0.2, 0.5, 1, 2, 3, 5, 10]}\n");
    struct worker_dataset *set = worker_dataset_open(&f.settings.setting[0].params, 3, NULL);
    const char      *text = "synthetic, 4 classes, 12 \xC3\x97 12 pixels \xC2\xB7 seed 3 \xC2\xB7 "
                            "\xCE\xBB is the share of the base image \xC2\xB7 "
                            "random_resized_crop_jitter as in the first epoch, right of the partner";
    const uint32_t   end = 28 + (uint32_t)mx_font_width(text, (struct mx_font){9, 1.35});
    struct mx_canvas canvas;

    cr_assert_gt(strlen(text), 140);
    cr_assert_eq(mx_preview_sheet("n", &f.settings, set, 3, 1, false, &canvas, NULL), 0);
    cr_assert_gt(canvas.width, end + 28);
    cr_expect_gt(ink_in(&canvas, 28 + 30, 28 + 46, end - 40, end + 1), 40);
    cr_expect_eq(ink_in(&canvas, 28 + 30, 28 + 46, end + 2, canvas.width), 0);
    mx_canvas_free(&canvas);
    worker_dataset_free(set);
    close_all(&f);
}

/* Two axes with long names need a second line, and move the images down. */
Test(preview, long_headings_are_shown_whole)
{
    struct fixture         f = open_text(HEAD "mix: {strategy: manifold_mixup}\ngrid: {mix.layers: "
                                                      "[[input, stage1, stage2], [stage1]], mix.prob: "
                                                      "[0.5, 0.25]}\n");
    struct worker_dataset *set = worker_dataset_open(&f.settings.setting[0].params, 3, NULL);
    struct mx_canvas       canvas;
    const uint32_t         below = 28 + 78 + 29; /* where the first line stands */
    uint32_t               ink = 0;

    cr_assert_eq(mx_preview_sheet("n", &f.settings, set, 3, 1, false, &canvas, NULL), 0);
    for (uint32_t y = below + 4; y < below + 16; y++) /* the second line */
        for (uint32_t x = 28 + 2 * 152; x < 28 + 2 * 152 + 132; x++)
            ink += canvas.pixels[((size_t)y * canvas.width + x) * 3] < 200;
    cr_expect_gt(ink, 20);
    mx_canvas_free(&canvas);
    worker_dataset_free(set);
    close_all(&f);
}
