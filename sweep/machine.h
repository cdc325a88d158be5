/* machine.h - what this machine is. */
#ifndef MX_SWEEP_MACHINE_H
#define MX_SWEEP_MACHINE_H

/* What this machine is, from uname(2) and /proc/cpuinfo. */
struct mx_machine {
    char     host[64], kernel[128], architecture[32];
    char     cpu[96];    /* model */
    char     flags[256]; /* of those that decide which kernels run, in a fixed order */
    char     isa[16];    /* the widest of "avx512", "avx2", "avx", "" */
    unsigned cpus;       /* usable by this process */
};
void mx_machine_look(struct mx_machine *machine);

/* The same from the text of a /proc/cpuinfo. */
void mx_machine_cpuinfo(const char *text, struct mx_machine *machine);

#endif
