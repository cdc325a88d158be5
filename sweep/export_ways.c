/* export_ways.c - which way is better, of the metrics in a table that is to be read. */
#include <string.h>

#include "sweep/export.h"
#include "sweep/results_rank.h"
#include "worker/map_scores.h"

/* Whether column c is the first one in the table with its word. */
static bool is_first(const struct mx_export *export, size_t c)
{
    const struct mx_sheet *sheet = mx_export_sheet(export);
    const int              word = mx_metric_word(sheet->columns[c].name);

    for (size_t k = 0; k < c; k++)
        if (sheet->columns[k].role == MX_SHEET_METRIC &&
            mx_export_takes(export, &sheet->columns[k]) &&
            mx_metric_word(sheet->columns[k].name) == word)
            return false;
    return true;
}

static void put_way(const struct mx_export *export, const char *way, struct mx_buf *out)
{
    const struct mx_sheet *sheet = mx_export_sheet(export);
    bool                   any = false;

    for (size_t c = mx_sheet_next(sheet, MX_SHEET_METRIC, 0); c < sheet->ncolumns; c++) {
        const char *name = sheet->columns[c].name;

        if (sheet->columns[c].role != MX_SHEET_METRIC ||
            !mx_export_takes(export, &sheet->columns[c]) ||
            strcmp(mx_metric_better(name), way) != 0 || !is_first(export, c))
            continue;
        if (any)
            mx_buf_text(out, ", ");
        else
            mx_buf_printf(out, "; %s is better: ", way);
        mx_buf_text(out, mx_metric_words[mx_metric_word(name)].word);
        any = true;
    }
}

void mx_export_ways(const struct mx_export *export, struct mx_buf *out)
{
    put_way(export, "higher", out);
    put_way(export, "lower", out);
}
