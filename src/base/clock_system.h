/* SPDX-License-Identifier: MIT
 *
 * The machine's clocks, without the virtual one: clock_posix.c and clock_win32.c. Only clock.c calls these.
 */
#ifndef LJ_BASE_CLOCK_SYSTEM_H
#define LJ_BASE_CLOCK_SYSTEM_H

#include <stdint.h>

int64_t lj_system_wall_ms(void);
int64_t lj_system_mono_us(void);

#endif
