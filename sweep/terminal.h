/* terminal.h - how much room there is for tables. */
#ifndef MX_SWEEP_TERMINAL_H
#define MX_SWEEP_TERMINAL_H

/* Columns of the terminal behind a descriptor; 0 if there is none. */
unsigned mx_terminal_width(int fd);

#endif
