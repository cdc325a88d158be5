#include "worker/checkpoint.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/wire.h"

enum {
    VERSION = 2,         /* of the frame's fields */
    FRAME_TYPE = 0x4b43, /* "CK" */
    HASH_BYTES = 8,
    NAME_SIZE = 24,
};

static const char *name_of(unsigned file, char name[NAME_SIZE])
{
    snprintf(name, NAME_SIZE, "checkpoint-%u.bin", file);
    return name;
}

static char *path_of(const char *folder, unsigned file)
{
    char name[NAME_SIZE];

    return mx_path_join(folder, name_of(file, name));
}

static void put_head(const struct worker_checkpoint *c, struct mx_buf *out)
{
    size_t frame = mx_wire_begin(out, FRAME_TYPE);

    mx_put_u32(out, VERSION);
    mx_put_text(out, c->key);
    mx_put_u32(out, c->engine);
    mx_put_u64(out, c->order);
    mx_put_u64(out, c->step);
    mx_put_u32(out, c->position.epoch);
    mx_put_u32(out, c->position.batch);
    mx_put_u64(out, c->position.ticks);
    mx_put_real(out, c->position.seconds);
    worker_tally_put(out, &c->position.tally);
    mx_put_u32(out, c->last_epoch);
    mx_put_u32(out, c->last_batch);
    mx_put_bytes(out, c->history.data, c->history.len);
    mx_put_u32(out, (uint32_t)c->nblocks);
    for (size_t b = 0; b < c->nblocks; b++) {
        mx_put_u64(out, c->blocks[b].bytes);
        mx_put_u64(out, mx_hash64(c->blocks[b].data, c->blocks[b].bytes));
    }
    mx_wire_end(out, frame);
    mx_put_u64(out, mx_hash64(mx_buf_str(out), out->len));
}

int worker_checkpoint_write(const char *folder, unsigned file,
                            const struct worker_checkpoint *checkpoint, struct mx_err *err)
{
    struct mx_piece pieces[1 + WORKER_CHECKPOINT_BLOCKS];
    struct mx_buf   head = {0};
    char           *path = path_of(folder, file);
    int             result = -1;

    put_head(checkpoint, &head);
    pieces[0] = (struct mx_piece){head.data, head.len};
    for (size_t b = 0; b < checkpoint->nblocks; b++)
        pieces[1 + b] = (struct mx_piece){checkpoint->blocks[b].data, checkpoint->blocks[b].bytes};
    if (path && mx_buf_ok(&head))
        result = mx_file_write_pieces(path, pieces, 1 + checkpoint->nblocks, err);
    else
        mx_fail(err, MX_ENOMEM, "no memory to write a checkpoint");
    mx_buf_free(&head);
    free(path);
    return result;
}

/* A file in memory, and what its head says. */
struct image {
    unsigned char           *data;
    size_t                   len;
    struct worker_checkpoint head; /* history lent: where it lies in data */
    const unsigned char     *blocks[WORKER_CHECKPOINT_BLOCKS];
    uint64_t                 hashes[WORKER_CHECKPOINT_BLOCKS];
};

static void unmap(struct image *image)
{
    if (image->data)
        munmap(image->data, image->len);
    image->data = NULL;
}

/* Returns 1 with the file in memory, 0 if there is none, -1. */
static int map(const char *path, struct image *image, struct mx_err *err)
{
    int         fd = open(path, O_RDONLY | O_CLOEXEC), result = -1;
    struct stat st;
    void       *data;

    if (fd < 0 && errno == ENOENT)
        return 0;
    if (fd < 0)
        return mx_fail_errno(err, MX_EIO, errno, "it cannot be opened");
    if (fstat(fd, &st) || !S_ISREG(st.st_mode) || st.st_size == 0) {
        mx_fail(err, MX_EIO, "it is empty");
    } else if ((data = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0)) ==
               MAP_FAILED) {
        mx_fail_errno(err, MX_EIO, errno, "it cannot be read");
    } else {
        image->data = data;
        image->len = (size_t)st.st_size;
        result = 1;
    }
    close(fd);
    return result;
}

static void take_head(struct mx_wire *wire, struct image *image)
{
    struct worker_checkpoint *c = &image->head;
    uint32_t                  nblocks;

    mx_take_text(wire, c->key, sizeof c->key);
    c->engine = mx_take_u32(wire);
    c->order = mx_take_u64(wire);
    c->step = mx_take_u64(wire);
    c->position.epoch = mx_take_u32(wire);
    c->position.batch = mx_take_u32(wire);
    c->position.ticks = mx_take_u64(wire);
    c->position.seconds = mx_take_real(wire);
    worker_tally_take(wire, &c->position.tally);
    c->last_epoch = mx_take_u32(wire);
    c->last_batch = mx_take_u32(wire);
    c->history.data = (char *)(uintptr_t)mx_take_bytes(wire, &c->history.len);
    nblocks = mx_take_u32(wire);
    if (nblocks > WORKER_CHECKPOINT_BLOCKS)
        wire->failed = true;
    for (uint32_t b = 0; b < nblocks && !wire->failed; b++) {
        c->blocks[b].bytes = mx_take_u64(wire);
        image->hashes[b] = mx_take_u64(wire);
    }
    c->nblocks = nblocks;
}

/* Read the head; a hash stands behind it. */
static int parse_head(struct image *image, size_t *head_bytes, struct mx_err *err)
{
    struct mx_wire wire;
    uint16_t       type;
    size_t         body;

    if (mx_wire_peek(image->data, image->len, &type, &body, NULL) != 1 || type != FRAME_TYPE ||
        image->len - MX_WIRE_HEAD - body < HASH_BYTES)
        return mx_fail(err, MX_EDATA, "it is damaged");
    *head_bytes = MX_WIRE_HEAD + body + HASH_BYTES;
    wire =
        (struct mx_wire){image->data + *head_bytes - HASH_BYTES, image->data + *head_bytes, false};
    if (mx_take_u64(&wire) != mx_hash64(image->data, *head_bytes - HASH_BYTES))
        return mx_fail(err, MX_EDATA, "it is damaged");
    wire = mx_wire_body(image->data, body);
    if (mx_take_u32(&wire) != VERSION)
        return mx_fail(err, MX_EDATA, "another version of mixsweep wrote it");
    take_head(&wire, image);
    return mx_wire_done(&wire) ? 0 : mx_fail(err, MX_EDATA, "it is damaged");
}

static int check_blocks(struct image *image, size_t at, const struct worker_checkpoint *wanted,
                        struct mx_err *err)
{
    const struct worker_checkpoint *head = &image->head;

    for (size_t b = 0; b < head->nblocks; b++) {
        size_t bytes = head->blocks[b].bytes;

        if (bytes > image->len - at)
            return mx_fail(err, MX_EDATA, "it is damaged");
        if (b >= wanted->nblocks || bytes < wanted->blocks[b].bytes ||
            bytes > wanted->blocks[b].room)
            return mx_fail(err, MX_EDATA, "it is of another training");
        image->blocks[b] = image->data + at;
        if (mx_hash64(image->blocks[b], bytes) != image->hashes[b])
            return mx_fail(err, MX_EDATA, "it is damaged");
        at += bytes;
    }
    if (at != image->len)
        return mx_fail(err, MX_EDATA, "it is damaged");
    return head->nblocks == wanted->nblocks ? 0
                                            : mx_fail(err, MX_EDATA, "it is of another training");
}

/* Whether a file is whole and of this training. */
static int check(struct image *image, const struct worker_checkpoint *wanted, struct mx_err *err)
{
    const struct worker_checkpoint *head = &image->head;
    size_t                          head_bytes = 0;

    if (parse_head(image, &head_bytes, err))
        return -1;
    if (strcmp(head->key, wanted->key) != 0)
        return mx_fail(err, MX_EDATA, "it is of stage %s", head->key);
    if (head->engine != wanted->engine)
        return mx_fail(err, MX_EDATA, "it is of engine version %u", head->engine);
    if (head->order != wanted->order)
        return mx_fail(err, MX_EDATA,
                       "a machine with other instructions or another oneDNN wrote it");
    return check_blocks(image, head_bytes, wanted, err);
}

static int take(const struct image *image, struct worker_checkpoint *out)
{
    const struct worker_checkpoint *head = &image->head;
    struct mx_buf                   history = {0};

    mx_buf_add(&history, head->history.data, head->history.len);
    if (!mx_buf_ok(&history)) {
        mx_buf_free(&history);
        return -1;
    }
    mx_buf_free(&out->history);
    out->history = history;
    out->step = head->step;
    out->position = head->position;
    out->last_epoch = head->last_epoch;
    out->last_batch = head->last_batch;
    for (size_t b = 0; b < head->nblocks; b++) {
        out->blocks[b].bytes = head->blocks[b].bytes;
        memcpy(out->blocks[b].data, image->blocks[b], head->blocks[b].bytes);
    }
    return 0;
}

int worker_checkpoint_read(const char *folder, struct worker_checkpoint *checkpoint,
                           struct mx_buf *notes)
{
    struct image images[WORKER_CHECKPOINT_FILES] = {0};
    int          best = -1;

    for (int f = 0; f < WORKER_CHECKPOINT_FILES; f++) {
        char         *path = path_of(folder, (unsigned)f), name[NAME_SIZE];
        struct mx_err why = {.text = "no memory"};
        int           there = path ? map(path, &images[f], &why) : -1;

        if (there > 0 && check(&images[f], checkpoint, &why)) {
            unmap(&images[f]);
            there = -1;
        }
        if (there < 0)
            mx_buf_printf(notes, "%s is not used: %s\n", name_of((unsigned)f, name), why.text);
        if (there > 0 && (best < 0 || images[f].head.step > images[best].head.step))
            best = f;
        free(path);
    }
    if (best >= 0 && take(&images[best], checkpoint)) {
        mx_buf_text(notes, "no memory to take up a checkpoint\n");
        best = -1;
    }
    for (int f = 0; f < WORKER_CHECKPOINT_FILES; f++)
        unmap(&images[f]);
    return best;
}

bool worker_checkpoint_exists(const char *folder)
{
    bool there = false;

    for (unsigned f = 0; f < WORKER_CHECKPOINT_FILES; f++) {
        char *path = path_of(folder, f);

        there |= path && mx_file_exists(path);
        free(path);
    }
    return there;
}

bool worker_checkpoint_name(const char *name)
{
    char expected[NAME_SIZE];

    for (unsigned f = 0; f < WORKER_CHECKPOINT_FILES; f++)
        if (strcmp(name, name_of(f, expected)) == 0)
            return true;
    return false;
}

void worker_checkpoint_remove(const char *folder)
{
    for (unsigned f = 0; f < WORKER_CHECKPOINT_FILES; f++) {
        char *path = path_of(folder, f);

        if (path)
            unlink(path);
        free(path);
    }
}
