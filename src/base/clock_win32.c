/* SPDX-License-Identifier: MIT */
#ifdef _WIN32

#ifndef WIN32_LEAN_AND_MEAN
#define WIN32_LEAN_AND_MEAN
#endif
#include <windows.h>

#include "base/clock.h"
#include "base/clock_system.h"

int64_t lj_system_wall_ms(void) {
  /* FILETIME counts 100 ns since 1601-01-01; 1970-01-01 is 11644473600 s later. */
  FILETIME now;
  ULARGE_INTEGER ticks;
  GetSystemTimePreciseAsFileTime(&now);
  ticks.LowPart = now.dwLowDateTime;
  ticks.HighPart = now.dwHighDateTime;
  return (int64_t)(ticks.QuadPart / 10000u) - 11644473600000LL;
}

int64_t lj_system_mono_us(void) {
  LARGE_INTEGER now;
  LARGE_INTEGER frequency;
  QueryPerformanceCounter(&now); /* neither call fails on Windows XP or later */
  QueryPerformanceFrequency(&frequency);
  /* Whole seconds first: ticks times a million would overflow after some days. */
  return (int64_t)(now.QuadPart / frequency.QuadPart) * 1000000 +
         (int64_t)(now.QuadPart % frequency.QuadPart) * 1000000 / (int64_t)frequency.QuadPart;
}

void lj_sleep_us(int64_t microseconds) {
  if (microseconds > 0) Sleep((DWORD)((microseconds + 999) / 1000));
}

#else
typedef int lj_no_win32_clock; /* ISO C wants a declaration in every file */
#endif
