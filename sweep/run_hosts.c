/* run_hosts.c - hosts of the ranks, and those that are given nothing more. */
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "sweep/run_state.h"

void run_number_hosts(struct run *run)
{
    for (unsigned r = 0; r < run->ranks; r++) {
        unsigned first = 0;

        while (strcmp(run->nodes[first].host, run->nodes[r].host) != 0)
            first++;
        run->nodes[r].host_number = first;
    }
}

int run_note_host(struct run *run, const struct mx_action *action, struct mx_err *err)
{
    const char      *host = run->nodes[action->host].host;
    struct mx_record record = {
        .kind = MX_RECORD_HOST, .go_on = action->go_on, .started_utc_s = mx_clock_utc_s()};

    snprintf(record.host, sizeof record.host, "%s", host);
    if (!action->go_on)
        snprintf(record.text, sizeof record.text,
                 "quarantined: trials of different cells have failed there one after the other, "
                 "and on no other host");
    else if (action->last)
        snprintf(record.text, sizeof record.text,
                 "trials of different cells have failed there one after the other; it is the last "
                 "host that is left, and goes on");
    else
        snprintf(record.text, sizeof record.text,
                 "released: a cell that failed there has failed on another host, too");
    mx_console_log(run->console, MX_LOG_WARNING, NULL, "host %s: %s", host, record.text);
    return mx_journal_append(run->journal, &record, err);
}

int run_lose_rank(struct run *run, unsigned rank, struct mx_err *err)
{
    const struct run_node *node = &run->nodes[rank];

    for (uint32_t x = node->first; x < node->first + node->workers; x++)
        if (run_feed(run, (struct mx_event){.kind = MX_EVENT_EXECUTOR_GONE, .executor = x}, err))
            return -1;
    return 0;
}
