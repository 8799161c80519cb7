/* SPDX-License-Identifier: MIT
 *
 * One wire format behind one interface. A provider builds the HTTP request of a job and reads the answer; it does no
 * input or output, holds no state between calls and knows nothing of queues. The files of a format begin with its name:
 * openai (openai, openai-compatible, deepseek), anthropic, gemini, ollama.
 */
#ifndef LJ_PROVIDER_PROVIDER_H
#define LJ_PROVIDER_PROVIDER_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/buffer.h"
#include "base/fault.h"
#include "provider/answer.h"
#include "provider/rate_head.h"

/* Where a request goes. All borrowed. */
typedef struct lj_endpoint {
  const char *provider;   /* the configured name, for messages and providerOptions */
  const char *base_url;   /* without a trailing slash; the provider's default when NULL */
  const char *api_key;    /* NULL: none is sent */
  const cJSON *headers;   /* object of strings, or NULL */
  const char *key_header; /* set by a format whose key stands alone in this header; NULL: "Authorization: Bearer <key>" */
} lj_endpoint;

/* What a request asks for, and so what its answer is read as. */
typedef enum lj_ask { LJ_ASK_TEXT, LJ_ASK_EMBEDDINGS, LJ_ASK_MODELS } lj_ask;

/* An HTTP request to be sent. Init, build, free. */
typedef struct lj_wire {
  const char *method;   /* static text: "POST", or "GET", which has no body */
  lj_buffer url;
  lj_buffer headers;    /* "Name: value" lines, each ended by LF */
  lj_buffer body;
  bool stream;          /* the answer is wanted as a stream */
  lj_ask ask;
  bool background;      /* an answer that is not ready yet is no trouble: answer->pending says so */
  size_t inputs;        /* of LJ_ASK_EMBEDDINGS: how many vectors the answer must have, else 0 */
} lj_wire;

void lj_wire_init(lj_wire *wire);
void lj_wire_free(lj_wire *wire);
/* Appends one header line; LJ_INVALID when name or value hold a control character. */
int lj_wire_header(lj_wire *wire, const char *name, const char *value) LJ_MUST_CHECK;

/* Headers of an answer that a provider or the retry rules look at. Empty text: absent. */
typedef struct lj_head {
  int status;
  char content_type[128];
  char retry_after[64];
  char retry_after_ms[32];
  char should_retry[16];
  char request_id[128];
  lj_rate rates[LJ_RATE_KINDS]; /* of a head that lj_response_status began */
} lj_head;

/* The input where a format tells it in parts, some of which a later event may leave out. Parts that were not told are 0. */
typedef struct lj_input_parts {
  int64_t fresh;
  int64_t cache_written;
  int64_t cache_read;
} lj_input_parts;

/* What the parser of one answer works on. */
typedef struct lj_reading {
  lj_answer *answer;
  size_t inputs;       /* lj_wire.inputs of the request: not 0, the answer is to be read as embeddings (embedding_read.h) */
  lj_input_parts input;
  bool background;     /* lj_wire.background of the request */
  bool finished;       /* the format's own end was seen: what follows is ignored */
  bool finish_seen;    /* a finish reason was seen (kept apart: some formats need both) */
  bool error_finish;   /* finish reason "error" or DeepSeek's insufficient_system_resource */
  lj_fault fault;      /* set by a callback that returns an error; the last member, whose text is not cleared as a whole */
} lj_reading;

typedef enum lj_framing { LJ_FRAMING_SSE, LJ_FRAMING_NDJSON } lj_framing;

typedef struct lj_provider lj_provider;
typedef struct lj_batch_api lj_batch_api; /* batch.h */

struct lj_provider {
  const char *kind;             /* "openai" */
  const char *default_base_url; /* NULL: baseUrl is required */
  bool needs_key;               /* a configuration without apiKey is BAD_CONFIG */
  int default_max_concurrent;   /* 0: no limit of its own */
  lj_framing framing;           /* of streams */

  /* Fills `wire` from a prepared request (request.h). LJ_OK, LJ_NOMEM, or LJ_BAD_REQUEST with `fault` set when this format
   * lacks what the job asks for. */
  int (*build)(const lj_endpoint *endpoint, const char *model, const cJSON *request, lj_wire *wire, lj_fault *fault);

  /* One event of a stream, already parsed; `event` is the SSE name or "". LJ_OK, LJ_NOMEM, LJ_TOO_BIG, or an error class
   * code with reading->fault set. Sets reading->finished at the format's end. */
  int (*read_event)(lj_reading *reading, const char *event, const cJSON *data);

  /* A text event that is no JSON; returns LJ_OK when it means something ("[DONE]"), LJ_PROTOCOL otherwise. NULL: none. */
  int (*read_text)(lj_reading *reading, const char *text, size_t length);

  /* A whole answer that is not a stream. As read_event. */
  int (*read_body)(lj_reading *reading, const cJSON *body);

  /* The stream's bytes have ended: LJ_OK when the answer is complete, else LJ_PROTOCOL with the fault set. */
  int (*read_end)(lj_reading *reading);

  /* Names the trouble of an answer that is not 2xx. `body` is its JSON or NULL, `raw` its first bytes. Sets fault->code,
   * message (the provider's own words) and retry_after_ms. */
  void (*classify)(const lj_head *head, const cJSON *body, const char *raw, size_t raw_length, lj_fault *fault);

  /* Fills `wire` with the GET of the list of models: the probe of key and reachability that costs no tokens. As build. NULL:
   * the format has none. */
  int (*build_models)(const lj_endpoint *endpoint, lj_wire *wire, lj_fault *fault);

  /* The names in the answer to that, as one writes them in a job's model, appended to the array `names`. LJ_OK, LJ_NOMEM, or
   * an error class code with `fault` set. NULL when build_models is. */
  int (*read_models)(const cJSON *body, cJSON *names, lj_fault *fault);

  /* Fills `wire` with the request for an answer that an earlier call has begun, or for its end, by its answer->id. The answer to
   * either is read as that of the call. As build, and LJ_PROTOCOL when the id can't be one. NULL: the format has none. */
  int (*build_fetch)(const lj_endpoint *endpoint, const char *id, lj_wire *wire, lj_fault *fault);
  int (*build_cancel)(const lj_endpoint *endpoint, const char *id, lj_wire *wire, lj_fault *fault);

  const lj_batch_api *batch;    /* NULL: it has none */
  bool batch_is_asked_for;      /* only where the configuration says so: not every server of the kind has it */

  const lj_provider *responses; /* the same kind by OpenAI's Responses API; NULL: it has none */
};

/* By the configuration's `kind`; NULL when there is none of that name. */
const lj_provider *lj_provider_find(const char *kind);
/* The same kind by another of its APIs: "chat", or "responses"; NULL when it has none of that name. */
const lj_provider *lj_provider_by_api(const lj_provider *provider, const char *api);
/* The kinds, separated by ", ", for messages. */
const char *lj_provider_kinds(void);

#endif
