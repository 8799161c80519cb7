/* SPDX-License-Identifier: MIT
 *
 * One HTTP answer, fed to an lj_response and told as text, so that a test compares two strings:
 *   text <what was said>
 *   call <id> <name> <arguments>
 *   vectors <JSON>
 *   finish <reason>
 *   usage <input> <output> <cached> <reasoning>      ("-" where unknown; absent when nothing is known)
 *   OK, or the code and the message
 */
#ifndef LJ_TEST_SUPPORT_EXCHANGE_H
#define LJ_TEST_SUPPORT_EXCHANGE_H

#include "provider/response.h"
#include "support/feed.h"

typedef struct exchange {
  const lj_provider *provider;
  bool stream;
  int status;            /* 0: 200 */
  const char *headers;   /* "name: value" lines, or NULL */
  const char *body;
  size_t length;         /* 0: that of the text */
  size_t max_bytes;      /* 0: the default */
  lj_ask ask;
  size_t inputs;         /* of LJ_ASK_EMBEDDINGS */
} exchange;

typedef struct heard {
  lj_buffer text;
  int events;
} heard;

static inline void hear_text(void *owner, const char *text, size_t length) {
  heard *ears = owner;
  assert_true(length > 0);
  assert_code(lj_buffer_append(&ears->text, text, length), LJ_OK);
}

static inline void hear_data(void *owner) { ((heard *)owner)->events++; }

static inline int feed_response(void *parser, const char *bytes, size_t length) {
  return lj_response_feed(parser, bytes, length);
}

static inline void give_headers(lj_response *response, const char *headers) {
  while (headers != NULL && *headers != '\0') {
    const char *end = strchr(headers, '\n');
    const char *colon = strchr(headers, ':');
    assert_non_null(end);
    assert_non_null(colon);
    lj_response_header(response, headers, (size_t)(colon - headers), colon + 1, (size_t)(end - colon - 1));
    headers = end + 1;
  }
}

static inline void tell_count(lj_buffer *log, int64_t count) {
  if (count == LJ_UNKNOWN) {
    assert_code(lj_buffer_append_text(log, " -"), LJ_OK);
  } else {
    assert_code(lj_buffer_printf(log, " %lld", (long long)count), LJ_OK);
  }
}

static inline void tell_answer(lj_buffer *log, const lj_answer *answer) {
  const lj_usage *usage = &answer->usage;
  size_t at;
  if (answer->text.length > 0) {
    assert_code(lj_buffer_printf(log, "text %s\n", answer->text.data), LJ_OK);
  }
  for (at = 0; at < answer->call_count; at++) {
    assert_code(lj_buffer_printf(log, "call %s %s %s\n", answer->calls[at].id, answer->calls[at].name,
                                 answer->calls[at].arguments.data),
                LJ_OK);
  }
  if (answer->embeddings.count > 0) {
    cJSON *vectors = NULL;
    assert_code(lj_embeddings_json(&answer->embeddings, &vectors), LJ_OK);
    assert_code(lj_buffer_printf(log, "vectors %s\n", vectors->valuestring), LJ_OK);
    cJSON_Delete(vectors);
  }
  if (answer->finish != LJ_FINISH_NONE) {
    assert_code(lj_buffer_printf(log, "finish %s\n", lj_finish_name(answer->finish)), LJ_OK);
  }
  if (usage->input_tokens != LJ_UNKNOWN || usage->output_tokens != LJ_UNKNOWN || usage->cached_tokens != LJ_UNKNOWN ||
      usage->reasoning_tokens != LJ_UNKNOWN) {
    assert_code(lj_buffer_append_text(log, "usage"), LJ_OK);
    tell_count(log, usage->input_tokens);
    tell_count(log, usage->output_tokens);
    tell_count(log, usage->cached_tokens);
    tell_count(log, usage->reasoning_tokens);
    assert_code(lj_buffer_append_text(log, "\n"), LJ_OK);
  }
}

/* Runs the exchange in pieces of this size. The caller frees `log`; `fault` may be NULL. Returns the code of the end. */
static inline int run_exchange(const exchange *run, size_t piece, lj_buffer *log, lj_fault *fault) {
  size_t length = run->length > 0 ? run->length : strlen(run->body);
  lj_response_listener listener = {NULL, hear_text, hear_data};
  lj_wire wire = {.stream = run->stream, .ask = run->ask, .inputs = run->inputs};
  lj_response *response = NULL;
  lj_fault found;
  heard ears;
  int fed;
  int ended;
  lj_buffer_init(&ears.text, 1 << 26);
  ears.events = 0;
  listener.owner = &ears;
  lj_buffer_init(log, 1 << 26);
  assert_code(lj_response_open(run->provider, &wire, run->max_bytes > 0 ? run->max_bytes : LJ_MAX_RESPONSE_BYTES,
                               &listener, &response),
              LJ_OK);
  lj_response_status(response, run->status > 0 ? run->status : 200);
  give_headers(response, run->headers);
  fed = feed_pieces(feed_response, response, run->body, length, piece);
  ended = lj_response_end(response, &found);
  if (fed != LJ_OK && fed != LJ_CLOSED) { /* a fault that feed told must be the one that end tells */
    assert_code(ended, fed);
  }
  assert_int_equal(found.code, ended);
  assert_string_equal(ears.text.data, lj_response_answer(response)->text.data);
  tell_answer(log, lj_response_answer(response));
  if (ended == LJ_OK) {
    assert_code(lj_buffer_append_text(log, "OK\n"), LJ_OK);
  } else {
    assert_true(found.message[0] != '\0');
    assert_code(lj_buffer_printf(log, "%s %s\n", lj_code_name(ended), found.message), LJ_OK);
  }
  if (fault != NULL) {
    *fault = found;
  }
  lj_response_free(response);
  lj_buffer_free(&ears.text);
  return ended;
}

/* The same told whatever the pieces. */
static inline void expect_exchange(const exchange *run, const char *expected) {
  size_t at;
  for (at = 0; at < COUNT_OF(piece_sizes); at++) {
    lj_buffer log;
    (void)run_exchange(run, piece_sizes[at], &log, NULL);
    assert_string_equal(log.data, expected);
    lj_buffer_free(&log);
  }
}

#endif
