/* report_shown.c - how numbers are shown: intervals that can be, names that can break, and by
 * which rule maps were read. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "sweep/report_parts.h"
#include "worker/choices.h"

struct reduce_summary report_interval(struct reduce_summary s, struct mx_bounds bounds)
{
    if (!(s.low < s.high)) {
        s.low = s.high = NAN;
        return s;
    }
    s.low = fmax(s.low, bounds.low);
    s.high = fmin(s.high, bounds.high);
    return s;
}

struct mx_plot_point report_plot_point(double x, struct reduce_summary s, const char *metric)
{
    const struct reduce_summary shown = report_interval(s, mx_metric_bounds(metric));

    return (struct mx_plot_point){
        .x = x, .y = shown.mean, .low = shown.low, .high = shown.high, .shade = NAN};
}

void report_summary_put(struct report *r, const struct reduce_summary *s, struct mx_bounds bounds)
{
    const struct reduce_summary shown = report_interval(*s, bounds);

    mx_html_number(r->out, s->mean);
    if (isnan(shown.low) || isnan(shown.high))
        return;
    mx_buf_text(r->out, " <span class=\"interval\">[");
    mx_html_number_as(r->out, s->low, shown.low);
    mx_buf_text(r->out, ", ");
    mx_html_number_as(r->out, s->high, shown.high);
    mx_buf_text(r->out, "]</span>");
}

void report_name_put(struct report *r, const char *metric)
{
    while (*metric) {
        char         part[WORKER_METRIC_NAME_SIZE];
        const size_t stop = strcspn(metric, "._");
        const size_t len = metric[stop] ? stop + 1 : stop;

        snprintf(part, sizeof part, "%.*s", (int)len, metric);
        mx_html_text(r->out, part);
        metric += len;
        if (*metric)
            mx_buf_text(r->out, "<wbr>");
    }
}

bool report_is_control(const char *metric)
{
    return strstr(metric, ".random") || strstr(metric, ".centre");
}

void report_curve_rule(struct report *r)
{
    const struct mx_value *base = r->config->base, *fills = &base[KEY_SCORE_FILLS];
    const unsigned         rank = base[KEY_SCORE_RANK].choice;

    mx_buf_printf(r->out,
                  "<p class=\"note\">Pixels are ranked by the %s of the map (<code>score.rank: "
                  "%s</code>), equal ones in %s order; removed ones are replaced by ",
                  rank == WORKER_RANK_SIGNED ? "value" : "absolute value", worker_ranks[rank].word,
                  base[KEY_SCORE_TIES].choice == WORKER_TIES_RASTER ? "raster" : "random");
    for (size_t k = 0; k < fills->list.count; k++)
        mx_buf_printf(r->out, "%s<b>%s</b>", k > 0 ? ", " : "",
                      worker_fills[fills->list.items[k].choice].word);
    mx_buf_printf(r->out,
                  " (<code>score.fills</code>; insertion begins blurred), in %lld steps; the "
                  "probability is that of the %s class. Areas under another rule are no "
                  "comparison.</p>\n",
                  (long long)base[KEY_SCORE_STEPS].integer,
                  base[KEY_SCORE_TARGET].choice == WORKER_TARGET_PREDICTED ? "predicted" : "true");
}
