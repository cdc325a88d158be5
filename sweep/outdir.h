/* outdir.h - the output directory: creating, opening, comparing, closing.
 *
 * Layout (formats.md "Output directory"): journal/ log/ stages/ and files
 * beside them. exit_code is written last and removed first, so that one that
 * is there is true.
 */
#ifndef MX_SWEEP_OUTDIR_H
#define MX_SWEEP_OUTDIR_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/err.h"
#include "sweep/config.h"

/* Create NAME, or the first of NAME-2, NAME-3 ... that does not exist, in the
 * current directory, with its folders. Exclusive: two callers get two. Returns
 * the name to be freed; or NULL with MX_EIO or MX_ENOMEM. */
char *mx_outdir_create(const char *name, struct mx_err *err);

/* Open the directory of --out. *existed says whether it holds a sweep already;
 * if not, it was created (its parents too). Returns 0; or -1 with
 *   MX_EINVAL  it exists and `resume` is false; or it exists, is not empty,
 *              and holds no sweep
 *   MX_EIO, MX_ENOMEM */
int mx_outdir_open(const char *path, bool resume, bool *existed, struct mx_err *err);

/* Remove a directory in which nobody has begun a sweep. What holds something else stays. */
void mx_outdir_unmake(const char *path);

/* True if there is what `resume` begins with: DIR/config.yaml. */
bool mx_outdir_holds_sweep(const char *path);

/* Check that a directory given to a command holds a sweep (DIR/config.yaml).
 * Returns 0, or -1 with MX_EINVAL. */
int mx_outdir_expect(const char *path, struct mx_err *err);

/* True for "NAME.tmp.PID": a file that a process was writing when it was killed. */
bool mx_outdir_remnant(const char *name);

/* An incarnation starts: exit_code and a request to an earlier one go, folders
 * that are missing come. */
int mx_outdir_begin(const char *path, struct mx_err *err);

/* It has ended: write exit_code, after everything else. */
int mx_outdir_write_exit_code(const char *path, int code, struct mx_err *err);

/* Replace DIR/NAME by a text, whole or not at all. MX_ENOMEM if the text is
 * incomplete. */
int mx_outdir_write(const char *path, const char *name, const struct mx_buf *text,
                    struct mx_err *err);

/* What continuing a sweep under an edited configuration means. */
enum mx_edit {
    MX_EDIT_NONE,        /* nothing differs */
    MX_EDIT_HARMLESS,    /* the same trials: how they are run or shown differs */
    MX_EDIT_ADDS,        /* every trial of before, and more */
    MX_EDIT_INCOMPATIBLE /* some trials of before would not be there, or mean something else */
};

/* Append a line for each key of two configurations that differs ("train.epochs: was 30, is
 * 20"), and raise *edit to what the worst of them means beside the cells. */
void mx_outdir_compare_keys(const struct mx_config *old, const struct mx_config *edited,
                            enum mx_edit *edit, struct mx_buf *text);

/* Compare the configuration of a directory with the one that is to continue it.
 * Appends a line for each key that differs ("train.epochs: was 30, is 20").
 * Returns 0 with *edit; or -1 with MX_ENOMEM or MX_ERANGE. */
int mx_outdir_compare(const struct mx_config *old, const struct mx_config *edited,
                      enum mx_edit *edit, struct mx_buf *text, struct mx_err *err);

#endif
