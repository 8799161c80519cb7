/* SPDX-License-Identifier: MIT
 *
 * For LD_PRELOAD: as long as the file that LLM_JOBS_TEST_BLOCK names exists, a thread that waits for its sockets does not come back
 * from it, as one that hangs would not. The process's first thread, on which a host may run JavaScript, is left alone.
 */
#include <poll.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

enum { PAUSE_NS = 5000000 };

static int is_blocked(void) {
  const char *file = getenv("LLM_JOBS_TEST_BLOCK");
  return file != NULL && syscall(SYS_gettid) != getpid() && access(file, F_OK) == 0;
}

/* By the system call itself: the C library's function is the one that this one stands in for. */
EXPORT int poll(struct pollfd *sockets, nfds_t count, int timeout_ms) {
  int result = (int)syscall(SYS_poll, sockets, count, timeout_ms);
  while (is_blocked()) {
    const struct timespec pause = {.tv_nsec = PAUSE_NS};
    (void)nanosleep(&pause, NULL);
  }
  return result;
}
