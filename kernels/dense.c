#include "kernels/dense.h"

size_t kern_dense_columns(size_t columns, size_t size)
{
    const size_t unit = KERN_DENSE_BYTES / size;

    return (columns + unit - 1) / unit * unit;
}

size_t kern_dense_stride(size_t columns, size_t size)
{
    const size_t unit = KERN_DENSE_BYTES / size;

    return (kern_dense_columns(columns, size) / unit | 1) * unit;
}
