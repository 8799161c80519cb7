/* SPDX-License-Identifier: MIT */
#include "base/clock.h"

#include <stdatomic.h>

#include "base/clock_system.h"

static atomic_int is_virtual;
static _Atomic int64_t virtual_wall_ms;
static _Atomic int64_t virtual_mono_us;

int64_t lj_wall_ms(void) {
  return atomic_load(&is_virtual) != 0 ? atomic_load(&virtual_wall_ms) : lj_system_wall_ms();
}

int64_t lj_mono_us(void) {
  return atomic_load(&is_virtual) != 0 ? atomic_load(&virtual_mono_us) : lj_system_mono_us();
}

void lj_clock_virtual(int64_t wall_ms, int64_t mono_us) {
  atomic_store(&virtual_wall_ms, wall_ms);
  atomic_store(&virtual_mono_us, mono_us);
  atomic_store(&is_virtual, 1);
}

void lj_clock_advance(int64_t wall_ms, int64_t mono_us) {
  atomic_fetch_add(&virtual_wall_ms, wall_ms);
  atomic_fetch_add(&virtual_mono_us, mono_us);
}

void lj_clock_real(void) { atomic_store(&is_virtual, 0); }
