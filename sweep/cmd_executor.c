/* cmd_executor.c - `mixsweep executor`: the child process that runs stages.
 *
 * Started by a supervisor (sweep/spawn.c), never by a person.
 */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/num.h"
#include "sweep/command.h"
#include "worker/executor.h"

static bool read_option(const char *name, const char *text, struct worker_executor_options *options)
{
    int64_t value;

    if (!mx_num_parse_int(text, &value) || value < 0)
        return false;
    if (strcmp(name, "--slot") == 0)
        options->slot = (uint32_t)value;
    else if (strcmp(name, "--memory") == 0)
        options->memory_bytes = (uint64_t)value;
    else if (strcmp(name, "--parent") == 0)
        options->parent = (long)value;
    else if (strcmp(name, "--gpu") == 0)
        options->gpu = value > 0;
    else
        return false;
    return true;
}

int mx_cmd_executor(int argc, char **argv)
{
    struct worker_executor_options options = {0};
    struct mx_err                  err = {0};

    for (int i = 1; i < argc; i += 2)
        if (i + 1 >= argc || !read_option(argv[i], argv[i + 1], &options)) {
            fputs("mixsweep: executor is started by mixsweep run, not by hand\n", stderr);
            return 2;
        }
    if (options.parent == 0) {
        fputs("mixsweep: executor is started by mixsweep run, not by hand\n", stderr);
        return 2;
    }
    if (worker_executor_serve(&options, &err))
        return mx_command_fail(&err);
    return 0;
}
