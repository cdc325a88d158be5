/* Checkpoints as files: what is refused, and what is then left alone. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/file.h"
#include "worker/checkpoint.h"

enum {
    FIRST = 100, /* bytes of the blocks */
    SECOND = 37,
};

static char folder[] = "/tmp/mx_checkpoint_XXXXXX";

static void make_folder(void)
{
    cr_assert_not_null(mkdtemp(folder));
}

static void remove_folder(void)
{
    mx_dir_remove(folder, NULL);
}

struct sample {
    unsigned char            first[FIRST], second[SECOND];
    struct worker_checkpoint checkpoint;
};

static struct sample *sample_new(unsigned char fill, uint64_t step)
{
    struct sample *sample = calloc(1, sizeof *sample);

    memset(sample->first, fill, FIRST);
    memset(sample->second, fill + 1, SECOND);
    sample->checkpoint = (struct worker_checkpoint){
        .key = "00112233445566778899aabbccddeeff",
        .engine = 3,
        .order = 77,
        .step = step,
        .position = {4, 5, 6, 9.5, {8, 0.25, 3, 4, 1.5, 2.5, 1}},
        .last_epoch = 10,
        .last_batch = 11,
        .nblocks = 2,
        .blocks = {{sample->first, FIRST, FIRST}, {sample->second, SECOND, SECOND}},
    };
    mx_buf_printf(&sample->checkpoint.history, "row of step %d\n", (int)step);
    return sample;
}

static void sample_free(struct sample *sample)
{
    mx_buf_free(&sample->checkpoint.history);
    free(sample);
}

static void write_sample(unsigned file, unsigned char fill, uint64_t step)
{
    struct sample *sample = sample_new(fill, step);
    struct mx_err  err;

    cr_assert_eq(worker_checkpoint_write(folder, file, &sample->checkpoint, &err), 0, "%s",
                 err.text);
    sample_free(sample);
}

static void expect_read(int file, const char *notes)
{
    struct sample *sample = sample_new(0xee, 0);
    struct mx_buf  told = {0};

    sample->checkpoint.blocks[1].bytes = 0;

    cr_expect_eq(worker_checkpoint_read(folder, &sample->checkpoint, &told), file);
    cr_expect_str_eq(mx_buf_str(&told), notes);
    if (file < 0) {
        cr_expect_eq(sample->first[0], 0xee);
        cr_expect_eq(sample->checkpoint.step, 0);
    }
    mx_buf_free(&told);
    sample_free(sample);
}

Test(checkpoint, comes_back_as_it_was, .init = make_folder, .fini = remove_folder)
{
    struct sample *sample = sample_new(0xee, 0), *expected = sample_new(1, 12);
    struct mx_buf  notes = {0};

    write_sample(0, 1, 12);
    cr_assert_eq(worker_checkpoint_read(folder, &sample->checkpoint, &notes), 0);
    cr_expect_eq(notes.len, 0);
    cr_expect_arr_eq(sample->first, expected->first, FIRST);
    cr_expect_arr_eq(sample->second, expected->second, SECOND);
    cr_expect_eq(sample->checkpoint.step, 12);
    cr_expect_eq(sample->checkpoint.position.epoch, 4);
    cr_expect_eq(sample->checkpoint.position.batch, 5);
    cr_expect_eq(sample->checkpoint.position.ticks, 6);
    cr_expect_eq(sample->checkpoint.position.seconds, 9.5);
    cr_expect_eq(sample->checkpoint.position.tally.images, 8);
    cr_expect_eq(sample->checkpoint.position.tally.loss, 0.25);
    cr_expect_eq(sample->checkpoint.position.tally.hits, 3);
    cr_expect_eq(sample->checkpoint.position.tally.mixed, 4);
    cr_expect_eq(sample->checkpoint.position.tally.drawn, 1.5);
    cr_expect_eq(sample->checkpoint.position.tally.effective, 2.5);
    cr_expect_eq(sample->checkpoint.position.tally.self_pairs, 1);
    cr_expect_eq(sample->checkpoint.last_epoch, 10);
    cr_expect_eq(sample->checkpoint.last_batch, 11);
    cr_expect_str_eq(mx_buf_str(&sample->checkpoint.history), "row of step 12\n");
    sample_free(sample);
    sample_free(expected);
}

Test(checkpoint, the_newer_of_two_is_taken, .init = make_folder, .fini = remove_folder)
{
    expect_read(-1, "");
    write_sample(1, 1, 12);
    expect_read(1, "");
    write_sample(0, 2, 13);
    expect_read(0, "");
    write_sample(1, 3, 14);
    expect_read(1, "");
}

/* Without waiting for the disk. */
static void put_bytes(const char *path, const char *bytes, size_t n)
{
    FILE *file = fopen(path, "wb");

    cr_assert_not_null(file);
    fwrite(bytes, 1, n, file);
    cr_assert_eq(fclose(file), 0);
}

static struct mx_buf file_bytes(const char *path)
{
    struct mx_buf bytes = {0};

    cr_assert_eq(mx_file_read(path, 1 << 20, &bytes, NULL), 0);
    return bytes;
}

/* Wherever a bit is wrong, and wherever the file ends too early. */
Test(checkpoint, no_wrong_bit_and_no_missing_byte_goes_unseen, .init = make_folder,
     .fini = remove_folder)
{
    char         *path = mx_path_join(folder, "checkpoint-0.bin");
    struct mx_buf bytes;

    write_sample(0, 1, 12);
    bytes = file_bytes(path);
    for (size_t at = 0; at < bytes.len; at++) {
        struct sample *sample = sample_new(0xee, 0);
        struct mx_buf  notes = {0};

        bytes.data[at] ^= (char)(1 << at % 8);
        put_bytes(path, bytes.data, bytes.len);
        cr_expect_eq(worker_checkpoint_read(folder, &sample->checkpoint, &notes), -1, "byte %zu",
                     at);
        bytes.data[at] ^= (char)(1 << at % 8);
        put_bytes(path, bytes.data, at);
        cr_expect_eq(worker_checkpoint_read(folder, &sample->checkpoint, &notes), -1, "%zu bytes",
                     at);
        mx_buf_free(&notes);
        sample_free(sample);
    }
    mx_buf_add(&bytes, "x", 1);
    put_bytes(path, bytes.data, bytes.len);
    expect_read(-1, "checkpoint-0.bin is not used: it is damaged\n");
    put_bytes(path, bytes.data, 0);
    expect_read(-1, "checkpoint-0.bin is not used: it is empty\n");
    mx_buf_free(&bytes);
    free(path);
}

Test(checkpoint, of_other_machines_and_versions_is_refused, .init = make_folder,
     .fini = remove_folder)
{
    static const char *const expected[] = {
        "checkpoint-0.bin is not used: it is of stage x0112233445566778899aabbccddeeff\n",
        "checkpoint-0.bin is not used: it is of engine version 4\n",
        ("checkpoint-0.bin is not used: a machine with other instructions or another oneDNN "
         "wrote it\n"),
        "checkpoint-0.bin is not used: it is of another training\n",
    };

    for (int k = 0; k < 4; k++) {
        struct sample *sample = sample_new(1, 12);

        sample->checkpoint.key[0] = k == 0 ? 'x' : '0';
        sample->checkpoint.engine += k == 1;
        sample->checkpoint.order += k == 2;
        sample->checkpoint.nblocks -= k == 3;
        cr_assert_eq(worker_checkpoint_write(folder, 0, &sample->checkpoint, NULL), 0);
        expect_read(-1, expected[k]);
        sample_free(sample);
    }
}

Test(checkpoint, knows_its_files_by_name)
{
    cr_expect(worker_checkpoint_name("checkpoint-0.bin"));
    cr_expect(worker_checkpoint_name("checkpoint-1.bin"));
    cr_expect_not(worker_checkpoint_name("checkpoint-2.bin"));
    cr_expect_not(worker_checkpoint_name("checkpoint-0.bin.tmp.123"));
    cr_expect_not(worker_checkpoint_name("weights.safetensors"));
}

Test(checkpoint, a_folder_that_does_not_take_it_is_an_error, .init = make_folder,
     .fini = remove_folder)
{
    struct sample *sample = sample_new(1, 12);
    char          *inside = mx_path_join(folder, "gone");
    struct mx_err  err;

    cr_assert_eq(worker_checkpoint_write(inside, 0, &sample->checkpoint, &err), -1);
    cr_expect_eq(err.code, MX_EIO);
    free(inside);
    sample_free(sample);
}
