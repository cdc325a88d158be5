#include "kernels/masks_cuda.h"

#include <stdlib.h>
#include <string.h>

#include <cufft.h>

#include "kernels/launch.h"

struct kern_masks {
    struct cuda            *cuda;
    cufftHandle             plan;
    bool                    planned;
    void                   *work; /* the plan's */
    uint32_t                height, width, most;
    float                  *damping, *spectrum, *grey;
    struct kern_mask_state *states;
    uint8_t                *masks; /* (most, height, width) */
    size_t                  bytes;
};

static int check(cufftResult status, const char *call, const char *file, int line,
                 struct mx_err *err)
{
    if (status == CUFFT_SUCCESS)
        return 0;
    return mx_fail(err, status == CUFFT_ALLOC_FAILED ? MX_ENOMEM : MX_EGPU,
                   "%.*s: cuFFT's status %d (%s:%d)", (int)strcspn(call, "("), call, (int)status,
                   file, line);
}

#define FFT_TRY(call, err)                                                                         \
    do {                                                                                           \
        if (check((call), #call, __FILE__, __LINE__, err))                                         \
            goto fail;                                                                             \
    } while (0)

static size_t spectrum_floats(const struct kern_masks *masks)
{
    return (size_t)masks->most * masks->height * (masks->width / 2 + 1) * 2;
}

static size_t pixels_of(const struct kern_masks *masks)
{
    return (size_t)masks->height * masks->width;
}

static void *room_for(struct kern_masks *masks, size_t bytes, struct mx_err *err)
{
    void *memory = kern_cuda_alloc(masks->cuda, bytes, err);

    masks->bytes += memory ? bytes : 0;
    return memory;
}

/* Rows of `most` images at once. The plan's own memory is ours, so that it is counted. */
static int make_plan(struct kern_masks *masks, struct mx_err *err)
{
    int    sides[2] = {(int)masks->height, (int)masks->width};
    int    spectrum = sides[0] * (sides[1] / 2 + 1), image = sides[0] * sides[1];
    size_t work = 0;

    FFT_TRY(cufftCreate(&masks->plan), err);
    masks->planned = true;
    FFT_TRY(cufftSetAutoAllocation(masks->plan, 0), err);
    FFT_TRY(cufftMakePlanMany(masks->plan, 2, sides, NULL, 1, spectrum, NULL, 1, image, CUFFT_C2R,
                              (int)masks->most, &work),
            err);
    if (!(masks->work = room_for(masks, work, err)))
        goto fail;
    FFT_TRY(cufftSetWorkArea(masks->plan, masks->work), err);
    FFT_TRY(cufftSetStream(masks->plan, masks->cuda->stream), err);
    return 0;

fail:
    return -1;
}

struct kern_masks *kern_masks_new(struct cuda *cuda, const struct kern_feed_plan *plan,
                                  struct mx_err *err)
{
    const size_t       frequencies = (size_t)plan->height * (plan->width / 2 + 1);
    struct kern_masks *masks = calloc(1, sizeof *masks);

    if (!masks) {
        mx_fail(err, MX_ENOMEM, "no memory for masks");
        return NULL;
    }
    masks->cuda = cuda;
    masks->height = plan->height;
    masks->width = plan->width;
    masks->most = plan->recipes;
    if (!(masks->damping = room_for(masks, frequencies * sizeof(float), err)) ||
        !(masks->spectrum = room_for(masks, spectrum_floats(masks) * sizeof(float), err)) ||
        !(masks->grey = room_for(masks, masks->most * pixels_of(masks) * sizeof(float), err)) ||
        !(masks->states = room_for(masks, masks->most * sizeof *masks->states, err)) ||
        !(masks->masks = room_for(masks, masks->most * pixels_of(masks), err)) ||
        kern_device_cuda.put(&cuda->nn, masks->damping, plan->damping, frequencies * sizeof(float),
                             err) ||
        make_plan(masks, err)) {
        kern_masks_free(masks);
        return NULL;
    }
    cuda->nn.bytes += masks->bytes;
    return masks;
}

void kern_masks_free(struct kern_masks *masks)
{
    if (!masks)
        return;
    if (masks->planned)
        (void)cufftDestroy(masks->plan);
    kern_cuda_release(masks->cuda, masks->work);
    kern_cuda_release(masks->cuda, masks->damping);
    kern_cuda_release(masks->cuda, masks->spectrum);
    kern_cuda_release(masks->cuda, masks->grey);
    kern_cuda_release(masks->cuda, masks->states);
    kern_cuda_release(masks->cuda, masks->masks);
    free(masks);
}

static void cut(struct kern_masks *masks, const struct kern_mask_recipe *recipes, uint32_t n)
{
    const size_t                     pixels = pixels_of(masks);
    struct kern_mask_digit_args      digit = {.blocks = n,
                                              .pixels = pixels,
                                              .grey = masks->grey,
                                              .recipes = recipes,
                                              .states = masks->states};
    const struct kern_mask_rank_args rank = {
        .blocks = n, .pixels = pixels, .grey = masks->grey, .states = masks->states};
    const struct kern_mask_cut_args cut = {.n = n * pixels,
                                           .pixels = pixels,
                                           .grey = masks->grey,
                                           .recipes = recipes,
                                           .states = masks->states,
                                           .masks = masks->masks};

    for (digit.shift = KERN_MASK_BITS; digit.shift > 0;) {
        digit.shift -= KERN_MASK_DIGIT;
        LAUNCH(masks->cuda, mask_digit, &digit);
    }
    LAUNCH(masks->cuda, mask_rank, &rank);
    LAUNCH(masks->cuda, mask_cut, &cut);
}

/* The transform is of `most` images, also where there are fewer. */
const uint8_t *kern_masks_make(struct kern_masks *masks, const struct kern_mask_recipe *recipes,
                               uint32_t n, struct mx_err *err)
{
    const struct kern_mask_noise_args noise = {.n = (size_t)n * masks->height *
                                                    (masks->width / 2 + 1),
                                               .recipes = recipes,
                                               .damping = masks->damping,
                                               .spectrum = masks->spectrum,
                                               .height = masks->height,
                                               .width = masks->width};

    const size_t filled = 2 * noise.n;

    LAUNCH(masks->cuda, mask_noise, &noise);
    kern_device_cuda.zero(&masks->cuda->nn, masks->spectrum + filled,
                          (spectrum_floats(masks) - filled) * sizeof(float));
    FFT_TRY(cufftExecC2R(masks->plan, (cufftComplex *)(void *)masks->spectrum, masks->grey), err);
    cut(masks, recipes, n);
    return masks->masks;

fail:
    return NULL;
}
