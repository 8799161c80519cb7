/* SPDX-License-Identifier: MIT
 *
 * For LD_PRELOAD: every file system is of the type that LLM_JOBS_TEST_DRIVE names, a number as Linux has it.
 */
/* With it one of the two functions would bear the other's name. */
#undef _FILE_OFFSET_BITS

#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#define EXPORT __attribute__((visibility("default")))

EXPORT int statfs(const char *path, struct statfs *about) {
  const char *type = getenv("LLM_JOBS_TEST_DRIVE");
  int result = (int)syscall(SYS_statfs, path, about);
  if (result == 0 && type != NULL) about->f_type = (__typeof__(about->f_type))strtoul(type, NULL, 0);
  return result;
}

/* On 64-bit systems the same function under another name. */
EXPORT int statfs64(const char *path, struct statfs64 *about) { return statfs(path, (struct statfs *)about); }
