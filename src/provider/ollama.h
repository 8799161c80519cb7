/* SPDX-License-Identifier: MIT
 *
 * Ollama's own API, /api/chat: lines of JSON instead of events, options of its own, arguments as objects.
 */
#ifndef LJ_PROVIDER_OLLAMA_H
#define LJ_PROVIDER_OLLAMA_H

#include "provider/provider.h"

extern const lj_provider lj_ollama;

/* lj_provider.build */
int lj_ollama_build(const lj_endpoint *endpoint, const char *model, const cJSON *request, lj_wire *wire, lj_fault *fault);

#endif
