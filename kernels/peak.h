/* peak.h - how fast this core can multiply and add, as a yardstick. */
#ifndef KERN_PEAK_H
#define KERN_PEAK_H

#ifdef __cplusplus
extern "C" {
#endif

/* Floating-point operations a second of one core in single precision, a fused
 * multiply-add counted as two: the best of a few short measurements over
 * registers alone, with the widest vectors it has. 0 where there is no way to
 * tell (no FMA instructions that this build knows). Takes about 0.1 s. */
double kern_peak_flops(void);

#ifdef __cplusplus
}
#endif

#endif
