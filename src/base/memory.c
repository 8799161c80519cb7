/* SPDX-License-Identifier: MIT */
#include "base/memory.h"

#include <cjson/cJSON.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/result.h"

/* Counting costs three locked instructions for each block, so it begins when a test first asks for a count. */
static atomic_bool watched;
static atomic_long allocations; /* since the last lj_memory_fail_at */
static atomic_long live;        /* blocks in use */
static atomic_long fail_nth;    /* 0: none fails */
static atomic_int fail_sticky;

static LJ_THREAD_LOCAL unsigned long failures;

/* Counts an allocation and tells whether a test wants it to fail. Only the thread whose allocation is the Nth sees it, so
 * that exactly one fails however many threads allocate. */
static bool wanted_to_fail(void) {
  if (!atomic_load_explicit(&watched, memory_order_relaxed)) return false;
  long number = atomic_fetch_add(&allocations, 1) + 1;
  long nth = atomic_load(&fail_nth);
  if (nth == 0) {
    return false;
  }
  return number == nth || (number > nth && atomic_load(&fail_sticky) != 0);
}

static void *counted(void *block) {
  if (block == NULL) {
    failures++;
  } else if (atomic_load_explicit(&watched, memory_order_relaxed)) {
    atomic_fetch_add(&live, 1);
  }
  return block;
}

/* Zero bytes are asked for as one, because NULL must mean a shortage and nothing else. */
static size_t at_least_one(size_t size) { return size == 0 ? 1 : size; }

void *lj_malloc(size_t size) { return counted(wanted_to_fail() ? NULL : malloc(at_least_one(size))); }

void *lj_calloc(size_t count, size_t size) {
  bool empty = count == 0 || size == 0;
  bool overflows = !empty && count > SIZE_MAX / size;
  return counted(wanted_to_fail() || overflows ? NULL : calloc(empty ? 1 : count, empty ? 1 : size));
}

void *lj_realloc(void *block, size_t size) {
  void *grown;
  if (block == NULL) {
    return lj_malloc(size);
  }
  grown = wanted_to_fail() ? NULL : realloc(block, at_least_one(size));
  if (grown == NULL) {
    failures++;
  }
  return grown;
}

void lj_free(void *block) {
  if (block == NULL) return;
  if (atomic_load_explicit(&watched, memory_order_relaxed)) atomic_fetch_sub(&live, 1);
  free(block);
}

char *lj_strndup(const char *text, size_t length) {
  char *copy;
  if (text == NULL || length == SIZE_MAX) {
    return NULL;
  }
  copy = lj_malloc(length + 1);
  if (copy != NULL) {
    memcpy(copy, text, length);
    copy[length] = '\0';
  }
  return copy;
}

void lj_wipe(void *block, size_t size) {
  volatile char *byte = block;
  while (size-- > 0) *byte++ = '\0';
}

char *lj_strdup(const char *text) { return text == NULL ? NULL : lj_strndup(text, strlen(text)); }

void lj_memory_init(void) {
  cJSON_Hooks hooks = {lj_malloc, lj_free};
  cJSON_InitHooks(&hooks);
}

unsigned long lj_memory_failures(void) { return failures; }

void lj_memory_fail_at(long nth, int sticky) {
  atomic_store(&watched, true);
  atomic_store(&fail_nth, 0);
  atomic_store(&allocations, 0);
  atomic_store(&fail_sticky, sticky);
  atomic_store(&fail_nth, nth);
}

long lj_memory_count(void) { return atomic_load(&allocations); }

long lj_memory_live(void) {
  atomic_store(&watched, true);
  return atomic_load(&live);
}
