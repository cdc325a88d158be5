/* standing_stage.c - what a comparison across models says of one of them, as numbers of
 * the trials that are made of it. Inputs: the comparison, and the model's maps, for its
 * name.
 */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/csv_read.h"
#include "base/num.h"
#include "worker/inter_parts.h"
#include "worker/intervals.h"
#include "worker/stage_parts.h"

enum {
    TABLE_BYTES = 1 << 30,
    COLUMNS = 5 /* trial, metric, value, low, high */
};

static int take_row(const struct mx_table *table, const char *name, struct worker_result *result,
                    struct mx_err *err)
{
    static const char      test[] = "test.";
    const char            *metric;
    double                 value;
    struct worker_interval interval = {NAN, NAN};

    if (mx_table_fields(table) < COLUMNS)
        return mx_table_fail(table, err,
                             "a row of values has a trial, a metric, a value and its interval");
    metric = mx_table_field(table, 1);
    if (strcmp(mx_table_field(table, 0), name) != 0 || strncmp(metric, test, sizeof test - 1) != 0)
        return 0;
    if (!mx_num_parse_real(mx_table_field(table, 2), &value))
        return mx_table_fail(table, err, "'%s' is no number", mx_table_field(table, 2));
    (void)mx_num_parse_real(mx_table_field(table, 3), &interval.low); /* empty: none */
    (void)mx_num_parse_real(mx_table_field(table, 4), &interval.high);
    if (worker_result_add(result, metric, value, err))
        return -1;
    return worker_interval_add(result, metric, interval, err);
}

int worker_standing_run(const struct worker_job *job, struct worker_cache *cache,
                        const struct worker_progress *progress, struct worker_result *result,
                        struct mx_err *err)
{
    struct mx_table *table = NULL;
    const char      *name = NULL;
    char            *path;
    int              rc = -1;

    (void)cache;
    (void)progress;
    for (uint32_t i = 0; i < job->ninputs; i++)
        if (job->inputs[i].kind == WORKER_STAGE_MAPS)
            name = job->inputs[i].name;
    if (!name || !worker_job_has_input(job, WORKER_STAGE_INTER_MODEL))
        return mx_fail(err, MX_EINTERNAL, "a standing is of a comparison and of maps");
    if (!(path = worker_job_input_path(job, WORKER_STAGE_INTER_MODEL, INTER_VALUES_FILE)))
        return mx_fail(err, MX_ENOMEM, "no memory to find " INTER_VALUES_FILE);
    if ((table = mx_table_open(path, false, TABLE_BYTES, err)))
        rc = mx_table_next(table, err);
    while (rc > 0 && (rc = mx_table_next(table, err)) > 0)
        if (take_row(table, name, result, err))
            rc = -1;
    mx_table_close(table);
    free(path);
    if (rc == 0 && job->folder[0])
        return worker_stage_write_record(job, NULL, 0, err);
    return rc;
}
