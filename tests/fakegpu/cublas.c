/* cuBLAS: products of matrices in column order. Scalars are the host's (pointer mode HOST). */
#include <cublas_v2.h>
#include <dnnl.h>
#include <stdlib.h>
#include <string.h>

#include "tests/fakegpu/fake.h"

struct handle {
    cudaStream_t stream;
    int          device;
    cublasMath_t math;
};

static cublasStatus_t leave(cudaError_t status)
{
    (void)fake_leave(cudaSuccess);
    return status == cudaSuccess ? CUBLAS_STATUS_SUCCESS : CUBLAS_STATUS_EXECUTION_FAILED;
}

static cublasStatus_t without_memory(void)
{
    (void)fake_leave(cudaSuccess);
    return CUBLAS_STATUS_ALLOC_FAILED;
}

cublasStatus_t cublasCreate_v2(cublasHandle_t *handle)
{
    cudaError_t    status = fake_enter("cublasCreate");
    struct handle *made;

    if (!handle)
        fake_misuse("handle", "is NULL");
    if (status != cudaSuccess) {
        (void)fake_leave(cudaSuccess);
        return CUBLAS_STATUS_NOT_INITIALIZED;
    }
    if (fake_library_lacks_memory())
        return without_memory();
    made = fake_object_new(FAKE_CUBLAS);
    made->device = fake_device();
    *handle = (cublasHandle_t)(void *)made;
    return leave(cudaSuccess);
}

cublasStatus_t cublasDestroy_v2(cublasHandle_t handle)
{
    cudaError_t status = fake_enter("cublasDestroy");

    fake_object_free(fake_object("handle", handle, FAKE_CUBLAS));
    return leave(status);
}

cublasStatus_t cublasSetStream_v2(cublasHandle_t handle, cudaStream_t stream)
{
    cudaError_t    status = fake_enter("cublasSetStream");
    struct handle *of = fake_object("handle", handle, FAKE_CUBLAS);

    (void)fake_stream_of("streamId", stream);
    of->stream = stream;
    return leave(status);
}

cublasStatus_t cublasSetMathMode(cublasHandle_t handle, cublasMath_t mode)
{
    cudaError_t status = fake_enter("cublasSetMathMode");

    struct handle *of = fake_object("handle", handle, FAKE_CUBLAS);

    if (mode != CUBLAS_DEFAULT_MATH && mode != CUBLAS_PEDANTIC_MATH &&
        mode != CUBLAS_TF32_TENSOR_OP_MATH)
        fake_misuse("mode", "%d is no mode that this project uses", (int)mode);
    of->math = mode;
    return leave(status);
}

/* The stand-in needs no workspace; what it is given must be there until the next one. */
cublasStatus_t cublasSetWorkspace_v2(cublasHandle_t handle, void *workspace, size_t bytes)
{
    cudaError_t status = fake_enter("cublasSetWorkspace");

    (void)fake_object("handle", handle, FAKE_CUBLAS);
    if (bytes > 0)
        (void)fake_block_of("workspace", workspace, bytes, fake_device());
    if ((uintptr_t)workspace % FAKE_ALIGN != 0)
        fake_misuse("workspace", "must be aligned to %d bytes", FAKE_ALIGN);
    return leave(status);
}

const char *cublasGetStatusString(cublasStatus_t status)
{
    return status == CUBLAS_STATUS_SUCCESS        ? "success"
           : status == CUBLAS_STATUS_ALLOC_FAILED ? "the resource allocation failed"
                                                  : "the GPU program failed to execute";
}

/* ---- products ---- */

struct product {
    char         transa, transb; /* 'N' or 'T' */
    int          m, n, k, lda, ldb, ldc, count;
    long long    stride_a, stride_b, stride_c;
    float        alpha, beta;
    const float *a, *b;
    float       *c;
    bool         tf32;
};

/* A matrix that lies in n floats, rounded; to be freed. */
static float *rounded(const float *matrix, size_t n)
{
    float *copy = malloc(n * sizeof *copy);

    if (!copy)
        fake_misuse("fakegpu", "no memory for a product");
    memcpy(copy, matrix, n * sizeof *copy);
    fake_round_tf32(copy, n);
    return copy;
}

/* Bytes from the first number of a matrix, or of `count` of them, to the last one. */
static size_t extent(int rows, int columns, int lead, int count, long long stride)
{
    return ((size_t)(count - 1) * (size_t)stride + (size_t)(columns - 1) * (size_t)lead +
            (size_t)rows) *
           sizeof(float);
}

static size_t extent_a(const struct product *p)
{
    return p->transa == 'N' ? extent(p->m, p->k, p->lda, p->count, p->stride_a)
                            : extent(p->k, p->m, p->lda, p->count, p->stride_a);
}

static size_t extent_b(const struct product *p)
{
    return p->transb == 'N' ? extent(p->k, p->n, p->ldb, p->count, p->stride_b)
                            : extent(p->n, p->k, p->ldb, p->count, p->stride_b);
}

static void multiply(const struct product *p)
{
    for (int i = 0; i < p->count; i++) {
        float *c = p->c + p->stride_c * i;

        /* What C holds does not count then, not even if it is no number. */
        for (int j = 0; p->beta == 0.0f && j < p->n; j++)
            memset(c + (size_t)j * (size_t)p->ldc, 0, (size_t)p->m * sizeof *c);
        /* In row order, for which oneDNN asks, every matrix is its transpose. */
        dnnl_sgemm(p->transb, p->transa, p->n, p->m, p->k, p->alpha, p->b + p->stride_b * i, p->ldb,
                   p->a + p->stride_a * i, p->lda, p->beta, c, p->ldc);
    }
}

static void run_product(const void *data)
{
    struct product p = *(const struct product *)data;
    float         *a = NULL, *b = NULL;

    if (p.tf32) {
        p.a = a = rounded(p.a, extent_a(&p) / sizeof *a);
        p.b = b = rounded(p.b, extent_b(&p) / sizeof *b);
    }
    multiply(&p);
    free(a);
    free(b);
}

static char transposed(const char *argument, cublasOperation_t operation)
{
    if (operation != CUBLAS_OP_N && operation != CUBLAS_OP_T)
        fake_misuse(argument, "%d is neither CUBLAS_OP_N nor CUBLAS_OP_T", (int)operation);
    return operation == CUBLAS_OP_N ? 'N' : 'T';
}

static void check_lead(const char *argument, int lead, int rows)
{
    if (lead < (rows > 1 ? rows : 1))
        fake_misuse(argument, "%d is less than the %d rows of the matrix", lead, rows);
}

static void check_apart(const char *argument, const struct fake_span *output,
                        const struct fake_span *input)
{
    const char *a = output->at, *b = input->at;

    if (a < b + input->bytes && b < a + output->bytes)
        fake_misuse(argument, "overlaps C");
}

static void queue_product(struct handle *of, const struct product *p)
{
    int            rows_a = p->transa == 'N' ? p->m : p->k, rows_b = p->transb == 'N' ? p->k : p->n;
    size_t         float_size = sizeof(float);
    struct product given = *p;
    struct fake_span spans[3];

    if (p->m < 0 || p->n < 0 || p->k < 0 || p->count < 0)
        fake_misuse("m, n, k", "%d, %d, %d are not all 0 or more", p->m, p->n, p->k);
    check_lead("lda", p->lda, rows_a);
    check_lead("ldb", p->ldb, rows_b);
    check_lead("ldc", p->ldc, p->m);
    if (p->count > 1 && p->stride_c < (long long)p->ldc * (p->n - 1) + p->m)
        fake_misuse("strideC", "%lld makes products overlap", p->stride_c);
    if (p->m == 0 || p->n == 0 || p->k == 0 || p->count == 0)
        return;
    given.tf32 = of->math == CUBLAS_TF32_TENSOR_OP_MATH;
    spans[0] = (struct fake_span){"A", p->a, extent_a(p), float_size, false};
    spans[1] = (struct fake_span){"B", p->b, extent_b(p), float_size, false};
    spans[2] = (struct fake_span){"C", p->c, extent(p->m, p->n, p->ldc, p->count, p->stride_c),
                                  float_size, true};
    check_apart("A", &spans[2], &spans[0]);
    check_apart("B", &spans[2], &spans[1]);
    fake_queue(fake_stream_of("handle's stream", of->stream), run_product, &given, sizeof given,
               spans, 3);
}

cublasStatus_t cublasSgemm_v2(cublasHandle_t handle, cublasOperation_t transa,
                              cublasOperation_t transb, int m, int n, int k, const float *alpha,
                              const float *A, int lda, const float *B, int ldb, const float *beta,
                              float *C, int ldc)
{
    cudaError_t    status = fake_enter("cublasSgemm");
    struct handle *of = fake_object("handle", handle, FAKE_CUBLAS);

    fake_check_host("alpha", alpha, sizeof *alpha);
    fake_check_host("beta", beta, sizeof *beta);
    if (fake_library_lacks_memory())
        return without_memory();
    if (status == cudaSuccess)
        queue_product(of, &(struct product){transposed("transa", transa),
                                            transposed("transb", transb), m, n, k, lda, ldb, ldc, 1,
                                            0, 0, 0, *alpha, *beta, A, B, C, false});
    return leave(status);
}

cublasStatus_t cublasSgemmStridedBatched(cublasHandle_t handle, cublasOperation_t transa,
                                         cublasOperation_t transb, int m, int n, int k,
                                         const float *alpha, const float *A, int lda,
                                         long long strideA, const float *B, int ldb,
                                         long long strideB, const float *beta, float *C, int ldc,
                                         long long strideC, int count)
{
    cudaError_t    status = fake_enter("cublasSgemmStridedBatched");
    struct handle *of = fake_object("handle", handle, FAKE_CUBLAS);

    fake_check_host("alpha", alpha, sizeof *alpha);
    fake_check_host("beta", beta, sizeof *beta);
    if (status == cudaSuccess)
        queue_product(of,
                      &(struct product){transposed("transa", transa), transposed("transb", transb),
                                        m, n, k, lda, ldb, ldc, count, strideA, strideB, strideC,
                                        *alpha, *beta, A, B, C, false});
    return leave(status);
}

/* ---- factors in bfloat16 ---- */

/* Both factors are; C is, or is float32; sums are float32. */
struct half_product {
    struct product of; /* its matrices are unset */
    const void    *a, *b;
    void          *c;
    bool           wide; /* C is float32 */
};

static float *widened(const void *matrix, size_t n)
{
    float *copy = malloc(n * sizeof *copy);

    if (!copy)
        fake_misuse("fakegpu", "no memory for a product");
    for (size_t i = 0; i < n; i++)
        copy[i] = fake_from_bf16(((const uint16_t *)matrix)[i]);
    return copy;
}

static void run_half_product(const void *data)
{
    const struct half_product *half = data;
    struct product             p = half->of;
    float                     *a = widened(half->a, extent_a(&p) / sizeof *a);
    float                     *b = widened(half->b, extent_b(&p) / sizeof *b);
    float                     *c = calloc((size_t)p.ldc * (size_t)p.n, sizeof *c);

    if (!c)
        fake_misuse("fakegpu", "no memory for a product");
    p.a = a;
    p.b = b;
    p.c = c;
    multiply(&p);
    for (int j = 0; j < p.n; j++)
        for (int i = 0; i < p.m; i++) {
            const size_t at = (size_t)j * (size_t)p.ldc + (size_t)i;

            if (half->wide)
                ((float *)half->c)[at] = c[at];
            else
                ((uint16_t *)half->c)[at] = fake_to_bf16(c[at]);
        }
    free(a);
    free(b);
    free(c);
}

static void check_half_types(cudaDataType a, cudaDataType b, cudaDataType c,
                             cublasComputeType_t compute, cublasGemmAlgo_t algo)
{
    if (a != CUDA_R_16BF)
        fake_misuse("Atype", "%d is not CUDA_R_16BF", (int)a);
    if (b != a)
        fake_misuse("Btype", "%d, and that of A is %d", (int)b, (int)a);
    if (c != CUDA_R_16BF && c != CUDA_R_32F)
        fake_misuse("Ctype", "%d is neither CUDA_R_16BF nor CUDA_R_32F", (int)c);
    if (compute != CUBLAS_COMPUTE_32F)
        fake_misuse("computeType", "%d does not add in float32", (int)compute);
    if (algo != CUBLAS_GEMM_DEFAULT)
        fake_misuse("algo", "%d is not CUBLAS_GEMM_DEFAULT", (int)algo);
}

static void queue_half_product(struct handle *of, const struct half_product *half)
{
    const struct product *p = &half->of;
    struct fake_span      spans[3];

    if (p->m <= 0 || p->n <= 0 || p->k <= 0)
        fake_misuse("m, n, k", "%d, %d, %d are not all above 0", p->m, p->n, p->k);
    check_lead("lda", p->lda, p->transa == 'N' ? p->m : p->k);
    check_lead("ldb", p->ldb, p->transb == 'N' ? p->k : p->n);
    check_lead("ldc", p->ldc, p->m);
    if (p->lda % 8 != 0 || p->ldb % 8 != 0)
        fake_misuse("lda, ldb", "%d, %d are no multiples of 8, which tensor cores read", p->lda,
                    p->ldb);
    spans[0] = (struct fake_span){"A", half->a, extent_a(p) / 2, 16, false};
    spans[1] = (struct fake_span){"B", half->b, extent_b(p) / 2, 16, false};
    spans[2] = (struct fake_span){
        "C", half->c, extent(p->m, p->n, p->ldc, 1, 0) / (half->wide ? 1 : 2), 16, true};
    check_apart("A", &spans[2], &spans[0]);
    check_apart("B", &spans[2], &spans[1]);
    fake_queue(fake_stream_of("handle's stream", of->stream), run_half_product, half, sizeof *half,
               spans, 3);
}

cublasStatus_t cublasGemmEx(cublasHandle_t handle, cublasOperation_t transa,
                            cublasOperation_t transb, int m, int n, int k, const void *alpha,
                            const void *A, cudaDataType Atype, int lda, const void *B,
                            cudaDataType Btype, int ldb, const void *beta, void *C,
                            cudaDataType Ctype, int ldc, cublasComputeType_t computeType,
                            cublasGemmAlgo_t algo)
{
    cudaError_t         status = fake_enter("cublasGemmEx");
    struct handle      *of = fake_object("handle", handle, FAKE_CUBLAS);
    struct half_product half = {.a = A, .b = B, .c = C, .wide = Ctype == CUDA_R_32F};
    float               scale, add;

    check_half_types(Atype, Btype, Ctype, computeType, algo);
    fake_check_host("alpha", alpha, sizeof scale);
    fake_check_host("beta", beta, sizeof add);
    memcpy(&scale, alpha, sizeof scale);
    memcpy(&add, beta, sizeof add);
    if (add != 0.0f)
        fake_misuse("beta", "%g is not 0, which is all that this project uses", (double)add);
    half.of = (struct product){.transa = transposed("transa", transa),
                               .transb = transposed("transb", transb),
                               .m = m,
                               .n = n,
                               .k = k,
                               .lda = lda,
                               .ldb = ldb,
                               .ldc = ldc,
                               .count = 1,
                               .alpha = scale};
    if (status == cudaSuccess)
        queue_half_product(of, &half);
    return leave(status);
}
