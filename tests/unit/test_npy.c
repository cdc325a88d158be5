/* Arrays that NumPy wrote, and files that somebody made up. */
#include <criterion/criterion.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/file.h"
#include "worker/npy.h"

static char folder[] = "/tmp/mx_npy_XXXXXX", path[64];

static void make_folder(void)
{
    cr_assert_not_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/x.npy", folder);
}

static void remove_folder(void)
{
    mx_dir_remove(folder, NULL);
}

TestSuite(npy, .init = make_folder, .fini = remove_folder);

/* A file of this version, header (filled up with blanks to `length`) and data. */
static void write_file(int version, const char *header, size_t length, const void *data, size_t n)
{
    struct mx_buf file = {0};
    size_t        len = strlen(header) > length ? strlen(header) : length;

    mx_buf_add(&file, "\x93NUMPY", 6);
    mx_buf_add(&file, &(unsigned char[2]){(unsigned char)version, 0}, 2);
    for (int k = 0; k < (version == 1 ? 2 : 4); k++)
        mx_buf_add(&file, &(unsigned char){(unsigned char)(len >> 8 * k)}, 1);
    mx_buf_text(&file, header);
    for (size_t k = strlen(header); k < len; k++)
        mx_buf_text(&file, k + 1 < len ? " " : "\n");
    mx_buf_add(&file, data, n);
    cr_assert(mx_buf_ok(&file));
    cr_assert_eq(mx_file_write(path, file.data, file.len, NULL), 0);
    mx_buf_free(&file);
}

static struct worker_npy *open_good(void)
{
    struct mx_err      err = {.text = ""};
    struct worker_npy *file = worker_npy_open(path, &err);

    cr_assert_not_null(file, "%s", err.text);
    return file;
}

/* The file is refused with MX_EDATA and this text behind its path. */
static void expect_refused(const char *text)
{
    struct mx_err err = {.code = MX_OK};
    struct mx_buf due = {0};

    cr_assert_null(worker_npy_open(path, &err));
    mx_buf_printf(&due, "%s%s", path, text);
    cr_expect_eq(err.code, MX_EDATA);
    cr_expect_str_eq(err.text, mx_buf_str(&due));
    mx_buf_free(&due);
}

/* It reads as 0, 1, 2 ... of this shape, whole and row by row. */
static void expect_counting(uint32_t ndims, const uint64_t *dims)
{
    struct worker_npy             *file = open_good();
    const struct worker_npy_shape *shape = worker_npy_shape(file);
    struct mx_err                  err = {.text = ""};
    float                          floats[24];
    double                         doubles[24];
    uint32_t                       whole[24];
    uint64_t                       n = shape->rows * shape->row;

    cr_assert_eq(worker_npy_want(file, ndims, dims, &err), 0, "%s", err.text);
    cr_assert_leq(n, 24);
    cr_assert_eq(worker_npy_read_f32(file, 0, shape->rows, floats, &err), 0, "%s", err.text);
    for (uint64_t r = 0; r < shape->rows; r++) {
        cr_assert_eq(worker_npy_read_f64(file, r, 1, doubles + r * shape->row, &err), 0);
        cr_assert_eq(worker_npy_read_u32(file, r, 1, 24, "x", whole + r * shape->row, &err), 0);
    }
    for (uint32_t k = 0; k < n; k++) {
        cr_expect_eq(floats[k], (float)k);
        cr_expect_eq(doubles[k], k);
        cr_expect_eq(whole[k], k);
    }
    worker_npy_close(file);
}

Test(npy, column_wise_numbers_come_out_row_by_row)
{
    const float    stored[] = {0, 3, 1, 4, 2, 5};
    const uint16_t cube[] = {0, 12, 4, 16, 8,  20, 1, 13, 5, 17, 9,  21,
                             2, 14, 6, 18, 10, 22, 3, 15, 7, 19, 11, 23};

    write_file(1, "{'descr': '<f4', 'fortran_order': True, 'shape': (2, 3), }", 118, stored,
               sizeof stored);
    expect_counting(2, (uint64_t[]){2, 3});
    write_file(1, "{'descr': '<u2', 'fortran_order': True, 'shape': (2, 3, 4), }", 118, cube,
               sizeof cube);
    expect_counting(3, (uint64_t[]){2, 3, 4});
}

Test(npy, headers_of_every_version_length_and_order_of_fields_are_read)
{
    const float stored[] = {0, 1, 2, 3, 4, 5};

    for (int version = 1; version <= 3; version++) {
        write_file(version, "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }", 700,
                   stored, sizeof stored);
        expect_counting(2, (uint64_t[]){2, 3});
    }
    write_file(2, "{\"shape\":(6),\"fortran_order\":False,\"descr\":\"<f4\"}", 0, stored,
               sizeof stored);
    expect_counting(1, (uint64_t[]){6});
    write_file(1, "{'shape': (6L,), 'descr': '<f4', 'fortran_order': True}", 0, stored,
               sizeof stored);
    expect_counting(1, (uint64_t[]){6});
    write_file(1, "{'descr': '<f4', 'fortran_order': False, 'shape': (), }", 118, stored, 4);
    expect_counting(0, NULL);
    write_file(1, "{'descr': '<f4', 'fortran_order': False, 'shape': (0, 3), }", 118, stored, 0);
    expect_counting(2, (uint64_t[]){0, 3});
}

Test(npy, every_type_of_number_in_both_byte_orders)
{
    static const struct {
        const char *descr;
        size_t      bytes;
        const char *data; /* 0, 1, 2 */
    } cases[] = {
        {"|u1", 1, "\0\1\2"},
        {"|i1", 1, "\0\1\2"},
        {"<u2", 2, "\0\0\1\0\2\0"},
        {">u2", 2, "\0\0\0\1\0\2"},
        {"<i2", 2, "\0\0\1\0\2\0"},
        {">i4", 4, "\0\0\0\0\0\0\0\1\0\0\0\2"},
        {"<u4", 4, "\0\0\0\0\1\0\0\0\2\0\0\0"},
        {"<i8", 8, "\0\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\2\0\0\0\0\0\0\0"},
        {">u8", 8, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0\2"},
        {"<f2", 2, "\0\0\0\x3c\0\x40"},
        {">f2", 2, "\0\0\x3c\0\x40\0"},
        {">f4", 4, "\0\0\0\0\x3f\x80\0\0\x40\0\0\0"},
        {"=f4", 4, "\0\0\0\0\0\0\x80\x3f\0\0\0\x40"},
        {">f8", 8, "\0\0\0\0\0\0\0\0\x3f\xf0\0\0\0\0\0\0\x40\0\0\0\0\0\0\0"},
        {"<f8", 8, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\xf0\x3f\0\0\0\0\0\0\0\x40"},
    };

    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        char header[96];

        snprintf(header, sizeof header, "{'descr': '%s', 'fortran_order': False, 'shape': (3,), }",
                 cases[c].descr);
        write_file(1, header, 118, cases[c].data, 3 * cases[c].bytes);
        expect_counting(1, (uint64_t[]){3});
    }
    write_file(1, "{'descr': '|b1', 'fortran_order': False, 'shape': (2,), }", 118, "\0\1", 2);
    expect_counting(1, (uint64_t[]){2});
}

Test(npy, halves_that_are_small_or_not_finite_keep_their_value)
{
    const uint16_t     halves[] = {0x0001, 0x83ff, 0x7c00, 0xfc00, 0x7e00, 0x7bff, 0x8000};
    struct worker_npy *file;
    float              x[7];

    write_file(1, "{'descr': '<f2', 'fortran_order': False, 'shape': (7,), }", 118, halves,
               sizeof halves);
    file = open_good();
    cr_assert_eq(worker_npy_read_f32(file, 0, 7, x, NULL), 0);
    cr_expect_eq(x[0], 0x1p-24f);
    cr_expect_eq(x[1], -0x1.ff8p-15f);
    cr_expect(isinf(x[2]) && x[2] > 0 && isinf(x[3]) && x[3] < 0 && isnan(x[4]));
    cr_expect_eq(x[5], 65504.0f);
    cr_expect(x[6] == 0 && signbit(x[6]));
    worker_npy_close(file);
}

Test(npy, what_is_no_number_is_refused_with_what_was_found)
{
#define WANTED                                                                                     \
    ", wanted are bool, integers of 8 to 64 bits or floats of 16 to 64: save it as such, with "    \
    "a.astype('float32')"
    static const struct {
        const char *descr, *text;
    } cases[] = {
        {"'|O'", " holds Python objects (dtype |O)" WANTED},
        {"'<c8'", " holds complex numbers (dtype <c8)" WANTED},
        {"'<U12'", " holds text (dtype <U12)" WANTED},
        {"'<M8[ns]'", " holds times (dtype <M8[ns])" WANTED},
        {"'<f16'", " holds numbers of another kind (dtype <f16)" WANTED},
        {"[('a', '<f4')]", " holds a table of records (dtype [...])" WANTED},
        {"''", " is damaged: its header has no descr that can be read"},
    };

    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        char header[96];

        snprintf(header, sizeof header, "{'descr': %s, 'fortran_order': False, 'shape': (1,), }",
                 cases[c].descr);
        write_file(1, header, 118, "12345678", 8);
        expect_refused(cases[c].text);
    }
}

#define SHAPED(shape) "{'descr': '<f4', 'fortran_order': False, 'shape': " shape ", }"

Test(npy, a_header_that_does_not_fit_the_file_is_refused)
{
    static const struct {
        const char *header, *text;
    } cases[] = {
        {SHAPED("(4,)"), " is cut short: it has 8 of the 16 bytes that its header declares"},
        {SHAPED("()"), " goes on behind the 4 bytes that its header declares"},
        {SHAPED("(4294967296, 4294967296)"), " is damaged: its shape is too large for any file"},
        {SHAPED("(0, 4294967296, 4294967296)"), " is damaged: its shape is too large for any file"},
        {SHAPED("(99999999999999999999,)"),
         " is damaged: its header has no shape that can be read"},
        {SHAPED("(1, 1, 1, 1, 2)"), " has more than 4 dimensions: save it with fewer"},
        {SHAPED("(-2,)"), " is damaged: its header has no shape that can be read"},
        {SHAPED("(1 2)"), " is damaged: its header has no shape that can be read"},
        {SHAPED("(2,"), " is damaged: its header has no shape that can be read"},
        {"{'descr': '<f4', 'shape': (2,), }",
         " is damaged: its header has no fortran_order that can be read"},
        {"{'descr': '<f4', 'fortran_order': Maybe, 'shape': (2,), }",
         " is damaged: its header has no fortran_order that can be read"},
        {"{'descr': '<f4', 'descr': '<f4', }",
         " is damaged: its header has an unknown or second field"},
        {"{'descr': '<f4', 'colour': 1, }",
         " is damaged: its header has an unknown or second field"},
        {SHAPED("(2,)") " 3", " is damaged: its header has no dict that can be read"},
        {"", " is damaged: its header has no dict that can be read"},
    };

    for (size_t c = 0; c < sizeof cases / sizeof cases[0]; c++) {
        write_file(1, cases[c].header, 118, "12345678", 8);
        expect_refused(cases[c].text);
    }
}

Test(npy, a_file_that_is_none_is_refused)
{
    mx_file_write(path, "\x93NUMPY\1", 7, NULL);
    expect_refused(" is cut short: 7 bytes are no npy file");
    mx_file_write(path, "\x93NUMPY\1\0\x76\0{'de", 14, NULL);
    expect_refused(" is cut short: it ends within its header");
    mx_file_write(path, "PK\3\4 and so on", 13, NULL);
    expect_refused(" is not an npy file: it does not begin with \\x93NUMPY but as an npz archive: "
                   "unpack it");
    mx_file_write(path, "label,x\n1,2\n", 12, NULL);
    expect_refused(" is not an npy file: it does not begin with \\x93NUMPY");
    mx_file_write(path, "\x93NUMPY\4\0\x76\0\0\0\0\0", 14, NULL);
    expect_refused(" has version 4 of the npy format: 1 to 3 can be read");
    mx_file_write(path, "\x93NUMPY\2\0\0\0\0\x80\0\0", 14, NULL);
    expect_refused(" is damaged: its header has 2147483648 bytes, at most 65536 are read");
}

Test(npy, a_missing_file_and_a_folder_are_named)
{
    struct mx_err err;

    cr_assert_null(worker_npy_open("/nonexistent/x.npy", &err));
    cr_expect_eq(err.code, MX_EDATA);
    cr_expect_str_eq(err.text, "cannot open /nonexistent/x.npy: No such file or directory");
    cr_assert_null(worker_npy_open("/tmp", &err));
    cr_expect_str_eq(err.text, "/tmp is not a file");
}

Test(npy, a_label_that_is_none_is_named_with_its_row)
{
    struct mx_err      err;
    struct mx_buf      due = {0};
    struct worker_npy *file;
    uint32_t           labels[3];

    write_file(1, "{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }", 118,
               (float[]){1, 9, 0.5f}, 12);
    file = open_good();
    cr_expect_eq(worker_npy_read_u32(file, 0, 3, 4, "label", labels, &err), -1);
    mx_buf_printf(&due, "%s: the label of row 1 is 9, not one of 0 to 3", path);
    cr_expect_eq(err.code, MX_EDATA);
    cr_expect_str_eq(err.text, due.data);
    cr_expect_eq(worker_npy_read_u32(file, 1, 2, 10, "label", labels, &err), -1);
    mx_buf_clear(&due);
    mx_buf_printf(&due, "%s: the label of row 2 is 0.5: whole numbers are wanted", path);
    cr_expect_str_eq(err.text, due.data);
    worker_npy_close(file);
    write_file(1, "{'descr': '<i8', 'fortran_order': True, 'shape': (2, 1), }", 118,
               (int64_t[]){0, -1}, 16);
    file = open_good();
    cr_expect_eq(worker_npy_read_u32(file, 0, 2, 10, "group", labels, &err), -1);
    mx_buf_clear(&due);
    mx_buf_printf(&due, "%s: the group of row 1 is -1, not one of 0 to 9", path);
    cr_expect_str_eq(err.text, due.data);
    worker_npy_close(file);
    mx_buf_free(&due);
}

Test(npy, a_shape_that_is_not_wanted_is_told)
{
    struct mx_err      err;
    struct mx_buf      due = {0};
    struct worker_npy *file;

    write_file(1, SHAPED("(1, 2)"), 118, "12345678", 8);
    file = open_good();
    cr_expect_eq(worker_npy_want(file, 2, (uint64_t[]){UINT64_MAX, 2}, &err), 0);
    cr_expect_eq(worker_npy_want(file, 2, (uint64_t[]){UINT64_MAX, 7}, &err), -1);
    mx_buf_printf(&due, "%s has shape (1, 2), not (any, 7)", path);
    cr_expect_eq(err.code, MX_EDATA);
    cr_expect_str_eq(err.text, due.data);
    cr_expect_eq(worker_npy_want(file, 1, (uint64_t[]){1}, &err), -1);
    mx_buf_clear(&due);
    mx_buf_printf(&due, "%s has shape (1, 2), not (1,)", path);
    cr_expect_str_eq(err.text, due.data);
    mx_buf_free(&due);
    worker_npy_close(file);
}

Test(npy, many_rows_are_read_in_pieces)
{
    enum {
        ROWS = 20001,
        ROW = 3
    };
    int16_t           *stored = calloc(ROWS * ROW, sizeof *stored);
    float             *x = calloc(ROWS * ROW, sizeof *x);
    struct worker_npy *file;

    for (int fortran = 0; fortran < 2; fortran++) {
        for (int r = 0; r < ROWS; r++)
            for (int k = 0; k < ROW; k++)
                stored[fortran ? k * ROWS + r : r * ROW + k] = (int16_t)(r + k);
        write_file(1,
                   fortran ? "{'descr': '<i2', 'fortran_order': True, 'shape': (20001, 3), }"
                           : "{'descr': '<i2', 'fortran_order': False, 'shape': (20001, 3), }",
                   118, stored, ROWS * ROW * sizeof *stored);
        file = open_good();
        cr_assert_eq(worker_npy_read_f32(file, 1, ROWS - 1, x, NULL), 0);
        for (int r = 0; r < ROWS - 1; r++)
            for (int k = 0; k < ROW; k++)
                cr_assert_eq(x[r * ROW + k], (float)(r + 1 + k));
        worker_npy_close(file);
    }
    free(stored);
    free(x);
}

Test(npy, what_is_written_reads_back_and_is_aligned)
{
    const double              x[] = {0, 1, 2, 3, 4, 5};
    struct worker_npy_writer *writer;
    struct mx_buf             raw = {0};

    cr_assert_eq(worker_npy_write(path, WORKER_NPY_F64, 2, (uint64_t[]){2, 3}, x, NULL), 0);
    expect_counting(2, (uint64_t[]){2, 3});
    cr_assert_eq(mx_file_read(path, 4096, &raw, NULL), 0);
    cr_expect_eq(raw.len, 128 + sizeof x);
    cr_expect_eq(memcmp(raw.data + 128, x, sizeof x), 0);
    cr_expect_eq(
        memcmp(raw.data + 10, "{'descr': '<f8', 'fortran_order': False, 'shape': (2, 3), } ", 60),
        0);
    cr_assert_eq(
        worker_npy_write(path, WORKER_NPY_U32, 1, (uint64_t[]){2}, (uint32_t[]){0, 1}, NULL), 0);
    expect_counting(1, (uint64_t[]){2});
    cr_assert_eq(mx_file_read(path, 4096, &raw, NULL), 0);
    cr_expect_not_null(strstr(raw.data + 10, "'shape': (2,), }"));
    cr_assert_not_null(writer = worker_npy_begin(path, WORKER_NPY_F32, 0, NULL, NULL));
    cr_assert_eq(worker_npy_append(writer, (float[]){0}, 1, NULL), 0);
    expect_counting(1, (uint64_t[]){2}); /* the old one, until it is finished */
    cr_assert_eq(worker_npy_finish(writer, NULL), 0);
    expect_counting(0, NULL);
    mx_buf_free(&raw);
}

Test(npy, a_file_that_is_not_whole_never_takes_its_place)
{
    struct worker_npy_writer *writer;
    struct mx_err             err;
    struct mx_buf             due = {0}, temporary = {0};

    mx_buf_printf(&temporary, "%s.tmp.%ld", path, (long)getpid());
    cr_assert_not_null(writer = worker_npy_begin(path, WORKER_NPY_F32, 1, (uint64_t[]){3}, &err));
    cr_assert_eq(worker_npy_append(writer, (float[]){0, 1}, 2, &err), 0);
    cr_expect(mx_file_exists(temporary.data));
    cr_expect_eq(worker_npy_append(writer, (float[]){2, 3}, 2, &err), -1);
    mx_buf_printf(&due, "%s gets more numbers than its shape has", path);
    cr_expect_str_eq(err.text, due.data);
    cr_expect_eq(worker_npy_finish(writer, &err), -1);
    mx_buf_clear(&due);
    mx_buf_printf(&due, "%s gets fewer numbers than its shape has", path);
    cr_expect_str_eq(err.text, due.data);
    cr_expect(!mx_file_exists(path));
    cr_expect(!mx_file_exists(temporary.data));
    cr_assert_not_null(writer = worker_npy_begin(path, WORKER_NPY_F32, 1, (uint64_t[]){3}, &err));
    worker_npy_drop(writer);
    cr_expect(!mx_file_exists(path));
    cr_expect(!mx_file_exists(temporary.data));
    mx_buf_free(&due);
    mx_buf_free(&temporary);
}
