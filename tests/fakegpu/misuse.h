/* misuse.h - how a stand-in ends a process that misused it. */
#ifndef FAKEGPU_MISUSE_H
#define FAKEGPU_MISUSE_H

enum {
    FAKE_EXIT = 86 /* status of a process that misused a call */
};

/* Write "fakegpu: misuse: CALL: ARGUMENT: RULE" and end the process. */
_Noreturn void fake_misuse_in(const char *call, const char *argument, const char *rule, ...)
    __attribute__((format(printf, 3, 4)));

#endif
