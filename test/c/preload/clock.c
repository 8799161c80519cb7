/* SPDX-License-Identifier: MIT
 *
 * For LD_PRELOAD: a process's wall clock runs ahead of the machine's by as many milliseconds as a file says, a 64-bit number
 * that whoever started the process may change at any time. LLM_JOBS_TEST_CLOCK names the file. Monotonic clocks stay as they
 * are, as when somebody sets the clock.
 */
#include <fcntl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

enum { MS = 1000000, SECOND = 1000000000 };

static const _Atomic int64_t none;
static const _Atomic int64_t *offset_ms = &none;

/* Without the file the clock stays right; the test that relies on it sees that it does not move. */
__attribute__((constructor)) static void map_offset(void) {
  const char *name = getenv("LLM_JOBS_TEST_CLOCK");
  int file = name != NULL ? open(name, O_RDONLY | O_CLOEXEC) : -1;
  if (file < 0) return;
  void *page = mmap(NULL, sizeof *offset_ms, PROT_READ, MAP_SHARED, file, 0);
  if (page != MAP_FAILED) offset_ms = page;
  (void)close(file);
}

static int is_wall(clockid_t clock) {
  return clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE;
}

/* By the system call itself: the C library's function is the one that this one stands in for. */
EXPORT int clock_gettime(clockid_t clock, struct timespec *now) {
  long result = syscall(SYS_clock_gettime, clock, now);
  if (result != 0 || !is_wall(clock)) return (int)result;
  int64_t moved = atomic_load_explicit(offset_ms, memory_order_relaxed);
  int64_t seconds = moved / 1000;
  int64_t nanoseconds = (int64_t)now->tv_nsec + moved % 1000 * MS;
  if (nanoseconds < 0) {
    nanoseconds += SECOND;
    seconds--;
  } else if (nanoseconds >= SECOND) {
    nanoseconds -= SECOND;
    seconds++;
  }
  now->tv_sec += (time_t)seconds;
  now->tv_nsec = (long)nanoseconds;
  return 0;
}

EXPORT int gettimeofday(struct timeval *restrict now, void *restrict zone) {
  struct timespec exact;
  (void)zone;
  if (clock_gettime(CLOCK_REALTIME, &exact) != 0) return -1;
  *now = (struct timeval){.tv_sec = exact.tv_sec, .tv_usec = exact.tv_nsec / 1000};
  return 0;
}

EXPORT time_t time(time_t *out) {
  struct timespec exact;
  if (clock_gettime(CLOCK_REALTIME, &exact) != 0) return -1;
  if (out != NULL) *out = exact.tv_sec;
  return exact.tv_sec;
}
