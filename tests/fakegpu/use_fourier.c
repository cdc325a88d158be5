/* A plain user of cuFFT's stand-in: images of even and odd sides, compared with the sum that defines
 * them; ends with 1 and a line where one differs. What planted misuse is planted into. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include <cuda_runtime_api.h>
#include <cufft.h>

#include "tests/fakegpu/use.h"

struct sides {
    int height, width, images;
};

static int mirror(int k, int n)
{
    return (n - k) % n;
}

/* The spectrum of real images: columns that are their own mirror image are made so. */
static void draw(struct sides s, cufftComplex *spectra)
{
    const int columns = s.width / 2 + 1;

    for (int k = 0; k < s.images * s.height * columns; k++)
        spectra[k] = (cufftComplex){(float)(k * 7919 % 11) - 5, (float)(k * 104729 % 13) - 6};
    for (int i = 0; i < s.images; i++)
        for (int v = 0; v < s.height; v++)
            for (int u = 0; u < columns; u++) {
                cufftComplex *own = &spectra[(i * s.height + v) * columns + u];
                cufftComplex  far = spectra[(i * s.height + mirror(v, s.height)) * columns + u];

                if (u == mirror(u, s.width) && mirror(v, s.height) < v)
                    *own = (cufftComplex){far.x, -far.y};
                if (u == mirror(u, s.width) && mirror(v, s.height) == v)
                    own->y = 0;
            }
}

/* All frequencies, those of the half that is not given too. */
static double pixel(struct sides s, const cufftComplex *spectrum, int y, int x)
{
    double sum = 0;

    for (int v = 0; v < s.height; v++)
        for (int u = 0; u < s.width; u++) {
            const int    far = u > s.width / 2;
            cufftComplex f = spectrum[(far ? mirror(v, s.height) : v) * (s.width / 2 + 1) +
                                      (far ? s.width - u : u)];
            double       angle = 2 * M_PI * ((double)v * y / s.height + (double)u * x / s.width);

            sum += (double)f.x * cos(angle) - (far ? -1.0 : 1.0) * (double)f.y * sin(angle);
        }
    return sum;
}

static int compare(struct sides s, const cufftComplex *spectra, const float *images)
{
    const int frequencies = s.height * (s.width / 2 + 1);

    for (int i = 0; i < s.images; i++)
        for (int y = 0; y < s.height; y++)
            for (int x = 0; x < s.width; x++, images++) {
                double wanted = pixel(s, spectra + i * frequencies, y, x);

                if (!(fabs((double)*images - wanted) <= 1e-5 * frequencies)) {
                    printf("%d x %d: pixel %d, %d of image %d is %g, not %g\n", s.height, s.width,
                           y, x, i, (double)*images, wanted);
                    return 1;
                }
            }
    return 0;
}

static int transform(struct sides s)
{
    const int     frequencies = s.height * (s.width / 2 + 1), pixels = s.height * s.width;
    const size_t  in = (size_t)(s.images * frequencies) * sizeof(cufftComplex);
    const size_t  out = (size_t)(s.images * pixels) * sizeof(float);
    int           n[2] = {s.height, s.width}, failed;
    size_t        bytes = 0;
    cufftComplex *spectra = malloc(in);
    float        *images = malloc(out);
    cudaStream_t  stream = NULL;
    cufftHandle   plan = 0;
    void         *idata = NULL, *odata = NULL, *work = NULL;

    draw(s, spectra);
    OK(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
    OK(cufftCreate(&plan));
    OK(cufftSetAutoAllocation(plan, 0));
    OK(cufftMakePlanMany(plan, 2, n, NULL, 1, frequencies, NULL, 1, pixels, CUFFT_C2R, s.images,
                         &bytes));
    OK(cudaMalloc(&work, bytes));
    OK(cufftSetWorkArea(plan, work));
    OK(cufftSetStream(plan, stream));
    OK(cudaMalloc(&idata, in));
    OK(cudaMalloc(&odata, out));
    OK(cudaMemcpyAsync(idata, spectra, in, cudaMemcpyHostToDevice, stream));
    OK(cufftExecC2R(plan, idata, odata));
    OK(cudaMemcpyAsync(images, odata, out, cudaMemcpyDeviceToHost, stream));
    OK(cudaStreamSynchronize(stream));
    failed = compare(s, spectra, images);
    OK(cufftDestroy(plan));
    OK(cudaFree(work));
    OK(cudaFree(idata));
    OK(cudaFree(odata));
    OK(cudaStreamDestroy(stream));
    free(spectra);
    free(images);
    return failed;
}

int main(void)
{
    static const struct sides sides[] = {{4, 6, 3}, {5, 8, 2}, {6, 5, 1},
                                         {1, 7, 2}, {9, 1, 1}, {8, 8, 4}};
    int                       failed = 0;

    for (size_t k = 0; k < sizeof sides / sizeof *sides; k++)
        failed |= transform(sides[k]);
    return failed;
}
