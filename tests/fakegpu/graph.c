/* CUDA graphs: the work of one stream, noted once and queued again by each launch. */
#include <stdlib.h>
#include <string.h>

#include "tests/fakegpu/fake.h"

struct node {
    struct node *next;
    const char  *call;
    void (*run)(const void *data);
    void             *data;
    size_t            size;
    struct fake_span *spans;
    int               n;
};

/* A graph, or an executable one, which shares its nodes: they are kept until the process ends. */
struct fake_graph {
    struct node *first, *last;
};

static void *copied(const void *from, size_t bytes)
{
    void *copy = malloc(bytes ? bytes : 1);

    if (!copy)
        fake_misuse("fakegpu", "no memory for a graph");
    if (bytes > 0)
        memcpy(copy, from, bytes);
    return copy;
}

void fake_graph_add(struct fake_graph *graph, void (*run)(const void *data), const void *data,
                    size_t size, const struct fake_span *spans, int n)
{
    struct node *node = calloc(1, sizeof *node);

    if (!node)
        fake_misuse("fakegpu", "no memory for a graph");
    *node = (struct node){.call = fake_call(), .run = run, .size = size, .n = n};
    node->data = copied(data, size);
    node->spans = copied(spans, (size_t)n * sizeof *spans);
    if (graph->last)
        graph->last->next = node;
    else
        graph->first = node;
    graph->last = node;
}

cudaError_t cudaStreamBeginCapture(cudaStream_t handle, enum cudaStreamCaptureMode mode)
{
    cudaError_t         status = fake_enter("cudaStreamBeginCapture");
    struct fake_stream *stream = fake_stream_of("stream", handle);

    if (!handle || handle == cudaStreamLegacy)
        fake_misuse("stream", "is the default stream, which cannot be captured");
    if ((unsigned)mode > cudaStreamCaptureModeRelaxed)
        fake_misuse("mode", "%d is no mode", (int)mode);
    if (stream->capture)
        fake_misuse("stream", "is being captured already");
    if (status == cudaSuccess)
        stream->capture = fake_object_new(FAKE_GRAPH);
    return fake_leave(status);
}

cudaError_t cudaStreamEndCapture(cudaStream_t handle, cudaGraph_t *graph)
{
    cudaError_t         status = fake_enter("cudaStreamEndCapture");
    struct fake_stream *stream = fake_stream_of("stream", handle);

    if (!graph)
        fake_misuse("pGraph", "is NULL");
    if (!stream->capture)
        fake_misuse("stream", "is not being captured");
    *graph = (cudaGraph_t)(void *)stream->capture;
    stream->capture = NULL;
    return fake_leave(status);
}

cudaError_t cudaGraphInstantiate(cudaGraphExec_t *exec, cudaGraph_t graph, unsigned long long flags)
{
    cudaError_t        status = fake_enter("cudaGraphInstantiate");
    struct fake_graph *from = fake_object("graph", graph, FAKE_GRAPH), *made;

    if (!exec)
        fake_misuse("pGraphExec", "is NULL");
    if (flags != 0)
        fake_misuse("flags", "%#llx is not 0", flags);
    if (!from->first)
        fake_misuse("graph", "holds no work");
    if (status != cudaSuccess)
        return fake_leave(status);
    made = fake_object_new(FAKE_GRAPH_EXEC);
    *made = *from;
    *exec = (cudaGraphExec_t)(void *)made;
    return fake_leave(cudaSuccess);
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t exec, cudaStream_t handle)
{
    cudaError_t              status = fake_enter("cudaGraphLaunch");
    const struct fake_graph *graph = fake_object("graphExec", exec, FAKE_GRAPH_EXEC);
    struct fake_stream      *stream = fake_stream_of("stream", handle);

    if (stream->capture)
        fake_misuse("stream", "is being captured");
    for (const struct node *node = graph->first; status == cudaSuccess && node; node = node->next)
        fake_queue(stream, node->run, node->data, node->size, node->spans, node->n);
    return fake_leave(status);
}

cudaError_t cudaGraphDestroy(cudaGraph_t graph)
{
    cudaError_t status = fake_enter("cudaGraphDestroy");

    fake_object_free(fake_object("graph", graph, FAKE_GRAPH));
    return fake_leave(status);
}

cudaError_t cudaGraphExecDestroy(cudaGraphExec_t exec)
{
    cudaError_t status = fake_enter("cudaGraphExecDestroy");

    fake_object_free(fake_object("graphExec", exec, FAKE_GRAPH_EXEC));
    return fake_leave(status);
}
