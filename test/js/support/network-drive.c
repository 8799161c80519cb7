/* SPDX-License-Identifier: MIT
 *
 * Preloaded into a process, it makes every file system one of the type that LJ_TEST_DRIVE names, a number as Linux has it.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <sys/vfs.h>

static void lie(struct statfs *about) {
  const char *type = getenv("LJ_TEST_DRIVE");
  if (type != NULL) about->f_type = (__typeof__(about->f_type))strtoul(type, NULL, 0);
}

int statfs(const char *path, struct statfs *about) {
  int (*real)(const char *, struct statfs *) = (int (*)(const char *, struct statfs *))dlsym(RTLD_NEXT, "statfs");
  int result = real(path, about);
  if (result == 0) lie(about);
  return result;
}

/* On 64-bit systems the same function under another name. */
int statfs64(const char *path, struct statfs64 *about) { return statfs(path, (struct statfs *)about); }
