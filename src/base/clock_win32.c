/* SPDX-License-Identifier: MIT */
#ifdef _WIN32

#ifndef WIN32_LEAN_AND_MEAN
#define WIN32_LEAN_AND_MEAN
#endif
#include <stdbool.h>
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

/* QueryPerformanceCounter goes on while the machine sleeps, which would end every call in flight as too late and hide the sleep from
 * whoever compares the two clocks. What stands still is this function of Windows 10; the header's import library is not the same
 * for all compilers, so it is looked up. */
typedef void(WINAPI *unbiased_time)(ULONGLONG *ticks);

static unbiased_time unbiased;
static INIT_ONCE looked_up = INIT_ONCE_STATIC_INIT;

static BOOL CALLBACK look_up(INIT_ONCE *once, void *parameter, void **context) {
  HMODULE library = GetModuleHandleW(L"kernelbase.dll");
  (void)once;
  (void)parameter;
  (void)context;
  if (library != NULL) unbiased = (unbiased_time)(void (*)(void))GetProcAddress(library, "QueryUnbiasedInterruptTimePrecise");
  return TRUE;
}

int64_t lj_system_mono_us(void) {
  LARGE_INTEGER now;
  LARGE_INTEGER frequency;
  (void)InitOnceExecuteOnce(&looked_up, look_up, NULL, NULL);
  if (unbiased != NULL) {
    ULONGLONG ticks = 0; /* of 100 ns */
    unbiased(&ticks);
    return (int64_t)(ticks / 10);
  }
  QueryPerformanceCounter(&now); /* neither call fails on Windows XP or later */
  QueryPerformanceFrequency(&frequency);
  /* Whole seconds first: ticks times a million would overflow after some days. */
  return (int64_t)(now.QuadPart / frequency.QuadPart) * 1000000 +
         (int64_t)(now.QuadPart % frequency.QuadPart) * 1000000 / (int64_t)frequency.QuadPart;
}

#ifndef CREATE_WAITABLE_TIMER_HIGH_RESOLUTION
#define CREATE_WAITABLE_TIMER_HIGH_RESOLUTION 0x00000002
#endif

/* Sleep() lasts until the next tick of the system's clock, up to 16 ms; a timer of this kind, of Windows 10 1803, does not. */
static bool sleep_precisely(int64_t microseconds) {
  LARGE_INTEGER due;
  HANDLE timer = CreateWaitableTimerExW(NULL, NULL, CREATE_WAITABLE_TIMER_HIGH_RESOLUTION, TIMER_MODIFY_STATE | SYNCHRONIZE);
  if (timer == NULL) return false;
  due.QuadPart = -(microseconds * 10); /* negative: from now on */
  bool slept = SetWaitableTimer(timer, &due, 0, NULL, NULL, FALSE) && WaitForSingleObject(timer, INFINITE) == WAIT_OBJECT_0;
  (void)CloseHandle(timer);
  return slept;
}

void lj_sleep_us(int64_t microseconds) {
  if (microseconds > 0 && !sleep_precisely(microseconds)) Sleep((DWORD)((microseconds + 999) / 1000));
}

#else
typedef int lj_no_win32_clock; /* ISO C wants a declaration in every file */
#endif
