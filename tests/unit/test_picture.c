#include <criterion/criterion.h>
#include <sys/stat.h>

#include "idx_files.h"
#include "picture_files.h"
#include "worker/picture.h"

/* Decode and free the buffer; the text of a failure, or NULL. */
static const char *decode(struct mx_buf buf, struct worker_picture *picture)
{
    static struct mx_err err;
    int                  rc = worker_picture_decode(mx_buf_str(&buf), buf.len, "x", picture, &err);

    mx_buf_free(&buf);
    return rc ? err.text : NULL;
}

/* Compare planes (channels, height, width) with what was decoded. */
static void expect_planes(struct mx_buf buf, uint32_t channels, uint32_t height, uint32_t width,
                          const uint8_t *planes)
{
    struct worker_picture picture;
    const char           *why = decode(buf, &picture);

    cr_assert_null(why, "%s", why);
    cr_expect_eq(picture.channels, channels);
    cr_expect_eq(picture.height, height);
    cr_expect_eq(picture.width, width);
    cr_expect_eq(picture.turn, 1);
    cr_expect_arr_eq(picture.pixels, planes, channels * height * width);
    worker_picture_free(&picture);
}

Test(picture, png_of_every_kind_becomes_bytes)
{
    /* 2 rows of 3 columns */
    static const uint8_t rgb[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18};
    static const uint8_t rgb_planes[] = {1,  4,  7,  10, 13, 16, 2,  5,  8,
                                         11, 14, 17, 3,  6,  9,  12, 15, 18};
    static const uint8_t rgba[] = {1, 2, 3, 0, 4, 5, 6, 255, 7, 8, 9, 9};
    static const uint8_t rgba_planes[] = {1, 4, 7, 2, 5, 8, 3, 6, 9};
    static const uint8_t grey_alpha[] = {50, 0, 60, 128, 70, 255};
    static const uint8_t grey_planes[] = {50, 60, 70};
    /* 0x017F is 1.49 and 0x0180 1.5 of 257: 8 bits, rounded */
    static const uint8_t deep[] = {0xFF, 0xFF, 0x00, 0x80, 0x00, 0x81};
    static const uint8_t deep_planes[] = {255, 0, 1};
    static const uint8_t bits[] = {0xA0}, bits_planes[] = {255, 0, 255};
    static const uint8_t palette[] = {0x18}; /* entries 0, 1, 2 in two bits each */
    static const uint8_t palette_planes[] = {255, 0, 0, 0, 255, 0, 0, 0, 255};

    expect_planes(png_of(2, 3, PNG_COLOR_TYPE_RGB, 8, 0, rgb, 9), 3, 2, 3, rgb_planes);
    expect_planes(png_of(2, 3, PNG_COLOR_TYPE_RGB, 8, PNG_INTERLACE_ADAM7, rgb, 9), 3, 2, 3,
                  rgb_planes);
    expect_planes(png_of(1, 3, PNG_COLOR_TYPE_RGB_ALPHA, 8, 0, rgba, 12), 3, 1, 3, rgba_planes);
    expect_planes(png_of(1, 3, PNG_COLOR_TYPE_GRAY_ALPHA, 8, 0, grey_alpha, 6), 1, 1, 3,
                  grey_planes);
    expect_planes(png_of(1, 3, PNG_COLOR_TYPE_GRAY, 16, 0, deep, 6), 1, 1, 3, deep_planes);
    expect_planes(png_of(1, 3, PNG_COLOR_TYPE_GRAY, 1, 0, bits, 1), 1, 1, 3, bits_planes);
    expect_planes(png_of(1, 3, PNG_COLOR_TYPE_PALETTE, 2, 0, palette, 1), 3, 1, 3, palette_planes);
}

static void expect_colour(struct mx_buf buf, const uint8_t *colour, uint32_t channels)
{
    struct worker_picture picture;
    const char           *why = decode(buf, &picture);

    cr_assert_null(why, "%s", why);
    cr_assert_eq(picture.channels, channels);
    cr_expect_eq(picture.height, 10);
    cr_expect_eq(picture.width, 21);
    for (uint32_t k = 0; k < channels * 210; k++)
        cr_assert(abs(picture.pixels[k] - colour[k / 210]) <= 3, "%u: %u", k, picture.pixels[k]);
    worker_picture_free(&picture);
}

Test(picture, jpeg_of_every_kind_becomes_bytes)
{
    static const uint8_t orange[] = {250, 130, 20}, grey[] = {77};
    /* libjpeg marks its CMYK as Adobe's: inverted. 255 - C = 200, 255 - K = 128. */
    static const uint8_t cmyk[] = {200, 100, 50, 128}, cmyk_rgb[] = {100, 50, 25};

    expect_colour(jpeg_of(10, 21, JCS_RGB, orange, NULL, 0), orange, 3);
    expect_colour(jpeg_of(10, 21, JCS_GRAYSCALE, grey, NULL, 0), grey, 1);
    expect_colour(jpeg_of(10, 21, JCS_CMYK, cmyk, NULL, 0), cmyk_rgb, 3);
}

/* EXIF with one tag, orientation, in either byte order. */
static unsigned turn_of(bool little, uint8_t turn, size_t len)
{
    uint8_t               exif[] = {'E', 'x',  'i', 'f', 0, 0, 'M', 'M', 0, 42,   0, 0, 0, 8, 0, 1,
                                    1,   0x12, 0,   3,   0, 0, 0,   1,   0, turn, 0, 0, 0, 0, 0, 0};
    static const uint8_t  grey[] = {9};
    struct worker_picture picture;
    unsigned              found;

    if (little)
        memcpy(exif + 6,
               (uint8_t[]){'I', 'I', 42, 0, 8, 0, 0, 0, 1, 0, 0x12, 1, 3, 0, 1, 0, 0, 0, turn, 0},
               20);
    cr_assert_null(decode(jpeg_of(2, 3, JCS_GRAYSCALE, grey, exif, (unsigned)len), &picture));
    cr_expect_eq(picture.height, 2);
    cr_expect_eq(picture.width, 3);
    found = picture.turn;
    worker_picture_free(&picture);
    return found;
}

Test(picture, an_orientation_tag_is_noticed_and_the_pixels_stay)
{
    cr_expect_eq(turn_of(false, 6, 32), 6);
    cr_expect_eq(turn_of(true, 8, 32), 8);
    cr_expect_eq(turn_of(false, 1, 32), 1);
    cr_expect_eq(turn_of(false, 9, 32), 1);
    for (size_t len = 1; len < 26; len++) /* cut off: never read beyond */
        cr_expect_eq(turn_of(false, 6, len), 1, "%zu", len);
}

Test(picture, a_file_cut_anywhere_is_damaged)
{
    static const uint8_t  orange[] = {250, 130, 20};
    struct worker_picture picture;
    struct mx_err         err;
    struct mx_buf         whole[2];
    uint8_t               noise[300];

    for (unsigned k = 0; k < sizeof noise; k++)
        noise[k] = (uint8_t)(k * k * 31);
    whole[0] = jpeg_of(40, 40, JCS_RGB, orange, NULL, 0);
    whole[1] = png_of(10, 10, PNG_COLOR_TYPE_RGB, 8, 0, noise, 30);
    for (int f = 0; f < 2; f++) {
        /* The last two bytes of a JPEG say no more than that it ends. */
        for (size_t len = 1; len < whole[f].len - 2; len++) {
            cr_assert_eq(worker_picture_decode(whole[f].data, len, "cut", &picture, &err), -1,
                         "%zu of %zu", len, whole[f].len);
            cr_assert_eq(err.code, MX_EDATA);
            cr_assert_null(picture.pixels);
            cr_assert(strstr(err.text, "cut is ") == err.text, "%s", err.text);
        }
        mx_buf_free(&whole[f]);
    }
}

Test(picture, changed_bytes_never_do_harm)
{
    static const uint8_t orange[] = {250, 130, 20};
    struct mx_buf        whole[2] = {
               jpeg_of(24, 24, JCS_RGB, orange, NULL, 0),
               png_of(1, 3, PNG_COLOR_TYPE_RGB, 8, 0, (const uint8_t *)"abcdefghi", 9)};
    struct worker_picture picture;

    for (int f = 0; f < 2; f++) {
        for (size_t at = 0; at < whole[f].len; at++)
            for (int bit = 0; bit < 8; bit += 3) {
                whole[f].data[at] = (char)(whole[f].data[at] ^ 1 << bit);
                if (worker_picture_decode(whole[f].data, whole[f].len, "x", &picture, NULL) == 0)
                    worker_picture_free(&picture);
                whole[f].data[at] = (char)(whole[f].data[at] ^ 1 << bit);
            }
        mx_buf_free(&whole[f]);
    }
}

Test(picture, errors_say_what_is_wrong)
{
    static const uint8_t  orange[] = {250, 130, 20};
    struct mx_buf         jpeg = jpeg_of(40, 40, JCS_RGB, orange, NULL, 0);
    struct mx_buf         png = png_of(1, 1, PNG_COLOR_TYPE_GRAY, 8, 0, (const uint8_t *)"x", 1);
    struct worker_picture picture;
    struct mx_err         err;

    worker_picture_decode("GIF89a", 6, "a/b.jpg", &picture, &err);
    cr_expect_str_eq(err.text, "a/b.jpg is neither a JPEG nor a PNG file: convert it");
    worker_picture_decode("", 0, "a/b.jpg", &picture, &err);
    cr_expect_str_eq(err.text, "a/b.jpg is empty: get the file again");
    worker_picture_decode(jpeg.data, jpeg.len - 20, "a.jpg", &picture, &err);
    cr_expect_str_eq(err.text, "a.jpg is damaged (Premature end of JPEG file): get the file again");
    worker_picture_decode(png.data, png.len - 20, "a.png", &picture, &err);
    cr_expect_str_eq(err.text, "a.png is damaged (the file is cut short): get the file again");
    mx_buf_free(&jpeg);
    mx_buf_free(&png);
}

/* 20000 x 20000 in its header; the checksum of the header is right. */
Test(picture, what_declares_too_many_pixels_is_refused_before_memory_is_taken)
{
    static const uint8_t  head[33] = {0x89, 'P',  'N', 'G', 13,   10,   26,  10, 0,
                                      0,    0,    13,  'I', 'H',  'D',  'R', 0,  0,
                                      0x4E, 0x20, 0,   0,   0x4E, 0x20, 8};
    struct mx_buf         buf = {0};
    struct worker_picture picture;
    uint8_t               fixed[sizeof head + 12] = {0};
    uint32_t              crc = (uint32_t)crc32(0, head + 12, 17);
    struct mx_err         err;

    memcpy(fixed, head, sizeof head);
    for (int k = 0; k < 4; k++)
        fixed[29 + k] = (uint8_t)(crc >> (24 - 8 * k));
    memcpy(fixed + 37, "IDAT", 4);
    mx_buf_add(&buf, fixed, sizeof fixed);
    cr_expect_eq(worker_picture_decode(buf.data, buf.len, "big", &picture, &err), -1);
    cr_expect_str_eq(err.text,
                     "big has 20000 x 20000 pixels: more than 100 million in all, make it smaller");
    mx_buf_free(&buf);
}

static void expect_unreadable(const char *folder, const char *name, const char *format)
{
    char                 *path = mx_path_join(folder, name), wanted[256];
    struct worker_picture picture;
    struct mx_err         err;

    snprintf(wanted, sizeof wanted, format, path);
    cr_expect_eq(worker_picture_read(path, &picture, &err), -1);
    cr_expect_eq(err.code, MX_EIO);
    cr_expect_str_eq(err.text, wanted);
    free(path);
}

Test(picture, only_files_are_opened)
{
    char *folder = folder_make(), *pipe = mx_path_join(folder, "pipe");
    char *loop = mx_path_join(folder, "loop"), *sub = mx_path_join(folder, "sub");

    cr_assert_eq(mkfifo(pipe, 0600) | symlink("loop", loop) | mkdir(sub, 0700), 0);
    expect_unreadable(folder, "pipe", "%s is not a file");
    expect_unreadable(folder, "sub", "%s is a folder, and an image file is due there");
    expect_unreadable(folder, "loop", "cannot open %s: Too many levels of symbolic links");
    expect_unreadable(folder, "none",
                      "there is no file %s: get it again, or take it out of the set's table if one "
                      "names it");
    free(pipe);
    free(loop);
    free(sub);
    folder_remove(folder);
}

Test(picture, colours_become_luminance_and_grey_becomes_three)
{
    static const uint8_t  rgb[] = {255, 0, 0, 0, 255, 0, 0, 0, 255, 255, 255, 255};
    static const uint8_t  grey[] = {76, 150, 29, 255};
    struct worker_picture picture;

    cr_assert_null(decode(png_of(1, 4, PNG_COLOR_TYPE_RGB, 8, 0, rgb, 12), &picture));
    cr_expect_eq(worker_picture_channels(&picture, 1, NULL), 0);
    cr_expect_arr_eq(picture.pixels, grey, 4);
    cr_expect_eq(worker_picture_channels(&picture, 3, NULL), 0);
    cr_expect_eq(picture.channels, 3);
    for (int c = 0; c < 3; c++)
        cr_expect_arr_eq(picture.pixels + 4 * c, grey, 4);
    worker_picture_free(&picture);
}

Test(picture, png_goes_out_and_comes_back)
{
    static const uint8_t rgb[] = {1, 2, 3, 4, 5, 6}, planes[] = {1, 4, 2, 5, 3, 6};
    struct mx_buf        colour = {0}, grey = {0};

    cr_assert_eq(worker_png_encode(rgb, 1, 2, 3, &colour, NULL), 0);
    cr_assert_eq(worker_png_encode(rgb, 3, 2, 1, &grey, NULL), 0);
    expect_planes(colour, 3, 1, 2, planes);
    expect_planes(grey, 1, 3, 2, rgb);
}

Test(picture, a_path_is_shown_as_text)
{
    char shown[WORKER_SHOWN_SIZE], longer[600];

    cr_expect_str_eq(worker_shown_path("a/\xC3\xA4/\xFF\x01.png", shown),
                     "a/\xC3\xA4/\\xFF\\x01.png");
    memset(longer, 'x', sizeof longer);
    strcpy(longer + sizeof longer - 5, ".png");
    worker_shown_path(longer, shown);
    cr_expect_eq(strncmp(shown, "...xxx", 6), 0);
    cr_expect_str_eq(shown + strlen(shown) - 5, "x.png");
    memset(longer, '\xFF', sizeof longer - 1);
    cr_expect_lt(strlen(worker_shown_path(longer, shown)), WORKER_SHOWN_SIZE);
}
