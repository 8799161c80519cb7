/* SPDX-License-Identifier: MIT */
#include "provider/embedding_read.h"

static int refuse(lj_reading *reading, const char *what, int64_t index) {
  return lj_fault_set(&reading->fault, LJ_PROTOCOL, "The provider's answer has %s %lld", what, (long long)index);
}

int lj_read_embeddings_begin(lj_reading *reading) {
  if (reading->inputs == 0) {
    return lj_fault_set(&reading->fault, LJ_PROTOCOL, "The provider answered with embeddings, which the request did not ask for");
  }
  return lj_embeddings_expect(&reading->answer->embeddings, reading->inputs);
}

int lj_read_embedding(lj_reading *reading, int64_t index, const cJSON *vector) {
  lj_embeddings *embeddings = &reading->answer->embeddings;
  int rc;
  if (index < 0) {
    return lj_fault_set(&reading->fault, LJ_PROTOCOL, "The provider's answer has an embedding without the index of its input");
  }
  if ((uint64_t)index >= embeddings->count) {
    return refuse(reading, "an embedding for an input that was not sent, of index", index);
  }
  if (embeddings->list[index].values != NULL) {
    return refuse(reading, "two embeddings for the input of index", index);
  }
  rc = lj_embeddings_set(embeddings, (size_t)index, vector);
  return rc == LJ_INVALID ? refuse(reading, "an embedding that is neither numbers nor base64 of them for the input of index", index)
                          : rc;
}

int lj_read_embeddings_end(lj_reading *reading) {
  const lj_embeddings *embeddings = &reading->answer->embeddings;
  size_t at;
  for (at = 0; at < embeddings->count; at++) {
    if (embeddings->list[at].values == NULL) {
      return refuse(reading, "no embedding for the input of index", (int64_t)at);
    }
    if (embeddings->list[at].count != embeddings->list[0].count) {
      return refuse(reading, "an embedding of another length than the first for the input of index", (int64_t)at);
    }
  }
  reading->finished = true;
  return LJ_OK;
}
