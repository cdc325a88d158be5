/* Every kind of operation of kernels/nn.h does on a GPU what it does on the CPU, forward and backward,
 * at awkward shapes, between guard words. MX_ONLY: names of cases, all others are left out.
 * A plain program, so that it can end with "skipped": ctest: quick machine */
#include "device_twins.h"

/* An operation on images of (n, channels, height, width). */
struct operation_case {
    const char          *name;
    uint32_t             src[4];
    struct kern_op_shape shape;
    uint32_t             dst[3]; /* channels, height, width */
    bool                 tied;   /* whole numbers, of which many are equal */
};

// clang-format off
#define CONV(...)   {.kind = KERN_CONV, __VA_ARGS__}
#define TRAIN(...)  CONV(.training = true, __VA_ARGS__)
static const struct operation_case cases[] = {
    {"1x1 of one pixel",              {1, 1, 1, 1},    TRAIN(.channels = 1, .kernel = 1, .stride = 1), {1, 1, 1}, false},
    {"1x1, stride 2, odd sides",      {2, 5, 7, 9},    TRAIN(.channels = 33, .kernel = 1, .stride = 2), {33, 4, 5}, false},
    {"3x3",                           {1, 3, 9, 7},    TRAIN(.channels = 5, .kernel = 3, .stride = 1, .pad = 1), {5, 9, 7}, false},
    {"3x3, many channels",            {3, 33, 5, 6},   TRAIN(.channels = 33, .kernel = 3, .stride = 1, .pad = 1), {33, 5, 6}, false},
    {"3x3, without padding",          {2, 5, 5, 3},    TRAIN(.channels = 3, .kernel = 3, .stride = 1), {3, 3, 1}, false},
    {"3x3, stride 2, biased",         {2, 3, 11, 8},   TRAIN(.channels = 7, .kernel = 3, .stride = 2, .pad = 1, .bias = true), {7, 6, 4}, false},
    {"5x5, stride 3",                 {1, 1, 13, 16},  TRAIN(.channels = 3, .kernel = 5, .stride = 3, .pad = 2), {3, 5, 6}, false},
    {"5x5, stride 2",                 {1, 3, 12, 9},   TRAIN(.channels = 5, .kernel = 5, .stride = 2, .pad = 2), {5, 6, 5}, false},
    {"4x4, in groups",                {2, 6, 5, 7},    TRAIN(.channels = 4, .kernel = 4, .stride = 1, .pad = 1, .groups = 2), {4, 4, 6}, false},
    {"4x4, padded",                   {2, 3, 8, 6},    TRAIN(.channels = 5, .kernel = 4, .stride = 2, .more = {0, 0, 2, 2}), {5, 4, 3}, false},
    {"7x7, stride 2",                 {1, 3, 33, 31},  TRAIN(.channels = 5, .kernel = 7, .stride = 2, .pad = 3), {5, 17, 16}, false},
    {"two groups",                    {2, 6, 5, 7},    TRAIN(.channels = 4, .kernel = 3, .stride = 1, .pad = 1, .groups = 2), {4, 5, 7}, false},
    {"each channel alone",            {3, 5, 7, 5},    TRAIN(.channels = 5, .kernel = 3, .stride = 2, .pad = 1, .groups = 5), {5, 4, 3}, false},
    {"each channel alone, many",      {1, 33, 4, 4},   TRAIN(.channels = 33, .kernel = 3, .stride = 1, .pad = 1, .groups = 33), {33, 4, 4}, false},
    {"padded below and right",        {2, 3, 8, 6},    TRAIN(.channels = 5, .kernel = 3, .stride = 2, .more = {0, 0, 1, 1}), {5, 4, 3}, false},
    {"padded above and left",         {1, 5, 5, 9},    TRAIN(.channels = 3, .kernel = 3, .stride = 1, .more = {2, 1, 0, 0}, .bias = true), {3, 5, 8}, false},
    {"padded unevenly, in groups",    {2, 4, 6, 6},    TRAIN(.channels = 4, .kernel = 3, .stride = 2, .groups = 4, .more = {0, 0, 1, 1}), {4, 3, 3}, false},
    {"bias, ReLU",                    {2, 3, 5, 7},    CONV(.channels = 5, .kernel = 3, .stride = 1, .pad = 1, .bias = true, .relu = true), {5, 5, 7}, false},
    {"ReLU at most 1",                {1, 5, 3, 3},    CONV(.channels = 33, .kernel = 1, .stride = 1, .bias = true, .relu = true, .cap = 1), {33, 3, 3}, false},
    {"added, then ReLU",              {3, 5, 6, 5},    CONV(.channels = 5, .kernel = 3, .stride = 1, .pad = 1, .bias = true, .sum = true, .relu = true), {5, 6, 5}, false},
    {"added, biased",                 {2, 5, 4, 6},    CONV(.channels = 9, .kernel = 3, .stride = 1, .pad = 1, .bias = true, .sum = true), {9, 4, 6}, false},
    {"added, ReLU at most 1",         {1, 8, 5, 3},    CONV(.channels = 8, .kernel = 1, .stride = 1, .bias = true, .sum = true, .relu = true, .cap = 1), {8, 5, 3}, false},
    {"ReLU alone",                    {2, 3, 4, 5},    CONV(.channels = 5, .kernel = 3, .stride = 1, .pad = 1, .relu = true), {5, 4, 5}, false},
    {"added to",                      {1, 3, 4, 4},    CONV(.channels = 3, .kernel = 3, .stride = 1, .pad = 1, .sum = true), {3, 4, 4}, false},
    {"norm",                          {2, 5, 7, 3},    {.kind = KERN_NORM, .training = true, .epsilon = 1e-5f}, {5, 7, 3}, false},
    {"norm, ReLU",                    {3, 33, 3, 5},   {.kind = KERN_NORM, .training = true, .relu = true, .epsilon = 1e-5f}, {33, 3, 5}, false},
    {"norm of one image, of points",  {1, 3, 1, 2},    {.kind = KERN_NORM, .training = true, .epsilon = 1e-3f}, {3, 1, 2}, false},
    {"fixed norm",                    {2, 3, 5, 5},    {.kind = KERN_NORM, .training = true, .fixed = true, .epsilon = 1e-5f}, {3, 5, 5}, false},
    {"fixed norm, ReLU",              {1, 5, 1, 9},    {.kind = KERN_NORM, .training = true, .fixed = true, .relu = true, .epsilon = 1e-5f}, {5, 1, 9}, false},
    {"mean over all",                 {2, 33, 7, 5},   {.kind = KERN_POOL, .training = true}, {33, 1, 1}, false},
    {"mean of one pixel",             {1, 1, 1, 1},    {.kind = KERN_POOL, .training = true}, {1, 1, 1}, false},
    {"means that overlap",            {2, 3, 7, 5},    {.kind = KERN_POOL, .training = true, .side = 3}, {3, 3, 3}, false},
    {"means that repeat",             {1, 5, 2, 3},    {.kind = KERN_POOL, .training = true, .side = 7}, {5, 7, 7}, false},
    {"means over windows",            {3, 5, 6, 8},    {.kind = KERN_POOL, .training = true, .kernel = 2, .stride = 2}, {5, 3, 4}, false},
    {"maxima",                        {2, 5, 7, 9},    {.kind = KERN_MAX_POOL, .training = true, .kernel = 2, .stride = 2}, {5, 3, 4}, false},
    {"maxima, padded",                {1, 33, 9, 7},   {.kind = KERN_MAX_POOL, .training = true, .kernel = 3, .stride = 2, .pad = 1}, {33, 5, 4}, false},
    {"maxima of which many are equal",{2, 3, 8, 8},    {.kind = KERN_MAX_POOL, .training = true, .kernel = 3, .stride = 2, .pad = 1}, {3, 4, 4}, true},
    {"linear of one number",          {1, 1, 1, 1},    {.kind = KERN_LINEAR, .training = true, .channels = 1}, {1, 1, 1}, false},
    {"linear over an image",          {3, 5, 7, 3},    {.kind = KERN_LINEAR, .training = true, .channels = 33}, {33, 1, 1}, false},
    {"linear into float32",           {5, 19, 2, 3},   {.kind = KERN_LINEAR, .training = true, .wide = true, .channels = 7}, {7, 1, 1}, false},
    {"linear, many",                  {33, 129, 1, 1}, {.kind = KERN_LINEAR, .training = true, .channels = 10}, {10, 1, 1}, false},
};
// clang-format on

/* How the GPU computes; whether images come row-major, as those of a batch do, or as operations pass them on. */
struct mode {
    const char         *name;
    enum kern_precision precision;
    bool                plain;
};

static const struct mode modes[] = {
    {"float32", KERN_F32, true},
    {"bfloat16", KERN_BF16, false},
    {"bfloat16 from float32", KERN_BF16, true},
};

enum part {
    SRC,
    WEIGHTS,
    BIAS,
    MEAN,
    VARIANCE,
    DST,
    D_SRC,
    D_WEIGHTS,
    D_BIAS,
    D_DST,
    PARTS
};

/* Of D_SRC and those behind it. */
static const enum part gradient_of[] = {SRC, WEIGHTS, BIAS, DST};

static const char *const part_names[PARTS] = {"input",
                                              "weights",
                                              "bias",
                                              "mean",
                                              "variance",
                                              "output",
                                              "input's gradient",
                                              "weights' gradient",
                                              "bias's gradient",
                                              "output's gradient"};

/* A tensor on one side, in memory between guard words. */
struct held {
    struct kern_tensor *tensor;
    float              *memory;
    size_t              floats; /* padding included */
};

/* An operation on both sides; numbers are row-major. */
struct operated {
    struct held     held[TWIN_SIDES][PARTS];
    struct kern_op *op[TWIN_SIDES];
    float          *numbers[TWIN_SIDES][PARTS];
    size_t          n[PARTS]; /* 0: there is none */
};

static size_t product(const uint32_t *dims, unsigned ndims)
{
    size_t n = 1;

    for (unsigned d = 0; d < ndims; d++)
        n *= dims[d];
    return n;
}

static void size_parts(const struct operation_case *c, struct operated *o)
{
    const uint32_t groups = c->shape.groups > 1 ? c->shape.groups : 1;
    const bool     weighted = c->shape.kind == KERN_CONV || c->shape.kind == KERN_LINEAR;
    const bool     norm = c->shape.kind == KERN_NORM;

    o->n[SRC] = product(c->src, 4);
    o->n[DST] = c->src[0] * product(c->dst, 3);
    if (c->shape.kind == KERN_CONV)
        o->n[WEIGHTS] =
            (size_t)c->shape.channels * c->src[1] / groups * c->shape.kernel * c->shape.kernel;
    else if (weighted)
        o->n[WEIGHTS] = c->shape.channels * product(c->src + 1, 3);
    else if (norm)
        o->n[WEIGHTS] = c->src[1];
    if (norm || c->shape.kind == KERN_LINEAR || c->shape.bias)
        o->n[BIAS] = c->dst[0];
    o->n[MEAN] = o->n[VARIANCE] = norm ? c->src[1] : 0;
    if (!c->shape.training)
        return;
    o->n[D_SRC] = o->n[SRC];
    o->n[D_WEIGHTS] = o->n[WEIGHTS];
    o->n[D_BIAS] = o->n[BIAS];
    o->n[D_DST] = o->n[DST];
}

/* As bfloat16 has it: 8 bits, the leading one included. */
static float shortened(float value)
{
    int         exponent;
    const float share = frexpf(value, &exponent);

    return ldexpf(rintf(ldexpf(share, 8)), exponent - 8);
}

/* The same numbers for both sides: drawn for what is read, NaN for what is written. */
static void draw(const struct operation_case *c, struct operated *o, struct mx_rng *rng,
                 const struct mode *mode)
{
    for (int p = 0; p < PARTS; p++) {
        const bool read = p == SRC || p == WEIGHTS || p == BIAS || p == D_DST ||
                          (p == DST && c->shape.sum) ||
                          ((p == MEAN || p == VARIANCE) && c->shape.fixed);

        for (int s = 0; s < TWIN_SIDES && o->n[p] > 0; s++)
            o->numbers[s][p] = twins_drawn(o->n[p], rng, false);
        for (size_t k = 0; k < o->n[p]; k++) {
            float *value = &o->numbers[0][p][k];

            if (!read)
                *value = NAN;
            else if (p == VARIANCE)
                *value = 0.5f + fabsf(*value);
            else if (p == SRC && c->tied)
                *value = rintf(*value);
            if (mode->precision == KERN_BF16 && read &&
                (c->shape.kind != KERN_NORM || p == SRC || p == D_DST) && p != BIAS)
                *value = shortened(*value);
            o->numbers[1][p][k] = *value;
        }
    }
}

/* Memory for a tensor, with guards, and the numbers in it. */
static void lend(struct twins *twins, struct held *held, const float *numbers, int s)
{
    struct mx_err err = {0};
    float        *guards;

    held->floats = kern_tensor_bytes(held->tensor) / sizeof(float);
    twins_must((guards = malloc((held->floats + 2 * TWIN_GUARD) * sizeof *guards)), "no memory",
               &err);
    for (size_t k = 0; k < held->floats + 2 * TWIN_GUARD; k++)
        guards[k] = twin_guard_word;
    held->memory = twins->on[s]->alloc(twins->nn[s], KERN_ALIGN,
                                       (held->floats + 2 * TWIN_GUARD) * sizeof *guards, &err);
    twins_must(held->memory &&
                   !twins->on[s]->put(twins->nn[s], held->memory, guards,
                                      (held->floats + 2 * TWIN_GUARD) * sizeof *guards, &err) &&
                   !kern_tensor_bind(held->tensor, held->memory + TWIN_GUARD, &err) &&
                   !kern_tensor_write(held->tensor, numbers, &err),
               "a tensor", &err);
    free(guards);
}

static bool guarded(struct twins *twins, const struct held *held, int s)
{
    const size_t  all = held->floats + 2 * TWIN_GUARD;
    float        *words = malloc(all * sizeof *words);
    struct mx_err err = {0};
    bool          whole;

    twins_must(words &&
                   !twins->on[s]->get(twins->nn[s], words, held->memory, all * sizeof *words, &err),
               "guard words", &err);
    whole = true;
    for (size_t k = 0; k < TWIN_GUARD; k++)
        whole = whole && words[k] == twin_guard_word && words[all - 1 - k] == twin_guard_word;
    free(words);
    return whole;
}

/* What the operation may choose itself, the order of weights and outputs, is left to it. */
static void build(struct twins *twins, const struct operation_case *c, struct operated *o, int s,
                  const struct mode *mode)
{
    struct held           *held = o->held[s];
    struct kern_nn        *nn = twins->nn[s];
    struct kern_op_tensors tensors = {0};
    struct mx_err          err = {0};
    const uint32_t         channels = c->dst[0];

    held[SRC].tensor = mode->plain ? kern_tensor_plain(nn, 4, c->src, &err)
                                   : kern_tensor_inner(nn, 4, c->src, &err);
    for (int p = BIAS; p <= VARIANCE; p++)
        held[p].tensor = o->n[p] > 0 ? kern_tensor_plain(nn, 1, &channels, &err) : NULL;
    if (c->shape.kind == KERN_NORM)
        held[WEIGHTS].tensor = kern_tensor_plain(nn, 1, &channels, &err);
    tensors = (struct kern_op_tensors){.src = held[SRC].tensor,
                                       .weights = held[WEIGHTS].tensor,
                                       .bias = held[BIAS].tensor,
                                       .mean = held[MEAN].tensor,
                                       .variance = held[VARIANCE].tensor};
    o->op[s] = kern_op_new(nn, &c->shape, &tensors, &err);
    twins_must(o->op[s], c->name, &err);
    held[WEIGHTS].tensor = tensors.weights;
    held[DST].tensor = tensors.dst;
    for (int p = D_SRC; p < PARTS; p++)
        if (o->n[p] > 0)
            twins_must(
                (held[p].tensor = kern_tensor_like(held[gradient_of[p - D_SRC]].tensor, &err)),
                c->name, &err);
}

static void build_backward(const struct operation_case *c, struct operated *o, int s)
{
    struct held                 *held = o->held[s];
    const struct kern_op_tensors tensors = {held[SRC].tensor,      held[WEIGHTS].tensor,
                                            held[BIAS].tensor,     held[MEAN].tensor,
                                            held[VARIANCE].tensor, held[DST].tensor};
    struct kern_op_gradients     gradients;
    struct mx_err                err = {0};

    gradients = (struct kern_op_gradients){held[D_DST].tensor, held[D_SRC].tensor,
                                           held[D_WEIGHTS].tensor, held[D_BIAS].tensor};
    twins_must(!kern_op_add_backward(o->op[s], &tensors, &gradients, &err), c->name, &err);
}

static void operate(struct twins *twins, const struct operation_case *c, struct operated *o, int s,
                    const struct mode *mode)
{
    struct mx_err err = {0};

    build(twins, c, o, s, mode);
    if (c->shape.training)
        build_backward(c, o, s);
    for (int p = 0; p < PARTS; p++)
        if (o->n[p] > 0)
            lend(twins, &o->held[s][p], o->numbers[s][p], s);
    twins_must(!kern_op_forward(o->op[s], &err) &&
                   (!c->shape.training || !kern_op_backward(o->op[s], &err)),
               c->name, &err);
    for (int p = 0; p < PARTS; p++)
        twins_must(o->n[p] == 0 || !kern_tensor_read(o->held[s][p].tensor, o->numbers[s][p], &err),
                   c->name, &err);
}

static void let_go(struct twins *twins, struct operated *o)
{
    for (int s = 0; s < TWIN_SIDES; s++) {
        kern_op_free(o->op[s]);
        for (int p = 0; p < PARTS; p++) {
            kern_tensor_free(o->held[s][p].tensor);
            twins->on[s]->release(twins->nn[s], o->held[s][p].memory);
            free(o->numbers[s][p]);
        }
    }
}

/* The longest sum behind a number of a part. */
static double terms_of(const struct operation_case *c, enum part p)
{
    const double window = (double)c->shape.kernel * c->shape.kernel;
    const double points = (double)c->src[0] * c->dst[1] * c->dst[2];

    if (c->shape.kind == KERN_LINEAR)
        return p == D_SRC ? c->shape.channels
               : p == DST ? (double)product(c->src + 1, 3)
                          : c->src[0];
    if (c->shape.kind != KERN_CONV)
        return 1; /* sums are in double precision */
    return p == D_WEIGHTS || p == D_BIAS ? points
           : p == D_SRC                  ? window * c->shape.channels
                                         : window * c->src[1];
}

/* How often a number of a part is rounded to bfloat16 on its way, each time by 2^-8 of what it was then: behind a product, and
 * again where a bias or what was there is added. What is made of a channel, and `wide` rows, are float32. */
static unsigned rounded_of(const struct operation_case *c, enum part p)
{
    if (c->shape.kind == KERN_MAX_POOL && p == DST)
        return 0;
    if (p == MEAN || p == VARIANCE || p == D_BIAS || (p == DST && c->shape.wide) ||
        (p == D_WEIGHTS && c->shape.kind != KERN_CONV))
        return 0;
    return p == DST && (c->shape.bias || c->shape.relu || c->shape.kind == KERN_LINEAR) ? 2 : 1;
}

/* Each number as near as its roundings allow; a bias is less than 6. */
static void expect_rounded(struct twins *twins, const char *name, const struct operated *o, int p,
                           unsigned times, double tolerance)
{
    for (size_t k = 0; k < o->n[p]; k++) {
        const double cpu = (double)o->numbers[0][p][k], gpu = (double)o->numbers[1][p][k];
        const double once = fabs(cpu) + (times > 1 ? 6 : 0);

        if (!(fabs(gpu - cpu) <= times * once / 256 + tolerance)) {
            char text[140];

            snprintf(text, sizeof text, "number %zu of %zu is %.9g on the GPU, %.9g on the CPU", k,
                     o->n[p], gpu, cpu);
            twins_fail(twins, name, text);
            return;
        }
    }
}

/* A sum of t products of numbers near 1 is near sqrt(t), and every one of its partial sums is rounded
 * by 6e-8 of itself: two sums in different orders are within sqrt(t) times that of each other, some of
 * it for what Winograd's tiles add. Maxima are numbers that were there: they have the same bits. */
static void compare(struct twins *twins, const struct operation_case *c, struct operated *o,
                    const struct mode *mode)
{
    for (int p = 0; p < PARTS; p++) {
        const double terms = terms_of(c, (enum part)p);
        const double tolerance =
            p == DST && c->shape.kind == KERN_MAX_POOL ? 0 : 4e-7 * (2 + sqrt(terms));
        const bool written = p >= MEAN && p != D_DST;
        char       name[120];

        if (o->n[p] == 0)
            continue;
        snprintf(name, sizeof name, "%s: %s", c->name, part_names[p]);
        for (int s = 0; s < TWIN_SIDES; s++)
            if (!guarded(twins, &o->held[s][p], s))
                twins_fail(twins, name, s ? "written beside it, on the GPU" : "written beside it");
        if (mode->precision == KERN_BF16 && written)
            expect_rounded(twins, name, o, p, rounded_of(c, (enum part)p), tolerance * sqrt(terms));
        else
            twins_agree(twins, name, o->numbers[0][p], o->numbers[1][p], o->n[p],
                        written ? tolerance : 0, written ? sqrt(terms) : 0);
    }
}

/* NaN agrees with NaN, and what is to be written begins as NaN: it must have become numbers. */
static void expect_written(struct twins *twins, const struct operation_case *c,
                           const struct operated *o)
{
    for (int p = 0; p < PARTS; p++)
        for (size_t k = 0; k < o->n[p]; k++)
            if (!isfinite(o->numbers[1][p][k])) {
                twins_fail(twins, c->name, part_names[p]);
                return;
            }
}

static void run_case(struct twins *twins, const struct operation_case *c, struct mx_rng *rng,
                     const struct mode *mode)
{
    const bool      product = c->shape.kind == KERN_CONV || c->shape.kind == KERN_LINEAR;
    struct operated o = {0};

    if (mode->precision == KERN_BF16 && mode->plain && !product)
        return; /* only products take float32 */
    size_parts(c, &o);
    draw(c, &o, rng, mode);
    for (int s = 0; s < TWIN_SIDES; s++)
        operate(twins, c, &o, s, mode);
    compare(twins, c, &o, mode);
    expect_written(twins, c, &o);
    let_go(twins, &o);
}

/* A training that has come to no numbers must show it: a ReLU makes no 0 of them. */
static void expect_no_numbers_kept(struct twins *twins, struct mx_rng *rng, const struct mode *mode)
{
    static const char *const names[] = {"bias, ReLU", "added, ReLU at most 1", "ReLU alone"};

    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++)
        for (size_t n = 0; n < sizeof names / sizeof *names; n++) {
            struct operated o = {0};

            if (strcmp(names[n], cases[k].name) != 0)
                continue;
            size_parts(&cases[k], &o);
            draw(&cases[k], &o, rng, mode);
            for (int s = 0; s < TWIN_SIDES; s++) {
                o.numbers[s][SRC][0] = NAN;
                operate(twins, &cases[k], &o, s, mode);
            }
            if (!isnan(o.numbers[1][DST][0]))
                twins_fail(twins, cases[k].name, "a NaN that became a number");
            let_go(twins, &o);
        }
}

int main(void)
{
    struct mx_rng rng = mx_rng_at(mx_stream_make(8, 0, MX_PURPOSE_DATA, 0), 0, 0, 0);
    const char   *only = getenv("MX_ONLY");
    int           failed = 0;

    for (size_t m = 0; m < sizeof modes / sizeof *modes; m++) {
        struct twins twins;
        int          status = twins_open_in(&twins, modes[m].precision);

        if (status)
            return status;
        for (size_t k = 0; k < sizeof cases / sizeof *cases; k++)
            if (!only || strstr(only, cases[k].name))
                run_case(&twins, &cases[k], &rng, &modes[m]);
        if (!only)
            expect_no_numbers_kept(&twins, &rng, &modes[m]);
        if (twins.failed > 0)
            printf("FAILED: %u times in %s\n", twins.failed, modes[m].name);
        failed |= twins_close(&twins);
    }
    return failed;
}
