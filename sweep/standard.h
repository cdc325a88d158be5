/* standard.h - the three descriptors that every program begins with. */
#ifndef MX_SWEEP_STANDARD_H
#define MX_SWEEP_STANDARD_H

/* Open /dev/null in the place of standard input, output and error where the caller has closed
 * them: else the next file that is opened takes the number, and what is meant for the reader
 * is written into it. To be called before anything is opened. */
void mx_standard_open(void);

/* Hand what is left to standard output, at the end of a command whose exit code is `code`.
 * Returns 0, or -1 if not all that the command has written there arrived; standard error is told,
 * unless a command that failed has told of that itself. A reader that has gone away, as `head`
 * does, has what it wanted. */
int mx_standard_end(int code);

#endif
