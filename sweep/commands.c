/* commands.c - the tables of all commands, in the order in which help lists them. */
#include <stddef.h>

#include "sweep/cmd_data.h"
#include "sweep/command.h"

const struct mx_usage *const mx_usages[] = {
    &mx_usage_check,
    &mx_usage_plan,
    &mx_usage_run,
    &mx_usage_resume,
    &mx_usage_stop,
    &mx_usage_submit,
    &mx_usage_status,
    &mx_usage_watch,
    &mx_usage_retry,
    &mx_usage_trial,
    &mx_usage_report,
    &mx_usage_export,
    &mx_usage_diff,
    &mx_usage_clean,
    &mx_usage_preview,
    &mx_usage_edits,
    &mx_usage_data,
    &mx_usage_data_list,
    &mx_usage_data_fetch,
    &mx_usage_data_inspect,
    &mx_usage_simulate,
    &mx_usage_bench,
    &mx_usage_doctor,
    &mx_usage_help_command,
    NULL,
};
