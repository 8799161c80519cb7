/* SPDX-License-Identifier: MIT
 *
 * What a model answered, in the shape of a row's `result`. A provider fills it piece by piece; what the provider did not
 * say stays unknown and is absent from the JSON, never invented.
 */
#ifndef LJ_PROVIDER_ANSWER_H
#define LJ_PROVIDER_ANSWER_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/limits.h"
#include "provider/embedding.h"

typedef enum lj_finish { LJ_FINISH_NONE, LJ_FINISH_STOP, LJ_FINISH_LENGTH, LJ_FINISH_TOOL, LJ_FINISH_FILTER } lj_finish;

#define LJ_UNKNOWN (-1)

typedef struct lj_usage { /* LJ_UNKNOWN where the provider gave none */
  int64_t input_tokens;   /* all input, cached included */
  int64_t output_tokens;  /* all output, reasoning included */
  int64_t cached_tokens;
  int64_t reasoning_tokens;
} lj_usage;

typedef struct lj_tool_call {
  char *id;            /* the provider's, or "call_<index>" */
  bool id_given;       /* the id is the provider's */
  int64_t wire_index;  /* what the provider counts the call by in its pieces, LJ_UNKNOWN without */
  char *name;          /* "" until it is said */
  lj_buffer arguments; /* JSON text as the model wrote it */
  char *signature;     /* what the provider wants back with the call, opaque (Gemini, Anthropic); NULL without. lj_strdup fills it */
} lj_tool_call;

typedef struct lj_thoughts { /* what the model thinks, kept until the next call takes it as its signature (Anthropic) */
  bool open;           /* a block is arriving */
  lj_buffer text;      /* of that block */
  lj_buffer signature;
  lj_buffer blocks;    /* those before it: a JSON array that is not closed yet; "" without */
} lj_thoughts;

typedef struct lj_answer {
  lj_buffer text;
  size_t text_pieces;  /* calls of lj_answer_add_text */
  lj_tool_call *calls; /* in order of first appearance */
  size_t call_count;
  lj_thoughts thoughts;
  lj_embeddings embeddings;
  lj_finish finish;
  lj_usage usage;
  bool over;           /* the provider said that it has ended, in whatever way: asking for it again brings nothing else */
  bool pending;        /* fetched by its id, but the provider still works at it: ask again later */
  char model[256];     /* the model that answered, "" when not said; the first of the long texts, which stand last */
  char id[128];        /* by which the provider can be asked for the answer again (build_fetch); "" when it can't, or not yet */
  char request_id[128];
} lj_answer;

void lj_answer_init(lj_answer *answer);
void lj_answer_free(lj_answer *answer);

/* LJ_OK, LJ_NOMEM, LJ_TOO_BIG (LJ_MAX_TOOL_CALLS, LJ_MAX_TEXT_BYTES). */
int lj_answer_add_text(lj_answer *answer, const char *text, size_t length) LJ_MUST_CHECK;
/* How much the answer holds beside its text: an event that leaves it as it was has added nothing but text. */
size_t lj_answer_rest(const lj_answer *answer);
/* Appends a call; *out is valid until the next call is added. id or name may be NULL or "". */
int lj_answer_add_call(lj_answer *answer, const char *id, const char *name, lj_tool_call **out) LJ_MUST_CHECK;

/* "stop", "length", "tool", "filter"; NULL for LJ_FINISH_NONE. */
const char *lj_finish_name(lj_finish finish);

/* One of the words by which a provider says why its answer ended. */
typedef struct lj_finish_word {
  const char *name;
  lj_finish finish;
} lj_finish_word;

/* LJ_FINISH_STOP for a name that is not among the words. */
lj_finish lj_finish_of(const lj_finish_word *words, size_t count, const char *name);

/* Sets *count to what the provider says under `key`, when that is a whole number of 0 or more, and returns whether it is. */
bool lj_usage_take(int64_t *count, const cJSON *object, const char *key);

/* {inputTokens, …} with the known ones only; an empty object when nothing is known. NULL: no memory. Caller deletes. */
cJSON *lj_usage_json(const lj_usage *usage);

/* The provider's part of a row's `result`: text (absent when there are only tool calls or embeddings), toolCalls [{id, name,
 * signature, arguments: the parsed object, {} when the model wrote none, or the raw text when it is no JSON object}] when there
 * are any, `object` when `want_object` and the text is JSON, embeddings [[…]] in the order of the inputs, finishReason, usage,
 * model, requestId. The engine adds provider, fallbackUsed and timing. LJ_OK or LJ_NOMEM; caller deletes *out. */
int lj_answer_json(const lj_answer *answer, int want_object, cJSON **out) LJ_MUST_CHECK;

#endif
