/* port.h - what lets one kernel body be CUDA here and plain C there.
 *
 * A body is a function marked KERN_BODY in a *_body.h file. It takes its lane
 * or element number as an argument, never from threadIdx, holds no barrier,
 * and keeps to what C11 and C++17 share: no restrict, no VLA, no designated
 * initialisers, no implicit void* conversion. An algorithm with barriers is a
 * list of such steps; the CUDA driver puts a barrier between two steps, the
 * CPU driver runs every lane of a step before the next one.
 */
#ifndef MX_KERN_PORT_H
#define MX_KERN_PORT_H

#ifdef __CUDACC__
#define KERN_BODY static __host__ __device__ __forceinline__
#else
#define KERN_BODY static inline
#endif

#endif
