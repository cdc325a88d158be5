/* Published sets of image files, in the layouts in which they come. */
#include <criterion/criterion.h>

#include "listing_cases.h"
#include "worker/dataset.h"
#include "worker/miniature.h"

#define BIRDS "img_id,img_filename,y,split,place,place_filename\n"

Test(listing, waterbirds_come_from_metadata_csv)
{
    char                 *folder = folder_make();
    struct worker_folder *listed;

    put_text(folder, "metadata.csv",
             BIRDS "1,001.Albatross/A_1.jpg,1,0,0,/b/bamboo_forest/1.jpg\n"
                   "2,002.Bunting/B_1.jpg,0,0,0,/f/forest/2.jpg\n"
                   "3,001.Albatross/A_2.jpg,1,1,1,/o/ocean/3.jpg\n"
                   "4,002.Bunting/B_2.jpg,0,2,1,/l/lake/4.jpg\n");
    listed = must_list(WORKER_DATA_WATERBIRDS, folder);
    cr_expect_eq(listed->nclasses, 2);
    cr_expect_str_eq(listed->classes[1], "waterbird");
    cr_expect_eq(listed->ngroups, 4);
    expect_part(listed, WORKER_PART_TRAIN, "001.Albatross/A_1.jpg 1 2, 002.Bunting/B_1.jpg 0 0");
    expect_part(listed, WORKER_PART_VAL, "001.Albatross/A_2.jpg 1 3");
    expect_part(listed, WORKER_PART_TEST, "002.Bunting/B_2.jpg 0 1");
    worker_folder_free(listed);
    folder_remove(folder);
}

Test(listing, waterbirds_that_are_not_whole_are_refused)
{
    static const struct {
        const char *text, *due;
    } rows[] = {
        {NULL, "waterbirds: there is no metadata.csv in %s: set data.path to the folder that holds "
               "it"},
        {"", "%s/metadata.csv: the table is empty: get the file again"},
        {"img_id,img_filename,y,split\n1,a,0,0\n", "%s/metadata.csv:1: there is no column place: "
                                                   "img_filename, y, split and place are needed, "
                                                   "with commas between them"},
        {BIRDS "1,,0,0,0,x\n", "%s/metadata.csv:2: column img_filename is empty"},
        {BIRDS "1,a.jpg,0,0,0,x\n2,b.jpg,1,0,0,x\n3,a.jpg,0,2,0,x\n",
         "waterbirds: a.jpg is listed more than once in %s: leave one of its lines"},
        {BIRDS, "waterbirds: there is no training image in %s"},
        {BIRDS "1,a.jpg,0,3,0,x\n", "%s/metadata.csv:2: column split is '3', not one of 0 to 2"},
        {BIRDS "1,a.jpg,bird,0,0,x\n", "%s/metadata.csv:2: column y is 'bird', not one of 0 to 1"},
        {BIRDS "1,a.jpg,0,0\n", "%s/metadata.csv:2: the line ends before column place"},
        {BIRDS "1,a.jpg,0,0,0,x\n2,b.jpg,1,0,0,x\n", "waterbirds: there is no test image in %s"},
        {BIRDS "1,a.jpg,0,2,0,x\n", "waterbirds: there is no training image in %s"},
        {BIRDS "1,a.jpg,1,0,0,x\n2,b.jpg,1,0,1,x\n3,c.jpg,0,2,1,x\n",
         "waterbirds: all training images in %s are of class 1: there is nothing to tell apart"},
    };
    char *folder = folder_make();

    for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++)
        expect_refused(WORKER_DATA_WATERBIRDS, folder, "metadata.csv", rows[r].text, rows[r].due);
    folder_remove(folder);
}

/* All three forms tell the same. */
static void expect_celeba(const char *folder, const char *below)
{
    struct worker_folder *listed = must_list(WORKER_DATA_CELEBA, folder);
    char                  due[256];

    cr_expect_eq(listed->ngroups, 4);
    snprintf(due, sizeof due, "%s000001.jpg 0 1, %s000002.jpg 1 2", below, below);
    expect_part(listed, WORKER_PART_TRAIN, due);
    snprintf(due, sizeof due, "%s000003.jpg 0 0", below);
    expect_part(listed, WORKER_PART_VAL, due);
    snprintf(due, sizeof due, "%s000004.jpg 1 3", below);
    expect_part(listed, WORKER_PART_TEST, due);
    worker_folder_free(listed);
}

static const char attributes_csv[] = "image_id,Bald,Blond_Hair,Male,Young\n"
                                     "000001.jpg,-1,-1,1,1\n000002.jpg,-1,1,-1,1\n"
                                     "000003.jpg,-1,-1,-1,1\n000004.jpg,-1,1,1,1\n";
static const char partition_csv[] =
    "image_id,partition\n000001.jpg,0\n000002.jpg,0\n000003.jpg,1\n000004.jpg,2\n";

Test(listing, celeba_comes_in_the_forms_of_others)
{
    char *folder = folder_make();

    put_text(folder, "metadata_celeba.csv",
             "id,filename,split,y,a\n0,000001.jpg,0,0,1\n1,000002.jpg,0,1,0\n"
             "2,000003.jpg,1,0,0\n3,000004.jpg,2,1,1\n");
    expect_celeba(folder, "");
    put_text(folder, "metadata.csv",
             "img_id,img_filename,y,split,place\n1,000001.jpg,0,0,1\n2,000002.jpg,1,0,0\n"
             "3,000003.jpg,0,1,0\n4,000004.jpg,1,2,1\n");
    put_text(folder, "img_align_celeba/000001.jpg", "");
    expect_celeba(folder, "img_align_celeba/");
    put_text(folder, "metadata.csv",
             "img_filename,y,split,place\nimg_align_celeba/000001.jpg,0,0,1\n"
             "img_align_celeba/000002.jpg,1,0,0\nimg_align_celeba/000003.jpg,0,1,0\n"
             "img_align_celeba/000004.jpg,1,2,1\n");
    expect_celeba(folder, "img_align_celeba/");
    expect_refused(
        WORKER_DATA_CELEBA, folder, "metadata.csv", "img_filename,split,place\n",
        "%s/metadata.csv:1: there is no column Blond_Hair: get the file again, or see that "
        "commas are between the names of its columns");
    folder_remove(folder);
}

Test(listing, celeba_comes_in_three_forms)
{
    char *folder = folder_make();

    put_text(folder, "list_attr_celeba.txt",
             "4\nBald Blond_Hair Male Young \n000001.jpg -1 -1  1  1\n000002.jpg -1  1 -1  1\n"
             "000003.jpg -1 -1 -1  1\n000004.jpg -1  1  1  1\n");
    put_text(folder, "list_eval_partition.txt",
             "000001.jpg 0\n000002.jpg 0\n000003.jpg 1\n000004.jpg 2\n");
    expect_celeba(folder, "");
    put_text(folder, "list_attr_celeba.csv", attributes_csv);
    put_text(folder, "list_eval_partition.csv", partition_csv);
    put_text(folder, "img_align_celeba/000001.jpg", "");
    expect_celeba(folder, "img_align_celeba/");
    put_text(folder, "celeba_split.csv",
             ",image_id,split,Blond_Hair,Male\n0,000001.jpg,0,0,1\n1,000002.jpg,0,1,0\n"
             "2,000003.jpg,1,0,0\n3,000004.jpg,2,1,1\n");
    expect_celeba(folder, "img_align_celeba/");
    folder_remove(folder);
}

Test(listing, celeba_that_is_not_whole_is_refused)
{
    char *folder = folder_make();

    expect_refused(WORKER_DATA_CELEBA, folder, "x", NULL,
                   "celeba: there is no list_attr_celeba.csv in %s: set data.path to the folder "
                   "that holds it");
    put_text(folder, "list_eval_partition.csv", partition_csv);
    expect_refused(
        WORKER_DATA_CELEBA, folder, "list_attr_celeba.csv", "image_id,Male\n",
        "%s/list_attr_celeba.csv:1: there is no column Blond_Hair: get the file again, or "
        "see that commas are between the names of its columns");
    expect_refused(WORKER_DATA_CELEBA, folder, "list_attr_celeba.csv", "",
                   "%s/list_attr_celeba.csv: the table is empty: get the file again");
    expect_refused(WORKER_DATA_CELEBA, folder, "list_attr_celeba.csv",
                   "image_id,Blond_Hair,Male\n,-1,1\n",
                   "%s/list_attr_celeba.csv:2: the image's name is empty");
    expect_refused(WORKER_DATA_CELEBA, folder, "list_attr_celeba.csv",
                   "image_id,Blond_Hair,Male\n000001.jpg,-1,1\n000002.jpg,1,-1\n"
                   "000003.jpg,-1,1\n",
                   "%s/list_eval_partition.csv:5: the other table ends before '000004.jpg': get "
                   "both files again");
    put_text(folder, "list_attr_celeba.csv", attributes_csv);
    expect_refused(WORKER_DATA_CELEBA, folder, "list_eval_partition.csv",
                   "image_id,partition\n000001.jpg,0\n000003.jpg,0\n",
                   "%s/list_eval_partition.csv:3: '000003.jpg' stands where the other table has "
                   "'000002.jpg'");
    expect_refused(WORKER_DATA_CELEBA, folder, "list_eval_partition.csv",
                   "image_id,partition\n000001.jpg,0\n",
                   "%s/list_eval_partition.csv:2: the table ends here, and the other one goes on "
                   "with '000002.jpg': get both files again");
    expect_refused(WORKER_DATA_CELEBA, folder, "list_eval_partition.csv",
                   "image_id,partition\n000001.jpg,test\n",
                   "%s/list_eval_partition.csv:2: column partition is 'test', not one of 0 to 2");
    expect_refused(WORKER_DATA_CELEBA, folder, "list_eval_partition.csv", NULL,
                   "celeba: there is no list_eval_partition.csv in %s: set data.path to the folder "
                   "that holds it");
    expect_refused(WORKER_DATA_CELEBA, folder, "celeba_split.csv",
                   "image_id,split,Blond_Hair,Male\n", "celeba: there is no training image in %s");
    expect_refused(WORKER_DATA_CELEBA, folder, "celeba_split.csv",
                   "image_id,split,Blond_Hair,Male\na,0,0,1\nb,1,1,1\n",
                   "celeba: there is no test image in %s");
    expect_refused(WORKER_DATA_CELEBA, folder, "celeba_split.csv",
                   "image_id,split,Blond_Hair,Male\na,0,0,1\nb,2,1,1\n",
                   "celeba: all training images in %s are of class 0: there is nothing to tell "
                   "apart");
    expect_refused(WORKER_DATA_CELEBA, folder, "celeba_split.csv",
                   "image_id,split,Blond_Hair,Male\na,0,2,1\n",
                   "%s/celeba_split.csv:2: column Blond_Hair is '2', not one of 0 to 1");
    expect_refused(WORKER_DATA_CELEBA, folder, "celeba_split.csv",
                   "image_id,split,Blond_Hair,Male\n,0,1,1\n",
                   "%s/celeba_split.csv:2: the image's name is empty");
    expect_refused(WORKER_DATA_CELEBA, folder, "celeba_split.csv",
                   "image_id,split,Blond_Hair,Male\na,0,0,1\nb,0,1,1\nc,2,0,0\nb,0,1,1\n",
                   "celeba: b is listed more than once in %s: leave one of its lines");
    folder_remove(folder);
}

/* Names come in any encoding; messages are text. */
Test(listing, names_that_are_no_text_are_taken_and_shown_in_hexadecimal)
{
    char                 *folder = folder_make();
    struct worker_folder *listed;

    put_text(folder, "metadata.csv",
             BIRDS "1,\xff\xfe.jpg,0,0,0,x\n2,b.jpg,1,0,0,x\n3,c\xc3\xa9.jpg,0,2,1,x\n");
    listed = must_list(WORKER_DATA_WATERBIRDS, folder);
    expect_part(listed, WORKER_PART_TRAIN, "\xff\xfe.jpg 0 0, b.jpg 1 2");
    expect_part(listed, WORKER_PART_TEST, "c\xc3\xa9.jpg 0 1");
    worker_folder_free(listed);
    expect_refused(WORKER_DATA_WATERBIRDS, folder, "metadata.csv",
                   BIRDS "1,a.jpg,\xff\x1b[2J\xc3\xa9,0,0,x\n",
                   "%s/metadata.csv:2: column y is '\\xFF\\x1B[2J\xc3\xa9', not one of 0 to 1");
    folder_remove(folder);
}

static void put_cub(const char *folder)
{
    put_text(folder, "classes.txt", "1 001.Albatross\n2 002.Auklet\n");
    put_text(folder, "images.txt",
             "1 001.Albatross/A_0001.jpg\n2 002.Auklet/B_0001.jpg\n"
             "3 001.Albatross/A_0002.jpg\n");
    put_text(folder, "image_class_labels.txt", "1 1\n2 2\n3 1\n");
    put_text(folder, "train_test_split.txt", "1 1\n2 1\n3 0\n");
}

Test(listing, cub_comes_from_its_tables)
{
    char                 *folder = folder_make();
    struct worker_folder *listed;

    put_cub(folder);
    listed = must_list(WORKER_DATA_CUB, folder);
    cr_expect_eq(listed->nclasses, 2);
    cr_expect_eq(listed->ngroups, 0);
    cr_expect_str_eq(listed->classes[1], "002.Auklet");
    expect_part(listed, WORKER_PART_TRAIN,
                "images/001.Albatross/A_0001.jpg 0 0, images/002.Auklet/B_0001.jpg 1 0");
    expect_part(listed, WORKER_PART_TEST, "images/001.Albatross/A_0002.jpg 0 0");
    worker_folder_free(listed);
    folder_remove(folder);
}

Test(listing, cub_that_is_not_whole_is_refused)
{
    static const struct {
        const char *name, *text, *due;
    } rows[] = {
        {"train_test_split.txt", "1 1\n2 1\n",
         "%s/train_test_split.txt:2: images.txt has more lines"},
        {"train_test_split.txt", "1 1\n2 1\n3 0\n4 0\n",
         "%s/train_test_split.txt:4: images.txt has fewer lines"},
        {"train_test_split.txt", "1 1\n3 1\n2 0\n",
         "%s/train_test_split.txt:2: image '3' stands where images.txt has '2'"},
        {"train_test_split.txt", "1 1\n2 1\n3 2\n",
         "%s/train_test_split.txt:3: column is_training_image is '2', not one of 0 to 1"},
        {"train_test_split.txt", "1 1\n2 1\n3 1\n", "cub: there is no test image in %s"},
        {"image_class_labels.txt", "1 1\n2 3\n3 1\n",
         "%s/image_class_labels.txt:2: column class is '3', not one of 0 to 2"},
        {"image_class_labels.txt", "1 0\n2 1\n3 1\n",
         "%s/image_class_labels.txt:1: classes are numbered from 1"},
        {"train_test_split.txt", "1 0\n2 0\n3 0\n", "cub: there is no training image in %s"},
        {"image_class_labels.txt", "1 2\n2 2\n3 1\n",
         "cub: all training images in %s are of class 1: there is nothing to tell apart"},
        {"images.txt", "1\n2 b\n3 c\n", "%s/images.txt:1: the line ends before the image's name"},
        {"image_class_labels.txt", NULL,
         "cub: there is no image_class_labels.txt in %s: set data.path to the folder that holds "
         "it"},
        {"classes.txt", "1 001.Only\n", "cub: classes.txt in %s names fewer than two classes"},
        {"classes.txt", "1 001.One\n2 002.Two\n2 002.Two\n",
         "%s/classes.txt:3: class 2 stands where 3 is due"},
        {"classes.txt", "1 001.One\n2\n",
         "%s/classes.txt:2: the line ends before the class's name"},
        {"classes.txt", "one 1\n",
         "%s/classes.txt:1: column number is 'one', not one of 0 to 1000"},
        {"classes.txt", "", "cub: classes.txt in %s names fewer than two classes"},
        {"images.txt", "", "%s/image_class_labels.txt:1: images.txt has fewer lines"},
        {"images.txt", "1 001.Albatross/A.jpg\n2 002.Auklet/B.jpg\n3 001.Albatross/A.jpg\n",
         "cub: images/001.Albatross/A.jpg is listed more than once in %s: leave one of its lines"},
    };
    char *folder = folder_make();

    for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
        put_cub(folder);
        expect_refused(WORKER_DATA_CUB, folder, rows[r].name, rows[r].text, rows[r].due);
    }
    folder_remove(folder);
}

/* As spreadsheets save them: CRLF, a byte order mark, every field quoted; a folder or other bytes in
 * their place. The table of each set is read by the same code. */
Test(listing, tables_that_spreadsheets_saved_are_read)
{
    static const char table[] =
        "\xEF\xBB\xBF\"img_filename\",\"y\",\"split\",\"place\"\r\n"
        "\"a, b.jpg\",\"0\",\"0\",\"0\"\r\n\"c\"\"d.jpg\",\"1\",\"0\",\"1\"\r\n"
        "\"e.jpg\",\"1\",\"2\",\"1\"\r\n";
    char                 *folder = folder_make();
    struct worker_folder *listed;

    put_text(folder, "metadata.csv", table);
    for (unsigned set = 0; set < 2; set++) {
        listed = must_list(set ? WORKER_DATA_CELEBA : WORKER_DATA_WATERBIRDS, folder);
        expect_part(listed, WORKER_PART_TRAIN, "a, b.jpg 0 0, c\"d.jpg 1 3");
        expect_part(listed, WORKER_PART_TEST, "e.jpg 1 3");
        worker_folder_free(listed);
    }
    put_cub(folder);
    put_text(folder, "images.txt",
             "\xEF\xBB\xBF"
             "1 001.Albatross/A_0001.jpg\r\n2 002.Auklet/B_0001.jpg\r\n3 001.Albatross/C.jpg\r\n");
    listed = must_list(WORKER_DATA_CUB, folder);
    expect_part(listed, WORKER_PART_TEST, "images/001.Albatross/C.jpg 0 0");
    worker_folder_free(listed);
    expect_refused(WORKER_DATA_WATERBIRDS, folder, "metadata.csv",
                   "img_filename;y;split;place\r\na.jpg;0;0;0\r\n",
                   "%s/metadata.csv:1: there is no column img_filename: img_filename, y, split and "
                   "place are needed, with commas between them");
    expect_refused(
        WORKER_DATA_WATERBIRDS, folder, "metadata.csv", BIRDS "1,\"a\".jpg,0,0,0,x\r\n",
        "%s/metadata.csv:2: text follows a closing quote: quote whole fields, and double "
        "each quote within them");
    folder_remove(folder);
    folder = folder_make();
    put_text(folder, "metadata.csv/x", "");
    expect_refused(WORKER_DATA_WATERBIRDS, folder, "x", NULL,
                   "cannot read %s/metadata.csv: Is a directory");
    folder_remove(folder);
}

/* Their generated stand-ins are read whole: groups, published constants, parts. */
Test(listing, every_set_reads_its_miniature)
{
    static const struct {
        unsigned set;
        uint32_t classes, groups, train, val;
    } rows[] = {
        {WORKER_DATA_WATERBIRDS, 2, 4, 128, 32}, {WORKER_DATA_CELEBA, 2, 4, 128, 32},
        {WORKER_DATA_METASHIFT, 2, 6, 128, 32},  {WORKER_DATA_CUB, 4, 0, 144, 16},
        {WORKER_DATA_IMAGENET, 4, 0, 144, 16},
    };

    for (size_t r = 0; r < sizeof rows / sizeof rows[0]; r++) {
        struct worker_params params = {
            .data_set = rows[r].set, .data_size = 16, .data_val_fraction = 0.1};
        char                  *folder = folder_make();
        struct mx_err          err = {.text = ""};
        struct worker_dataset *set;
        struct worker_shape    shape;
        uint64_t               train = 0, test = 0, fingerprint = 0;

        snprintf(params.data_path, sizeof params.data_path, "%s", folder);
        cr_assert_eq(worker_miniature_make(rows[r].set, folder, &err), 0, "%s", err.text);
        set = worker_dataset_open(&params, 1, &err);
        cr_assert_not_null(set, "%s", err.text);
        cr_expect_eq(worker_miniature_size(&params, &shape, &train, &test, &err), 0);
        cr_expect_arr_eq(&shape, &set->shape, sizeof shape);
        cr_expect_eq(train, set->train.n + set->val.n);
        cr_expect_eq(test, set->test.n);
        cr_expect_eq(set->shape.classes, rows[r].classes);
        cr_expect_eq(set->shape.groups, rows[r].groups);
        cr_expect_eq(set->train.n, rows[r].train);
        cr_expect_eq(set->val.n, rows[r].val);
        cr_expect_eq(set->test.n, 40);
        cr_expect_eq(set->mean[0], .485f);
        cr_expect_eq(set->sd[2], .225f);
        for (uint32_t i = 0; rows[r].groups > 0 && i < set->train.n; i++)
            cr_expect(set->train.groups[i] < rows[r].groups &&
                      set->train.groups[i] / 2 == set->train.labels[i]);
        cr_expect_eq(worker_dataset_shape(&params, &shape, &err), 0);
        cr_expect_arr_eq(&shape, &set->shape, sizeof shape);
        cr_expect_eq(worker_dataset_counts(&params, &train, &test, &err), 0);
        cr_expect_eq(train, 160);
        cr_expect_eq(test, 40);
        cr_expect_eq(worker_dataset_probe(&params, &fingerprint, &err), 0);
        cr_expect_neq(fingerprint, 0);
        worker_dataset_free(set);
        folder_remove(folder);
    }
}
