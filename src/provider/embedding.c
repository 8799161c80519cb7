/* SPDX-License-Identifier: MIT */
#include "provider/embedding.h"

#include <float.h>
#include <math.h>
#include <stdint.h>
#include <string.h>

#include "base/buffer.h"
#include "base/json.h"
#include "base/memory.h"
#include "provider/float_text.h"

enum { FLOAT_BYTES = 4 };

void lj_embeddings_free(lj_embeddings *embeddings) {
  size_t at;
  for (at = 0; at < embeddings->count; at++) {
    lj_free(embeddings->list[at].values);
  }
  lj_free(embeddings->list);
  memset(embeddings, 0, sizeof *embeddings);
}

int lj_embeddings_expect(lj_embeddings *embeddings, size_t count) {
  if (count > LJ_MAX_INPUTS) {
    return LJ_TOO_BIG;
  }
  lj_embeddings_free(embeddings);
  embeddings->list = lj_calloc(count, sizeof *embeddings->list);
  if (embeddings->list == NULL) {
    return LJ_NOMEM;
  }
  embeddings->count = count;
  return LJ_OK;
}

/* Room for a vector that is then filled. */
static int make_room(lj_embeddings *embeddings, size_t count, float **out) {
  if (count > LJ_MAX_EMBEDDING_VALUES - embeddings->values) {
    return LJ_TOO_BIG;
  }
  *out = lj_malloc(count * sizeof **out);
  return *out != NULL ? LJ_OK : LJ_NOMEM;
}

static int read_numbers(const cJSON *vector, float *out) {
  const cJSON *number;
  cJSON_ArrayForEach(number, vector) {
    if (!cJSON_IsNumber(number) || !(fabs(number->valuedouble) <= FLT_MAX)) {
      return LJ_INVALID;
    }
    *out++ = (float)number->valuedouble;
  }
  return LJ_OK;
}

/* The six bits of a base64 character, or 64. */
static unsigned sextet(char byte) {
  if (byte >= 'A' && byte <= 'Z') {
    return (unsigned)(byte - 'A');
  }
  if (byte >= 'a' && byte <= 'z') {
    return (unsigned)(byte - 'a') + 26;
  }
  if (byte >= '0' && byte <= '9') {
    return (unsigned)(byte - '0') + 52;
  }
  return byte == '+' ? 62 : byte == '/' ? 63 : 64;
}

/* The length of the text without its padding. */
static size_t unpadded(const char *text) {
  size_t length = strlen(text);
  size_t padding = 0;
  while (padding < 2 && length > 0 && text[length - 1] == '=') {
    length--;
    padding++;
  }
  return length;
}

/* Bytes come out of the bits one by one; four of them, the lowest first, are a float. */
static int read_base64(const char *text, size_t length, float *out) {
  uint32_t bits = 0;
  uint32_t word = 0;
  int held = 0;
  int bytes = 0;
  size_t at;
  for (at = 0; at < length; at++) {
    unsigned six = sextet(text[at]);
    if (six == 64) {
      return LJ_INVALID;
    }
    bits = (bits << 6 | six) & 0xFFFU;
    held += 6;
    if (held >= 8) {
      held -= 8;
      word |= (bits >> held & 0xFFU) << 8 * bytes;
      bytes++;
    }
    if (bytes == FLOAT_BYTES) {
      memcpy(out, &word, sizeof *out);
      if (!isfinite(*out)) {
        return LJ_INVALID;
      }
      out++;
      word = 0;
      bytes = 0;
    }
  }
  return LJ_OK;
}

int lj_embeddings_set(lj_embeddings *embeddings, size_t index, const cJSON *vector) {
  const char *text = cJSON_IsString(vector) ? vector->valuestring : NULL;
  size_t length = text != NULL ? unpadded(text) : 0;
  size_t bytes = length / 4 * 3 + (length % 4 > 0 ? length % 4 - 1 : 0);
  size_t count = text != NULL ? bytes / FLOAT_BYTES : (size_t)cJSON_GetArraySize(vector);
  float *values = NULL;
  int rc;
  if ((text == NULL && !cJSON_IsArray(vector)) || count == 0 || bytes % FLOAT_BYTES != 0 || length % 4 == 1) {
    return LJ_INVALID;
  }
  rc = make_room(embeddings, count, &values);
  if (rc == LJ_OK) {
    rc = text != NULL ? read_base64(text, length, values) : read_numbers(vector, values);
  }
  if (rc != LJ_OK) {
    lj_free(values);
    return rc;
  }
  embeddings->list[index].values = values;
  embeddings->list[index].count = count;
  embeddings->values += count;
  return LJ_OK;
}

static int print_vector(const lj_embedding *vector, lj_buffer *out) {
  size_t at;
  int rc = lj_buffer_append_char(out, '[');
  for (at = 0; rc == LJ_OK && at < vector->count; at++) {
    char text[LJ_FLOAT_TEXT + 1] = ",";
    size_t length = lj_float_text(vector->values[at], text + 1);
    rc = at > 0 ? lj_buffer_append(out, text, length + 1) : lj_buffer_append(out, text + 1, length);
  }
  return rc == LJ_OK ? lj_buffer_append_char(out, ']') : rc;
}

static int print_vectors(const lj_embeddings *embeddings, lj_buffer *out) {
  size_t at;
  int rc = lj_buffer_append_char(out, '[');
  for (at = 0; rc == LJ_OK && at < embeddings->count; at++) {
    rc = at > 0 ? lj_buffer_append_char(out, ',') : LJ_OK;
    if (rc == LJ_OK) {
      rc = print_vector(&embeddings->list[at], out);
    }
  }
  return rc == LJ_OK ? lj_buffer_append_char(out, ']') : rc;
}

int lj_embeddings_json(const lj_embeddings *embeddings, cJSON **out) {
  lj_buffer text;
  cJSON *value = cJSON_CreateNull();
  int rc = value == NULL ? LJ_NOMEM : LJ_OK;
  *out = NULL;
  lj_buffer_init(&text, (size_t)LJ_FLOAT_TEXT * LJ_MAX_EMBEDDING_VALUES + (size_t)3 * LJ_MAX_INPUTS + 2);
  if (rc == LJ_OK) {
    rc = print_vectors(embeddings, &text);
  }
  if (rc == LJ_OK) { /* cJSON_CreateRaw would copy what may be many megabytes */
    value->valuestring = lj_buffer_take(&text);
    rc = value->valuestring == NULL ? LJ_NOMEM : LJ_OK;
  }
  lj_buffer_free(&text);
  if (rc != LJ_OK) {
    cJSON_Delete(value);
    return rc == LJ_TOO_BIG ? LJ_NOMEM : rc;
  }
  value->type = cJSON_Raw;
  *out = value;
  return LJ_OK;
}
