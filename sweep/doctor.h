/* doctor.h - what this machine has for sweeps, what is wrong with it, and how to mend it. */
#ifndef MX_SWEEP_DOCTOR_H
#define MX_SWEEP_DOCTOR_H

#include <stddef.h>

#include "base/buf.h"

enum mx_health {
    MX_HEALTH_OK,
    MX_HEALTH_WARN,  /* works, and not as well as it could */
    MX_HEALTH_FAIL,  /* sweeps cannot run */
    MX_HEALTH_ABSENT /* not there; nothing needs it */
};

extern const char *const mx_health_words[]; /* "ok", "warn", "fail", "absent" */

enum {
    MX_DOCTOR_CHECKS = 24 + 2 * 128 /* room for all, with each GPU and MIG device */
};

struct mx_doctor_check {
    char           name[16];
    enum mx_health health;
    char           text[400];
    char           hint[300]; /* what to do; "" = nothing */
};

struct mx_doctor {
    struct mx_doctor_check checks[MX_DOCTOR_CHECKS];
    size_t                 n;
};

/* Look at everything. Nothing is changed, but that the cache folder is made. */
void mx_doctor_look(struct mx_doctor *doctor);

/* The worst there is; absent counts as good. */
enum mx_health mx_doctor_worst(const struct mx_doctor *doctor);

/* Append it for people, and as formats.md has it. */
void mx_doctor_text(const struct mx_doctor *doctor, struct mx_buf *out);
void mx_doctor_json(const struct mx_doctor *doctor, struct mx_buf *out);

/* Look at one side of it each: the machine itself, what is installed on it, its GPUs. */
void mx_doctor_machine(struct mx_doctor *doctor);
void mx_doctor_software(struct mx_doctor *doctor);
void mx_doctor_gpus(struct mx_doctor *doctor);

/* Add a check; returns it, to be filled. */
struct mx_doctor_check *mx_doctor_add(struct mx_doctor *doctor, const char *name);

#endif
