/* Published sets whose folders tell class, context and part. */
#include <criterion/criterion.h>

#include "listing_cases.h"
#include "worker/dataset.h"

Test(listing, metashift_has_a_group_for_each_class_and_context)
{
    char                 *folder = folder_make();
    struct worker_folder *listed;

    put_text(folder, "train/dog/dog(bike)/5.jpg", "");
    put_text(folder, "train/dog/dog(bench)/4.jpg", "");
    put_text(folder, "train/cat/cat(sofa)/2.jpg", "");
    put_text(folder, "train/cat/cat(sofa)/1.jpg", "");
    put_text(folder, "train/cat/cat(bed)/3.jpg", "");
    put_text(folder, "test/cat/cat(shelf)/6.jpg", "");
    put_text(folder, "test/dog/7.jpg", "");
    listed = must_list(WORKER_DATA_METASHIFT, folder);
    cr_expect_eq(listed->ngroups, 6);
    cr_expect_str_eq(listed->classes[0], "cat");
    expect_part(listed, WORKER_PART_TRAIN,
                "train/cat/cat(bed)/3.jpg 0 0, train/cat/cat(sofa)/1.jpg 0 1, "
                "train/cat/cat(sofa)/2.jpg 0 1, train/dog/dog(bench)/4.jpg 1 2, "
                "train/dog/dog(bike)/5.jpg 1 3");
    expect_part(listed, WORKER_PART_VAL, "");
    expect_part(listed, WORKER_PART_TEST, "test/cat/cat(shelf)/6.jpg 0 4, test/dog/7.jpg 1 5");
    worker_folder_free(listed);
    folder_remove(folder);
}

Test(listing, metashift_that_is_not_whole_is_refused)
{
    char *folder = folder_make();

    expect_refused(WORKER_DATA_METASHIFT, folder, "x", NULL,
                   "metashift: there is no folder %s/train: set data.path to the one that holds "
                   "the class folders");
    expect_refused(WORKER_DATA_METASHIFT, folder, "train/cat/cat(sofa)/1.jpg", "",
                   "metashift: %s/train holds fewer than two class folders: there is nothing to "
                   "tell apart");
    expect_refused(WORKER_DATA_METASHIFT, folder, "train/dog/dog(bench)/1.jpg", "",
                   "metashift: there is no folder %s/test: set data.path to the one that holds the "
                   "class folders");
    put_text(folder, "train/dog/dog(bench)/1.jpg", "");
    put_text(folder, "test/dog/.hidden", "");
    expect_refused(WORKER_DATA_METASHIFT, folder, "x", NULL,
                   "metashift: there is no folder %s/test/cat: set data.path to the one that holds "
                   "the class folders");
    put_text(folder, "test/cat/.hidden", "");
    put_text(folder, "test/dog/.hidden", "");
    expect_refused(WORKER_DATA_METASHIFT, folder, "x", NULL,
                   "metashift: there is no test image in %s");
    put_text(folder, "test/cat/cat(shelf)/1.jpg", "");
    expect_refused(WORKER_DATA_METASHIFT, folder, "train/dog/dog(bench)/1.jpg", NULL,
                   "metashift: the folder %s/train/dog/dog(bench) holds no file: put images there, "
                   "or remove it");
    folder_remove(folder);
}

Test(listing, metashift_has_only_folders_where_folders_are_due)
{
    char *folder = folder_make(), *late;

    put_text(folder, "train/cat/cat(sofa)/1.jpg", "");
    put_text(folder, "train/dog/1.jpg", "");
    put_text(folder, "test/cat/1.jpg", "");
    put_text(folder, "test/dog/1.jpg", "");
    worker_folder_free(must_list(WORKER_DATA_METASHIFT, folder));
    expect_refused(WORKER_DATA_METASHIFT, folder, "train/cat/late.jpg", "",
                   "metashift: %s/train/cat/late.jpg is a file among folders of contexts: put it "
                   "into one of them");
    late = mx_path_join(folder, "train/cat/late.jpg");
    unlink(late);
    free(late);
    expect_refused(WORKER_DATA_METASHIFT, folder, "test/bird/1.jpg", "",
                   "metashift: %s/test/bird is a class that the training images do not have: "
                   "rename or remove it");
    expect_refused(WORKER_DATA_METASHIFT, folder, "val", "",
                   "metashift: cannot read the folder %s/val: Not a directory");
    folder_remove(folder);
}

/* Links that lead round in a circle are neither images nor folders. */
Test(listing, a_link_that_goes_round_is_no_context_and_no_image)
{
    char                *folder = folder_make();
    char                *loop = mx_path_join(folder, "train/cat/cat(sofa)/round");
    char                *back = mx_path_join(folder, "train/cat/cat(sofa)/back");
    struct worker_params params = {.data_set = WORKER_DATA_METASHIFT, .data_size = 16};
    struct mx_err        err = {.text = ""};
    char                 due[512];
    uint64_t             fingerprint;

    put_text(folder, "train/cat/cat(sofa)/1.jpg", "");
    put_text(folder, "train/dog/dog(bench)/2.jpg", "");
    put_text(folder, "test/cat/cat(shelf)/3.jpg", "");
    put_text(folder, "test/dog/dog(shelf)/4.jpg", "");
    snprintf(params.data_path, sizeof params.data_path, "%s", folder);
    cr_assert_eq(symlink("round", loop), 0);
    cr_expect_neq(worker_dataset_probe(&params, &fingerprint, &err), 0);
    snprintf(due, sizeof due, "cannot open %s: Too many levels of symbolic links", loop);
    cr_expect_str_eq(err.text, due);
    unlink(loop);
    cr_assert_eq(symlink("..", back), 0); /* a folder that holds itself */
    cr_expect_neq(worker_dataset_probe(&params, &fingerprint, &err), 0);
    snprintf(due, sizeof due, "%s is a folder, and an image file is due there", back);
    cr_expect_str_eq(err.text, due);
    free(loop);
    free(back);
    folder_remove(folder);
}

Test(listing, what_imagenet_calls_val_is_tested_on)
{
    char                 *folder = folder_make();
    struct worker_folder *listed;

    put_text(folder, "train/n02/n02_1.JPEG", "");
    put_text(folder, "train/n01/n01_1.JPEG", "");
    put_text(folder, "val/n01/ILSVRC2012_val_00000001.JPEG", "");
    listed = must_list(WORKER_DATA_IMAGENET, folder);
    expect_part(listed, WORKER_PART_TRAIN, "train/n01/n01_1.JPEG 0 0, train/n02/n02_1.JPEG 1 0");
    expect_part(listed, WORKER_PART_VAL, "");
    expect_part(listed, WORKER_PART_TEST, "val/n01/ILSVRC2012_val_00000001.JPEG 0 0");
    worker_folder_free(listed);
    expect_refused(WORKER_DATA_IMAGENET, folder, "val/n03/x.JPEG", "",
                   "imagenet: %s/val/n03 is a class that the training images do not have: rename "
                   "or remove it");
    folder_remove(folder);
}

Test(listing, imagenet_with_boxes_among_its_images)
{
    char                 *folder = folder_make();
    struct worker_folder *listed;

    put_text(folder, "train/n01/n01_1.JPEG", "");
    put_text(folder, "train/n02/n02_1.JPEG", "");
    put_text(folder, "train/n02/n02_1.xml", "");
    put_text(folder, "val/n01/ILSVRC2012_val_00000001.JPEG", "");
    put_text(folder, "val/n01/ILSVRC2012_val_00000001.xml", "");
    listed = must_list(WORKER_DATA_IMAGENET, folder);
    expect_part(listed, WORKER_PART_TRAIN, "train/n01/n01_1.JPEG 0 0, train/n02/n02_1.JPEG 1 0");
    expect_part(listed, WORKER_PART_TEST, "val/n01/ILSVRC2012_val_00000001.JPEG 0 0");
    worker_folder_free(listed);
    folder_remove(folder);
}

Test(listing, imagenet_that_is_not_whole_is_refused)
{
    char *folder = folder_make();

    expect_refused(WORKER_DATA_IMAGENET, folder, "x", NULL,
                   "imagenet: there is no folder %s/train: set data.path to the one that holds "
                   "the class folders");
    put_text(folder, "train/readme.txt", "");
    expect_refused(WORKER_DATA_IMAGENET, folder, "x", NULL,
                   "imagenet: there is no class folder in %s/train: put the images of each class "
                   "into a folder of its own there");
    expect_refused(WORKER_DATA_IMAGENET, folder, "train/n01/n01_1.JPEG", "",
                   "imagenet: %s/train holds one class only (n01): there is nothing to tell apart");
    put_text(folder, "train/n01/n01_1.JPEG", "");
    expect_refused(
        WORKER_DATA_IMAGENET, folder, "train/n02/n02_1.xml", "",
        "imagenet: the class folder %s/train/n02 holds no file: put images there, or remove it");
    put_text(folder, "train/n02/n02_1.JPEG", "");
    expect_refused(WORKER_DATA_IMAGENET, folder, "x", NULL,
                   "imagenet: there is no folder %s/val: set data.path to the one that holds the "
                   "class folders");
    put_text(folder, "val/readme.txt", "");
    expect_refused(WORKER_DATA_IMAGENET, folder, "x", NULL,
                   "imagenet: no class folder in %s/val holds an image: put each image into the "
                   "folder of its class there");
    put_text(folder, "val/n01/v.JPEG", "");
    worker_folder_free(must_list(WORKER_DATA_IMAGENET, folder));
    folder_remove(folder);
}
