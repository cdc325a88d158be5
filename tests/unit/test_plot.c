#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "sweep/plot.h"

static struct mx_buf drawn(const struct mx_plot *plot)
{
    struct mx_buf out = {0};

    mx_plot_svg(plot, &out);
    cr_assert(mx_buf_ok(&out));
    return out;
}

static size_t count(const char *text, const char *what)
{
    size_t n = 0;

    for (const char *at = strstr(text, what); at; at = strstr(at + 1, what))
        n++;
    return n;
}

#define POINT(x_, y_, low_, high_)                                                                 \
    {                                                                                              \
        .x = x_, .y = y_, .low = low_, .high = high_, .shade = NAN                                 \
    }

Test(plot, has_a_text_for_those_who_do_not_see_it_and_names_are_escaped)
{
    static const struct mx_plot_point points[] = {POINT(1, 0.5, 0.4, 0.6)};
    const struct mx_plot_series       series = {.name = "a<b", .points = points, .npoints = 1};
    const struct mx_plot              plot = {.x_label = "x&y",
                                              .y_label = "y",
                                              .alt = "says \"it\"",
                                              .y_low = NAN,
                                              .y_high = NAN,
                                              .series = &series,
                                              .nseries = 1};
    struct mx_buf                     out = drawn(&plot), legend = {0};

    cr_expect(strstr(mx_buf_str(&out), "<svg role=\"img\" aria-label=\"says &quot;it&quot;\""));
    cr_expect(strstr(mx_buf_str(&out), "<title>a&lt;b: 0.5000 (0.4000 to 0.6000)</title>"));
    cr_expect(strstr(mx_buf_str(&out), "x&amp;y"));
    cr_expect_not(strstr(mx_buf_str(&out), "a<b"));
    mx_plot_legend(&series, 1, &legend);
    cr_expect(strstr(mx_buf_str(&legend), "a&lt;b"));
    mx_buf_free(&legend);
    mx_buf_free(&out);
}

Test(plot, what_is_not_finite_is_left_out)
{
    static const struct mx_plot_point points[] = {POINT(1, NAN, NAN, NAN), POINT(2, 1, NAN, NAN),
                                                  POINT(0, 2, NAN, NAN), POINT(4, INFINITY, 1, 2),
                                                  POINT(8, 3, -INFINITY, 2)};
    const struct mx_plot_series       series = {.name = "s", .points = points, .npoints = 5};
    struct mx_plot                    plot = {.x_label = "x",
                                              .y_label = "y",
                                              .alt = "a",
                                              .x_axis = MX_PLOT_LOG,
                                              .y_low = NAN,
                                              .y_high = NAN,
                                              .series = &series,
                                              .nseries = 1};
    struct mx_buf                     out = drawn(&plot);

    cr_expect_eq(count(mx_buf_str(&out), "<circle"), 2, "%s", mx_buf_str(&out));
    cr_expect_not(strstr(mx_buf_str(&out), "nan"));
    cr_expect_not(strstr(mx_buf_str(&out), "inf"));
    mx_buf_free(&out);
}

Test(plot, nothing_at_all_can_be_drawn)
{
    const struct mx_plot_series series = {.name = "s"};
    struct mx_plot              plot = {.x_label = "x",
                                        .y_label = "y",
                                        .alt = "a",
                                        .y_low = NAN,
                                        .y_high = NAN,
                                        .series = &series,
                                        .nseries = 1};
    struct mx_buf               out = drawn(&plot);

    cr_expect(strstr(mx_buf_str(&out), "</svg>"));
    cr_expect_not(strstr(mx_buf_str(&out), "nan"));
    mx_buf_free(&out);
    plot.nseries = 0;
    out = drawn(&plot);
    cr_expect_eq(out.len, 0);
    mx_buf_free(&out);
}

/* 0.2 and 1 have to be at the same places in every panel. */
Test(plot, a_given_range_is_the_axis)
{
    static const struct mx_plot_point a[] = {POINT(0, 0.5, NAN, NAN)};
    const struct mx_plot_series       series = {.points = a, .npoints = 1, .form = MX_PLOT_DOTS};
    struct mx_plot                    plot = {.x_label = "x",
                                              .y_label = "y",
                                              .alt = "a",
                                              .y_low = 0,
                                              .y_high = 1,
                                              .series = &series,
                                              .nseries = 1};
    struct mx_buf                     out = drawn(&plot);

    cr_expect(strstr(mx_buf_str(&out), "cy=\"126.0\""), "%s", mx_buf_str(&out));
    for (double tick = 0; tick <= 1.01; tick += 0.2) {
        char text[32];

        snprintf(text, sizeof text, ">%.1f</text>", tick);
        cr_expect(strstr(mx_buf_str(&out), text), "%s", text);
    }
    mx_buf_free(&out);
}

Test(plot, a_legend_names_each_series_once)
{
    static const struct mx_plot_series series[] = {{.name = "a", .style = 0},
                                                   {.name = "a", .style = 0},
                                                   {.name = NULL},
                                                   {.name = "b", .style = 9}};
    struct mx_buf                      out = {0};

    mx_plot_legend(series, 4, &out);
    cr_expect_eq(count(mx_buf_str(&out), "<li>"), 2);
    mx_buf_free(&out);
}

Test(plot, a_heat_map_leaves_missing_squares_empty_and_darkens_with_the_value)
{
    static const double      values[] = {0, 1, NAN, 0.5};
    static const char *const rows[] = {"a<", "b"}, *const columns[] = {"c", "d"};
    const struct mx_heat heat = {.rows = 2,
                                 .columns = 2,
                                 .values = values,
                                 .row_names = rows,
                                 .column_names = columns,
                                 .column_ticks = columns,
                                 .row_label = "map",
                                 .column_label = "scorer",
                                 .alt = "matrix",
                                 .low = NAN,
                                 .high = NAN};
    struct mx_buf        out = {0};
    char                 light[MX_COLOUR_SIZE], dark[MX_COLOUR_SIZE];

    mx_heat_svg(&heat, &out);
    cr_expect(strstr(mx_buf_str(&out), "aria-label=\"matrix\""));
    cr_expect(strstr(mx_buf_str(&out), "<title>a&lt; / d: 1</title>"));
    cr_expect_eq(count(mx_buf_str(&out), "fill=\"none\""), 1);
    cr_expect(strstr(mx_buf_str(&out), mx_plot_shade(0, light)));
    cr_expect(strstr(mx_buf_str(&out), mx_plot_shade(1, dark)));
    cr_expect_str_neq(light, dark);
    mx_buf_free(&out);
}

static double luminance(const char *colour)
{
    unsigned rgb[3];
    double   linear[3];

    cr_assert_eq(sscanf(colour, "#%2x%2x%2x", &rgb[0], &rgb[1], &rgb[2]), 3, "%.7s", colour);
    for (int i = 0; i < 3; i++) {
        const double c = rgb[i] / 255.0;

        linear[i] = c <= 0.04045 ? c / 12.92 : pow((c + 0.055) / 1.055, 2.4);
    }
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
}

/* WCAG 2 asks for 4.5 to 1; the numbers stand in squares of every shade. */
Test(plot, numbers_in_a_heat_map_can_be_read_on_every_colour)
{
    enum {
        N = 121
    };
    double         values[N];
    const char    *names[N], *one[] = {"c"};
    struct mx_heat heat = {.rows = N,
                           .columns = 1,
                           .values = values,
                           .row_names = names,
                           .column_names = one,
                           .column_ticks = one,
                           .row_label = "r",
                           .column_label = "c",
                           .alt = "a",
                           .low = NAN,
                           .high = NAN};

    for (int k = 0; k < N; k++) {
        values[k] = (k - 60) / 60.0;
        names[k] = "n";
    }
    for (int signs = 0; signs < 2; signs++) {
        struct mx_buf out = {0};
        int           seen = 0;

        heat.signs = signs;
        mx_heat_svg(&heat, &out);
        for (const char *at = mx_buf_str(&out); (at = strstr(at, "<rect ")); at++, seen++) {
            const double square = luminance(strstr(at, "fill=\"") + 6);
            const char  *ink = strstr(strstr(at, "<text"), "fill=\"") + 6;
            const double text = strncmp(ink, "#fff\"", 5) == 0 ? 1 : 0;
            const double contrast = (fmax(square, text) + 0.05) / (fmin(square, text) + 0.05);

            cr_assert(text == 1 || strncmp(ink, "#000\"", 5) == 0);
            cr_expect(contrast >= 4.5, "value %g: %g to 1", values[seen], contrast);
        }
        cr_expect_eq(seen, N);
        mx_buf_free(&out);
    }
}
