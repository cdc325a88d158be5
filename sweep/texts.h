/* texts.h - a set of texts, each kept once: host names, devices, reasons. */
#ifndef MX_SWEEP_TEXTS_H
#define MX_SWEEP_TEXTS_H

#include <stddef.h>

/* A zeroed struct is empty. */
struct mx_texts {
    char **slots; /* (room), hashed by content */
    size_t count, room;
};

/* The set's own copy of the text, there until mx_texts_free(); NULL if there is
 * no memory for it. */
const char *mx_texts_keep(struct mx_texts *texts, const char *text);

void mx_texts_free(struct mx_texts *texts);

#endif
