/* SPDX-License-Identifier: MIT
 *
 * Messages to the engine (docs/messages.md). commands.c finds the function of a channel; those that need a file of their own are
 * declared here.
 */
#ifndef LJ_ENGINE_COMMANDS_H
#define LJ_ENGINE_COMMANDS_H

#include <cjson/cJSON.h>

struct lj_engine;

/* One message, borrowed from its text; whoever answers later copies what is needed. */
typedef struct lj_asked {
  const char *id;        /* NULL: no answer is wanted */
  const char *channel;
  const cJSON *payload;  /* an object, or NULL */
} lj_asked;

/* Whatever comes is answered or ignored; nothing in a message can stop the engine. */
void lj_command(struct lj_engine *engine, const char *text);
/* Answers, if an answer is wanted. Takes ownership of payload; NULL: memory was short. */
void lj_asked_answer(struct lj_engine *engine, const lj_asked *asked, cJSON *payload);
void lj_asked_refuse(struct lj_engine *engine, const lj_asked *asked, int code, const char *why);

/* beat.c: worker:heartbeat and worker:throttle. */
void lj_beat_answer(struct lj_engine *engine, const lj_asked *asked);
void lj_beat_throttle(struct lj_engine *engine, const lj_asked *asked);
/* live.c: worker:subscribe. */
void lj_live_subscribe(struct lj_engine *engine, const lj_asked *asked);
/* requests.c: worker:processRequest. */
void lj_requests_ask(struct lj_engine *engine, const lj_asked *asked);
/* loads.c: worker:loadModel. */
void lj_loads_ask(struct lj_engine *engine, const lj_asked *asked);

#endif
