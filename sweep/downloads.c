/* Sizes and SHA-256 are those that TensorFlow Datasets records for the same files; MD5 of
 * EMNIST is torchvision's, and CIFAR's and CUB's pages state MD5 sums of the same files. */
#include "sweep/downloads.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "worker/choices.h"

#define LECUN   "http://yann.lecun.com/exdb/mnist/"
#define ZALANDO "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"
#define CODH    "http://codh.rois.ac.jp/kmnist/dataset/kmnist/"
#define TORONTO "https://www.cs.toronto.edu/~kriz/"
#define CALTECH "https://data.caltech.edu/records/"

#define TRAIN_IMAGES "train-images-idx3-ubyte.gz"
#define TRAIN_LABELS "train-labels-idx1-ubyte.gz"
#define TEST_IMAGES  "t10k-images-idx3-ubyte.gz"
#define TEST_LABELS  "t10k-labels-idx1-ubyte.gz"

static const char *const emnist_splits[] = {"balanced", "byclass", "bymerge", "digits",
                                            "letters",  "mnist",   NULL};

/* clang-format off */
const struct mx_download mx_downloads[] = {
    {.set = WORKER_DATA_MNIST,
     .what = "70,000 handwritten digits, 28 x 28, grey",
     .terms = "CC BY-SA 3.0, as it is commonly given (LeCun, Cortes, Burges)",
     .page = LECUN,
     .nfiles = 4,
     .files = {
         {LECUN TRAIN_IMAGES, 9912422,
          "sha256:440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609", NULL},
         {LECUN TRAIN_LABELS, 28881,
          "sha256:3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c", NULL},
         {LECUN TEST_IMAGES, 1648877,
          "sha256:8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6", NULL},
         {LECUN TEST_LABELS, 4542,
          "sha256:f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6", NULL}}},
    {.set = WORKER_DATA_FASHION_MNIST,
     .what = "70,000 pictures of clothes, 28 x 28, grey",
     .terms = "MIT (Zalando SE)",
     .page = "https://github.com/zalandoresearch/fashion-mnist",
     .package = "dataset-fashion-mnist",
     .nfiles = 4,
     .files = {
         {ZALANDO TRAIN_IMAGES, 26421880,
          "sha256:3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84", NULL},
         {ZALANDO TRAIN_LABELS, 29515,
          "sha256:a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845", NULL},
         {ZALANDO TEST_IMAGES, 4422102,
          "sha256:346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073", NULL},
         {ZALANDO TEST_LABELS, 5148,
          "sha256:67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5", NULL}}},
    {.set = WORKER_DATA_KMNIST,
     .what = "70,000 cursive Japanese letters of 10 kinds, 28 x 28, grey",
     .terms = "CC BY-SA 4.0 (ROIS-DS Center for Open Data in the Humanities)",
     .page = "http://codh.rois.ac.jp/kmnist/",
     .nfiles = 4,
     .files = {
         {CODH TRAIN_IMAGES, 18165135,
          "sha256:51467d22d8cc72929e2a028a0428f2086b092bb31cfb79c69cc0a90ce135fde4", NULL},
         {CODH TRAIN_LABELS, 29497,
          "sha256:e38f9ebcd0f3ebcdec7fc8eabdcdaef93bb0df8ea12bee65224341c8183d8e17", NULL},
         {CODH TEST_IMAGES, 3041136,
          "sha256:edd7a857845ad6bb1d0ba43fe7e794d164fe2dce499a1694695a792adfac43c5", NULL},
         {CODH TEST_LABELS, 5120,
          "sha256:20bb9a0ef54c7db3efc55a92eef5582c109615df22683c380526788f98e42a1c", NULL}}},
    {.set = WORKER_DATA_EMNIST,
     .what = "handwritten letters and digits, 28 x 28, grey; one of six splits",
     .terms = "no licence is stated; made from NIST Special Database 19 (Cohen and others 2017)",
     .page = "https://www.nist.gov/itl/products-and-services/emnist-dataset",
     .parts = emnist_splits,
     .nfiles = 1,
     .files = {{"https://biometrics.nist.gov/cs_links/EMNIST/gzip.zip", 561753746,
                "md5:58c8d27c78d21e728a6bc7b3cc06412e", "gzip/emnist-%s-"}},
     .unpacked_bytes = UINT64_C(2) << 30},
    {.set = WORKER_DATA_CIFAR10,
     .what = "60,000 photographs of 10 kinds, 32 x 32, colour",
     .terms = "no licence is stated; cite Krizhevsky 2009",
     .page = TORONTO "cifar.html",
     .nfiles = 1,
     .files = {{TORONTO "cifar-10-binary.tar.gz", 170052171,
                "sha256:c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd", ""}},
     .unpacked_bytes = UINT64_C(1) << 28},
    {.set = WORKER_DATA_CIFAR100,
     .what = "60,000 photographs of 100 kinds, 32 x 32, colour",
     .terms = "no licence is stated; cite Krizhevsky 2009",
     .page = TORONTO "cifar.html",
     .nfiles = 1,
     .files = {{TORONTO "cifar-100-binary.tar.gz", 168513733,
                "sha256:58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec", ""}},
     .unpacked_bytes = UINT64_C(1) << 28},
    {.set = WORKER_DATA_CUB,
     .what = "11,788 photographs of 200 kinds of birds, with boxes and masks",
     .terms = "for non-commercial research and education; the images' rights are their owners'",
     .page = "https://www.vision.caltech.edu/datasets/cub_200_2011/",
     .nfiles = 2,
     .files = {
         {CALTECH "65de6-vp158/files/CUB_200_2011.tgz", 1150585339,
          "sha256:0c685df5597a8b24909f6a7c9db6d11e008733779a671760afef78feb49bf081",
          "CUB_200_2011/"},
         {CALTECH "w9d68-gec53/files/segmentations.tgz", 39272883,
          "sha256:dc77f6cffea0cbe2e41d4201115c8f29a6320ecb04fffd2444f51b8066e4b84f", ""}},
     .unpacked_bytes = UINT64_C(3) << 30},
    {.set = WORKER_DATA_WATERBIRDS,
     .what = "11,788 birds of CUB before land and water",
     .terms = "as CUB's and Places': for non-commercial research and education",
     .page = "https://github.com/kohpangwei/group_DRO",
     .by_hand = "its publisher states no checksum: get "
                "https://nlp.stanford.edu/data/dro/waterbird_complete95_forest2water2.tar.gz, "
                "unpack it, and put the files of its one folder there"},
    {.set = WORKER_DATA_CELEBA,
     .what = "202,599 faces with 40 attributes",
     .terms = "for non-commercial research; redistribution is not allowed",
     .page = "https://mmlab.ie.cuhk.edu.hk/projects/CelebA.html",
     .by_hand = "its publisher wants its agreement read: get img_align_celeba.zip, "
                "list_attr_celeba.txt or .csv and the partition from its page, and put them there"},
    {.set = WORKER_DATA_METASHIFT,
     .what = "cats and dogs, indoors and outdoors, of Visual Genome",
     .terms = "MIT for its tables, CC BY 4.0 for Visual Genome's annotations",
     .page = "https://github.com/Weixin-Liang/MetaShift",
     .by_hand = "it is made with the publisher's scripts from Visual Genome: follow its page, and "
                "put the folders train and test there"},
    {.set = WORKER_DATA_IMAGENET,
     .what = "1,331,167 photographs of 1,000 kinds, with boxes",
     .terms = "for non-commercial research and education, under an agreement of one's own",
     .page = "https://image-net.org/download.php",
     .by_hand = "its publisher wants an account: get ILSVRC2012 from its page, and put the class "
                "folders into train and val there"},
    {.what = NULL},
};
/* clang-format on */

const char *mx_download_word(const struct mx_download *download)
{
    return worker_data_sets[download->set].word;
}

const struct mx_download *mx_download_find(const char *word, struct mx_err *err)
{
    struct mx_buf words = {0};

    for (const struct mx_download *row = mx_downloads; row->what; row++)
        if (strcmp(mx_download_word(row), word) == 0)
            return row;
    for (const struct mx_download *row = mx_downloads; row->what; row++)
        mx_buf_printf(&words, "%s%s", words.len > 0 ? ", " : "", mx_download_word(row));
    mx_fail(err, MX_EINVAL, "no data set '%s' is known (known: %s)", word, mx_buf_str(&words));
    mx_buf_free(&words);
    return NULL;
}

uint64_t mx_download_bytes(const struct mx_download *download)
{
    uint64_t bytes = 0;

    for (size_t f = 0; f < download->nfiles; f++)
        bytes += download->files[f].bytes;
    return bytes;
}

const char *mx_download_name(const struct mx_download_file *file)
{
    return strrchr(file->url, '/') + 1;
}

void mx_download_size(uint64_t bytes, struct mx_buf *out)
{
    static const char *const units[] = {"bytes", "kB", "MB", "GB", "TB"};
    double                   value = (double)bytes;
    size_t                   unit = 0;

    while (value >= 999.95 && unit + 1 < sizeof units / sizeof units[0]) {
        value /= 1000;
        unit++;
    }
    mx_buf_printf(out, unit == 0 ? "%.0f %s" : "%.1f %s", value, units[unit]);
}
