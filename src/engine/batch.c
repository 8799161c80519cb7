/* SPDX-License-Identifier: MIT */
#include "engine/batch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/random.h"
#include "engine/batch_state.h"
#include "queue/batches.h"

enum {
  LOOK_MS = 1000,           /* between two looks at the table while there are batches */
  IDLE_LOOK_MS = 30000,     /* and while there are none: for those of workers that have died */
  FIND_MS = 2000            /* a request that was under way when its worker died has mostly been dealt with by then */
};

static void add(lj_engine *engine, lj_batch *batch) {
  batch->next = engine->batches.first;
  engine->batches.first = batch;
  engine->batches.count++;
}

const char *lj_batch_gathers(void *owner, const char *model, const char *name) {
  lj_engine *engine = owner;
  lj_route route;
  if (lj_route_find(&engine->config, model, name, &route, NULL) != LJ_OK) return NULL;
  for (size_t i = 0; i < route.count; i++) {
    if (!route.targets[i].provider->batch.on) continue;
    const lj_lane *lane = lj_lanes_get(&engine->lanes, &route.targets[i], lj_mono_ms());
    if (lane == NULL) return NULL;
    (void)snprintf(engine->batches.place, sizeof engine->batches.place, "+%s", lane->name);
    engine->batches.look_at_ms = 0;
    engine->passed_over = true; /* there may be more of them than one claim puts aside */
    return engine->batches.place;
  }
  if (!engine->batches.told)
    lj_log_write(&engine->log, LJ_LOG_INFO, "jobs with opts.batch run as any other where no provider of their route has batches: %s",
                 model != NULL ? model : name);
  engine->batches.told = true;
  return NULL;
}

/* From "+provider/model", with "#2" behind it for the second key. */
static bool target_of(const lj_engine *engine, const char *place, char model[LJ_LANE_NAME_SIZE], lj_target *target) {
  char name[LJ_LANE_NAME_SIZE];
  size_t length = strlen(place + 1);
  if (length >= sizeof name) return false;
  memcpy(name, place + 1, length + 1);
  if (lj_config_target(&engine->config, name, target, NULL) != LJ_OK) return false;
  char *hash = strrchr(name, '#');
  long key = hash != NULL ? strtol(hash + 1, NULL, 10) : 0;
  if (key >= 2 && (size_t)key <= target->provider->keys.count) {
    target->key = (size_t)key - 1;
    *hash = '\0';
  }
  (void)snprintf(model, LJ_LANE_NAME_SIZE, "%s", name + (target->model - name));
  target->model = model;
  return target->provider->batch.on;
}

/* Inside a transaction. */
static int seal_rows(lj_batch *batch, const char *place) {
  lj_store *store = batch->engine->store;
  int64_t rows[LJ_MAX_BATCH_JOBS];
  int code = lj_batches_pick(store, place, batch->target.provider->batch.max_jobs, lj_batch_api_of(batch)->max_bytes / 4, rows, &batch->jobs);
  batch->sealed = batch->jobs;
  if (code == LJ_OK) code = lj_batch_text(batch, "", batch->until, &batch->text);
  return code == LJ_OK ? lj_batches_seal(store, rows, batch->jobs, batch->mark, batch->text) : code;
}

/* Gathered jobs become a batch of ours. */
static void seal(lj_engine *engine, const char *place, const lj_target *target) {
  int64_t begun_us = lj_mono_us();
  lj_batch *batch = lj_batch_new(engine, target);
  if (batch == NULL) return;
  batch->at = lj_wall_ms();
  batch->until = batch->at + LJ_BATCH_OWNER_MS;
  int code = lj_random_hex(batch->mark, (LJ_BATCH_MARK_SIZE - 1) / 2);
  if (code == LJ_OK) code = lj_batch_begin(engine);
  if (code == LJ_OK) code = lj_batch_end(engine, seal_rows(batch, place), begun_us);
  if (code != LJ_OK || batch->jobs == 0) {
    if (code != LJ_OK) engine->batches.look_at_ms = lj_mono_ms() + LJ_BATCH_STEP_MS;
    lj_batch_free(batch);
    return;
  }
  batch->seen = true;
  lj_batch_go(batch, LJ_STEP_UPLOAD, 0);
  add(engine, batch);
}

/* Batches that others have left behind. */
static void adopt(lj_engine *engine, const char *mark, size_t jobs, const char *remote) {
  cJSON *json = NULL;
  lj_target target = {0};
  if (strlen(mark) != LJ_BATCH_MARK_SIZE - 1 || remote == NULL || lj_json_parse(remote, strlen(remote), &json) != LJ_OK) return;
  const char *owner = lj_json_string(json, "owner");
  const char *name = lj_json_string(json, "provider");
  const char *id = lj_json_string(json, "id");
  int64_t key = lj_json_int(json, "key", 0);
  bool ours = owner != NULL && strcmp(owner, engine->lease_owner) == 0; /* and dropped after trouble */
  bool free = ours || lj_json_int(json, "until", 0) < lj_wall_ms() || (owner != NULL && lj_owner_is_gone(engine->lease_owner, owner));
  target.model = lj_json_string(json, "model");
  for (size_t i = 0; free && name != NULL && i < engine->config.provider_count; i++)
    if (strcmp(engine->config.providers[i].name, name) == 0) target.provider = &engine->config.providers[i];
  target.key = key >= 0 && target.provider != NULL && (size_t)key < target.provider->keys.count ? (size_t)key : 0;
  /* What no provider of this worker knows is left to others, or runs by itself one day. */
  lj_batch *batch = NULL;
  if (free && target.provider != NULL && target.provider->format->batch != NULL && target.model != NULL) batch = lj_batch_new(engine, &target);
  if (batch != NULL) batch->text = lj_strdup(remote);
  if (batch != NULL && batch->text == NULL) {
    lj_batch_free(batch);
    batch = NULL;
  }
  if (batch != NULL) {
    memcpy(batch->mark, mark, LJ_BATCH_MARK_SIZE);
    batch->at = lj_json_int(json, "at", lj_wall_ms());
    batch->jobs = jobs;
    int64_t sealed = lj_json_int(json, "jobs", 0);
    batch->sealed = sealed >= (int64_t)jobs && sealed <= LJ_MAX_BATCH_JOBS ? (size_t)sealed : jobs;
    batch->seen = true;
    if (lj_batch_copy_id(batch->id, id, "/") != LJ_OK) batch->id[0] = '\0'; /* it is being created */
    lj_batch_go(batch, LJ_STEP_ADOPT, 0);
    add(engine, batch);
  }
  cJSON_Delete(json);
}

typedef struct found {
  char batch[272];
  char *remote;
  size_t jobs;
  int64_t gathered_at;
} found;

typedef struct look_list {
  found items[256];
  size_t count;
} look_list;

static void on_batch(void *listener, const char *batch, size_t jobs, int64_t gathered_at, const char *remote) {
  look_list *list = listener;
  if (list->count == sizeof list->items / sizeof list->items[0] || strlen(batch) >= sizeof list->items[0].batch) return;
  found *item = &list->items[list->count];
  item->remote = remote != NULL ? lj_strdup(remote) : NULL;
  if (remote != NULL && item->remote == NULL) return; /* memory is short: at the next look */
  memcpy(item->batch, batch, strlen(batch) + 1);
  item->jobs = jobs;
  item->gathered_at = gathered_at;
  list->count++;
}

static lj_batch *known(const lj_engine *engine, const char *mark) {
  for (lj_batch *batch = engine->batches.first; batch != NULL; batch = batch->next)
    if (strcmp(batch->mark, mark) == 0) return batch;
  return NULL;
}

/* The list may have been too long for it, or memory too short: only the table itself says that no job is left. */
static void drop_forsaken(lj_batch *batch) {
  bool any = true;
  bool unmade = batch->step == LJ_STEP_UPLOAD || batch->step == LJ_STEP_CREATE;
  bool made = batch->step == LJ_STEP_POLL || batch->step == LJ_STEP_RESULTS;
  if (!unmade && !made) return;
  if (lj_batch_is_writing(batch) || lj_batch_has_jobs(batch, &any) != LJ_OK || any) return;
  batch->jobs = 0;
  lj_batch_go(batch, made ? LJ_STEP_CANCEL : LJ_STEP_OVER, 0);
}

/* What the table says: full or old enough places become batches, forsaken batches ours, and those without jobs are cancelled. */
static void look(lj_engine *engine, int64_t now_ms) {
  look_list *list = lj_calloc(1, sizeof *list);
  int64_t now_wall = lj_wall_ms();
  engine->batches.look_at_ms = now_ms + LOOK_MS;
  if (list == NULL) return;
  for (lj_batch *batch = engine->batches.first; batch != NULL; batch = batch->next) batch->seen = false;
  int code = lj_batches_list(engine->store, on_batch, list);
  for (size_t i = 0; code == LJ_OK && i < list->count; i++) {
    const found *item = &list->items[i];
    char model[LJ_LANE_NAME_SIZE];
    lj_target target;
    lj_batch *batch = item->batch[0] != '+' ? known(engine, item->batch) : NULL;
    if (batch != NULL) {
      batch->seen = true;
      batch->jobs = item->jobs;
    } else if (item->batch[0] == '+') {
      if (engine->paused || engine->draining || engine->batches.count >= LJ_MAX_BATCHES) continue;
      if (!target_of(engine, item->batch, model, &target)) continue;
      int64_t left = item->gathered_at + target.provider->batch.max_wait_ms - now_wall;
      if (item->jobs >= target.provider->batch.max_jobs || left <= 0)
        seal(engine, item->batch, &target);
      else if (now_ms + left < engine->batches.look_at_ms)
        engine->batches.look_at_ms = now_ms + left;
    } else if (engine->batches.count < LJ_MAX_BATCHES) {
      adopt(engine, item->batch, item->jobs, item->remote);
    }
  }
  for (lj_batch *batch = engine->batches.first; code == LJ_OK && batch != NULL; batch = batch->next)
    if (!batch->seen && batch->call == NULL) drop_forsaken(batch);
  if (code == LJ_OK && list->count == 0 && engine->batches.count == 0) engine->batches.look_at_ms = now_ms + IDLE_LOOK_MS;
  for (size_t i = 0; i < list->count; i++) lj_free(list->items[i].remote);
  lj_free(list);
}

/* The batch is somebody else's, or has no job any more. One that was just created for nobody is cancelled; what another worker goes
 * on with is left to it. */
static void lose(lj_batch *batch) {
  bool any = true;
  bool made = batch->step == LJ_STEP_NOTE && lj_batch_has_jobs(batch, &any) == LJ_OK && !any;
  if (!made && batch->step == LJ_STEP_NOTE)
    lj_log_write(&batch->engine->log, LJ_LOG_WARN, "batch %s of provider %s: another worker goes on with it", batch->mark,
                 batch->target.provider->name);
  lj_batch_go(batch, made ? LJ_STEP_CANCEL : LJ_STEP_OVER, 0);
}

/* Ours for longer, before the time is over: no request that is begun now outlasts it. False: the step has to wait, or is not ours. */
static bool keep(lj_batch *batch) {
  if (batch->until - lj_wall_ms() > LJ_BATCH_CALL_MS + LJ_BATCH_WAIT_MS) return true;
  int code = lj_batch_note(batch, batch->unsure ? "" : batch->id);
  if (code == LJ_STALE)
    lose(batch);
  else if (code != LJ_OK)
    lj_batch_go(batch, batch->step, LJ_BATCH_STEP_MS);
  return code == LJ_OK;
}

static void take_step(lj_batch *batch) {
  int code = LJ_OK;
  switch (batch->step) {
    case LJ_STEP_ADOPT:
    case LJ_STEP_NOTE:
      code = lj_batch_note(batch, batch->id);
      if (code == LJ_OK && batch->id[0] == '\0')
        lj_batch_go(batch, LJ_STEP_FIND, FIND_MS);
      else if (code == LJ_OK)
        lj_batch_go(batch, LJ_STEP_POLL, batch->step == LJ_STEP_NOTE ? batch->target.provider->batch.poll_ms : 0);
      else if (code != LJ_STALE)
        lj_batch_go(batch, batch->step, LJ_BATCH_STEP_MS);
      else
        lose(batch);
      break;
    case LJ_STEP_UPLOAD:
    case LJ_STEP_CREATE:
      if (keep(batch)) lj_batch_submit(batch);
      break;
    case LJ_STEP_RESULTS:
      /* What is read again must not meet answers that are on their way to their rows. */
      if (lj_batch_is_writing(batch))
        lj_batch_go(batch, LJ_STEP_RESULTS, LJ_BATCH_STEP_MS);
      else if (keep(batch))
        lj_batch_request(batch);
      break;
    case LJ_STEP_FIND:
    case LJ_STEP_POLL:
      if (keep(batch)) lj_batch_request(batch);
      break;
    case LJ_STEP_FINISH:
      lj_batch_finish(batch);
      break;
    case LJ_STEP_OVER:
      break;
    default:
      lj_batch_request(batch);
      break;
  }
}

/* A drain begins nothing, but what was created meanwhile is noted, so that nobody has to look for it. */
static bool may_step(const lj_batch *batch) {
  if (batch->call != NULL || batch->step == LJ_STEP_OVER) return false;
  return !batch->engine->draining || (batch->step == LJ_STEP_NOTE && batch->id[0] != '\0');
}

void lj_batch_turn(lj_engine *engine, int64_t now_ms) {
  if (!engine->config.allows_llm) return;
  if (!engine->draining && now_ms >= engine->batches.look_at_ms) look(engine, now_ms);
  for (lj_batch *batch = engine->batches.first; batch != NULL; batch = batch->next)
    if (may_step(batch) && now_ms >= batch->step_at_ms) take_step(batch);
  for (lj_batch **at = &engine->batches.first; *at != NULL;) {
    lj_batch *batch = *at;
    if (batch->step != LJ_STEP_OVER || batch->call != NULL) {
      at = &batch->next;
      continue;
    }
    *at = batch->next;
    engine->batches.count--;
    lj_batch_free(batch);
  }
}

int64_t lj_batch_next(const lj_engine *engine) {
  int64_t next = engine->draining ? INT64_MAX : engine->batches.look_at_ms;
  if (!engine->config.allows_llm) return INT64_MAX;
  for (const lj_batch *batch = engine->batches.first; batch != NULL; batch = batch->next)
    if (may_step(batch) && batch->step_at_ms < next) next = batch->step_at_ms;
  return next;
}

void lj_batch_close(lj_engine *engine) {
  while (engine->batches.first != NULL) {
    lj_batch *batch = engine->batches.first;
    engine->batches.first = batch->next;
    lj_batch_free(batch);
  }
  engine->batches.count = 0;
}
