/* cmd_data.h - the parts of `mixsweep data`. Each gets the arguments from its own word on, as
 * a command does, and returns the exit code. */
#ifndef MX_SWEEP_CMD_DATA_H
#define MX_SWEEP_CMD_DATA_H

#include "sweep/options.h"

extern const struct mx_usage mx_usage_data_list, mx_usage_data_fetch, mx_usage_data_inspect;

int mx_cmd_data_list(int argc, char **argv);
int mx_cmd_data_fetch(int argc, char **argv);
int mx_cmd_data_inspect(int argc, char **argv);

#endif
