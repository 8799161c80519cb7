/* SPDX-License-Identifier: MIT
 *
 * Recorded bytes of providers: LJ_FIXTURES, or test/fixtures/wire-examples below the working directory.
 */
#ifndef LJ_TEST_SUPPORT_FIXTURE_H
#define LJ_TEST_SUPPORT_FIXTURE_H

#include "support/test.h"

/* Caller frees the buffer. A file that is missing fails the test. */
static inline void read_fixture(const char *name, lj_buffer *out) {
  const char *directory = getenv("LJ_FIXTURES");
  char path[1024];
  char block[4096];
  size_t got;
  FILE *file;
  lj_buffer_init(out, 1 << 24);
  (void)snprintf(path, sizeof path, "%s/%s", directory != NULL ? directory : "test/fixtures/wire-examples", name);
  file = fopen(path, "rb");
  if (file == NULL) {
    fail_msg("no such fixture: %s (run from the root of the repository, or set LJ_FIXTURES)", path);
    return;
  }
  while ((got = fread(block, 1, sizeof block, file)) > 0) {
    assert_code(lj_buffer_append(out, block, got), LJ_OK);
  }
  assert_int_equal(ferror(file), 0);
  (void)fclose(file);
  assert_true(out->length > 0);
}

#endif
