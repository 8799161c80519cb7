/* SPDX-License-Identifier: MIT */
#include "provider/provider.h"

#include <string.h>

#include "provider/anthropic.h"
#include "provider/gemini.h"
#include "provider/ollama.h"
#include "provider/openai.h"

static const lj_provider *const providers[] = {&lj_openai, &lj_openai_compatible, &lj_deepseek, &lj_anthropic, &lj_ollama, &lj_gemini};

const lj_provider *lj_provider_find(const char *kind) {
  size_t at;
  for (at = 0; kind != NULL && at < sizeof providers / sizeof providers[0]; at++) {
    if (strcmp(providers[at]->kind, kind) == 0) {
      return providers[at];
    }
  }
  return NULL;
}

const lj_provider *lj_provider_by_api(const lj_provider *provider, const char *api) {
  if (strcmp(api, "responses") == 0) {
    return provider->responses;
  }
  return strcmp(api, "chat") == 0 ? provider : NULL;
}

/* Kept beside the table by hand; a test compares the two. */
const char *lj_provider_kinds(void) { return "openai, openai-compatible, deepseek, anthropic, ollama, gemini"; }
