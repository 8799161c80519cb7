/* SPDX-License-Identifier: MIT
 *
 * The life of one HTTP answer: head, bytes, end → an answer or a fault. Chooses the framing by status and by the first
 * byte that is not blank, not by Content-Type alone: a stream may be answered by JSON, and a JSON error may call itself an
 * event stream. Takes any split at any byte.
 */
#ifndef LJ_PROVIDER_RESPONSE_H
#define LJ_PROVIDER_RESPONSE_H

#include "provider/provider.h"

typedef struct lj_response lj_response;

typedef struct lj_response_listener {
  void *owner;
  /* New text of a stream, valid during the call. May be NULL. */
  void (*on_text)(void *owner, const char *text, size_t length);
  /* A data event arrived (not a comment, not a ping): what the idle timer counts. May be NULL. */
  void (*on_data)(void *owner);
} lj_response_listener;

/* `wire`: the request, of which only what it asks for is looked at, now. `max_bytes`: ceiling of the whole body. LJ_OK or
 * LJ_NOMEM. */
int lj_response_open(const lj_provider *provider, const lj_wire *wire, size_t max_bytes, const lj_response_listener *listener,
                     lj_response **out) LJ_MUST_CHECK;
void lj_response_free(lj_response *response);

/* A status line: begins a new head and forgets the headers of an earlier one (1xx, a proxy's CONNECT). */
void lj_response_status(lj_response *response, int status);
/* One header; the name compares case-insensitively. */
void lj_response_header(lj_response *response, const char *name, size_t name_length, const char *value,
                        size_t value_length);
int lj_response_http_status(const lj_response *response);
/* What its headers say of the provider's limits: an array of LJ_RATE_KINDS. */
const lj_rate *lj_response_rates(const lj_response *response);

/* Body bytes. LJ_OK to go on; LJ_CLOSED: the answer is complete, close the connection; any other code: a fault that
 * lj_response_end will report. Bytes after that are ignored. */
int lj_response_feed(lj_response *response, const char *bytes, size_t length) LJ_MUST_CHECK;

/* Call once, when the transfer has ended (by the peer, or after feed said so). LJ_OK: the answer is complete. Otherwise the
 * code of *fault, which is always set then. A truncated stream is LJ_PROTOCOL, whatever text it brought. */
int lj_response_end(lj_response *response, lj_fault *fault) LJ_MUST_CHECK;

/* What has been read so far; complete only after lj_response_end said LJ_OK. Borrowed. */
const lj_answer *lj_response_answer(const lj_response *response);
/* The names that a list of models had (LJ_ASK_MODELS): an array of strings. NULL otherwise. Borrowed. */
const cJSON *lj_response_models(const lj_response *response);

#endif
