/* SPDX-License-Identifier: MIT */
#include "engine/commands.h"

#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/memory.h"
#include "engine/state.h"

enum {
  DRAIN_MS = 5000,
  DAY_MS = 86400000,
  SUSPEND_MS = 20000 /* for how long an announced sleep that does not come keeps jobs waiting */
};

void lj_asked_answer(lj_engine *engine, const lj_asked *asked, cJSON *payload) {
  if (asked->id != NULL)
    lj_outbox_post(&engine->outbox, asked->id, asked->channel, payload);
  else
    cJSON_Delete(payload);
}

void lj_asked_refuse(lj_engine *engine, const lj_asked *asked, int code, const char *why) {
  if (asked->id != NULL) lj_outbox_refuse(&engine->outbox, asked->id, asked->channel, code, why);
}

static void answer_flag(lj_engine *engine, const lj_asked *asked, const char *key, bool flag) {
  cJSON *payload = cJSON_CreateObject();
  if (payload != NULL && lj_json_put_bool(payload, key, flag) != LJ_OK) {
    cJSON_Delete(payload);
    payload = NULL;
  }
  lj_asked_answer(engine, asked, payload);
}

static void run_stats(lj_engine *engine, const lj_asked *asked) {
  lj_asked_answer(engine, asked, lj_statistics(engine));
}

static void refuse_invalid(lj_engine *engine, const lj_asked *asked, const char *why) {
  lj_asked_refuse(engine, asked, LJ_INVALID, why);
}

/* The payload's queue, NULL: all of them. False when it is no text: what was meant for one queue must not concern all. */
static bool read_queue(lj_engine *engine, const lj_asked *asked, const char **queue) {
  const cJSON *value = lj_json_get(asked->payload, "queue");
  *queue = lj_json_string(asked->payload, "queue");
  if (value == NULL || (*queue != NULL && **queue != '\0')) return true;
  refuse_invalid(engine, asked, "queue must be the name of a queue; leave it out for all");
  return false;
}

/* Adds a name to a set, or refuses the message and says why. */
static bool add_name(lj_engine *engine, const lj_asked *asked, lj_names *names, const char *name) {
  int code = lj_names_add(names, name);
  if (code != LJ_OK)
    lj_asked_refuse(engine, asked, code, "no more names can be kept; resume or let go of some first");
  return code == LJ_OK;
}

static void run_pause(lj_engine *engine, const lj_asked *asked) {
  const char *queue = NULL;
  if (!read_queue(engine, asked, &queue)) return;
  if (queue == NULL) engine->paused = true;
  if (queue == NULL || add_name(engine, asked, &engine->paused_queues, queue)) answer_flag(engine, asked, "paused", true);
}

/* Tells whoever waits for a drain or a release that it will not come about. */
static void refuse_drain(lj_engine *engine, const char *why) {
  if (engine->drain_id == NULL) return;
  lj_outbox_refuse(&engine->outbox, engine->drain_id, engine->drain_channel, LJ_INTERRUPTED, why);
  lj_free(engine->drain_id);
  engine->drain_id = NULL;
}

static void run_resume(lj_engine *engine, const lj_asked *asked) {
  const char *queue = NULL;
  if (!read_queue(engine, asked, &queue)) return;
  if (queue != NULL) lj_names_remove(&engine->paused_queues, queue);
  if (queue == NULL) {
    engine->paused = false;
    if (engine->drain_channel != NULL && strcmp(engine->drain_channel, "worker:release") == 0) {
      refuse_drain(engine, "worker:resume came before the database was closed");
      engine->draining = false;
    }
    lj_guard_reopen(engine);
  }
  engine->look = true;
  answer_flag(engine, asked, "paused", false);
}

static bool names_provider(const lj_engine *engine, const char *lane) {
  size_t length = strcspn(lane, "/");
  for (size_t i = 0; i < engine->config.provider_count; i++) {
    const char *name = engine->config.providers[i].name;
    if (strlen(name) == length && strncmp(name, lane, length) == 0) return true;
  }
  return false;
}

static void run_hold(lj_engine *engine, const lj_asked *asked) {
  const char *lane = lj_json_string(asked->payload, "lane");
  bool held = lj_json_bool(asked->payload, "held", true);
  if (lane == NULL) {
    lj_asked_refuse(engine, asked, LJ_INVALID, "lane must be \"provider/model\" or the name of a provider");
    return;
  }
  if (!names_provider(engine, lane)) {
    refuse_invalid(engine, asked, "lane names no provider of the configuration");
    return;
  }
  if (held && !add_name(engine, asked, &engine->held_lanes, lane)) return;
  if (!held) lj_names_remove(&engine->held_lanes, lane);
  engine->look = true;
  answer_flag(engine, asked, "held", held);
}

static void run_drain(lj_engine *engine, const lj_asked *asked) {
  int64_t deadline = lj_json_int(asked->payload, "deadlineMs", DRAIN_MS);
  if (deadline < 0 || deadline > DAY_MS) {
    lj_asked_refuse(engine, asked, LJ_INVALID, "deadlineMs must be a whole number from 0 to 86400000");
    return;
  }
  refuse_drain(engine, "another worker:drain or worker:release has replaced this one");
  engine->draining = true;
  engine->drain_interrupted = 0;
  engine->drain_channel = strcmp(asked->channel, "worker:release") == 0 ? "worker:release" : "worker:drain";
  engine->drain_until_ms = lj_mono_ms() + deadline;
  engine->drain_id = lj_strdup(asked->id);
}

static void run_secret(lj_engine *engine, const lj_asked *asked) {
  const char *name = lj_json_string(asked->payload, "name");
  bool known = false;
  int code = name != NULL ? lj_secrets_give(engine, name, lj_json_string(asked->payload, "value"), &known) : LJ_INVALID;
  if (code != LJ_OK)
    lj_asked_refuse(engine, asked, code,
                     name == NULL ? "worker:secret needs {name, value}" : "the value is no key: it has a space or a line end in it");
  if (code == LJ_OK) answer_flag(engine, asked, "known", known);
}

static void run_cancel(lj_engine *engine, const lj_asked *asked) {
  const char *job = lj_json_string(asked->payload, "jobId");
  if (engine->suspended == LJ_SUSPENDED_RELEASED) {
    lj_asked_refuse(engine, asked, LJ_CLOSED, "the database is released; worker:resume opens it again");
    return;
  }
  int code = job != NULL ? lj_cancels_add(engine, job, asked->id) : LJ_INVALID;
  if (code != LJ_OK)
    lj_asked_refuse(engine, asked, code,
                     job == NULL ? "jobId must be the id of a job" : "the job was not cancelled: too much waits to be written, or memory is short");
}

/* The texts of a message may be keys. */
static void wipe_texts(cJSON *item, int depth) {
  for (; item != NULL; item = item->next) {
    if (cJSON_IsString(item)) lj_wipe(item->valuestring, strlen(item->valuestring));
    if (depth > 0) wipe_texts(item->child, depth - 1);
  }
}

static void run_power(lj_engine *engine, const lj_asked *asked) {
  const char *event = lj_json_string(asked->payload, "event");
  bool known = event != NULL && (strcmp(event, "suspend") == 0 || strcmp(event, "resume") == 0 || strcmp(event, "online") == 0 ||
                                strcmp(event, "offline") == 0);
  if (!known) {
    refuse_invalid(engine, asked, "event must be suspend, resume, online or offline");
    return;
  }
  bool woke = strcmp(event, "resume") == 0;
  /* A call that begins now would be cut and paid twice. Somebody may change his mind about the sleep, and nobody tells. */
  if (strcmp(event, "suspend") == 0) engine->claim_after_ms = lj_mono_ms() + SUSPEND_MS;
  bool back = woke || strcmp(event, "online") == 0;
  /* A sleep that was too short for the clocks to show it has broken connections all the same. */
  if (woke)
    lj_after_sleep(engine, lj_mono_ms());
  else if (back)
    lj_lanes_nudge(&engine->lanes, NULL, 0, lj_mono_ms());
  answer_flag(engine, asked, "probing", back);
}

static void run_notify(lj_engine *engine, const lj_asked *asked) {
  (void)asked;
  (void)lj_mailbox_notify(&engine->mailbox);
}

static const struct {
  const char *channel;
  void (*run)(lj_engine *engine, const lj_asked *asked);
  bool always; /* also when allowedAPIs has no "ipc": what watches and ends a worker, and what its jobs need */
} channels[] = {
    {"worker:heartbeat", lj_beat_answer, true},
    {"worker:notify", run_notify, true},
    {"worker:drain", run_drain, true},
    {"worker:secret", run_secret, true},
    {"worker:power", run_power, true},
    {"worker:throttle", lj_beat_throttle, true},
    {"worker:stats", run_stats, false},
    {"worker:pause", run_pause, false},
    {"worker:resume", run_resume, false},
    {"worker:hold", run_hold, false},
    {"worker:release", run_drain, false},
    {"worker:cancel", run_cancel, false},
    {"worker:subscribe", lj_live_subscribe, false},
    {"worker:processRequest", lj_requests_ask, false},
    {"worker:loadModel", lj_loads_ask, false},
};

void lj_command(lj_engine *engine, const char *text) {
  cJSON *message = NULL;
  char number[32];
  if (lj_json_parse(text, strlen(text), &message) != LJ_OK) {
    lj_log_write(&engine->log, LJ_LOG_WARN, "a message to the worker is no JSON and was ignored");
    return;
  }
  lj_asked asked = {.id = lj_json_string(message, "id"),
                   .channel = lj_json_string(message, "channel"),
                   .payload = lj_json_object(message, "payload")};
  const cJSON *id = lj_json_get(message, "id");
  if (cJSON_IsNumber(id)) {
    (void)snprintf(number, sizeof number, "%.0f", id->valuedouble);
    asked.id = number;
  }
  size_t found = 0;
  size_t count = sizeof channels / sizeof channels[0];
  while (asked.channel != NULL && found < count && strcmp(channels[found].channel, asked.channel) != 0) found++;
  if (asked.channel != NULL && found < count && (channels[found].always || engine->config.allows_ipc)) {
    channels[found].run(engine, &asked);
  } else if (asked.channel != NULL && found < count) {
    lj_asked_refuse(engine, &asked, LJ_POLICY_DENIED, "allowedAPIs of the configuration has no \"ipc\": the worker answers only what watches and ends it");
  } else if (asked.id != NULL) {
    lj_outbox_refuse(&engine->outbox, asked.id, asked.channel != NULL ? asked.channel : "worker:unknown", LJ_NOT_FOUND,
                     "the worker knows no such channel; docs/messages.md lists them");
  }
  if (asked.channel == NULL || strcmp(asked.channel, "worker:secret") == 0) wipe_texts(message->child, 1);
  cJSON_Delete(message);
}
