/* err.h - how a function says why it failed.
 *
 * A call that can fail takes a `struct mx_err *` last and returns -1 or NULL.
 * Pass NULL if the reason does not matter. The text is one line, meant for a
 * person, and says what was being done and to what. Nothing below sweep/ ever
 * prints: the text travels up until a command shows it.
 */
#ifndef MX_ERR_H
#define MX_ERR_H

#ifdef __cplusplus
extern "C" {
#endif

enum mx_code {
    MX_OK = 0,
    MX_EINVAL,       /* the caller's or the user's mistake: exit 2 */
    MX_ERANGE,       /* a number that does not fit: exit 2 */
    MX_ENOMEM,       /* memory ran out: exit 3 */
    MX_EIO,          /* disk, file or operating system said no: exit 3 */
    MX_EDATA,        /* a data file is missing or damaged: exit 3 */
    MX_EGPU,         /* CUDA, cuDNN or NCCL said no: exit 3 */
    MX_EOWNED,       /* another living process owns the directory: exit 4 */
    MX_EINTERNAL,    /* a promise of this program broke: exit 70 */
    MX_EINTERRUPTED, /* stopped on request, resumable: exit 75 */
    MX_EDIVERGED,    /* a loss or weight that is not finite: the trial's own result */
};

struct mx_err {
    enum mx_code code;
    char         text[512];
};

/* Fill *err (if not NULL) and return -1, so that `return mx_fail(...)` reads
 * well. Text that does not fit is cut. */
int mx_fail(struct mx_err *err, enum mx_code code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* As mx_fail(), with ": " and the operating system's words for errno value
 * `error` behind the text, and behind those, where too many files are open, what limits them. */
int mx_fail_errno(struct mx_err *err, enum mx_code code, int error, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* Put "text: " in front of what *err already says; the code stays. Returns -1. */
int mx_err_prefix(struct mx_err *err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#ifdef __clang_analyzer__
/* An analysis sees one file at a time: this tells it that the caller's path ends. */
#define mx_fail(...)       ((void)(mx_fail)(__VA_ARGS__), -1)
#define mx_fail_errno(...) ((void)(mx_fail_errno)(__VA_ARGS__), -1)
#define mx_err_prefix(...) ((void)(mx_err_prefix)(__VA_ARGS__), -1)
#endif

/* The process exit code that formats.md pins for a code: 0, 2, 3, 4, 70 or 75.
 * MX_EDIVERGED never ends a process and gives 1. */
int mx_exit_code(enum mx_code code);

#ifdef __cplusplus
}
#endif

#endif
