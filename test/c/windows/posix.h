/* SPDX-License-Identifier: MIT
 *
 * What the tests take from POSIX and MinGW-w64 lacks. The build for Windows puts it before each test (scripts/windows/link.js);
 * nothing of the engine sees it.
 */
#ifndef LJ_TEST_WINDOWS_POSIX_H
#define LJ_TEST_WINDOWS_POSIX_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Not by their headers, which declare names that tests have for functions of their own. */
int _mkdir(const char *path);
int _getpid(void);

static inline int setenv(const char *name, const char *value, int overwrite) {
  return overwrite == 0 && getenv(name) != NULL ? 0 : _putenv_s(name, value);
}

static inline int unsetenv(const char *name) { return _putenv_s(name, ""); }

/* The library's own know no time before 1970. */
static inline struct tm *gmtime_r(const time_t *at, struct tm *out) {
  static const time_t era = (time_t)86400 * 146097; /* 400 years */
  time_t shifted = *at + 30 * era;
  if (gmtime_s(out, &(time_t){shifted % era + era}) != 0) return NULL;
  out->tm_year += (int)(shifted / era - 31) * 400;
  return out;
}

static inline time_t timegm(struct tm *at) {
  struct tm later = *at;
  later.tm_year += 400;
  return _mkgmtime(&later) - (time_t)86400 * 146097;
}

static inline char *strndup(const char *text, size_t most) {
  size_t length = strnlen(text, most);
  char *copy = malloc(length + 1);
  if (copy == NULL) return NULL;
  memcpy(copy, text, length);
  copy[length] = '\0';
  return copy;
}

/* Forward slashes serve Windows too. */
static inline char *mkdtemp(char *template) {
  size_t length = strlen(template);
  for (int i = 0; length >= 6 && i < 1000; i++) {
    (void)snprintf(template + length - 6, 7, "%06d", (_getpid() * 1000 + i) % 1000000);
    if (_mkdir(template) == 0) return template;
  }
  return NULL;
}

#endif
