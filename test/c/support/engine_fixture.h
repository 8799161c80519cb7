/* SPDX-License-Identifier: MIT
 *
 * A whole engine on a database of its own, with a loopback server for its providers: `p` (OpenAI-compatible) and `o`
 * (Ollama). The test plays the app: it writes rows over its own connection and takes the engine's events.
 */
#ifndef LJ_TEST_SUPPORT_ENGINE_FIXTURE_H
#define LJ_TEST_SUPPORT_ENGINE_FIXTURE_H

#include <pthread.h>

#include "llmjobs.h"
#include "support/loopback_server.h"
#include "support/queue_fixture.h"

enum { ENGINE_FIXTURE_REPLIES = 64 };

/* Events of one engine: what has been taken so far, and waiting for more. */
typedef struct event_log {
  lj_engine *engine;
  pthread_mutex_t lock; /* guards waiting */
  pthread_cond_t changed;
  bool waiting;         /* on_events was called since the last take */
  int calls;
  cJSON *seen;          /* array of all messages, in order */
} event_log;

typedef struct engine_fixture {
  queue_fixture queue;
  loopback_server *server;
  event_log events;
  char *kept[ENGINE_FIXTURE_REPLIES]; /* texts of replies */
  size_t kept_count;
  int next_id;
  char config[4096];
} engine_fixture;

int engine_setup(void **state);
int engine_teardown(void **state);
#define engine_test(function) cmocka_unit_test_setup_teardown(function, engine_setup, engine_teardown)

/* The configuration's text: `root` and `provider` are more members, like ",\"concurrency\":1", or "". Valid until the next. */
const char *engine_config(engine_fixture *fixture, const char *worker_id, const char *root, const char *provider);
/* Starts and waits for worker:ready. */
void engine_start(engine_fixture *fixture, const char *root, const char *provider);
void engine_stop(engine_fixture *fixture);

/* A second engine's events. */
void event_log_open(event_log *log);
void event_log_close(event_log *log);
void event_log_start(event_log *log, const char *config);
/* Takes what is there; every message must be valid JSON of one of the three shapes. */
void event_log_collect(event_log *log);
/* Waits, up to 20 seconds, until `done` says true of what has been collected. */
void event_log_wait(event_log *log, bool (*done)(event_log *log, const void *what), const void *what, const char *description);
/* The payload of the first message of that channel without an id. */
const cJSON *wait_event(event_log *log, const char *channel);
/* Sends a message and returns its whole answer. `payload` is JSON, or NULL. */
const cJSON *ask(engine_fixture *fixture, const char *channel, const char *payload);
const cJSON *ask_log(event_log *log, const char *id, const char *channel, const char *payload);
int64_t stat_of(engine_fixture *fixture, const char *key);

/* Waits for the item of worker:job that says so. */
void wait_job(engine_fixture *fixture, const char *id, const char *status);
/* All items of one job: "active/1 completed/1", with the code behind a colon: "delayed/1:SERVER_ERROR". */
const char *job_events(engine_fixture *fixture, const char *id);

/* The payload of a message; NULL when it has none. */
const cJSON *payload_of(const cJSON *message);

/* The app's side. */
#define HELLO "{\"prompt\":\"Hello\"}"
void add_job(engine_fixture *fixture, const char *id, const char *model, const char *data);

/* For assert_rows, with a job's id: what a run leaves in its row, and how it failed. */
#define JOB_ROW "SELECT status, attempts, stalls, progress, lease_owner, lease_token, lease_until FROM llm_jobs WHERE id = %Q"
#define NO_LEASE "-|-|-" /* the last three of JOB_ROW */
#define JOB_FAILURE \
  "SELECT status, attempts, json_extract(error, '$.code'), json_extract(error, '$.status'), json_array_length(history) " \
  "FROM llm_jobs WHERE id = %Q"
/* The job was completed at its first attempt by the answer of sse_reply or ollama_reply. */
void assert_completed(engine_fixture *fixture, const char *id);

/* An answer with its head; kept by the fixture. `head` holds more header lines, each ended by CRLF, or "". */
const char *http_reply(engine_fixture *fixture, int status, const char *type, const char *head, const char *body);
/* The wire texts of an answer "Hello world". */
const char *sse_reply(engine_fixture *fixture);
const char *ollama_reply(engine_fixture *fixture);
void script(engine_fixture *fixture, const char *bytes);            /* for all requests */
void script_for(engine_fixture *fixture, const char *when, const char *bytes);

#define SSE_TEXT(text) "data: {\"id\":\"c-1\",\"object\":\"chat.completion.chunk\",\"model\":\"served\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"" text "\"},\"finish_reason\":null}]}\n\n"
#define SSE_STOP "data: {\"id\":\"c-1\",\"object\":\"chat.completion.chunk\",\"model\":\"served\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n"
#define SSE_USAGE "data: {\"id\":\"c-1\",\"object\":\"chat.completion.chunk\",\"model\":\"served\",\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":2,\"total_tokens\":5}}\n\n"
#define SSE_DONE "data: [DONE]\n\n"
#define SSE_HELLO SSE_TEXT("Hello") SSE_TEXT(" world") SSE_STOP SSE_USAGE SSE_DONE

#endif
