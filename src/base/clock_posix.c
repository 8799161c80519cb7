/* SPDX-License-Identifier: MIT */
#ifndef _WIN32

#include <errno.h>
#include <time.h>

#include "base/clock.h"
#include "base/clock_system.h"

int64_t lj_system_wall_ms(void) {
  struct timespec now = {0, 0};
  (void)clock_gettime(CLOCK_REALTIME, &now); /* can't fail with a clock that POSIX requires */
  return (int64_t)now.tv_sec * 1000 + (int64_t)now.tv_nsec / 1000000;
}

/* The one that stands still while the machine sleeps. */
#ifdef __APPLE__
#define MONOTONIC CLOCK_UPTIME_RAW
#else
#define MONOTONIC CLOCK_MONOTONIC
#endif

int64_t lj_system_mono_us(void) {
  struct timespec now = {0, 0};
  (void)clock_gettime(MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000000 + (int64_t)now.tv_nsec / 1000;
}

void lj_sleep_us(int64_t microseconds) {
  struct timespec left;
  if (microseconds <= 0) return;
  left.tv_sec = (time_t)(microseconds / 1000000);
  left.tv_nsec = (long)(microseconds % 1000000) * 1000L;
  while (nanosleep(&left, &left) != 0 && errno == EINTR) {
  }
}

#else
typedef int lj_no_posix_clock; /* ISO C wants a declaration in every file */
#endif
