/* rank.h - a rank of the job other than 0: it supervises executors for rank 0.
 *
 * It knows neither configuration nor plan. It says HELLO, is told how many
 * executors to start, passes orders to them and their answers back, gives signs
 * of life, takes part in the reduction, and ends when rank 0 says so, or when
 * rank 0 or the launcher is gone. What there is to say goes to rank 0;
 * only that rank 0 is gone is said by rank 1.
 */
#ifndef MX_SWEEP_RANK_H
#define MX_SWEEP_RANK_H

#include "sweep/comm.h"

/* Serve until the end of the job, and close comm. Returns the exit status of
 * the process, 0: the truth about the sweep is rank 0's to tell. */
int mx_rank_serve(struct mx_comm *comm);

#endif
