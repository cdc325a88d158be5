#include "sweep/terminal.h"

#include <sys/ioctl.h>
#include <unistd.h>

enum {
    USUAL = 80, /* where a terminal does not tell, */
    LEAST = 16  /* or tells too little to be true */
};

unsigned mx_terminal_width(int fd)
{
    struct winsize size;

    if (!isatty(fd))
        return 0;
    return ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col >= LEAST ? size.ws_col : USUAL;
}
