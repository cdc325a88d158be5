/* Checkpoints: the input is changes to a good one, (place, byte) each, and behind
 * a byte 0xFF what is appended. No input would ever have the right hash by chance, so the
 * head's is put right: what stands behind that door is looked at too. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/wire.h"
#include "tests/fuzz/fuzz.h"
#include "worker/checkpoint.h"

enum {
    ROOM = 64
};

static void mend_hash(uint8_t *data, size_t size)
{
    uint16_t type;
    size_t   body, head;
    uint64_t hash;

    if (mx_wire_peek(data, size, &type, &body, NULL) != 1 ||
        size - MX_WIRE_HEAD - body < sizeof hash)
        return;
    head = MX_WIRE_HEAD + body;
    hash = mx_hash64(data, head);
    for (size_t k = 0; k < sizeof hash; k++)
        data[head + k] = (uint8_t)(hash >> 8 * k);
}

static struct worker_checkpoint blank(unsigned char first[ROOM], unsigned char second[ROOM])
{
    struct worker_checkpoint checkpoint = {
        .key = "0123456789abcdef0123456789abcdef", .engine = 3, .order = 5, .nblocks = 2};

    checkpoint.blocks[0] = (struct worker_block){first, 8, ROOM};
    checkpoint.blocks[1] = (struct worker_block){second, 0, ROOM};
    return checkpoint;
}

/* The bytes of a good file. */
static struct mx_buf good_file(void)
{
    unsigned char            first[ROOM] = {1}, second[ROOM] = {2};
    struct worker_checkpoint checkpoint = blank(first, second);
    char                     folder[] = "/tmp/mx_fuzz_good_XXXXXX", *path = NULL;
    struct mx_buf            file = {0};

    checkpoint.blocks[1].bytes = 5;
    mx_buf_text(&checkpoint.history, "epoch,learning_rate\n0,0.1\n");
    fuzz_expect(mkdtemp(folder) && (path = mx_path_join(folder, "checkpoint-1.bin")) &&
                    worker_checkpoint_write(folder, 1, &checkpoint, NULL) == 0 &&
                    mx_file_read(path, 1 << 20, &file, NULL) == 0,
                "a good checkpoint can be written");
    mx_dir_remove(folder, NULL);
    mx_buf_free(&checkpoint.history);
    free(path);
    return file;
}

/* The good file with the changes that the input asks for. */
static struct mx_buf changed(const struct mx_buf *good, const uint8_t *data, size_t size)
{
    struct mx_buf file = {0};

    mx_buf_add(&file, good->data, good->len);
    for (; size >= 2 && mx_buf_ok(&file); data += 2, size -= 2) {
        if (data[0] == 0xFF) {
            mx_buf_add(&file, data + 1, size - 1);
            break;
        }
        file.data[data[0] % file.len] = (char)data[1];
    }
    if (size == 1 && mx_buf_ok(&file))
        file.len = data[0] < file.len ? data[0] : file.len; /* cut off */
    return file;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const names[] = {"checkpoint-0.bin", NULL};
    static struct mx_buf     good;
    unsigned char            first[ROOM], second[ROOM];
    struct worker_checkpoint checkpoint = blank(first, second);
    struct mx_buf            notes = {0}, file;

    if (good.len == 0)
        good = good_file();
    file = changed(&good, data, size);
    if (mx_buf_ok(&file)) {
        mend_hash((uint8_t *)file.data, file.len);
        fuzz_folder(names);
        fuzz_file(file.data, file.len);
        if (worker_checkpoint_read(fuzz_folder(names), &checkpoint, &notes) == 0)
            fuzz_expect(checkpoint.blocks[0].bytes <= ROOM && checkpoint.blocks[1].bytes <= ROOM,
                        "a block stays in its room");
    }
    mx_buf_free(&checkpoint.history);
    mx_buf_free(&file);
    mx_buf_free(&notes);
    return 0;
}
