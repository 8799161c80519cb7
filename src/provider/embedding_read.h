/* SPDX-License-Identifier: MIT
 *
 * How the formats hand over the vectors of an answer. All three return LJ_OK, LJ_NOMEM, LJ_TOO_BIG, or LJ_PROTOCOL with
 * reading->fault set.
 */
#ifndef LJ_PROVIDER_EMBEDDING_READ_H
#define LJ_PROVIDER_EMBEDDING_READ_H

#include "provider/provider.h"

/* Before the first: makes room for the vectors of reading->inputs. */
int lj_read_embeddings_begin(lj_reading *reading) LJ_MUST_CHECK;
/* The vector of the input `index`, LJ_UNKNOWN when the answer did not say which. */
int lj_read_embedding(lj_reading *reading, int64_t index, const cJSON *vector) LJ_MUST_CHECK;
/* After the last: each input must have its vector, all of one length. Sets reading->finished. */
int lj_read_embeddings_end(lj_reading *reading) LJ_MUST_CHECK;

#endif
