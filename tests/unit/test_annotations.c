/* Boxes and masks of test images, brought to what the network sees. */
#include <criterion/criterion.h>

#include "idx_files.h"
#include "picture_files.h"
#include "worker/annotations.h"
#include "worker/choices.h"
#include "worker/miniature.h"

/* Two training images and, as test/cat/a.png, one of 20 rows and 40 columns. */
static char *make_set(void)
{
    static const uint8_t grey[800] = {7, 9};
    char                *folder = folder_make();

    put_level(folder, "train/cat/1.png", 10, 10);
    put_level(folder, "train/dog/1.png", 10, 200);
    put_buf(folder, "test/cat/a.png",
            png_of(20, 40, PNG_COLOR_TYPE_GRAY, 8, PNG_INTERLACE_NONE, grey, 40));
    return folder;
}

static struct worker_params params_of(unsigned set, const char *folder)
{
    struct worker_params params = {.data_set = set, .data_size = 10};

    snprintf(params.data_path, sizeof params.data_path, "%s", folder);
    return params;
}

static struct worker_annotations *read_marks(const struct worker_params *params, struct mx_err *err)
{
    struct worker_dataset     *set = worker_dataset_open(params, 3, err);
    struct worker_annotations *marks;

    cr_assert_not_null(set, "%s", err->text);
    marks = worker_annotations_read(params, 3, set, err);
    worker_dataset_free(set);
    return marks;
}

static struct worker_annotations *must_read(const struct worker_params *params)
{
    struct mx_err              err = {.text = ""};
    struct worker_annotations *marks = read_marks(params, &err);

    cr_assert_not_null(marks, "%s", err.text);
    return marks;
}

static void expect_boxes(const struct worker_annotations *annotations, uint32_t i, const char *due)
{
    struct worker_marks marks = worker_annotations_of(annotations, i);
    struct mx_buf       out = {0};

    for (uint32_t b = 0; b < marks.nboxes; b++)
        mx_buf_printf(&out, "%u-%u,%u-%u ", marks.boxes[b].left, marks.boxes[b].right,
                      marks.boxes[b].top, marks.boxes[b].bottom);
    cr_expect_str_eq(mx_buf_str(&out), due);
    mx_buf_free(&out);
}

/* 20 x 40 becomes 10 x 20, of which columns 5 to 14 are seen. */
Test(annotations, boxes_go_the_way_of_the_image)
{
    char                      *folder = make_set();
    struct worker_params       params = params_of(WORKER_DATA_FOLDER, folder);
    struct worker_annotations *marks;

    put_text(folder, "boxes.csv",
             "file,x0,y0,x1,y1,label\n"
             "train/dog/1.png,0,0,1,1,dog\n"
             "test/cat/a.png,12,4,20,20,cat\n" /* within */
             "test/cat/a.png,0,-3,24,10,cat\n" /* beyond two edges */
             "test/cat/a.png,0,0,10,20,cat\n"  /* cut away */
             "test/cat/a.png,20,5,30,5,cat\n"  /* without area */
             "test/cat/a.png,20.9,5.1,23.1,7,\n");
    marks = must_read(&params);
    cr_expect(worker_annotations_boxes(marks));
    cr_expect(!worker_annotations_masks(marks));
    expect_boxes(marks, 0, "1-5,2-10 0-7,0-5 5-7,3-4 ");
    cr_expect_null(worker_annotations_of(marks, 0).mask);
    worker_annotations_free(marks);
    put_text(folder, "boxes.csv", "test/cat/a.png,12,4,20,20\n");
    marks = must_read(&params);
    expect_boxes(marks, 0, "1-5,2-10 ");
    worker_annotations_free(marks);
    put_text(folder, "boxes.csv",
             "label,y1,y0,x1,x0,width,file\ncat,20,4,20,12,40,test/cat/a.png\n");
    marks = must_read(&params);
    expect_boxes(marks, 0, "1-5,2-10 ");
    worker_annotations_free(marks);
    folder_remove(folder);
}

Test(annotations, without_a_size_boxes_stay_where_they_are)
{
    char                      *folder = folder_make();
    struct worker_params       params = params_of(WORKER_DATA_FOLDER, folder);
    struct worker_annotations *marks;

    put_level(folder, "train/cat/1.png", 12, 10);
    put_level(folder, "train/dog/1.png", 12, 200);
    put_level(folder, "test/cat/a.png", 12, 200);
    params.data_size = 0;
    put_text(folder, "boxes.csv", "test/cat/a.png,2,3,20,12\n");
    marks = must_read(&params);
    expect_boxes(marks, 0, "2-12,3-12 ");
    worker_annotations_free(marks);
    folder_remove(folder);
}

Test(annotations, boxes_that_are_none_are_named_with_line_and_column)
{
    static const struct {
        const char *text, *due;
    } rows[] = {
        {"file,x0,y0,x1\n",
         "%s/boxes.csv:1: there is no column y1: file, x0, y0, x1 and y1 are needed"},
        {"a.png,0,0,x,9\n", "%s/boxes.csv:1: column x1 is 'x', not a number of pixels"},
        {"file,x0,y0,x1,y1\na.png,0,0,5\n", "%s/boxes.csv:2: the line ends before column y1"},
        {"a.png,0,0,5,5\nb.png,6,0,5,9\n",
         "%s/boxes.csv:2: the box is turned round: x0 has to be below x1, and y0 below y1"},
        {"test/cat/a.png,40,0,50,9\n",
         "a box of test/cat/a.png lies outside of its 40 x 20 pixels: boxes are in pixels of the "
         "stored file"},
        {"a.png;0;0;5;5\n", "%s/boxes.csv:1: a line is file,x0,y0,x1,y1 with commas between them"},
        {"", "%s/boxes.csv names no box: write file,x0,y0,x1,y1 on a line for each, or remove it"},
        {"file,x0,y0,x1,y1\n",
         "%s/boxes.csv names no box: write file,x0,y0,x1,y1 on a line for each, or remove it"},
        {NULL, "%s holds neither boxes nor masks: put a boxes.csv or a folder masks there"},
    };
    char                *folder = make_set(), *path = mx_path_join(folder, "boxes.csv"), due[512];
    struct worker_params params = params_of(WORKER_DATA_FOLDER, folder);

    for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
        struct mx_err err = {.code = MX_OK};

        if (rows[r].text)
            put_text(folder, "boxes.csv", rows[r].text);
        else
            unlink(path);
        snprintf(due, sizeof due, rows[r].due, folder);
        cr_expect_null(read_marks(&params, &err));
        cr_expect_eq(err.code, rows[r].text ? MX_EDATA : MX_EINVAL);
        cr_expect_str_eq(err.text, due);
    }
    free(path);
    folder_remove(folder);
}

/* Columns 12 to 19 of rows 4 to 19 have the value 3, what lies around them 2. */
static void put_mask(const char *folder, const char *name)
{
    uint8_t mask[800];

    for (uint32_t k = 0; k < 800; k++)
        mask[k] = k / 40 >= 4 && k % 40 >= 12 && k % 40 < 20 ? 3 : 2;
    put_buf(folder, name, png_of(20, 40, PNG_COLOR_TYPE_GRAY, 8, PNG_INTERLACE_NONE, mask, 40));
}

static void expect_mask(const struct worker_params *params, bool all)
{
    struct worker_annotations *annotations = must_read(params);
    struct worker_marks        marks = worker_annotations_of(annotations, 0);

    cr_assert(worker_annotations_masks(annotations));
    cr_expect_eq(marks.height, 10);
    for (uint32_t y = 0; y < 10; y++)
        for (uint32_t x = 0; x < 10; x++)
            cr_expect_eq(marks.mask[y * 10 + x], all || (y >= 2 && x >= 1 && x < 5), "%u %u", y, x);
    worker_annotations_free(annotations);
}

Test(annotations, masks_go_the_way_of_the_image)
{
    char                *folder = make_set(), *path = mx_path_join(folder, "masks/test/cat/a.png");
    struct worker_params params = params_of(WORKER_DATA_FOLDER, folder);

    put_mask(folder, "masks/test/cat/a.png");
    params.data_mask_values = (struct worker_list){1, {3}};
    expect_mask(&params, false);
    params.data_mask_values.count = 0; /* all but 0 */
    expect_mask(&params, true);
    unlink(path);
    put_mask(folder, "masks/a.png");
    params.data_mask_values = (struct worker_list){2, {1, 3}};
    expect_mask(&params, false);
    free(path);
    folder_remove(folder);
}

Test(annotations, masks_that_do_not_fit_are_named)
{
    static const uint8_t colours[1200] = {1};
    char                *folder = make_set(), due[512];
    struct worker_params params = params_of(WORKER_DATA_FOLDER, folder);
    struct mx_err        err = {.code = MX_OK};

    put_level(folder, "masks/a.png", 20, 1);
    cr_expect_null(read_marks(&params, &err));
    snprintf(
        due, sizeof due,
        "%s/masks/a.png has 20 x 20 pixels, and its image has 40 x 20: a mask has its image's size",
        folder);
    cr_expect_str_eq(err.text, due);
    put_buf(folder, "masks/a.png",
            png_of(20, 20, PNG_COLOR_TYPE_RGB, 8, PNG_INTERLACE_NONE, colours, 60));
    cr_expect_null(read_marks(&params, &err));
    snprintf(due, sizeof due,
             "%s/masks/a.png is in colour: a mask holds grey levels: save it with one channel",
             folder);
    cr_expect_str_eq(err.text, due);
    cr_expect_eq(err.code, MX_EDATA);
    folder_remove(folder);
}

/* In VOC's files pixels count from 1, and the last one belongs to the box. */
Test(annotations, of_voc_the_corners_are_pixels_that_belong_to_the_box)
{
    static const struct {
        const char *xmin, *ymin, *xmax, *ymax, *due;
    } rows[] = {
        {"1", "1", "20", "20", "0-20,0-20 "},
        {"20", "20", "20", "20", "19-20,19-20 "},
        {"3", "5", "10", "6", "2-10,4-6 "},
        {"0", "0", "20", "21", "0-20,0-20 "},
        {"10", "5", "3", "6", ""},
        {" 3 ", "\r\n5", "10", "6", "2-10,4-6 "},
    };
    char                *folder = folder_make();
    struct worker_params params = params_of(WORKER_DATA_IMAGENET, folder);

    put_level(folder, "train/n1/1.JPEG", 20, 10);
    put_level(folder, "train/n2/1.JPEG", 20, 200);
    put_level(folder, "val/n1/v.JPEG", 20, 20);
    params.data_size = 20;
    for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
        struct worker_annotations *marks;
        char                       xml[512];

        snprintf(xml, sizeof xml,
                 "<annotation><object><name>n1</name><bndbox><xmin>%s</xmin><ymin>%s</ymin>"
                 "<xmax>%s</xmax><ymax>%s</ymax></bndbox></object></annotation>",
                 rows[r].xmin, rows[r].ymin, rows[r].xmax, rows[r].ymax);
        put_text(folder, r % 2 ? "val/n1/v.xml" : "Annotations/CLS-LOC/val/v.xml", xml);
        put_text(folder, r % 2 ? "Annotations/CLS-LOC/val/v.xml" : "val/n1/v.xml", xml);
        marks = must_read(&params);
        expect_boxes(marks, 0, rows[r].due);
        worker_annotations_free(marks);
    }
    folder_remove(folder);
}

/* Boxes count the pixels of the <size> that their file tells; the stored image may be smaller. */
Test(annotations, of_voc_are_scaled_with_an_image_that_was_stored_at_another_size)
{
    char                      *folder = folder_make();
    struct worker_params       params = params_of(WORKER_DATA_IMAGENET, folder);
    struct worker_annotations *marks;

    put_level(folder, "train/n1/1.JPEG", 20, 10);
    put_level(folder, "train/n2/1.JPEG", 20, 200);
    put_level(folder, "val/n1/v.JPEG", 20, 20);
    params.data_size = 20;
    put_text(folder, "Annotations/CLS-LOC/val/v.xml",
             "<annotation><size><width>100</width><height>40</height><depth>3</depth></size>"
             "<object><bndbox><xmin>11</xmin><ymin>5</ymin><xmax>50</xmax><ymax>20</ymax></bndbox>"
             "</object></annotation>");
    marks = must_read(&params);
    expect_boxes(marks, 0, "2-10,2-10 ");
    worker_annotations_free(marks);
    put_text(folder, "Annotations/CLS-LOC/val/v.xml",
             "<annotation><size><width>0</width><height>0</height></size>"
             "<object><bndbox><xmin>3</xmin><ymin>3</ymin><xmax>10</xmax><ymax>10</ymax></bndbox>"
             "</object></annotation>");
    marks = must_read(&params);
    expect_boxes(marks, 0, "2-10,2-10 ");
    worker_annotations_free(marks);
    folder_remove(folder);
}

static void expect_no_marks(const struct worker_params *params, const char *folder,
                            const char *format)
{
    struct mx_err err = {.code = MX_OK};
    char          due[512];

    snprintf(due, sizeof due, format, folder);
    cr_expect_null(read_marks(params, &err));
    cr_expect_eq(err.code, MX_EDATA);
    cr_expect_str_eq(err.text, due);
}

/* A file of boxes that ends too early would leave images without any, and nobody would notice. */
Test(annotations, of_cub_that_do_not_fit_its_images_are_named)
{
    char                *folder = folder_make();
    struct worker_params params = params_of(WORKER_DATA_CUB, folder);

    cr_assert_eq(worker_miniature_make(WORKER_DATA_CUB, folder, NULL), 0);
    put_text(folder, "bounding_boxes.txt", "1 2.0 3.0 20.0 10.0\n");
    expect_no_marks(&params, folder,
                    "%s/bounding_boxes.txt:1: images.txt goes on with image '2': get the file "
                    "again");
    put_text(folder, "bounding_boxes.txt", "2 2.0 3.0 20.0 10.0\n");
    expect_no_marks(&params, folder, "%s/bounding_boxes.txt:1: images.txt has no image '2' there");
    put_text(folder, "bounding_boxes.txt", "1 2.0 3.0 wide 10.0\n");
    expect_no_marks(&params, folder,
                    "%s/bounding_boxes.txt:1: column width is 'wide', not a number of pixels");
    put_text(folder, "bounding_boxes.txt", "1 2.0\n");
    expect_no_marks(&params, folder, "%s/bounding_boxes.txt:1: the line ends before column y");
    folder_remove(folder);
}

Test(annotations, masks_are_a_folder_of_whole_pictures)
{
    char                *folder = make_set();
    struct worker_params params = params_of(WORKER_DATA_FOLDER, folder);

    put_text(folder, "masks", "a file");
    expect_no_marks(&params, folder, "%s/masks is a file, and should be the folder of the masks");
    folder_remove(folder);
    folder = make_set();
    params = params_of(WORKER_DATA_FOLDER, folder);
    put_text(folder, "masks/a.png", "");
    expect_no_marks(&params, folder, "%s/masks/a.png is empty: get the file again");
    put_text(folder, "masks/a.png", "\x89PNG\r\n\x1a\n");
    expect_no_marks(&params, folder,
                    "%s/masks/a.png is damaged (the file is cut short): get the file again");
    folder_remove(folder);
}

Test(annotations, voc_files_that_are_none_are_named)
{
    static const struct {
        const char *text, *due;
    } rows[] = {
        {"", "%s is no file of Pascal VOC: it holds no <annotation>: get it again"},
        {"<html>404</html>", "%s is no file of Pascal VOC: it holds no <annotation>: get it again"},
        {"<annotation><size><width>20</width>",
         "%s is cut short: it does not end in </annotation>: get it again"},
        {"<annotation><bndbox><xmin>1</xmin>", "%s is cut short: a box is opened and never closed"},
        {"<annotation><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>x</xmax></bndbox>",
         "%s: a box has no number xmax"},
        {"<annotation><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>2</xmax></bndbox>",
         "%s: a box has no number ymax"},
        {"<annotation><bndbox><xmin>nan</xmin><ymin>1</ymin><xmax>2</xmax><ymax>2</ymax></bndbox>",
         "%s: a box has no number xmin"},
    };
    char                *folder = folder_make(), path[400], due[512];
    struct worker_params params = params_of(WORKER_DATA_IMAGENET, folder);

    put_level(folder, "train/n1/1.JPEG", 20, 10);
    put_level(folder, "train/n2/1.JPEG", 20, 200);
    put_level(folder, "val/n1/v.JPEG", 20, 20);
    snprintf(path, sizeof path, "%s/Annotations/CLS-LOC/val/v.xml", folder);
    for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
        struct mx_err err = {.code = MX_OK};

        put_text(folder, "Annotations/CLS-LOC/val/v.xml", rows[r].text);
        cr_expect_null(read_marks(&params, &err));
        snprintf(due, sizeof due, rows[r].due, path);
        cr_expect_eq(err.code, MX_EDATA);
        cr_expect_str_eq(err.text, due);
    }
    folder_remove(folder);
}

Test(annotations, boxes_of_files_that_are_not_there_are_counted)
{
    char                      *folder = make_set();
    struct worker_params       params = params_of(WORKER_DATA_FOLDER, folder);
    struct worker_annotations *marks;

    put_text(folder, "boxes.csv", "test/cat/a.png,12,4,20,20\ntrain/dog/1.png,0,0,1,1\n");
    marks = must_read(&params);
    cr_expect_str_eq(worker_annotations_remark(marks), "");
    worker_annotations_free(marks);
    put_text(folder, "boxes.csv",
             "test/cat/b.png,0,0,9,9\ntest/cat/a.png,12,4,20,20\na.png,0,0,1,1\n"
             "test/cat/b.png,0,0,1,1\nx\xff.png,0,0,1,1\n");
    marks = must_read(&params);
    cr_expect_str_eq(worker_annotations_remark(marks),
                     "boxes.csv: 4 of 5 boxes are of files that are not there, the first: a.png");
    expect_boxes(marks, 0, "1-5,2-10 ");
    worker_annotations_free(marks);
    put_text(folder, "boxes.csv", "test/cat/\xff.png,12,4,20,20\n");
    marks = must_read(&params);
    cr_expect_str_eq(worker_annotations_remark(marks),
                     "boxes.csv: 1 of 1 boxes are of files that are not there, the first: "
                     "test/cat/\\xFF.png");
    worker_annotations_free(marks);
    folder_remove(folder);
}

/* Images that reading left out are passed over here too. */
Test(annotations, skipped_files_do_not_shift_the_boxes)
{
    char                      *folder = make_set();
    struct worker_params       params = params_of(WORKER_DATA_FOLDER, folder);
    struct worker_annotations *marks;

    put_text(folder, "test/cat/0.png", "no image");
    put_level(folder, "test/cat/b.png", 20, 5);
    put_text(folder, "boxes.csv", "test/cat/b.png,0,0,4,4\ntest/cat/a.png,12,4,20,20\n");
    params.data_on_decode_error = WORKER_ON_DECODE_ERROR_SKIP;
    marks = must_read(&params);
    expect_boxes(marks, 0, "1-5,2-10 ");
    expect_boxes(marks, 1, "0-2,0-2 ");
    worker_annotations_free(marks);
    folder_remove(folder);
}

/* The generated stand-ins for CUB and ImageNet carry the boxes of their shapes. */
Test(annotations, of_cub_and_imagenet_lie_where_the_shapes_are)
{
    static const unsigned      sets[] = {WORKER_DATA_CUB, WORKER_DATA_IMAGENET};
    struct worker_params       synthetic = {.data_set = WORKER_DATA_SYNTHETIC,
                                            .data_size = 32,
                                            .data_synthetic_n = 160,
                                            .data_synthetic_classes = 4,
                                            .data_spurious_rate = 0.5};
    struct worker_annotations *due = must_read(&synthetic);

    for (int s = 0; s < 2; s++) {
        char                      *folder = folder_make();
        struct worker_params       params = params_of(sets[s], folder);
        struct mx_err              err = {.text = ""};
        struct worker_dataset     *set;
        struct worker_annotations *marks;

        params.data_size = 32;
        cr_assert_eq(worker_miniature_make(sets[s], folder, &err), 0, "%s", err.text);
        set = worker_dataset_open(&params, 0, &err);
        cr_assert_not_null(set, "%s", err.text);
        cr_assert_eq(set->test.n, 40);
        marks = worker_annotations_read(&params, 0, set, &err);
        cr_assert_not_null(marks, "%s", err.text);
        for (uint32_t i = 0; i < 40; i++)
            cr_expect_eq(worker_annotations_of(marks, i).nboxes, 1);
        if (sets[s] == WORKER_DATA_CUB) { /* in the order in which they were drawn, seed 0 */
            struct worker_dataset     *drawn = worker_dataset_open(&synthetic, 0, &err);
            struct worker_annotations *own = worker_annotations_read(&synthetic, 0, drawn, &err);

            cr_assert(drawn && own);
            for (uint32_t i = 0; i < 40; i++)
                cr_expect_arr_eq(worker_annotations_of(marks, i).boxes,
                                 worker_annotations_of(own, i).boxes, sizeof(struct worker_box));
            worker_annotations_free(own);
            worker_dataset_free(drawn);
        }
        worker_annotations_free(marks);
        worker_dataset_free(set);
        folder_remove(folder);
    }
    worker_annotations_free(due);
}

Test(annotations, of_synthetic_images_are_box_and_mask_of_the_shape)
{
    struct worker_params       params = {.data_set = WORKER_DATA_SYNTHETIC,
                                         .data_size = 16,
                                         .data_synthetic_n = 40,
                                         .data_synthetic_classes = 4};
    struct worker_annotations *annotations = must_read(&params);

    for (uint32_t i = 0; i < 10; i++) {
        struct worker_marks      marks = worker_annotations_of(annotations, i);
        const struct worker_box *box = marks.boxes;
        uint32_t                 inside = 0;

        cr_assert_eq(marks.nboxes, 1);
        for (uint32_t y = 0; y < 16; y++)
            for (uint32_t x = 0; x < 16; x++)
                if (marks.mask[y * 16 + x]) {
                    inside++;
                    cr_expect(y >= box->top && y < box->bottom && x >= box->left && x < box->right);
                }
        cr_expect_geq(4 * inside, (box->bottom - box->top) * (box->right - box->left));
    }
    worker_annotations_free(annotations);
}

Test(annotations, a_set_without_any_says_so)
{
    char                *folder = folder_make();
    struct worker_params params = params_of(WORKER_DATA_MNIST, folder);
    struct mx_err        err = {.code = MX_OK};

    put_set(folder, 20, 10);
    cr_expect_null(read_marks(&params, &err));
    cr_expect_eq(err.code, MX_EINVAL);
    cr_expect_str_eq(err.text, "the data set has neither boxes nor masks");
    folder_remove(folder);
}
