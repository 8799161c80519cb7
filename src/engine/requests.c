/* SPDX-License-Identifier: MIT */
#include "engine/requests.h"

#include <string.h>

#include "base/json.h"
#include "base/memory.h"
#include "base/random.h"
#include "engine/state.h"
#include "queue/insert.h"

enum {
  MAX_WRITTEN = 64,                         /* rows in one transaction … */
  MAX_WRITTEN_BYTES = 1048576,              /* … and of their data, but one at least */
  MAX_RESULT = LJ_MAX_EVENT_BYTES / 2,      /* bytes of a result that an answer carries */
  ROOM = 65536,                             /* bytes that any error fits into */
  PRIORITY = 10,                            /* somebody waits for it */
  ATTEMPTS = 3,
  MAX_ATTEMPTS = 1000,
  AGAIN_MS = 20,                            /* after an answer that found no room */
  TROUBLE_MS = 1000,                        /* after an error of the database */
  ALL_MS = 20                               /* between two looks at all rows because others write */
};

static void pending_free(lj_pending *pending) {
  if (pending == NULL) return;
  lj_free(pending->answer);
  lj_free(pending->job);
  lj_free(pending->queue);
  lj_free(pending->name);
  lj_free(pending->model);
  lj_free(pending->data);
  lj_free(pending->opts);
  lj_free(pending);
}

static void list_free(lj_pending *list) {
  for (lj_pending *next; list != NULL; list = next) {
    next = list->next;
    pending_free(list);
  }
}

void lj_requests_free(lj_requests *requests) {
  list_free(requests->fresh);
  list_free(requests->waiting);
  *requests = (lj_requests){0};
}

static void refuse(lj_engine *engine, const lj_pending *pending, const char *code, const char *why) {
  if (pending->answer != NULL) lj_outbox_refuse_as(&engine->outbox, pending->answer, "worker:processRequest", code, why);
}

/* --- A message becomes a row --- */

/* Takes up to 32 hex digits, as the table's own default has them. */
static bool is_id(const char *text) { return strlen(text) == LJ_TOKEN_SIZE - 1 && strspn(text, "0123456789abcdef") == LJ_TOKEN_SIZE - 1; }

/* Why the payload can't become a row; NULL when it can. */
static const char *complaint(const cJSON *payload) {
  static const char *const known[] = {"jobId", "name", "queue", "model", "priority", "maxAttempts", "data", "prompt", "opts"};
  static const char *const texts[] = {"name", "queue", "model", "prompt"};
  const cJSON *item = NULL;
  cJSON_ArrayForEach(item, payload) {
    size_t at = 0;
    while (at < sizeof known / sizeof known[0] && strcmp(known[at], item->string) != 0) at++;
    if (at == sizeof known / sizeof known[0]) return "the payload has a key that is none of jobId, name, queue, model, priority, maxAttempts, data, prompt and opts";
  }
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
    const char *text = lj_json_string(payload, texts[i]);
    if (lj_json_get(payload, texts[i]) != NULL && (text == NULL || *text == '\0')) return "name, queue, model and prompt must be strings that are not empty";
  }
  const char *id = lj_json_string(payload, "jobId");
  if (lj_json_get(payload, "jobId") != NULL && (id == NULL || !is_id(id))) return "jobId must have 32 hexadecimal digits, in lower case";
  if ((lj_json_get(payload, "data") != NULL) == (lj_json_get(payload, "prompt") != NULL)) return "the payload needs either data, an object, or prompt, a string";
  if (lj_json_get(payload, "data") != NULL && lj_json_object(payload, "data") == NULL) return "data must be an object";
  if (lj_json_get(payload, "opts") != NULL && lj_json_object(payload, "opts") == NULL) return "opts must be an object";
  int64_t priority = lj_json_int(payload, "priority", INT64_MAX);
  if (lj_json_get(payload, "priority") != NULL && (priority > INT32_MAX || priority < -INT32_MAX)) return "priority must be a whole number";
  int64_t attempts = lj_json_int(payload, "maxAttempts", 0);
  if (lj_json_get(payload, "maxAttempts") != NULL && (attempts < 1 || attempts > MAX_ATTEMPTS)) return "maxAttempts must be a whole number from 1 to 1000";
  return NULL;
}

static int print(const cJSON *value, char **out) {
  lj_buffer text;
  lj_buffer_init(&text, (size_t)LJ_MAX_COMMAND_BYTES * 6 + 64); /* it came in a message; printed anew, each byte may become an escape */
  int code = lj_json_print(value, &text);
  if (code == LJ_OK) *out = lj_buffer_take(&text);
  if (code == LJ_OK && *out == NULL) code = LJ_NOMEM;
  lj_buffer_free(&text);
  return code;
}

static int dup_text(const char *text, char **out) {
  *out = text != NULL ? lj_strdup(text) : NULL;
  return text != NULL && *out == NULL ? LJ_NOMEM : LJ_OK;
}

static int read_data(const cJSON *payload, char **out) {
  const cJSON *data = lj_json_object(payload, "data");
  if (data != NULL) return print(data, out);
  cJSON *object = cJSON_CreateObject();
  int code = object != NULL ? lj_json_put_string(object, "prompt", lj_json_string(payload, "prompt")) : LJ_NOMEM;
  if (code == LJ_OK) code = print(object, out);
  cJSON_Delete(object);
  return code;
}

static int read_request(const lj_asked *asked, lj_pending *pending) {
  const cJSON *payload = asked->payload;
  const char *name = lj_json_string(payload, "name");
  const char *queue = lj_json_string(payload, "queue");
  char id[LJ_TOKEN_SIZE];
  pending->priority = lj_json_int(payload, "priority", PRIORITY);
  pending->max_attempts = lj_json_int(payload, "maxAttempts", ATTEMPTS);
  int code = dup_text(asked->id, &pending->answer);
  if (code == LJ_OK && lj_json_get(payload, "jobId") == NULL) code = lj_random_hex(id, sizeof id / 2);
  if (code == LJ_OK) code = dup_text(lj_json_get(payload, "jobId") != NULL ? lj_json_string(payload, "jobId") : id, &pending->job);
  if (code == LJ_OK) code = dup_text(name != NULL ? name : "process_request", &pending->name);
  if (code == LJ_OK) code = dup_text(queue != NULL ? queue : "default", &pending->queue);
  if (code == LJ_OK) code = dup_text(lj_json_string(payload, "model"), &pending->model);
  if (code == LJ_OK) code = read_data(payload, &pending->data);
  if (code == LJ_OK && lj_json_object(payload, "opts") != NULL) code = print(lj_json_object(payload, "opts"), &pending->opts);
  return code;
}

void lj_requests_ask(lj_engine *engine, const lj_asked *asked) {
  lj_requests *requests = &engine->requests;
  const char *wrong = asked->payload != NULL ? complaint(asked->payload) : "the payload needs either data, an object, or prompt, a string";
  if (wrong != NULL) {
    lj_asked_refuse(engine, asked, LJ_INVALID, wrong);
    return;
  }
  if (engine->failed || engine->suspended == LJ_SUSPENDED_RELEASED) {
    lj_asked_refuse(engine, asked, LJ_CLOSED, engine->failed ? "the worker does not run" : "the database is released; worker:resume opens it again");
    return;
  }
  if (requests->count >= engine->config.max_queue || requests->fresh_bytes > LJ_MAX_REQUEST_BYTES) {
    lj_asked_refuse(engine, asked, LJ_QUEUE_FULL, "as many requests wait for an answer as maxQueue of the configuration allows; no job was added");
    return;
  }
  lj_pending *pending = lj_calloc(1, sizeof *pending);
  int code = pending != NULL ? read_request(asked, pending) : LJ_NOMEM;
  if (code != LJ_OK) {
    pending_free(pending);
    lj_asked_refuse(engine, asked, code, "memory is short; no job was added");
    return;
  }
  if (requests->last != NULL)
    requests->last->next = pending;
  else
    requests->fresh = pending;
  requests->last = pending;
  requests->fresh_bytes += strlen(pending->data);
  requests->count++;
  engine->look = true; /* the transaction that writes it may claim it too */
}

bool lj_requests_unwritten(const lj_engine *engine) { return engine->requests.fresh != NULL; }

static int write_one(lj_engine *engine, lj_pending *pending, int64_t now_wall) {
  bool found = false;
  bool same = false;
  lj_insertion job = {.id = pending->job,
                      .queue = pending->queue,
                      .name = pending->name,
                      .model = pending->model,
                      .data = pending->data,
                      .opts = pending->opts,
                      .priority = pending->priority,
                      .max_attempts = pending->max_attempts,
                      .created_at = now_wall};
  int code = lj_insert_find(engine->store, &job, &found, &same);
  /* A row with this id is the same request, sent again, or another job. */
  pending->look = same;
  pending->code = found && !same ? LJ_INVALID : LJ_OK;
  if (code != LJ_OK || found) return code;
  pending->code = lj_insert_job(engine->store, &job);
  return pending->code == LJ_REFUSED ? LJ_OK : pending->code;
}

int lj_requests_write(lj_engine *engine, int64_t now_wall) {
  lj_requests *requests = &engine->requests;
  size_t bytes = 0;
  int code = LJ_OK;
  requests->written = 0;
  for (lj_pending *pending = requests->fresh; code == LJ_OK && pending != NULL && requests->written < MAX_WRITTEN; pending = pending->next) {
    bytes += strlen(pending->data);
    if (requests->written > 0 && bytes > MAX_WRITTEN_BYTES) break;
    code = write_one(engine, pending, now_wall);
    if (code == LJ_OK) requests->written++;
  }
  return code;
}

static void drop_row_texts(lj_pending *pending) {
  char **const texts[] = {&pending->queue, &pending->name, &pending->model, &pending->data, &pending->opts};
  for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
    lj_free(*texts[i]);
    *texts[i] = NULL;
  }
}

void lj_requests_written(lj_engine *engine) {
  lj_requests *requests = &engine->requests;
  for (; requests->written > 0; requests->written--) {
    lj_pending *pending = requests->fresh;
    requests->fresh = pending->next;
    if (requests->fresh == NULL) requests->last = NULL;
    requests->fresh_bytes -= strlen(pending->data);
    drop_row_texts(pending);
    if (pending->code == LJ_INVALID)
      refuse(engine, pending, lj_code_name(LJ_INVALID), "there is another job with this jobId; no job was added");
    if (pending->code == LJ_REFUSED)
      refuse(engine, pending, lj_code_name(LJ_REFUSED), "a trigger or a constraint of the app keeps the row from being added");
    if (pending->code == LJ_OK && pending->answer != NULL) {
      pending->next = requests->waiting;
      requests->waiting = pending;
      if (pending->look) requests->look = true;
    } else {
      requests->count--;
      pending_free(pending);
    }
  }
}

/* --- A row becomes an answer --- */

void lj_requests_ended(lj_engine *engine, const char *id) {
  for (lj_pending *pending = engine->requests.waiting; pending != NULL; pending = pending->next) {
    if (strcmp(pending->job, id) != 0) continue;
    pending->look = true;
    engine->requests.look = true;
  }
}

typedef struct reading {
  lj_engine *engine;
  lj_pending *pending;
  bool answered;
  bool crowded;
} reading;

/* The column's text as it stands, so that a large result is printed once only. */
static cJSON *result_of(const char *text) {
  cJSON *value = NULL;
  if (text == NULL || lj_json_parse(text, strlen(text), &value) != LJ_OK) return cJSON_CreateNull();
  cJSON_Delete(value);
  return cJSON_CreateRaw(text);
}

static void answer_result(reading *read, const char *text) {
  lj_engine *engine = read->engine;
  lj_pending *pending = read->pending;
  size_t length = text != NULL ? strlen(text) : 0;
  if (length > MAX_RESULT) {
    refuse(engine, pending, lj_code_name(LJ_TOO_BIG), "the job has completed, but its result is too long for a message; it is in the row");
    read->answered = true;
    return;
  }
  read->crowded = lj_outbox_room(&engine->outbox) < length + strlen(pending->answer) * 6 + 256;
  if (read->crowded) return;
  cJSON *payload = cJSON_CreateObject();
  int code = payload != NULL ? lj_json_put_string(payload, "jobId", pending->job) : LJ_NOMEM;
  if (code == LJ_OK) code = lj_json_put_value(payload, "result", result_of(text));
  if (code != LJ_OK) {
    cJSON_Delete(payload);
    read->crowded = true; /* memory is short: it is tried again */
    return;
  }
  lj_outbox_post(&engine->outbox, pending->answer, "worker:processRequest", payload);
  read->answered = true;
}

static void answer_error(reading *read, const char *status, const char *text) {
  cJSON *error = NULL;
  if (text != NULL && lj_json_parse(text, strlen(text), &error) == LJ_NOMEM) {
    read->crowded = true;
    return;
  }
  const char *code = lj_json_string(error, "code");
  const char *message = lj_json_string(error, "message");
  bool cancelled = strcmp(status, "cancelled") == 0;
  if (code == NULL) code = lj_code_name(cancelled ? LJ_CANCELLED : LJ_INVALID);
  if (message == NULL) message = cancelled ? "the job was cancelled" : "the job has failed; its row does not say why";
  refuse(read->engine, read->pending, code, message);
  read->answered = true;
  cJSON_Delete(error);
}

static void on_row(void *owner, const lj_row *row) {
  reading *read = owner;
  const char *status = row->status != NULL ? row->status : "";
  if (strcmp(status, "completed") == 0) answer_result(read, row->result);
  if (strcmp(status, "failed") == 0 || strcmp(status, "cancelled") == 0) answer_error(read, status, row->error);
}

/* LJ_OK: *gone says whether it was answered. LJ_BUSY: there is no room for the answer. */
static int look_at(lj_engine *engine, lj_pending *pending, bool *gone) {
  reading read = {.engine = engine, .pending = pending};
  bool found = false;
  if (lj_outbox_room(&engine->outbox) < ROOM) return LJ_BUSY;
  int code = lj_insert_read(engine->store, pending->job, on_row, &read, &found);
  *gone = false;
  if (code != LJ_OK) return code;
  if (read.crowded) return LJ_BUSY;
  if (!found) refuse(engine, pending, lj_code_name(LJ_NOT_FOUND), "the job's row was removed before it had ended");
  pending->look = false;
  *gone = read.answered || !found;
  return LJ_OK;
}

static void mark_all(lj_requests *requests, int64_t now_ms) {
  requests->look_at_all = false;
  requests->look_all_ms = now_ms + ALL_MS;
  requests->look = requests->waiting != NULL;
  for (lj_pending *pending = requests->waiting; pending != NULL; pending = pending->next) pending->look = true;
}

void lj_requests_turn(lj_engine *engine, int64_t now_ms) {
  lj_requests *requests = &engine->requests;
  if (requests->waiting == NULL) return;
  if (requests->look_at_all && now_ms >= requests->look_all_ms) mark_all(requests, now_ms);
  if (!requests->look || now_ms < requests->look_ms) return;
  requests->look = false;
  for (lj_pending **at = &requests->waiting; *at != NULL;) {
    lj_pending *pending = *at;
    bool gone = false;
    int code = pending->look ? look_at(engine, pending, &gone) : LJ_OK;
    if (code != LJ_OK) {
      requests->look = true;
      requests->look_ms = now_ms + (code == LJ_BUSY || code == LJ_NOMEM ? AGAIN_MS : TROUBLE_MS);
      return;
    }
    if (!gone) {
      at = &pending->next;
      continue;
    }
    *at = pending->next;
    requests->count--;
    pending_free(pending);
  }
}

int64_t lj_requests_next(const lj_engine *engine) {
  const lj_requests *requests = &engine->requests;
  if (requests->waiting == NULL) return INT64_MAX;
  if (requests->look) return requests->look_ms;
  return requests->look_at_all ? requests->look_all_ms : INT64_MAX;
}
