/* Kernels that touch what their rows tell, and such that touch more: use_launch honest|writes-behind|writes-before|reads.
 * Ends with 0 if all is as it must be; the two that write end as a misuse does. */
#include <math.h>
#include <string.h>

#include <cuda_runtime_api.h>

#include "tests/fakegpu/fake.h"
#include "tests/fakegpu/use.h"

enum {
    BEFORE = 8,
    N = 5,
    APART = 24, /* more than the stand-ins look at beside an array */
    ALL = 64
};

struct args {
    float       *out;
    const float *in;
    int          from, to; /* of out that is written; its row tells 0 to N */
    int          shift;    /* of in that is read; its row tells no shift */
};

static void run(const void *data)
{
    const struct args *p = data;

    for (int k = p->from; k < p->to; k++)
        p->out[k] = 2 * p->in[k + p->shift];
}

static void reach(const void *data, struct fake_reach *reach)
{
    const struct args *p = data;

    fake_writes(reach, "args.out", p->out, N * sizeof *p->out);
    fake_reads(reach, "args.in", p->in, N * sizeof *p->in);
}

static const struct fake_kernel kernel = {"mx_kernel_of_a_test", sizeof(struct args), run, reach};

/* One launch in the middle of a block that holds 0, 1, 2, ... */
static void launch(struct args args, float got[ALL])
{
    float *block, start[ALL];

    for (int k = 0; k < ALL; k++)
        start[k] = (float)k;
    OK(cudaMalloc((void **)&block, sizeof start));
    OK(cudaMemcpy(block, start, sizeof start, cudaMemcpyHostToDevice));
    args.out = block + BEFORE;
    args.in = block + BEFORE + APART;
    fake_open();
    fake_launch_run(&kernel, &args);
    fake_close();
    OK(cudaMemcpy(got, block, sizeof start, cudaMemcpyDeviceToHost));
    OK(cudaFree(block));
}

static int check(const float got[ALL], bool reads_beside)
{
    for (int k = 0; k < ALL; k++) {
        const bool written = k >= BEFORE && k < BEFORE + N;
        const bool lost = reads_beside && k == BEFORE + N - 1;

        if (lost ? !isnan(got[k])
                 : !(got[k] ==
                     (float)(written ? 2 * (k + APART) : k) + (written && reads_beside ? 2 : 0))) {
            printf("number %d is %g\n", k, (double)got[k]);
            return 1;
        }
    }
    return 0;
}

int main(int argc, char **argv)
{
    const char *how = argc > 1 ? argv[1] : "";
    struct args args = {.to = N};
    float       got[ALL];

    if (strcmp(how, "writes-behind") == 0)
        args.to = N + 1;
    else if (strcmp(how, "writes-before") == 0)
        args.from = -1;
    else if (strcmp(how, "reads") == 0)
        args.shift = 1;
    else if (strcmp(how, "honest") != 0)
        return 2;
    launch(args, got);
    return check(got, args.shift > 0);
}
