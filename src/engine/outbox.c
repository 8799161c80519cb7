/* SPDX-License-Identifier: MIT */
#include "engine/outbox.h"

#include <string.h>

#include "base/json_text.h"
#include "base/limits.h"
#include "base/memory.h"

/* Tokens may fill this much of the room; the rest stays free for answers and ends. */
enum { MAX_TOKEN_BYTES = LJ_MAX_EVENT_BYTES / 2, WRAPPING = 256 /* bytes around the items of a turn */ };

int lj_outbox_init(lj_outbox *outbox, void (*on_events)(void *owner), void *owner) {
  memset(outbox, 0, sizeof *outbox);
  lj_buffer_init(&outbox->waiting, LJ_MAX_EVENT_BYTES);
  lj_buffer_init(&outbox->turn, LJ_MAX_EVENT_BYTES);
  lj_buffer_init(&outbox->jobs, LJ_MAX_EVENT_BYTES);
  lj_buffer_init(&outbox->tokens, MAX_TOKEN_BYTES);
  outbox->on_events = on_events;
  outbox->owner = owner;
  return lj_mutex_init(&outbox->lock);
}

void lj_outbox_destroy(lj_outbox *outbox) {
  lj_buffer_free(&outbox->waiting);
  lj_buffer_free(&outbox->turn);
  lj_buffer_free(&outbox->jobs);
  lj_buffer_free(&outbox->tokens);
  lj_mutex_destroy(&outbox->lock);
}

static void append_message(lj_outbox *outbox, const cJSON *message) {
  size_t before = outbox->turn.length;
  if (message != NULL && lj_json_text_value(&outbox->turn, NULL, message) == LJ_OK) return;
  lj_buffer_truncate(&outbox->turn, before);
  outbox->dropped++;
}

static cJSON *new_message(const char *id, const char *channel) {
  cJSON *message = cJSON_CreateObject();
  int code = message != NULL ? LJ_OK : LJ_NOMEM;
  if (code == LJ_OK && id != NULL) code = lj_json_put_string(message, "id", id);
  if (code == LJ_OK) code = lj_json_put_string(message, "channel", channel);
  if (code == LJ_OK) return message;
  cJSON_Delete(message);
  return NULL;
}

void lj_outbox_post(lj_outbox *outbox, const char *id, const char *channel, cJSON *payload) {
  cJSON *message = payload != NULL ? new_message(id, channel) : NULL;
  if (message == NULL)
    cJSON_Delete(payload);
  else if (lj_json_put_value(message, "payload", payload) != LJ_OK) {
    cJSON_Delete(message);
    message = NULL;
  }
  append_message(outbox, message);
  cJSON_Delete(message);
}

void lj_outbox_refuse(lj_outbox *outbox, const char *id, const char *channel, int code, const char *text) {
  lj_outbox_refuse_as(outbox, id, channel, lj_code_name(code), text);
}

void lj_outbox_refuse_as(lj_outbox *outbox, const char *id, const char *channel, const char *code, const char *text) {
  cJSON *message = new_message(id, channel);
  cJSON *error = cJSON_CreateObject();
  int built = message != NULL && error != NULL ? LJ_OK : LJ_NOMEM;
  if (built == LJ_OK) built = lj_json_put_string(error, "code", code);
  if (built == LJ_OK) built = lj_json_put_string(error, "message", text);
  if (built == LJ_OK) {
    built = lj_json_put_value(message, "error", error);
    error = NULL;
  }
  cJSON_Delete(error);
  append_message(outbox, built == LJ_OK ? message : NULL);
  cJSON_Delete(message);
}

size_t lj_outbox_room(lj_outbox *outbox) {
  lj_mutex_lock(&outbox->lock);
  size_t used = outbox->waiting.length;
  lj_mutex_unlock(&outbox->lock);
  used += outbox->turn.length + outbox->jobs.length + outbox->tokens.length + WRAPPING;
  return used < LJ_MAX_EVENT_BYTES ? LJ_MAX_EVENT_BYTES - used : 0;
}

void lj_outbox_job(lj_outbox *outbox, const char *id, const char *name, lj_status status, int code, int64_t attempt) {
  lj_buffer *jobs = &outbox->jobs;
  size_t before = jobs->length;
  int built = lj_json_text_open(jobs, NULL, '{');
  if (built == LJ_OK) built = lj_json_text_string(jobs, "id", id);
  if (built == LJ_OK) built = lj_json_text_string(jobs, "name", name);
  if (built == LJ_OK) built = lj_json_text_string(jobs, "status", lj_status_name(status));
  if (built == LJ_OK && code != LJ_OK) built = lj_json_text_string(jobs, "code", lj_code_name(code));
  if (built == LJ_OK) built = lj_json_text_number(jobs, "attempt", attempt);
  if (built == LJ_OK) built = lj_json_text_close(jobs, '}');
  if (built == LJ_OK) return;
  lj_buffer_truncate(jobs, before);
  outbox->dropped++;
}

void lj_outbox_token(lj_outbox *outbox, const char *id, const char *text, bool restart) {
  lj_buffer *tokens = &outbox->tokens;
  size_t before = tokens->length;
  int built = lj_json_text_open(tokens, NULL, '{');
  if (built == LJ_OK) built = lj_json_text_string(tokens, "id", id);
  if (built == LJ_OK) built = lj_json_text_string(tokens, "text", text);
  if (built == LJ_OK && restart) built = lj_json_text_bool(tokens, "restart", true);
  if (built == LJ_OK) built = lj_json_text_close(tokens, '}');
  if (built == LJ_OK) return;
  lj_buffer_truncate(tokens, before);
  outbox->dropped_tokens++;
}

/* Wraps the turn's items into one message: `{"channel":"…","payload":{"…":[items]}}`. */
static void wrap_items(lj_outbox *outbox, lj_buffer *items, const char *opening) {
  if (items->length == 0) return;
  size_t before = outbox->turn.length;
  int code = before > 0 ? lj_buffer_append_char(&outbox->turn, ',') : LJ_OK;
  if (code == LJ_OK) code = lj_buffer_append_text(&outbox->turn, opening);
  if (code == LJ_OK) code = lj_buffer_append(&outbox->turn, items->data, items->length);
  if (code == LJ_OK) code = lj_buffer_append_text(&outbox->turn, "]}}");
  if (code != LJ_OK) {
    lj_buffer_truncate(&outbox->turn, before);
    outbox->dropped++;
  }
  lj_buffer_clear(items);
}

void lj_outbox_tokens_first(lj_outbox *outbox) {
  if (outbox->tokens.length == 0) return;
  lj_mutex_lock(&outbox->lock);
  bool crowded = outbox->waiting.length + outbox->tokens.length > MAX_TOKEN_BYTES;
  lj_mutex_unlock(&outbox->lock);
  if (crowded) {
    outbox->dropped_tokens++;
    lj_buffer_clear(&outbox->tokens);
  }
  wrap_items(outbox, &outbox->tokens, "{\"channel\":\"worker:token\",\"payload\":{\"tokens\":[");
}

void lj_outbox_publish(lj_outbox *outbox) {
  /* Tokens before jobs: the last text of an answer comes before its end. */
  lj_outbox_tokens_first(outbox);
  wrap_items(outbox, &outbox->jobs, "{\"channel\":\"worker:job\",\"payload\":{\"jobs\":[");
  if (outbox->turn.length == 0) return;

  lj_mutex_lock(&outbox->lock);
  size_t before = outbox->waiting.length;
  int code = before > 0 ? lj_buffer_append_char(&outbox->waiting, ',') : LJ_OK;
  if (code == LJ_OK) code = lj_buffer_append(&outbox->waiting, outbox->turn.data, outbox->turn.length);
  if (code != LJ_OK) {
    lj_buffer_truncate(&outbox->waiting, before);
    outbox->dropped++;
  }
  lj_mutex_unlock(&outbox->lock);
  lj_buffer_clear(&outbox->turn);
  if (before == 0 && code == LJ_OK && outbox->on_events != NULL) outbox->on_events(outbox->owner);
}

int lj_outbox_take(lj_outbox *outbox, char **events) {
  lj_buffer text;
  int code = LJ_OK;
  *events = NULL;
  lj_buffer_init(&text, LJ_MAX_EVENT_BYTES + 2);
  lj_mutex_lock(&outbox->lock);
  if (outbox->waiting.length > 0) {
    code = lj_buffer_append_char(&text, '[');
    if (code == LJ_OK) code = lj_buffer_append(&text, outbox->waiting.data, outbox->waiting.length);
    if (code == LJ_OK) code = lj_buffer_append_char(&text, ']');
    if (code == LJ_OK) {
      *events = lj_buffer_take(&text);
      code = *events != NULL ? LJ_OK : LJ_NOMEM;
    }
    if (code == LJ_OK) lj_buffer_clear(&outbox->waiting);
  }
  lj_mutex_unlock(&outbox->lock);
  lj_buffer_free(&text);
  return code;
}
