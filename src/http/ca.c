/* SPDX-License-Identifier: MIT */
#include "http/ca.h"

#include <stddef.h>

#ifdef _WIN32

/* Schannel asks the system's own store. */
const char *lj_ca_file(void) { return NULL; }

#else

#include <stdlib.h>

#include "base/process.h"

/* A static TLS library knows only the path of the machine it was built on, and one binary serves every distribution: so the
 * usual places are tried, the user's own choice (as OpenSSL names it) first. */
static const char *const places[] = {
    "/etc/ssl/certs/ca-certificates.crt",                /* Debian, Ubuntu, Arch, Alpine */
    "/etc/pki/tls/certs/ca-bundle.crt",                  /* Fedora, RHEL */
    "/etc/ssl/ca-bundle.pem",                            /* openSUSE */
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem", /* newer RHEL */
    "/etc/ssl/cert.pem",                                 /* Alpine, macOS */
};

const char *lj_ca_file(void) {
  const char *chosen = getenv("SSL_CERT_FILE");
  if (chosen != NULL && lj_file_exists(chosen)) return chosen;
  for (size_t i = 0; i < sizeof places / sizeof places[0]; i++)
    if (lj_file_exists(places[i])) return places[i];
  return NULL;
}

#endif
