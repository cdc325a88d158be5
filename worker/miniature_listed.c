/* Miniatures of sets whose tables, or folders, name their images. */
#include <inttypes.h>

#include "worker/miniature_parts.h"
#include "worker/synthetic.h"

enum {
    VAL_EACH = 5 /* the fifth training image of each five is for validation */
};

/* An image in turn: of the training half or the test half. */
struct item {
    const struct worker_split *split;
    uint32_t                   i, number; /* in its half; in the set, from 1 */
    unsigned                   part;      /* 0: train, 1: val, 2: test */
    uint32_t                   label, attribute;
};

static bool next_item(const struct worker_dataset *set, struct item *item)
{
    const uint32_t train = set->train.n, k = item->number++;

    if (k >= train + set->test.n)
        return false;
    item->split = k < train ? &set->train : &set->test;
    item->i = k < train ? k : k - train;
    item->part = k >= train ? 2 : k % VAL_EACH == VAL_EACH - 1 ? 1 : 0;
    item->label = item->split->labels[item->i];
    item->attribute = item->split->groups[item->i] % 2;
    return true;
}

/* The image under a name that is in `name`. */
static int put_image(const struct worker_dataset *set, const char *folder,
                     const struct mx_buf *name, const struct item *item, struct mx_err *err)
{
    if (!mx_buf_ok(name))
        return mx_fail(err, MX_ENOMEM, "no memory to generate data");
    return worker_miniature_picture(folder, name->data, set, item->split, item->i, err);
}

/* The same with what people marked in it. */
static int put_marked(const struct worker_dataset *set, const char *folder,
                      const struct mx_buf *name, const struct item *item, struct mx_buf *boxes,
                      struct mx_err *err)
{
    return put_image(set, folder, name, item, err) ||
                   worker_miniature_mark(folder, name->data, item->split, item->i,
                                         item->split == &set->test, boxes, err)
               ? -1
               : 0;
}

int worker_miniature_waterbirds(const struct worker_dataset *set, const char *folder,
                                struct mx_err *err)
{
    struct mx_buf table = {0}, name = {0}, boxes = {0};
    struct item   item = {.number = 0};
    int           rc = 0;

    mx_buf_text(&table, "img_id,img_filename,y,split,place,place_filename\n");
    while (rc == 0 && next_item(set, &item)) {
        mx_buf_clear(&name);
        mx_buf_printf(&name, "%03" PRIu32 ".Bird/Bird_%04" PRIu32 ".jpg", item.label + 1,
                      item.number);
        mx_buf_printf(&table, "%" PRIu32 ",%s,%" PRIu32 ",%u,%" PRIu32 ",/place/%" PRIu32 ".jpg\n",
                      item.number, mx_buf_str(&name), item.label, item.part, item.attribute,
                      item.number);
        rc = put_marked(set, folder, &name, &item, &boxes, err);
    }
    if (rc == 0)
        rc = worker_miniature_file(folder, "metadata.csv", &table, err);
    rc = rc == 0 ? worker_miniature_file(folder, "boxes.csv", &boxes, err) : rc;
    mx_buf_free(&boxes);
    mx_buf_free(&table);
    mx_buf_free(&name);
    return rc;
}

int worker_miniature_celeba(const struct worker_dataset *set, const char *folder,
                            struct mx_err *err)
{
    struct mx_buf attributes = {0}, partition = {0}, name = {0}, boxes = {0};
    struct item   item = {.number = 0};
    int           rc = 0;

    mx_buf_text(&attributes, "image_id,Bald,Blond_Hair,Male\n");
    mx_buf_text(&partition, "image_id,partition\n");
    while (rc == 0 && next_item(set, &item)) {
        mx_buf_printf(&attributes, "%06" PRIu32 ".jpg,-1,%d,%d\n", item.number, item.label ? 1 : -1,
                      item.attribute ? 1 : -1);
        mx_buf_printf(&partition, "%06" PRIu32 ".jpg,%u\n", item.number, item.part);
        mx_buf_clear(&name);
        mx_buf_printf(&name, "img_align_celeba/%06" PRIu32 ".jpg", item.number);
        rc = put_marked(set, folder, &name, &item, &boxes, err);
    }
    if (rc == 0 && (worker_miniature_file(folder, "list_attr_celeba.csv", &attributes, err) ||
                    worker_miniature_file(folder, "list_eval_partition.csv", &partition, err)))
        rc = -1;
    rc = rc == 0 ? worker_miniature_file(folder, "boxes.csv", &boxes, err) : rc;
    mx_buf_free(&boxes);
    mx_buf_free(&attributes);
    mx_buf_free(&partition);
    mx_buf_free(&name);
    return rc;
}

int worker_miniature_metashift(const struct worker_dataset *set, const char *folder,
                               struct mx_err *err)
{
    static const char *const parts[] = {"train", "val", "test"};
    static const char *const classes[] = {"cat", "dog"};
    static const char *const contexts[2][2] = {{"sofa", "bed"}, {"bench", "bike"}};
    struct mx_buf            name = {0}, boxes = {0};
    struct item              item = {.number = 0};
    int                      rc = 0;

    while (rc == 0 && next_item(set, &item)) {
        const char *class_ = classes[item.label];

        mx_buf_clear(&name);
        mx_buf_printf(&name, "%s/%s/%s(%s)/%04" PRIu32 ".jpg", parts[item.part], class_, class_,
                      item.part == 2 ? "shelf" : contexts[item.label][item.attribute], item.number);
        rc = put_marked(set, folder, &name, &item, &boxes, err);
    }
    rc = rc == 0 ? worker_miniature_file(folder, "boxes.csv", &boxes, err) : rc;
    mx_buf_free(&boxes);
    mx_buf_free(&name);
    return rc;
}

int worker_miniature_cub(const struct worker_dataset *set, const char *folder, struct mx_err *err)
{
    static const char *const names[] = {"images.txt", "image_class_labels.txt",
                                        "train_test_split.txt", "bounding_boxes.txt",
                                        "classes.txt"};
    struct mx_buf            tables[5] = {{0}, {0}, {0}, {0}, {0}}, name = {0};
    struct item              item = {.number = 0};
    int                      rc = 0;

    for (uint32_t c = 1; c <= set->shape.classes; c++)
        mx_buf_printf(&tables[4], "%" PRIu32 " %03" PRIu32 ".Bird\n", c, c);
    while (rc == 0 && next_item(set, &item)) {
        const struct worker_box box =
            worker_synthetic_box(0, item.part == 2 ? WORKER_SYNTHETIC_TEST : WORKER_SYNTHETIC_TRAIN,
                                 item.split->rows[item.i], set->shape.height);

        mx_buf_clear(&name);
        mx_buf_printf(&name, "images/%03" PRIu32 ".Bird/Bird_%04" PRIu32 ".jpg", item.label + 1,
                      item.number);
        mx_buf_printf(&tables[0], "%" PRIu32 " %s\n", item.number, mx_buf_str(&name) + 7);
        mx_buf_printf(&tables[1], "%" PRIu32 " %" PRIu32 "\n", item.number, item.label + 1);
        mx_buf_printf(&tables[2], "%" PRIu32 " %d\n", item.number, item.part != 2);
        mx_buf_printf(&tables[3],
                      "%" PRIu32 " %" PRIu32 ".0 %" PRIu32 ".0 %" PRIu32 ".0 %" PRIu32 ".0\n",
                      item.number, box.left, box.top, box.right - box.left, box.bottom - box.top);
        rc = put_image(set, folder, &name, &item, err);
    }
    for (int t = 0; t < 5; t++) {
        if (rc == 0)
            rc = worker_miniature_file(folder, names[t], &tables[t], err);
        mx_buf_free(&tables[t]);
    }
    mx_buf_free(&name);
    return rc;
}

/* A file of Pascal VOC XML with one box; its pixels count from 1. */
static int put_voc(const char *folder, const struct item *item, const struct worker_box *box,
                   struct mx_err *err)
{
    struct mx_buf xml = {0}, name = {0};
    int           rc;

    mx_buf_printf(&name, "Annotations/CLS-LOC/val/ILSVRC2012_val_%08" PRIu32 ".xml", item->number);
    mx_buf_printf(&xml,
                  "<annotation>\n\t<object>\n\t\t<bndbox>\n\t\t\t<xmin>%" PRIu32
                  "</xmin>\n\t\t\t<ymin>%" PRIu32 "</ymin>\n\t\t\t<xmax>%" PRIu32
                  "</xmax>\n\t\t\t<ymax>%" PRIu32
                  "</ymax>\n\t\t</bndbox>\n\t</object>\n</annotation>\n",
                  box->left + 1, box->top + 1, box->right, box->bottom);
    rc = worker_miniature_file(folder, mx_buf_str(&name), &xml, err);
    mx_buf_free(&xml);
    mx_buf_free(&name);
    return rc;
}

int worker_miniature_imagenet(const struct worker_dataset *set, const char *folder,
                              struct mx_err *err)
{
    struct mx_buf name = {0};
    struct item   item = {.number = 0};
    int           rc = 0;

    while (rc == 0 && next_item(set, &item)) {
        const bool        test = item.part == 2;
        struct worker_box box =
            worker_synthetic_box(0, test ? WORKER_SYNTHETIC_TEST : WORKER_SYNTHETIC_TRAIN,
                                 item.split->rows[item.i], set->shape.height);

        mx_buf_clear(&name);
        if (test)
            mx_buf_printf(&name, "val/n%08" PRIu32 "/ILSVRC2012_val_%08" PRIu32 ".JPEG",
                          item.label + 1, item.number);
        else
            mx_buf_printf(&name, "train/n%08" PRIu32 "/n%08" PRIu32 "_%" PRIu32 ".JPEG",
                          item.label + 1, item.label + 1, item.number);
        rc = put_image(set, folder, &name, &item, err);
        if (rc == 0 && test)
            rc = put_voc(folder, &item, &box, err);
    }
    mx_buf_free(&name);
    return rc;
}
