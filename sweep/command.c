#include "sweep/command.h"

#include <stdio.h>

int mx_command_fail(const struct mx_err *err)
{
    fprintf(stderr, "mixsweep: %s\n", err->text);
    return mx_exit_code(err->code);
}
