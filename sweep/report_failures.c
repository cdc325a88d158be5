/* report_failures.c - what went wrong, first: counts, reasons, the trials, warnings. */
#include <ctype.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "sweep/report_parts.h"

enum {
    GROUPS = 40,  /* kinds of failures that are told apart */
    EXAMPLES = 3, /* trials named of each */
};

/* Failures that say the same, numbers in their texts aside. */
struct kind {
    enum mx_state  state;
    enum mx_reason reason;
    const char    *text; /* of the first one */
    uint32_t       count, examples[EXAMPLES];
    unsigned       attempts; /* the most of one */
};

struct kinds {
    struct kind list[GROUPS];
    size_t      count;
    uint64_t    others; /* trials of kinds there was no room for */
};

static bool has_failed(const struct report *r, uint32_t trial)
{
    return r->results->states[trial] == MX_STATE_FAILED ||
           r->results->states[trial] == MX_STATE_QUARANTINED;
}

static bool says_the_same(const char *a, const char *b)
{
    while (*a && *b) {
        if (isdigit((unsigned char)*a) && isdigit((unsigned char)*b)) {
            while (isdigit((unsigned char)*a))
                a++;
            while (isdigit((unsigned char)*b))
                b++;
        } else if (*a++ != *b++) {
            return false;
        }
    }
    return *a == *b;
}

static struct kind *find_kind(struct kinds *kinds, enum mx_state state, enum mx_reason reason,
                              const char *text)
{
    for (size_t k = 0; k < kinds->count; k++)
        if (kinds->list[k].state == state && kinds->list[k].reason == reason &&
            says_the_same(kinds->list[k].text, text))
            return &kinds->list[k];
    if (kinds->count == GROUPS)
        return NULL;
    kinds->list[kinds->count] = (struct kind){.state = state, .reason = reason, .text = text};
    return &kinds->list[kinds->count++];
}

static void collect(const struct report *r, struct kinds *kinds)
{
    for (uint32_t t = 0; t < r->plan->ntrials; t++) {
        struct mx_run_info run;
        struct kind       *kind;

        if (!has_failed(r, t))
            continue;
        mx_trial_run(r->results, t, &run);
        kind = find_kind(kinds, r->results->states[t], r->results->reasons[t],
                         run.text ? run.text : "");
        if (!kind) {
            kinds->others++;
            continue;
        }
        if (kind->count < EXAMPLES)
            kind->examples[kind->count] = t;
        kind->count++;
        kind->attempts = run.attempts > kind->attempts ? run.attempts : kind->attempts;
    }
}

static void put_trial(struct report *r, uint32_t trial)
{
    char name[MX_TRIAL_NAME_SIZE];

    report_element(r, "code", mx_trial_name(&r->plan->trials[trial], name));
}

static void put_kind(struct report *r, const struct kind *kind)
{
    mx_buf_printf(r->out, "<tr><td class=\"n\">%" PRIu32 "</td>", kind->count);
    report_element(r, "td", mx_state_names[kind->state]);
    report_element(r, "td", mx_reason_names[kind->reason]);
    report_element(r, "td", kind->text);
    mx_buf_printf(r->out, "<td class=\"n\">%u</td><td>", kind->attempts);
    for (uint32_t k = 0; k < kind->count && k < EXAMPLES; k++) {
        mx_buf_text(r->out, k > 0 ? "<br>" : "");
        put_trial(r, kind->examples[k]);
    }
    if (kind->count > EXAMPLES)
        mx_buf_printf(r->out, "<br>and %" PRIu32 " more", kind->count - EXAMPLES);
    mx_buf_text(r->out, "</td></tr>\n");
}

static void put_kinds(struct report *r, const struct kinds *kinds)
{
    mx_buf_text(r->out, "<h3>Why trials failed</h3>\n<div class=\"scroll\"><table><thead><tr>"
                        "<th class=\"n\">trials</th><th>state</th><th>reason</th>"
                        "<th>last message</th><th class=\"n\">attempts</th><th>which</th></tr>"
                        "</thead><tbody>\n");
    for (size_t k = 0; k < kinds->count; k++)
        put_kind(r, &kinds->list[k]);
    mx_buf_text(r->out, "</tbody></table></div>\n");
    if (kinds->others > 0)
        mx_buf_printf(r->out,
                      "<p class=\"note\">%" PRIu64 " more failed for other reasons: column "
                      "run.reason of results.csv.</p>\n",
                      kinds->others);
}

/* Cells of which trials are missing, the first of them. */
static void put_incomplete(struct report *r)
{
    size_t shown = 0;

    if (r->ranking.ncomplete == r->ranking.ncells)
        return;
    mx_buf_printf(r->out,
                  "<details><summary>%zu of %zu cells are not complete and take no part in "
                  "rankings</summary>\n<div class=\"scroll\"><table><thead><tr><th>cell</th><th>"
                  "settings</th><th class=\"n\">done</th><th>why</th></tr></thead><tbody>\n",
                  r->ranking.ncells - r->ranking.ncomplete, r->ranking.ncells);
    for (size_t k = r->ranking.ncomplete; k < r->ranking.ncells && shown < REPORT_ROWS; k++) {
        const struct mx_ranked *row = &r->ranking.cells[k];
        struct mx_buf           text = {0};
        char                    hex[MX_HASH64_HEX];

        mx_buf_text(r->out, "<tr><td>");
        report_element(r, "code", mx_hash64_hex(r->plan->trials[row->cell.first].cell, hex));
        mx_buf_text(r->out, "</td>");
        report_label(r, row->cell, &text);
        report_element(r, "td", mx_buf_str(&text));
        mx_buf_clear(&text);
        mx_ranked_remark(r->results, row, &text);
        mx_buf_printf(r->out, "<td class=\"n\">%zu/%" PRIu32 "</td>", row->value.n,
                      row->cell.count);
        report_element(r, "td", mx_buf_str(&text));
        mx_buf_text(r->out, "</tr>\n");
        mx_buf_free(&text);
        shown++;
    }
    mx_buf_text(r->out, "</tbody></table></div>\n");
    if (shown < r->ranking.ncells - r->ranking.ncomplete)
        mx_buf_printf(r->out,
                      "<p class=\"note\">Showing %zu of %zu; the others are in cells.csv."
                      "</p>\n",
                      shown, r->ranking.ncells - r->ranking.ncomplete);
    mx_buf_text(r->out, "</details>\n");
}

static void count_states(const struct report *r, uint64_t by_state[MX_STATES])
{
    mx_cell_states(r->results, (struct mx_cell_trials){0, r->plan->ntrials}, by_state);
}

static void put_counts(struct report *r, const uint64_t by_state[MX_STATES])
{
    static const enum mx_state order[] = {MX_STATE_FAILED, MX_STATE_QUARANTINED, MX_STATE_STOPPED,
                                          MX_STATE_PENDING};

    mx_buf_printf(r->out,
                  "<ul class=\"counts\"><li><b>%" PRIu32 "</b>planned</li><li><b>%" PRIu64
                  "</b>done</li>",
                  r->plan->ntrials, by_state[MX_STATE_DONE]);
    for (size_t k = 0; k < sizeof order / sizeof order[0]; k++)
        if (by_state[order[k]] > 0)
            mx_buf_printf(r->out, "<li%s><b>%" PRIu64 "</b>%s</li>", k < 2 ? " class=\"bad\"" : "",
                          by_state[order[k]], mx_state_names[order[k]]);
    mx_buf_text(r->out, "</ul>\n");
}

/* Heads that give every image one class. */
static void put_collapsed(struct report *r)
{
    uint32_t n = 0, first = 0;

    for (uint32_t t = 0; t < r->plan->ntrials; t++)
        if (mx_results_metric(r->results, t, "test.collapsed") > 0 && n++ == 0)
            first = t;
    if (n == 0)
        return;
    mx_buf_printf(r->out,
                  "<p class=\"warn\">%" PRIu32 " trial%s give%s every test image the same "
                  "class (test.collapsed), the first is ",
                  n, n == 1 ? "" : "s", n == 1 ? "s" : "");
    put_trial(r, first);
    mx_buf_text(r->out, ".</p>\n");
}

/* Nodes that were given up, and a reduction that did not match, by status.json. */
static void put_status(struct report *r)
{
    json_t *status = report_json(r, "status.json"), *node;
    size_t  k;

    json_array_foreach(json_object_get(status, "nodes"), k,
                       node) if (json_is_true(json_object_get(node, "quarantined")))
    {
        const char *host = json_string_value(json_object_get(node, "host"));

        mx_buf_text(r->out, "<p class=\"warn\">Nothing was given to host ");
        report_element(r, "b", host ? host : "?");
        mx_buf_text(r->out, " any more: trials kept failing there.</p>\n");
    }
    if (json_is_false(json_object_get(json_object_get(status, "reduction"), "matches")))
        mx_buf_text(r->out, "<p class=\"warn\">The reduced table differs from the journal: a "
                            "mistake of the program. The tables are the journal's.</p>\n");
    json_decref(status);
}

void report_failures(struct report *r)
{
    struct kinds *kinds = calloc(1, sizeof *kinds);
    uint64_t      by_state[MX_STATES];

    if (!kinds) {
        r->out->failed = true;
        return;
    }
    collect(r, kinds);
    count_states(r, by_state);
    put_counts(r, by_state);
    if (by_state[MX_STATE_PENDING] > 0) {
        mx_buf_text(r->out, "<p class=\"warn\">The sweep has not come to its end; where it does "
                            "not run any more, <code>mixsweep resume ");
        mx_html_text(r->out, r->sweep->directory);
        mx_buf_text(r->out, "</code> goes on.</p>\n");
    }
    put_status(r);
    put_collapsed(r);
    if (kinds->count > 0)
        put_kinds(r, kinds);
    else
        mx_buf_text(r->out, "<p>No trial failed.</p>\n");
    put_incomplete(r);
    free(kinds);
}
