/* stages.h - the kinds of stages that trials are made of.
 *
 * One row a kind: when a trial has it, which parameters determine what it
 * gives, and which other stages of the trial it reads. Plans, estimates and
 * stage keys come from this table; a new kind is a new row.
 */
#ifndef MX_SWEEP_STAGES_H
#define MX_SWEEP_STAGES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/hash.h"
#include "sweep/grid.h"
#include "sweep/lines.h"
#include "worker/device.h"
#include "worker/stage.h"

struct mx_stage_kind {
    enum worker_kind kind;
    unsigned         sections; /* MX_SECTION_BITs: their used keys are in the stage key */
    unsigned         inputs;   /* bits of the kinds that come before, where planned */
    unsigned         files;    /* that one stage leaves on disk */
    const char      *gives;    /* the last file that it writes for other stages; NULL: none */
    /* Keys of other sections that are in the stage key too, each where its condition
     * holds; words 0 ends them. */
    const struct mx_condition *others;
    bool (*planned)(const struct mx_point *point);
};

/* In the order in which a trial goes through them; the last one that is
 * planned for a trial ends it. Every trial has one or more. */
extern const struct mx_stage_kind mx_stage_kinds[];
extern const size_t               mx_stage_nkinds;

/* What a stage key is made from besides parameters, data, repeat and inputs. */
struct mx_stage_streams {
    uint64_t seed;
    bool     independent; /* seeds: independent */

    enum worker_device device; /* never mixed: a CPU's numbers are not a GPU's */
};

/* As a configuration says. */
struct mx_stage_streams mx_stage_streams(const struct mx_config *config);

/* The row of a kind that plans have. */
const struct mx_stage_kind *mx_stage_kind_of(enum worker_kind kind);

/* Whether its stages leave a folder under schedule.keep. A head's numbers live in the
 * journal: thousands of heads make no folder. */
bool mx_stage_leaves_folder(enum worker_kind kind, enum mx_keep keep);

/* True if `key` determines what the point's stage of that kind gives. */
bool mx_stage_uses(const struct mx_stage_kind *kind, const struct mx_point *point,
                   enum mx_key_id key);

/* The text before a key: everything but the repeat and the inputs, appended to
 * out. One text serves all repeats. */
void mx_stage_text(const struct mx_stage_kind *kind, const struct mx_point *point,
                   const struct mx_stage_streams *streams, uint64_t fingerprint,
                   struct mx_lines *lines, struct mx_buf *out);

/* The key: XXH3-128 of that text, the repeat and the keys of the inputs. The
 * text is as before afterwards. */
struct mx_hash128 mx_stage_key(struct mx_buf *text, uint32_t repeat,
                               const struct mx_hash128 *inputs, size_t ninputs);

#endif
