/* SPDX-License-Identifier: MIT
 *
 * Messages from the engine's thread, as JSON texts. The engine's thread gathers what happens in a turn and publishes it once
 * at the turn's end; any other thread takes everything at once. When nobody takes, tokens are dropped first, then all.
 */
#ifndef LJ_ENGINE_OUTBOX_H
#define LJ_ENGINE_OUTBOX_H

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buffer.h"
#include "base/thread.h"
#include "queue/job.h"

typedef struct lj_outbox {
  lj_mutex lock;      /* guards waiting */
  lj_buffer waiting;  /* messages separated by commas, for lj_outbox_take */
  /* The rest belongs to the engine's thread. */
  lj_buffer turn;     /* messages of this turn, separated by commas */
  lj_buffer jobs;     /* items of this turn's worker:job */
  lj_buffer tokens;   /* items of this turn's worker:token */
  uint64_t dropped_tokens;
  uint64_t dropped;   /* other messages that found no room */
  void (*on_events)(void *owner);
  void *owner;
} lj_outbox;

int lj_outbox_init(lj_outbox *outbox, void (*on_events)(void *owner), void *owner) LJ_MUST_CHECK;
void lj_outbox_destroy(lj_outbox *outbox);

/* Engine's thread. They can't fail: what finds no memory or no room is counted as dropped, because an event is never the only
 * place where a fact is. */

/* {channel, payload}, with `id` when it answers a message. Takes ownership of payload. */
void lj_outbox_post(lj_outbox *outbox, const char *id, const char *channel, cJSON *payload);
/* {id, channel, error: {code, message}}; `code` is a code of the engine, or the word of a row's error. */
void lj_outbox_refuse_as(lj_outbox *outbox, const char *id, const char *channel, const char *code, const char *message);
void lj_outbox_refuse(lj_outbox *outbox, const char *id, const char *channel, int code, const char *message);
/* How many bytes of messages certainly find room in this turn. */
size_t lj_outbox_room(lj_outbox *outbox);
/* One item of the turn's worker:job; code LJ_OK: none. */
void lj_outbox_job(lj_outbox *outbox, const char *id, const char *name, lj_status status, int code, int64_t attempt);
/* One item of the turn's worker:token; `restart`: what was told of this job before is void, another call answers it. */
void lj_outbox_token(lj_outbox *outbox, const char *id, const char *text, bool restart);
/* What has been told of tokens in this turn goes out before what is posted from here on. */
void lj_outbox_tokens_first(lj_outbox *outbox);
/* Ends the turn: hands everything over and calls on_events when nothing was waiting before. */
void lj_outbox_publish(lj_outbox *outbox);

/* Any thread. *events is a JSON array, or NULL when there is nothing; the caller frees it with lj_free. LJ_OK or LJ_NOMEM. */
int lj_outbox_take(lj_outbox *outbox, char **events) LJ_MUST_CHECK;

#endif
