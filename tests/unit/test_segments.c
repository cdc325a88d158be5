/* Segments for network dissection: which concept each pixel of a test image shows. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "idx_files.h"
#include "picture_files.h"
#include "worker/choices.h"
#include "worker/segments.h"
#include "worker/synthetic.h"

static void put_picture(const char *folder, const char *name, uint32_t height, uint32_t width,
                        const uint8_t *pixels)
{
    struct mx_buf png =
        png_of(height, width, PNG_COLOR_TYPE_GRAY, 8, PNG_INTERLACE_NONE, pixels, width);

    put_buf(folder, name, png);
}

/* Two training images and two test images of 6 x 12 pixels. */
static char *make_set(void)
{
    static const char *const names[] = {"train/cat/1.png", "train/dog/1.png", "test/cat/a.png",
                                        "test/dog/b.png"};
    char                    *folder = folder_make();

    for (int k = 0; k < 4; k++) {
        uint8_t pixels[6 * 12];

        for (int p = 0; p < 6 * 12; p++)
            pixels[p] = (uint8_t)(p * (k + 1));
        put_picture(folder, names[k], 6, 12, pixels);
    }
    return folder;
}

/* The left half 7, of the right one the upper part 9. */
static void put_segments(const char *folder, const char *name, uint8_t right)
{
    uint8_t pixels[6 * 12];

    for (int p = 0; p < 6 * 12; p++)
        pixels[p] = p % 12 < 6 ? 7 : p / 12 < 3 ? right : 0;
    put_picture(folder, name, 6, 12, pixels);
}

static struct worker_params params_of(const char *folder, int64_t size)
{
    struct worker_params params = {
        .data_set = WORKER_DATA_FOLDER, .data_size = size, .train_threads = 1};

    snprintf(params.data_path, sizeof params.data_path, "%s", folder);
    return params;
}

static struct worker_segments *open_at(const char *folder, int64_t size, struct mx_err *err)
{
    const struct worker_params params = params_of(folder, size);
    struct worker_dataset     *set = worker_dataset_open(&params, 1, NULL);
    struct worker_segments    *segments;

    cr_assert_not_null(set);
    segments = worker_segments_open(&params, 1, set, err);
    worker_dataset_free(set);
    return segments;
}

Test(segments, tell_the_concept_of_each_pixel_as_the_network_sees_it)
{
    char                   *folder = make_set();
    struct worker_segments *segments;
    uint8_t                 out[16 * 16];

    put_text(folder, "segments/names.csv", "number,name\n7,fur\n9,\"sky, blue\"\n200,grass\n");
    put_segments(folder, "segments/test/cat/a.png", 9);
    segments = open_at(folder, 0, NULL); /* as stored */
    cr_assert_not_null(segments);
    cr_expect_eq(worker_segments_concepts(segments), 3);
    cr_expect_eq(worker_segments_images(segments), 1);
    cr_expect_str_eq(worker_segments_name(segments, 9), "sky, blue");
    cr_expect_null(worker_segments_name(segments, 8));
    cr_expect_null(worker_segments_name(segments, 256));
    cr_assert_eq(worker_segments_read(segments, 0, out, NULL), 1);
    for (int p = 0; p < 6 * 12; p++)
        cr_expect_eq(out[p], p % 12 < 6 ? 7 : p / 12 < 3 ? 9 : 0);
    cr_expect_eq(worker_segments_read(segments, 1, out, NULL), 0); /* it has none */
    worker_segments_free(segments);
    segments = open_at(folder, 12, NULL); /* twice as large, the middle 6 columns */
    cr_assert_eq(worker_segments_read(segments, 0, out, NULL), 1);
    for (int p = 0; p < 12 * 12; p++)
        cr_expect_eq(out[p], p % 12 < 6 ? 7 : p / 12 < 6 ? 9 : 0, "pixel %d: %d", p, out[p]);
    worker_segments_free(segments);
    worker_segments_free(NULL);
    folder_remove(folder);
}

Test(segments, a_picture_may_lie_beside_names_csv)
{
    char                   *folder = make_set();
    struct worker_segments *segments;

    put_text(folder, "segments/names.csv", "7,fur\n9,sky\n");
    put_segments(folder, "segments/b.png", 9);
    segments = open_at(folder, 8, NULL);
    cr_assert_not_null(segments);
    cr_expect_eq(worker_segments_images(segments), 1);
    worker_segments_free(segments);
    folder_remove(folder);
}

static void expect_refusal(const char *folder, const char *names, const char *text)
{
    struct mx_err err = {0};
    char          due[512];

    if (names)
        put_text(folder, "segments/names.csv", names);
    cr_expect_null(open_at(folder, 8, &err));
    snprintf(due, sizeof due, text, folder);
    cr_expect_eq(err.code, MX_EDATA);
    cr_expect_str_eq(err.text, due);
}

Test(segments, what_is_wrong_with_the_names_is_told_with_the_line)
{
    char *folder = make_set();

    expect_refusal(folder, NULL,
                   "there is no %s/segments/names.csv: it has to say which number of a pixel is "
                   "which concept, a line number,name each");
    expect_refusal(folder, "number,name\n",
                   "%s/segments/names.csv names no concept: write number,name on a line for each");
    expect_refusal(folder, "1,a\n2\n", "%s/segments/names.csv:2: a line is number,name");
    expect_refusal(folder, "0,a\n", "%s/segments/names.csv:1: '0' is no number from 1 to 255");
    expect_refusal(folder, "256,a\n", "%s/segments/names.csv:1: '256' is no number from 1 to 255");
    expect_refusal(folder, "fur,1\n", "%s/segments/names.csv:1: 'fur' is no number from 1 to 255");
    expect_refusal(folder, "1,\n", "%s/segments/names.csv:1: concept 1 has no name");
    expect_refusal(folder, "1,a\n\n1,b\n",
                   "%s/segments/names.csv:3: concept 1 is there already, as 'a'");
    expect_refusal(folder, "1,a\n",
                   "%s/segments holds no picture for any test image: test/cat/1.jpg would have "
                   "segments/test/cat/1.png or segments/1.png");
    folder_remove(folder);
}

static void expect_unreadable(const char *folder, const char *text)
{
    struct worker_segments *segments = open_at(folder, 8, NULL);
    struct mx_err           err = {0};
    uint8_t                 out[8 * 8];
    char                    due[512];

    cr_assert_not_null(segments);
    cr_expect_eq(worker_segments_read(segments, 0, out, &err), -1);
    snprintf(due, sizeof due, "%s/segments/test/cat/a.png%s", folder, text);
    cr_expect_eq(err.code, MX_EDATA);
    cr_expect_str_eq(err.text, due);
    worker_segments_free(segments);
}

Test(segments, what_is_wrong_with_a_picture_is_told)
{
    static const uint8_t pixels[6 * 12 * 3] = {0};
    char                *folder = make_set();
    struct mx_buf        colour =
        png_of(6, 12, PNG_COLOR_TYPE_RGB, 8, PNG_INTERLACE_NONE, pixels, (size_t)3 * 12);

    put_text(folder, "segments/names.csv", "7,fur\n9,sky\n");
    put_segments(folder, "segments/test/cat/a.png", 10);
    expect_unreadable(folder, " has pixels of concept 10, which segments/names.csv does not name");
    put_picture(folder, "segments/test/cat/a.png", 12, 6, pixels);
    expect_unreadable(
        folder, " has 6 x 12 pixels and its image 12 x 6: a segment picture has its image's size");
    put_bytes(folder, "segments/test/cat/a.png", colour.data, colour.len);
    expect_unreadable(folder,
                      " is in colour: a pixel of a segment picture is grey, the number of its "
                      "concept");
    put_bytes(folder, "segments/test/cat/a.png", "GIF", 3);
    expect_unreadable(folder, " is neither a JPEG nor a PNG file: convert it");
    mx_buf_free(&colour);
    folder_remove(folder);
}

Test(segments, a_set_without_image_files_has_none)
{
    const struct worker_params params = {.data_set = WORKER_DATA_SYNTHETIC,
                                         .data_size = 8,
                                         .data_synthetic_n = 40,
                                         .data_synthetic_classes = 4,
                                         .train_threads = 1};
    struct worker_params       other = params;
    struct worker_dataset     *set = worker_dataset_open(&params, 1, NULL);
    struct mx_err              err = {0};

    cr_assert_not_null(set);
    other.data_set = WORKER_DATA_MNIST;
    cr_expect_null(worker_segments_open(&other, 1, set, &err));
    cr_expect_eq(err.code, MX_EINVAL);
    cr_expect_str_eq(err.text, "mnist has no image files");
    cr_expect_not(worker_segments_possible(WORKER_DATA_MNIST));
    cr_expect(worker_segments_possible(WORKER_DATA_CUB));
    worker_dataset_free(set);
}

Test(segments, of_synthetic_images_are_shape_and_stripes)
{
    const struct worker_params params = {.data_set = WORKER_DATA_SYNTHETIC,
                                         .data_size = 12,
                                         .data_synthetic_n = 40,
                                         .data_synthetic_classes = 4,
                                         .train_threads = 1};
    struct worker_dataset     *set = worker_dataset_open(&params, 1, NULL);
    struct worker_segments    *segments = worker_segments_open(&params, 1, set, NULL);
    uint8_t                    out[12 * 12];
    bool                       mask[12 * 12];

    cr_assert_not_null(segments);
    cr_expect_eq(worker_segments_concepts(segments), 6);
    cr_expect_eq(worker_segments_images(segments), set->test.n);
    cr_expect_str_eq(worker_segments_name(segments, 3), "frame");
    cr_expect_str_eq(worker_segments_name(segments, 102), "standing stripes");
    for (uint32_t i = 0; i < 8; i++) {
        const struct worker_box box =
            worker_synthetic_box(1, WORKER_SYNTHETIC_TEST, set->test.rows[i], 12);

        cr_assert_eq(worker_segments_read(segments, i, out, NULL), 1);
        worker_synthetic_mask(&box, set->test.labels[i], 12, mask);
        for (int p = 0; p < 12 * 12; p++)
            cr_expect_eq(out[p], mask[p] ? 1 + set->test.labels[i] : 101 + set->test.groups[i] % 2);
    }
    cr_expect_not(worker_segments_has(segments, set->test.n));
    worker_segments_free(segments);
    worker_dataset_free(set);
}
