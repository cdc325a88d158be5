/* masks_cuda.h - masks that a GPU makes from noise, by cuFFT; private to feed_cuda.c. */
#ifndef KERN_MASKS_CUDA_H
#define KERN_MASKS_CUDA_H

#include "kernels/feed.h"
#include "kernels/nn_cuda.h"

struct kern_masks;

/* For plan->recipes masks at a time. NULL with MX_ENOMEM or MX_EGPU; free takes NULL. */
struct kern_masks *kern_masks_new(struct cuda *cuda, const struct kern_feed_plan *plan,
                                  struct mx_err *err);
void               kern_masks_free(struct kern_masks *masks);

/* Queue n masks, whose recipes lie on the device; where they will be, or NULL with *err. They are
 * there until the next ones. */
const uint8_t *kern_masks_make(struct kern_masks *masks, const struct kern_mask_recipe *recipes,
                               uint32_t n, struct mx_err *err);

#endif
