/* SPDX-License-Identifier: MIT
 *
 * A host that carries another TLS library, as Electron does: this program is linked with BoringSSL, whose functions have
 * the names of OpenSSL's, and loads the engine from a shared library. If any of those names met, the first https request
 * would crash. test/js/build/boringssl-host.test.js builds and drives it.
 *
 *     host_boringssl LIBRARY CONFIG
 *
 * It prints the engine's events, one array a line, until its input ends; then it stops the engine and ends with 0.
 */
#include <dlfcn.h>
#include <openssl/base.h>
#include <openssl/crypto.h>
#include <openssl/ssl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "llmjobs.h"

#ifndef OPENSSL_IS_BORINGSSL
#error "this program proves nothing unless it is compiled with BoringSSL"
#endif

typedef struct engine_functions {
  int (*start)(const lj_engine_options *options, lj_engine **out, char **error);
  int (*take)(lj_engine *engine, char **events);
  void (*free_text)(char *text);
  void (*stop)(lj_engine *engine);
  const char *(*versions)(void);
} engine_functions;

static int wake_pipe[2];

static void on_events(void *owner) {
  (void)owner;
  if (write(wake_pipe[1], "", 1) != 1) abort();
}

/* POSIX gives functions as data pointers; ISO C knows no such conversion, so the bytes are copied. */
static int find(void *library, const char *name, void *function) {
  void *found = dlsym(library, name);
  if (found == NULL) {
    (void)fprintf(stderr, "%s is not in the library: %s\n", name, dlerror());
    return -1;
  }
  memcpy(function, &found, sizeof found);
  return 0;
}

static int load(const char *path, engine_functions *engine) {
  void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (library == NULL) {
    (void)fprintf(stderr, "%s\n", dlerror());
    return -1;
  }
  if (find(library, "lj_engine_start", &engine->start) != 0) return -1;
  if (find(library, "lj_engine_take", &engine->take) != 0) return -1;
  if (find(library, "lj_engine_free_text", &engine->free_text) != 0) return -1;
  if (find(library, "lj_engine_stop", &engine->stop) != 0) return -1;
  return find(library, "lj_engine_versions", &engine->versions);
}

/* The host's own TLS must work before, beside and after the engine's. */
static int use_own_tls(void) {
  SSL_CTX *context = SSL_CTX_new(TLS_method());
  SSL *connection = context == NULL ? NULL : SSL_new(context);
  int worked = connection != NULL;
  SSL_free(connection);
  SSL_CTX_free(context);
  if (!worked) (void)fprintf(stderr, "the host's own TLS does not work\n");
  return worked ? 0 : -1;
}

static int print_events(const engine_functions *functions, lj_engine *engine) {
  char *events = NULL;
  char drained[64];
  if (read(wake_pipe[0], drained, sizeof drained) < 0) return -1;
  if (functions->take(engine, &events) != 0) return -1;
  if (events == NULL) return 0;
  int printed = printf("%s\n", events);
  functions->free_text(events);
  return printed < 0 || fflush(stdout) != 0 ? -1 : 0;
}

static int serve(const engine_functions *functions, lj_engine *engine) {
  struct pollfd waits[2] = {{.fd = STDIN_FILENO, .events = POLLIN}, {.fd = wake_pipe[0], .events = POLLIN}};
  for (;;) {
    if (poll(waits, 2, -1) < 0) return -1;
    if (waits[1].revents != 0 && print_events(functions, engine) != 0) return -1;
    if (waits[0].revents != 0) return use_own_tls();
  }
}

int main(int argc, char **argv) {
  engine_functions functions;
  lj_engine *engine = NULL;
  char *error = NULL;
  if (argc != 3) {
    (void)fprintf(stderr, "usage: host_boringssl LIBRARY CONFIG\n");
    return 2;
  }
  if (pipe(wake_pipe) != 0 || use_own_tls() != 0 || load(argv[1], &functions) != 0) return 1;
  (void)printf("{\"host\":\"%s\",\"engine\":%s}\n", SSLeay_version(SSLEAY_VERSION), functions.versions());
  lj_engine_options options = {.config = argv[2], .on_events = on_events, .owner = NULL};
  if (functions.start(&options, &engine, &error) != 0) {
    (void)fprintf(stderr, "%s\n", error != NULL ? error : "no memory");
    functions.free_text(error);
    return 1;
  }
  int rc = serve(&functions, engine);
  functions.stop(engine);
  return rc == 0 && use_own_tls() == 0 ? 0 : 1;
}
