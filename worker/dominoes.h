/* dominoes.h - images of two sets, one above the other. Private to worker/.
 *
 * The lower image gives the label, the upper one the attribute; group = label *
 * (number of upper classes) + attribute. Every lower image of the chosen classes
 * is used once, in its set's order, so limits and the validation split are those of
 * the lower set. In each part and class worker_share(rate, n) images agree, drawn
 * by the stream SPLIT; the others get another attribute, all alike likely. The
 * attribute that agrees with label y is y modulo the number of upper classes. The
 * upper images of a class are gone through in a random order of the stream DATA,
 * again and again, those of training and validation together. rate:
 * data.spurious_rate for training, one half for validation and test, as
 * methods.md 5 has it.
 */
#ifndef MX_WORKER_DOMINOES_H
#define MX_WORKER_DOMINOES_H

#include "worker/set_format.h"

/* The upper and the lower set. */
enum {
    WORKER_DOMINO_TOP,
    WORKER_DOMINO_BOTTOM,
    WORKER_DOMINO_HALVES
};

/* The images that a half of the set's dominoes is made of: of the chosen classes,
 * with their place in the list as label, and as high and wide as they will be. */
struct worker_domino_half {
    struct worker_images images[WORKER_DOMINO_HALVES];
    uint32_t             attributes, classes;
};

/* Pair the train half: `marks` has 1 for the lower images of the validation part; both
 * parts get their images. Returns 0, or -1 with MX_EDATA for a class of the upper set
 * without images, or MX_ENOMEM. */
int worker_dominoes_pair_train(const struct worker_domino_half *half, double rate, uint64_t seed,
                               const uint8_t *marks, struct worker_images *train,
                               struct worker_images *val, struct mx_err *err);

/* The same for the test half. */
int worker_dominoes_pair_test(const struct worker_domino_half *half, uint64_t seed,
                              struct worker_images *test, struct mx_err *err);

/* Dominoes that others made: X_{train,val,test}.npy (images, high, wide), (images,
 * channels, high, wide) or (images, high, wide, channels), bytes or floats from 0 to 1;
 * y_* and env_*, the label and the attribute. A missing val is cut from train. As the
 * functions of worker/set_format.h. */
int worker_dominoes_npy_probe(const char *folder, uint64_t *fingerprint, struct mx_err *err);
int worker_dominoes_npy_read(const struct worker_params *params, const char *folder,
                             struct worker_shape *shape, struct worker_raw_set *raw,
                             struct mx_err *err);

#endif
