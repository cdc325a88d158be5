/* JPEG files through libjpeg-turbo: accurate integer DCT, fancy upsampling. */
#include <setjmp.h>
#include <stdbool.h>
#include <stdio.h>
/* jpeglib.h uses FILE and size_t of the line above. */
#include <jerror.h>
#include <jpeglib.h>

#include "worker/picture_parts.h"

struct reader {
    struct jpeg_decompress_struct jpeg;
    struct jpeg_error_mgr         errors;
    jmp_buf                       jump; /* back to worker_picture_jpeg() */
    char                          text[JMSG_LENGTH_MAX];
};

static void give_up(j_common_ptr jpeg)
{
    struct reader *reader = jpeg->client_data;

    jpeg->err->format_message(jpeg, reader->text);
    longjmp(reader->jump, 1);
}

/* Level -1 is a warning: the library goes on with made-up pixels, we do not. Some
 * bytes too many between two markers change nothing. */
static void on_message(j_common_ptr jpeg, int level)
{
    if (level < 0 && jpeg->err->msg_code != JWRN_EXTRANEOUS_DATA &&
        jpeg->err->msg_code != JWRN_ADOBE_XFORM)
        give_up(jpeg);
}

/* Adobe's programs store CMYK inverted. */
static void cmyk_to_rgb(uint8_t *row, uint32_t width, bool inverted)
{
    for (uint32_t x = 0; x < width; x++, row += 4) {
        unsigned flip = inverted ? 0 : 255, light = row[3] ^ flip;

        for (int c = 0; c < 3; c++)
            row[c] = (uint8_t)(((row[c] ^ flip) * light + 127) / 255);
    }
}

static void choose_colours(struct jpeg_decompress_struct *jpeg)
{
    if (jpeg->jpeg_color_space == JCS_GRAYSCALE)
        jpeg->out_color_space = JCS_GRAYSCALE;
    else if (jpeg->jpeg_color_space == JCS_CMYK || jpeg->jpeg_color_space == JCS_YCCK)
        jpeg->out_color_space = JCS_CMYK;
    else
        jpeg->out_color_space = JCS_RGB;
    jpeg->dct_method = JDCT_ISLOW;
    jpeg->do_fancy_upsampling = TRUE;
}

static void read_turn(const struct jpeg_decompress_struct *jpeg, struct worker_picture *picture)
{
    for (jpeg_saved_marker_ptr marker = jpeg->marker_list; marker; marker = marker->next)
        if (marker->marker == JPEG_APP0 + 1 && picture->turn == 1)
            picture->turn = worker_exif_turn(marker->data, marker->data_length);
}

/* May be left through give_up(). */
static int decode(struct reader *reader, const char *name, struct worker_picture *picture,
                  struct mx_err *err)
{
    struct jpeg_decompress_struct *jpeg = &reader->jpeg;
    JSAMPARRAY                     row;

    jpeg_save_markers(jpeg, JPEG_APP0 + 1, 0xFFFF);
    jpeg_read_header(jpeg, TRUE);
    read_turn(jpeg, picture);
    choose_colours(jpeg);
    jpeg_start_decompress(jpeg);
    if (worker_picture_alloc(picture, jpeg->output_components == 1 ? 1 : 3, jpeg->output_height,
                             jpeg->output_width, name, err))
        return -1;
    row = jpeg->mem->alloc_sarray((j_common_ptr)jpeg, JPOOL_IMAGE,
                                  jpeg->output_width * (JDIMENSION)jpeg->output_components + 1, 1);
    row[0]++; /* to an aligned row the library writes past the caches: reading it took a fifth */
    for (uint32_t y = 0; y < picture->height; y++) {
        jpeg_read_scanlines(jpeg, row, 1);
        if (jpeg->out_color_space == JCS_CMYK)
            cmyk_to_rgb(row[0], picture->width, jpeg->saw_Adobe_marker != 0);
        worker_picture_put_row(picture, y, row[0], (uint32_t)jpeg->output_components);
    }
    jpeg_finish_decompress(jpeg);
    return 0;
}

int worker_picture_jpeg(const uint8_t *data, size_t len, const char *name,
                        struct worker_picture *picture, struct mx_err *err)
{
    struct reader reader = {.text = ""};
    int           rc;

    reader.jpeg.err = jpeg_std_error(&reader.errors);
    reader.errors.error_exit = give_up;
    reader.errors.emit_message = on_message;
    if (setjmp(reader.jump)) {
        rc = mx_fail(err, MX_EDATA, "%s is damaged (%s): get the file again", name, reader.text);
    } else {
        jpeg_create_decompress(&reader.jpeg);
        reader.jpeg.client_data = &reader;
        jpeg_mem_src(&reader.jpeg, data, len);
        rc = decode(&reader, name, picture, err);
    }
    jpeg_destroy_decompress(&reader.jpeg);
    return rc;
}

/* The library does not tell its version when it runs. */
void worker_picture_jpeg_version(struct mx_buf *out)
{
    mx_buf_printf(out, " libjpeg-turbo %d", LIBJPEG_TURBO_VERSION_NUMBER);
}
