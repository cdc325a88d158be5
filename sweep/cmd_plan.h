/* cmd_plan.h - `mixsweep plan`. */
#ifndef MX_SWEEP_CMD_PLAN_H
#define MX_SWEEP_CMD_PLAN_H

/* argv[0] is the command's name. Returns the process exit code. */
int mx_cmd_plan(int argc, char **argv);

#endif
