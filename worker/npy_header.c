/* The header's text: {'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), } */
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "worker/npy_parts.h"

/* What a header calls the types. */
static const struct {
    char     kind;
    unsigned bytes;
} types[WORKER_NPY_TYPES] = {
    [WORKER_NPY_BOOL] = {'b', 1}, [WORKER_NPY_U8] = {'u', 1},  [WORKER_NPY_U16] = {'u', 2},
    [WORKER_NPY_U32] = {'u', 4},  [WORKER_NPY_U64] = {'u', 8}, [WORKER_NPY_I8] = {'i', 1},
    [WORKER_NPY_I16] = {'i', 2},  [WORKER_NPY_I32] = {'i', 4}, [WORKER_NPY_I64] = {'i', 8},
    [WORKER_NPY_F16] = {'f', 2},  [WORKER_NPY_F32] = {'f', 4}, [WORKER_NPY_F64] = {'f', 8},
};

unsigned worker_npy_type_bytes(enum worker_npy_type type)
{
    return types[type].bytes;
}

/* The text that is left. */
struct text {
    const char *at, *end;
    const char *path;
};

static void skip_blanks(struct text *text)
{
    while (text->at < text->end && isspace((unsigned char)*text->at))
        text->at++;
}

/* Take a character if it comes next. */
static bool take(struct text *text, char c)
{
    skip_blanks(text);
    if (text->at == text->end || *text->at != c)
        return false;
    text->at++;
    return true;
}

static bool take_word(struct text *text, const char *word)
{
    const size_t len = strlen(word);

    skip_blanks(text);
    if ((size_t)(text->end - text->at) < len || memcmp(text->at, word, len) != 0)
        return false;
    text->at += len;
    return true;
}

/* A short text in quotes of either kind. */
static bool take_quoted(struct text *text, char *out, size_t room)
{
    const char quote = take(text, '\'') ? '\'' : take(text, '"') ? '"' : '\0';
    size_t     n = 0;

    if (!quote)
        return false;
    while (text->at < text->end && *text->at != quote) {
        if (n + 1 >= room)
            return false;
        out[n++] = *text->at++;
    }
    out[n] = '\0';
    return take(text, quote);
}

static int bad_header(const struct text *text, const char *what, struct mx_err *err)
{
    return mx_fail(err, MX_EDATA, "%s is damaged: its header has no %s that can be read",
                   text->path, what);
}

/* What a type of NumPy is that holds no plain number. */
static const char *kind_name(char kind)
{
    switch (kind) {
    case 'O':
        return "Python objects";
    case 'c':
        return "complex numbers";
    case 'S':
    case 'a':
    case 'U':
        return "text";
    case 'M':
    case 'm':
        return "times";
    default:
        return "numbers of another kind";
    }
}

static int refuse_type(const struct text *text, const char *kind, const char *descr,
                       struct mx_err *err)
{
    return mx_fail(err, MX_EDATA,
                   "%s holds %s (dtype %s), wanted are bool, integers of 8 to 64 bits or floats of "
                   "16 to 64: save it as such, with a.astype('float32')",
                   text->path, kind, descr);
}

static int read_descr(struct text *text, struct worker_npy_header *header, struct mx_err *err)
{
    char     descr[32], rest;
    unsigned bytes;

    if (skip_blanks(text), text->at < text->end && *text->at == '[')
        return refuse_type(text, "a table of records", "[...]", err);
    if (!take_quoted(text, descr, sizeof descr) || !descr[0])
        return bad_header(text, "descr", err);
    header->big = descr[0] == '>';
    if (!strchr("<>|=", descr[0]))
        return refuse_type(text, kind_name(descr[0]), descr, err);
    if (sscanf(descr + 1, "%*c%u%c", &bytes, &rest) == 1)
        for (unsigned t = 0; t < WORKER_NPY_TYPES; t++)
            if (types[t].kind == descr[1] && types[t].bytes == bytes &&
                (bytes == 1 || descr[0] != '|')) {
                header->shape.type = (enum worker_npy_type)t;
                return 0;
            }
    return refuse_type(text, kind_name(descr[1]), descr, err);
}

static int read_order(struct text *text, struct worker_npy_header *header, struct mx_err *err)
{
    header->fortran = take_word(text, "True");
    if (!header->fortran && !take_word(text, "False"))
        return bad_header(text, "fortran_order", err);
    return 0;
}

/* Digits; an L behind them, as Python 2 wrote, is passed over. */
static bool take_length(struct text *text, uint64_t *length)
{
    const char *start;

    skip_blanks(text);
    start = text->at;
    *length = 0;
    for (; text->at < text->end && isdigit((unsigned char)*text->at); text->at++)
        if (__builtin_mul_overflow(*length, 10, length) ||
            __builtin_add_overflow(*length, (uint64_t)(*text->at - '0'), length))
            return false;
    if (text->at == start)
        return false;
    take(text, 'L');
    return true;
}

/* (), (3,), (3) or (3, 4). */
static int read_shape(struct text *text, struct worker_npy_header *header, struct mx_err *err)
{
    struct worker_npy_shape *shape = &header->shape;

    if (!take(text, '('))
        return bad_header(text, "shape", err);
    while (!take(text, ')')) {
        if (shape->ndims == WORKER_NPY_DIMS)
            return mx_fail(err, MX_EDATA, "%s has more than %d dimensions: save it with fewer",
                           text->path, WORKER_NPY_DIMS);
        if (!take_length(text, &shape->dims[shape->ndims]))
            return bad_header(text, "shape", err);
        shape->ndims++;
        if (!take(text, ',') && (skip_blanks(text), text->at == text->end || *text->at != ')'))
            return bad_header(text, "shape", err);
    }
    return 0;
}

/* Numbers of a row and rows; what does not fit into 62 bits of bytes is refused. */
static int multiply(const struct text *text, struct worker_npy_shape *shape, struct mx_err *err)
{
    uint64_t bytes = types[shape->type].bytes;

    shape->rows = shape->ndims ? shape->dims[0] : 1;
    shape->row = 1;
    for (uint32_t d = 0; d < shape->ndims; d++) {
        /* A length of 0 hides nothing: the others are multiplied all the same. */
        if (__builtin_mul_overflow(bytes, shape->dims[d] ? shape->dims[d] : 1, &bytes) ||
            bytes >> 62)
            return mx_fail(err, MX_EDATA, "%s is damaged: its shape is too large for any file",
                           text->path);
        if (d > 0)
            shape->row *= shape->dims[d];
    }
    return 0;
}

int worker_npy_parse(const char *text, size_t len, const char *path,
                     struct worker_npy_header *header, struct mx_err *err)
{
    static const struct {
        const char *name;
        int (*read)(struct text *, struct worker_npy_header *, struct mx_err *);
    } fields[] = {{"descr", read_descr}, {"fortran_order", read_order}, {"shape", read_shape}};
    enum {
        FIELDS = sizeof fields / sizeof fields[0]
    };
    struct text left = {text, text + len, path};
    bool        seen[FIELDS] = {false};

    *header = (struct worker_npy_header){.big = false};
    if (!take(&left, '{'))
        return bad_header(&left, "dict", err);
    while (!take(&left, '}')) {
        char name[32];
        int  f = 0;

        if (!take_quoted(&left, name, sizeof name) || !take(&left, ':'))
            return bad_header(&left, "dict", err);
        while (f < FIELDS && strcmp(fields[f].name, name) != 0)
            f++;
        if (f == FIELDS || seen[f])
            return mx_fail(err, MX_EDATA,
                           "%s is damaged: its header has an unknown or second "
                           "field",
                           path);
        seen[f] = true;
        if (fields[f].read(&left, header, err))
            return -1;
        if (!take(&left, ',') && (left.at == left.end || *left.at != '}'))
            return bad_header(&left, "dict", err);
    }
    skip_blanks(&left);
    while (left.at < left.end && *left.at == '\0')
        left.at++;
    if (left.at != left.end)
        return bad_header(&left, "dict", err);
    for (int f = 0; f < FIELDS; f++)
        if (!seen[f])
            return bad_header(&left, fields[f].name, err);
    return multiply(&left, &header->shape, err);
}
