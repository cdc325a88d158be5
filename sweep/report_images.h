/* report_images.h - between report_images.c, which puts tables of differences over images, and
 * report_image_values.c, which reads and resamples them. Nobody else's. */
#ifndef MX_SWEEP_REPORT_IMAGES_H
#define MX_SWEEP_REPORT_IMAGES_H

#include "sweep/report_files.h"

/* A score that each image has a part in. */
struct report_image_column {
    enum worker_score score;
    unsigned          map, fill; /* fill: of scores that have one */
    char              name[WORKER_METRIC_NAME_SIZE];
};

/* The columns that trials of this sweep may have files for; returns how many. */
size_t report_image_columns(const struct report *r, struct report_image_column *columns,
                            size_t most);

/* What a score is made of: the sum of `over`, or that sum over the sum of `under`, of the images
 * that have a number. */
struct report_image_values {
    size_t  n;
    double *over;  /* (n): NaN where an image has none */
    double *under; /* (n), or NULL: each counts 1 */
    double  score; /* as results.csv has it */
};

/* Those of a trial, to be released with report_image_free(). False if the files are not there, or
 * do not give the trial's number in results.csv. */
bool report_image_read(struct report *r, uint32_t trial, const struct report_image_column *column,
                       struct report_image_values *values);
void report_image_free(struct report_image_values *values);

/* The difference of two trials' scores, its 95 % interval over resamples of the images they share,
 * and twice the share of resamples in which it has the other sign, or is none: each time both
 * are worth what the same resample makes them. drawn: (resamples, n). */
struct report_difference {
    double value, low, high, p;
};
struct report_difference report_image_compare(const struct report_image_values *a,
                                              const struct report_image_values *b,
                                              const uint8_t *drawn, uint32_t resamples);

#endif
