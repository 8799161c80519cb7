/* SPDX-License-Identifier: MIT
 *
 * What the requests for embeddings of all formats have in common.
 */
#ifndef LJ_PROVIDER_EMBEDDING_REQUEST_H
#define LJ_PROVIDER_EMBEDDING_REQUEST_H

#include "provider/provider.h"

/* True when the request is for embeddings: it has an input. */
bool lj_embedding_is_wanted(const cJSON *request);

/* Begins a request that makes vectors: notes in `wire` that the answer is to be read so, and of how many inputs. LJ_OK, or
 * LJ_BAD_REQUEST with the fault set when there are more than `max`, the most that the kind takes. */
int lj_embedding_start(lj_wire *wire, const cJSON *request, const char *kind, int max, lj_fault *fault) LJ_MUST_CHECK;

#endif
