/* The work of a step as a CUDA graph: noted once, queued as a whole as often as wanted, so that the
 * host need not queue hundreds of kernels one by one. */
#include <stdlib.h>

#include "kernels/nn_cuda.h"

struct kern_replay {
    cudaGraphExec_t exec;
};

int kern_cuda_note_begin(struct kern_nn *nn, struct mx_err *err)
{
    struct cuda *cuda = cuda_of(nn);

    if (kern_tell_failure(cuda, err))
        return -1;
    CUDA_TRY(cudaStreamBeginCapture(cuda->stream, cudaStreamCaptureModeThreadLocal), err);
    cuda->noting = true;
    return 0;

fail:
    return -1;
}

static struct kern_replay *make_replay(cudaGraph_t graph, struct mx_err *err)
{
    struct kern_replay *made = calloc(1, sizeof *made);

    if (!made) {
        mx_fail(err, MX_ENOMEM, "no memory to note a step");
        return NULL;
    }
    CUDA_TRY(cudaGraphInstantiate(&made->exec, graph, 0), err);
    return made;

fail:
    free(made);
    return NULL;
}

void kern_cuda_note_drop(struct kern_nn *nn)
{
    struct cuda *cuda = cuda_of(nn);
    cudaGraph_t  graph = NULL;

    (void)cudaStreamEndCapture(cuda->stream, &graph);
    cuda->noting = false;
    cuda->failed = (struct mx_err){0};
    if (graph)
        (void)cudaGraphDestroy(graph);
    (void)cudaGetLastError();
}

struct kern_replay *kern_cuda_note_end(struct kern_nn *nn, struct mx_err *err)
{
    struct cuda        *cuda = cuda_of(nn);
    cudaGraph_t         graph = NULL;
    const cudaError_t   status = cudaStreamEndCapture(cuda->stream, &graph);
    struct kern_replay *made = NULL;

    cuda->noting = false;
    if (cuda->failed.code) {
        (void)kern_tell_failure(cuda, err);
        cuda->failed = (struct mx_err){0};
    } else if (!kern_cuda_check(status, "cudaStreamEndCapture", __FILE__, __LINE__, err)) {
        made = make_replay(graph, err);
    }
    if (graph)
        (void)cudaGraphDestroy(graph);
    if (!made)
        (void)
            cudaGetLastError(); /* a refusal is no failure of the device: the work is done plainly */
    return made;
}

int kern_cuda_replay(struct kern_nn *nn, struct kern_replay *work, struct mx_err *err)
{
    struct cuda *cuda = cuda_of(nn);

    if (kern_tell_failure(cuda, err))
        return -1;
    CUDA_TRY(cudaGraphLaunch(work->exec, cuda->stream), err);
    return 0;

fail:
    return -1;
}

void kern_cuda_replay_free(struct kern_nn *nn, struct kern_replay *work)
{
    if (!work)
        return;
    (void)cudaStreamSynchronize(cuda_of(nn)->stream);
    (void)cudaGraphExecDestroy(work->exec);
    free(work);
}
