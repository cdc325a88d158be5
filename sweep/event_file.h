/* event_file.h - files that TensorBoard reads: records with checksums, each an Event of
 * protocol buffers (tensorflow/core/util/event.proto, summary.proto; hyperparameters:
 * tensorboard/plugins/hparams/plugin_data.proto, api.proto). Only what an export writes.
 *
 * Numbers are floats, the nearest to what was measured: TensorBoard's own server passes over
 * tensors of doubles.
 */
#ifndef MX_SWEEP_EVENT_FILE_H
#define MX_SWEEP_EVENT_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

/* A value of a hyperparameter; `text` for words. */
struct mx_event_value {
    enum {
        MX_EVENT_NUMBER,
        MX_EVENT_BOOL,
        MX_EVENT_TEXT
    } kind;
    double      number;
    bool        boolean;
    const char *text;
};

enum mx_event_status {
    MX_EVENT_UNKNOWN = 0,
    MX_EVENT_SUCCESS = 1,
    MX_EVENT_FAILURE = 2,
    MX_EVENT_RUNNING = 3,
};

/* Append the record that a file begins with. */
void mx_event_begin(double utc_s, struct mx_buf *out);

/* Append a number under a tag. */
void mx_event_scalar(double utc_s, int64_t step, const char *tag, double value, struct mx_buf *out);

/* Collect the parts of an experiment (its hyperparameters and metrics) or of a session (one
 * trial's hyperparameters), and append them as a record. */
void mx_event_add_hparam(struct mx_buf *experiment, const char *name, int kind);
void mx_event_add_metric(struct mx_buf *experiment, const char *name);
void mx_event_experiment(double utc_s, const char *name, const struct mx_buf *experiment,
                         struct mx_buf *out);
void mx_event_add_value(struct mx_buf *session, const char *name,
                        const struct mx_event_value *value);
void mx_event_session(double utc_s, const char *group, const struct mx_buf *session,
                      struct mx_buf *out);
void mx_event_session_end(double utc_s, enum mx_event_status status, struct mx_buf *out);

#endif
