/* SPDX-License-Identifier: MIT
 *
 * Two clocks: wall (Unix milliseconds UTC, what rows hold) and monotonic (what timeouts are measured with; it stands
 * still while the machine sleeps, so that the difference of the two shows a sleep). A test can replace both by a virtual clock, which makes timing exact.
 */
#ifndef LJ_BASE_CLOCK_H
#define LJ_BASE_CLOCK_H

#include <stdint.h>

int64_t lj_wall_ms(void);
int64_t lj_mono_us(void);
static inline int64_t lj_mono_ms(void) { return lj_mono_us() / 1000; }

/* Sleeps the calling thread; nothing wakes it, so the loop uses this only for less than a millisecond (lj_http_poll counts in
 * whole ones) and when it has no network to wait for. Windows before 10 1803 rounds up to a tick of up to 16 ms. */
void lj_sleep_us(int64_t microseconds);

/* For tests: both clocks stand still at these values and move only by lj_clock_advance. lj_clock_real ends it. */
void lj_clock_virtual(int64_t wall_ms, int64_t mono_us);
void lj_clock_advance(int64_t wall_ms, int64_t mono_us);
void lj_clock_real(void);

#endif
