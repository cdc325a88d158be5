#include "sweep/command.h"

#include <stdio.h>

#include "sweep/usage.h"

int mx_command_read(const struct mx_usage *usage, int argc, char **argv, void *into,
                    const char **arguments, size_t *narguments, struct mx_err *err)
{
    struct mx_buf help = {0};
    const int     rc = mx_options_read(usage, argc, argv, into, arguments, narguments, err);

    if (rc > 0) {
        mx_usage_help(usage, &help);
        fputs(mx_buf_str(&help), stdout);
        mx_buf_free(&help);
    }
    return rc;
}

int mx_command_fail(const struct mx_err *err)
{
    fprintf(stderr, "mixsweep: %s\n", err->text);
    return mx_exit_code(err->code);
}

int mx_command_picture(const struct mx_canvas *canvas, const char *path, bool aside,
                       struct mx_err *err)
{
    if (mx_canvas_write(canvas, path, err))
        return -1;
    fprintf(aside ? stderr : stdout, "%s: %u x %u pixels\n", path, canvas->width, canvas->height);
    return 0;
}
