/* cmd_data.h - the parts of `mixsweep data`. Each gets the arguments from its own word on, as
 * a command does, and returns the exit code. */
#ifndef MX_SWEEP_CMD_DATA_H
#define MX_SWEEP_CMD_DATA_H

int mx_cmd_data_list(int argc, char **argv);
int mx_cmd_data_fetch(int argc, char **argv);
int mx_cmd_data_inspect(int argc, char **argv);

#endif
