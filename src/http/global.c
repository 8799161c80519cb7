/* SPDX-License-Identifier: MIT */
#include <curl/curl.h>
#include <stdatomic.h>
#ifndef _WIN32
#include <openssl/crypto.h>
#endif

#include "http/client.h"

/* curl_global_init is not safe to call from two threads at once in every build of curl; engines of one process may start
 * together. A spin on one flag is enough: it is taken for microseconds, a few times in a process's life. */
static atomic_flag guard = ATOMIC_FLAG_INIT;
static int users;

static int init(void) {
#ifndef _WIN32
  /* process.exit() runs exit handlers while the engine's thread may still be inside OpenSSL: leave nothing for them to
   * tear down. */
  if (OPENSSL_init_crypto(OPENSSL_INIT_NO_ATEXIT, NULL) != 1) return LJ_NOMEM;
#endif
  return curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK ? LJ_OK : LJ_NOMEM;
}

int lj_http_global_init(void) {
  int code = LJ_OK;
  while (atomic_flag_test_and_set_explicit(&guard, memory_order_acquire)) {
  }
  if (users == 0 && init() != LJ_OK)
    code = LJ_NOMEM;
  else
    users++;
  atomic_flag_clear_explicit(&guard, memory_order_release);
  return code;
}

void lj_http_global_cleanup(void) {
  while (atomic_flag_test_and_set_explicit(&guard, memory_order_acquire)) {
  }
  if (users > 0 && --users == 0) curl_global_cleanup();
  atomic_flag_clear_explicit(&guard, memory_order_release);
}
