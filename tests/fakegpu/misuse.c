#include "tests/fakegpu/misuse.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

void fake_misuse_in(const char *call, const char *argument, const char *rule, ...)
{
    char    line[1024], text[512];
    va_list list;
    int     n;

    va_start(list, rule);
    vsnprintf(text, sizeof text, rule, list);
    va_end(list);
    n = snprintf(line, sizeof line, "fakegpu: misuse: %s: %s: %s\n", call, argument, text);
    if (n > 0 && write(STDERR_FILENO, line, (size_t)n) < 0)
        _exit(FAKE_EXIT); /* nobody reads it: the status still tells */
    _exit(FAKE_EXIT);
}
