/* command.h - the commands of the program, one row each. */
#ifndef MX_SWEEP_COMMAND_H
#define MX_SWEEP_COMMAND_H

#include <stdbool.h>

#include "base/err.h"
#include "sweep/canvas.h"
#include "sweep/options.h"

struct mx_command {
    const char            *name;
    const char            *arguments; /* as --help shows them */
    const struct mx_usage *usage;     /* NULL: internal, not listed */
    /* argv[0] is the command's name. Returns the process exit code. */
    int (*run)(int argc, char **argv);
    bool many; /* all ranks of an MPI job work on it; else rank 0 does, alone */
};

int mx_cmd_check(int argc, char **argv);
int mx_cmd_plan(int argc, char **argv);
int mx_cmd_run(int argc, char **argv);
int mx_cmd_resume(int argc, char **argv);
int mx_cmd_stop(int argc, char **argv);
int mx_cmd_watch(int argc, char **argv);
int mx_cmd_status(int argc, char **argv);
int mx_cmd_submit(int argc, char **argv);
int mx_cmd_retry(int argc, char **argv);
int mx_cmd_trial(int argc, char **argv);
int mx_cmd_report(int argc, char **argv);
int mx_cmd_decoder(int argc, char **argv);
int mx_cmd_executor(int argc, char **argv);
int mx_cmd_preview(int argc, char **argv);
int mx_cmd_edits(int argc, char **argv);
int mx_cmd_bench(int argc, char **argv);
int mx_cmd_simulate(int argc, char **argv);
int mx_cmd_data(int argc, char **argv);

int mx_cmd_export(int argc, char **argv);
int mx_cmd_diff(int argc, char **argv);
int mx_cmd_clean(int argc, char **argv);
int mx_cmd_doctor(int argc, char **argv);

int mx_cmd_help(int argc, char **argv);

/* What each of them takes. */
extern const struct mx_usage mx_usage_check, mx_usage_plan, mx_usage_run, mx_usage_resume,
    mx_usage_stop, mx_usage_submit, mx_usage_status, mx_usage_watch, mx_usage_retry, mx_usage_trial,
    mx_usage_report, mx_usage_export, mx_usage_diff, mx_usage_clean, mx_usage_preview,
    mx_usage_edits, mx_usage_data, mx_usage_simulate, mx_usage_bench, mx_usage_doctor,
    mx_usage_help_command;

/* All of them, and the parts of data; ended by NULL. */
extern const struct mx_usage *const mx_usages[];

/* Read a command line as mx_options_read() does, and print the help where it is asked for. */
int mx_command_read(const struct mx_usage *usage, int argc, char **argv, void *into,
                    const char **arguments, size_t *narguments, struct mx_err *err);

/* Print "mixsweep: TEXT" on standard error and return err's exit code. */
int mx_command_fail(const struct mx_err *err);

/* Write the picture to path and say so: on standard output, or aside, on standard error, where JSON goes there. Returns 0, or -1
 * as mx_canvas_write() does. */
int mx_command_picture(const struct mx_canvas *canvas, const char *path, bool aside,
                       struct mx_err *err);

#endif
