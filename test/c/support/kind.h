/* SPDX-License-Identifier: MIT
 *
 * A provider as a test names it: "openai", or with one of its APIs "openai responses".
 */
#ifndef LJ_TEST_SUPPORT_KIND_H
#define LJ_TEST_SUPPORT_KIND_H

#include "provider/provider.h"
#include "support/test.h"

static inline const lj_provider *provider_of(const char *kind) {
  const lj_provider *provider;
  char name[32];
  (void)snprintf(name, sizeof name, "%.*s", (int)strcspn(kind, " "), kind);
  provider = lj_provider_find(name);
  assert_non_null(provider);
  return strchr(kind, ' ') != NULL ? lj_provider_by_api(provider, strchr(kind, ' ') + 1) : provider;
}

#endif
