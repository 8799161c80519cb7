/* SPDX-License-Identifier: MIT
 *
 * The vectors of one answer: 32-bit floats, in the order of the job's inputs whatever the order on the wire.
 */
#ifndef LJ_PROVIDER_EMBEDDING_H
#define LJ_PROVIDER_EMBEDDING_H

#include <cjson/cJSON.h>
#include <stddef.h>

#include "base/limits.h"
#include "base/result.h"

typedef struct lj_embedding {
  float *values; /* NULL: has not come */
  size_t count;
} lj_embedding;

typedef struct lj_embeddings {
  lj_embedding *list;
  size_t count;  /* of the list: as many as there were inputs; 0: the answer is no embedding */
  size_t values; /* of all vectors together */
} lj_embeddings;

void lj_embeddings_free(lj_embeddings *embeddings);

/* Makes room for the vectors of `count` inputs. LJ_OK, LJ_NOMEM, LJ_TOO_BIG (LJ_MAX_INPUTS). */
int lj_embeddings_expect(lj_embeddings *embeddings, size_t count) LJ_MUST_CHECK;

/* Takes the vector of one input: an array of numbers, or base64 text of 32-bit floats, little-endian. LJ_OK, LJ_NOMEM,
 * LJ_TOO_BIG (LJ_MAX_EMBEDDING_VALUES), or LJ_INVALID when it is neither, empty, or a number is no finite float. `index` is
 * below count and has no vector yet. */
int lj_embeddings_set(lj_embeddings *embeddings, size_t index, const cJSON *vector) LJ_MUST_CHECK;

/* [[…], …] as a cJSON value that holds its text: each number is the shortest that gives the same float back. A vector that
 * has not come is []. LJ_OK or LJ_NOMEM; caller deletes *out. */
int lj_embeddings_json(const lj_embeddings *embeddings, cJSON **out) LJ_MUST_CHECK;

#endif
