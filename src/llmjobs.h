/* SPDX-License-Identifier: MIT
 *
 * llm-jobs: the engine's only public header. C11, no JavaScript; a C program can link the library and use it alone.
 *
 * One engine serves one database file on one thread of its own. Its life is start → (send, notify, take)* → stop:
 *
 *  1. lj_engine_start checks the configuration, starts the thread and returns. Whether the database could be opened comes
 *     as the first event: `worker:ready`, or `worker:failed` with {code, message}, after which the engine only waits for
 *     lj_engine_stop.
 *  2. Every function but start and stop may be called from any thread at any time between the two.
 *  3. Messages in and out are JSON texts of the shapes in docs/messages.md: {id, channel, payload} in, arrays of
 *     {id, channel, payload | error} out.
 *  4. lj_engine_stop ends the thread: calls in flight are aborted and their attempts given back. To let them finish, send
 *     `worker:drain` first and wait for its answer. After stop the handle is gone.
 *  5. Never open the same database file with another copy of SQLite in this process (docs/architecture.md says why).
 */
#ifndef LLMJOBS_H
#define LLMJOBS_H

#ifdef __cplusplus
extern "C" {
#endif

typedef struct lj_engine lj_engine;

typedef struct lj_engine_options {
  const char *config; /* JSON text, see docs/configuration.md; copied */
  /* Called on the engine's thread when events wait and none waited before. It must not block and must not call back into
   * the engine; typically it wakes the thread that then calls lj_engine_take. */
  void (*on_events)(void *owner);
  void *owner;
  /* JSON array of messages that the engine reads before it opens the database and looks for its first job; NULL: none. */
  const char *messages;
} lj_engine_options;

/* Reads the environment variables that the configuration names, on the caller's thread; a later change of them has no effect.
 * 0, or a negative code; then *error (when not NULL) is {"code", "message"} JSON, to be freed with lj_engine_free_text. */
int lj_engine_start(const lj_engine_options *options, lj_engine **out, char **error);

/* Queues one message for the engine. 0, or negative: too many wait, too large, no memory, or not JSON. The answer comes as
 * an event with the message's id. */
int lj_engine_send(lj_engine *engine, const char *message);

/* "Look now": a row may have been inserted. Cheap, never fails; many calls before the engine looks count as one. */
void lj_engine_notify(lj_engine *engine);

/* Takes all waiting events as the text of a JSON array; *events is NULL when there are none. 0, or negative when memory is
 * short (the events stay). Caller frees with lj_engine_free_text. */
int lj_engine_take(lj_engine *engine, char **events);

void lj_engine_free_text(char *text);

/* Ends the thread and frees everything. Blocks until the thread has ended: some milliseconds. When another process holds the
 * database's lock it waits up to 1 s to give attempts back, and up to 5 s to write answers that have been paid for; what
 * could not be written then is recovered by the lease. */
void lj_engine_stop(lj_engine *engine);

/* The name of a code that a function above returned, "RATE_LIMITED"; never NULL. */
const char *lj_engine_code_name(int code);

/* {"version", "curl", "tls", "http2", "sqlite"}; static. */
const char *lj_engine_versions(void);

#ifdef __cplusplus
}
#endif
#endif
