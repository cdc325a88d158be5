#include "worker/fault.h"

void worker_fault(enum worker_fault_point point, uint32_t stage)
{
    (void)point;
    (void)stage;
}

void worker_fault_contribution(uint64_t slot, uint64_t *bits)
{
    (void)slot;
    (void)bits;
}
