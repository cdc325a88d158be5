/* report_files.h - what stages left on disk, as far as it is there; private to report_*.c. */
#ifndef MX_SWEEP_REPORT_FILES_H
#define MX_SWEEP_REPORT_FILES_H

#include "sweep/report_parts.h"
#include "worker/npy.h"

enum {
    REPORT_REPEATS = 20,  /* of a cell, whose files are read */
    REPORT_POINTS = 4096, /* of a curve */
};

/* The stage of a kind that a trial has; UINT32_MAX if it has none. */
uint32_t report_stage(const struct report *r, uint32_t trial, enum worker_kind kind);

/* The trial "CELL.rN" of a plan; UINT32_MAX if there is none. */
uint32_t report_trial(const struct report *r, const char *name);

/* The numbers of a stage's npy file, to be freed, with their shape; NULL if there is no such
 * file, it is damaged, or of more than REPORT_NUMBERS numbers. */
double *report_npy(const struct report *r, uint32_t stage, const char *name,
                   struct worker_npy_shape *shape);

/* A table of a stage, to be read with mx_table_next() and closed; NULL if it is not there. */
struct mx_table;
struct mx_table *report_table_open(const struct report *r, uint32_t stage, const char *name);

/* Curves of a cell, one a repeat, as points with the 95 % interval of their mean, cut at bounds. */
struct report_band {
    size_t                npoints;
    double               *x;      /* (npoints) */
    double               *values; /* (REPORT_REPEATS, npoints) */
    size_t                nrepeats;
    struct mx_plot_point *points; /* (npoints), by report_band_close() */
};
int     report_band_begin(struct report_band *band, const double *x, size_t npoints); /* 0, or -1 */
/* Room for the next repeat's npoints values; NULL when there is no more. */
double *report_band_next(struct report_band *band);
void    report_band_close(struct report_band *band, struct mx_bounds bounds);
void    report_band_free(struct report_band *band);

#endif
