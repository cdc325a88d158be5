#include "sweep/inspect_counts.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/utf8.h"
#include "sweep/text_table.h"

enum {
    SHOWN = 30, /* classes, or groups */
    NUMBER_SIZE = 24,
    NAME_SIZE = 120,
};

uint64_t *mx_inspect_count(const struct mx_inspect_ids *ids)
{
    uint64_t *counts = calloc((size_t)ids->n * MX_INSPECT_PARTS + 1, sizeof *counts);

    for (size_t p = 0; counts && p < MX_INSPECT_PARTS; p++)
        for (uint32_t i = 0; i < ids->rows[p]; i++)
            counts[(size_t)ids->of[p][i] * MX_INSPECT_PARTS + p]++;
    return counts;
}

static void add_row(struct mx_text_table *table, const struct mx_inspect_ids *ids, uint32_t id,
                    const uint64_t *counts)
{
    const char *name = ids->name ? ids->name(ids->owner, id) : NULL;
    char        text[NAME_SIZE + NUMBER_SIZE], shown[NAME_SIZE];

    snprintf(text, sizeof text, "%u%s%s", id, name ? " " : "",
             name ? mx_utf8_shown(name, shown, sizeof shown) : "");
    mx_text_table_add(table, text);
    for (int p = 0; p < MX_INSPECT_PARTS; p++) {
        snprintf(text, NUMBER_SIZE, "%" PRIu64, counts[p]);
        mx_text_table_add(table, text);
    }
}

void mx_inspect_counts(const struct mx_inspect_ids *ids, const uint64_t *counts, struct mx_buf *out)
{
    const struct mx_text_column columns[] = {
        {ids->head, NULL, false, false, false},
        {"train", NULL, true, false, false},
        {"val", NULL, true, false, false},
        {"test", NULL, true, false, false},
    };
    struct mx_text_table *table = mx_text_table_new(columns, sizeof columns / sizeof columns[0]);

    if (!table) {
        out->failed = true;
        return;
    }
    for (uint32_t k = 0; k < ids->n && k < SHOWN; k++)
        add_row(table, ids, k, counts + (size_t)k * MX_INSPECT_PARTS);
    mx_buf_text(out, "\n");
    mx_text_table_print(table, 0, out);
    if (ids->n > SHOWN)
        mx_buf_printf(out, "(the first %d of %u)\n", SHOWN, ids->n);
    mx_text_table_free(table);
}
