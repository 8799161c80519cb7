/* SPDX-License-Identifier: MIT
 *
 * OpenAI's Chat Completions and the servers that copy it. What they differ in is data here, not code.
 */
#ifndef LJ_PROVIDER_OPENAI_H
#define LJ_PROVIDER_OPENAI_H

#include "provider/provider.h"

extern const lj_provider lj_openai;
extern const lj_provider lj_openai_compatible;
extern const lj_provider lj_deepseek;

typedef enum lj_openai_embeddings {
  LJ_OPENAI_EMBEDDINGS_NONE,
  LJ_OPENAI_EMBEDDINGS_PLAIN, /* in the server's own form */
  LJ_OPENAI_EMBEDDINGS_BASE64
} lj_openai_embeddings;

typedef struct lj_openai_dialect {
  const lj_provider *provider;
  const char *max_tokens;   /* the field's name: reasoning models of OpenAI refuse the old one, others know only that */
  int max_stops;            /* the most stop sequences, 0: not known */
  bool developer_role;      /* knows "developer"; else it is sent as "system" */
  bool json_schema;         /* knows response_format json_schema */
  bool seed;
  lj_openai_embeddings embeddings;
  /* What a server has of its own, or NULL: adds to the message made of `source`; adds the effort to think in its own words. */
  int (*add_to_message)(cJSON *message, const cJSON *source);
  int (*add_reasoning)(cJSON *body, const char *effort);
} lj_openai_dialect;

/* lj_provider.build, for one dialect. */
int lj_openai_build(const lj_openai_dialect *dialect, const lj_endpoint *endpoint, const char *model, const cJSON *request,
                    lj_wire *wire, lj_fault *fault) LJ_MUST_CHECK;

/* The same for a request with an input, and lj_provider.read_body for its answer. In openai_embeddings.c. */
int lj_openai_build_embeddings(const lj_openai_dialect *dialect, const lj_endpoint *endpoint, const char *model,
                               const cJSON *request, lj_wire *wire, lj_fault *fault) LJ_MUST_CHECK;
int lj_openai_read_embeddings(lj_reading *reading, const cJSON *body);

/* Puts the address of an image part under `key`: its own, or its data as one. LJ_OK, LJ_NOMEM, LJ_TOO_BIG. */
int lj_openai_image_url(cJSON *object, const char *key, const cJSON *image) LJ_MUST_CHECK;
/* Puts the arguments of a message's tool call as text under "arguments". LJ_OK, LJ_NOMEM, LJ_TOO_BIG. */
int lj_openai_arguments(cJSON *object, const cJSON *call) LJ_MUST_CHECK;

/* lj_provider.build_models and read_models. */
int lj_openai_build_models(const lj_openai_dialect *dialect, const lj_endpoint *endpoint, lj_wire *wire, lj_fault *fault)
    LJ_MUST_CHECK;
int lj_openai_read_models(const cJSON *body, cJSON *names, lj_fault *fault);

/* lj_provider.read_event, read_text and read_body. */
int lj_openai_read_event(lj_reading *reading, const char *event, const cJSON *data);
int lj_openai_read_text(lj_reading *reading, const char *text, size_t length);
int lj_openai_read_body(lj_reading *reading, const cJSON *body);
/* Complete is what has a finish reason and the closing [DONE]. */
int lj_openai_read_end(lj_reading *reading);
/* For servers that forget [DONE]: a finish reason is enough. */
int lj_openai_read_end_without_done(lj_reading *reading);

/* Adds the pieces of one message or delta's tool calls: `list` is the array of them, or NULL. LJ_OK, LJ_NOMEM, LJ_TOO_BIG. */
int lj_openai_read_tool_calls(lj_answer *answer, const cJSON *list) LJ_MUST_CHECK;
/* The form before tools: one object {name, arguments}, or NULL. */
int lj_openai_read_function_call(lj_answer *answer, const cJSON *function) LJ_MUST_CHECK;

/* Takes what an object of token counts says; the rest keeps its value. NULL is allowed. */
void lj_openai_read_usage(lj_usage *usage, const cJSON *object);

#endif
