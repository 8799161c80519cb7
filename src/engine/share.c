/* SPDX-License-Identifier: MIT
 *
 * What workers of one database know of one another, so that they stay within a provider's limits together. All of it is read
 * from rows: how many calls run in which lane, when calls began, what they cost, and which lane somebody has paused.
 *
 * The calls that run now are read each time; there are few. The rest is read by `revision`, each change once, and only when a limit
 * per minute or a budget is configured, or other workers have been seen: a worker that is alone, without limits, reads nothing.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "engine/state.h"
#include "queue/calls.h"

enum {
  COMPANIONS_MS = 600000, /* other workers count as present for so long after one was seen at work */
  EXPLAIN_MS = 2,         /* how long another worker's commit may take; longer, and more of the app's writes would be hidden */
  BATCH = 200,            /* rows read at once, also under the lock */
  BATCHES = 10            /* at once before the lock */
};

static bool has_minute_limit(const lj_provider_config *provider) {
  return provider->requests_per_minute > 0 || provider->tokens_per_minute > 0;
}

static bool weighs(const lj_config *config) {
  for (size_t i = 0; i < config->provider_count; i++)
    if (config->providers[i].tokens_per_minute > 0) return true;
  return false;
}

/* Limits that calls which have ended count in, too. */
static bool has_limits(const lj_config *config) {
  for (size_t i = 0; i < config->provider_count; i++)
    if (has_minute_limit(&config->providers[i]) || lj_budget_exists(&config->providers[i])) return true;
  return false;
}

static bool reads_changes(const lj_engine *engine, int64_t now_ms) {
  const lj_config *config = &engine->config;
  return engine->share.companions_until_ms > now_ms || has_limits(config);
}

static bool has_budget(const lj_config *config) {
  for (size_t i = 0; i < config->provider_count; i++)
    if (lj_budget_exists(&config->providers[i])) return true;
  return false;
}

static bool reads_others(const lj_engine *engine, int64_t now_ms) {
  const lj_config *config = &engine->config;
  if (reads_changes(engine, now_ms) || lj_lanes_troubled(&engine->lanes)) return true;
  for (size_t i = 0; i < config->provider_count; i++)
    if (config->providers[i].max_concurrent > 0) return true;
  return false;
}

bool lj_share_arranges(const lj_engine *engine, const lj_lane *lane, int64_t now_ms) {
  const lj_provider_config *provider = lane->provider;
  bool limited = provider->max_concurrent > 0 || has_minute_limit(provider) || lj_budget_exists(provider);
  return limited || lane->trouble > 0 || engine->share.companions_until_ms > now_ms;
}

/* The lane that a row names; NULL when its provider is not configured here. */
static lj_lane *lane_named(lj_engine *engine, const char *name, int64_t now_ms) {
  char text[LJ_LANE_NAME_SIZE];
  lj_target target;
  unsigned long key = 0;
  (void)snprintf(text, sizeof text, "%s", name);
  char *mark = strrchr(text, '#');
  if (mark != NULL && mark[1] >= '2' && mark[1] <= '9') key = strtoul(mark + 1, NULL, 10);
  if (lj_config_target(&engine->config, text, &target, NULL) != LJ_OK) return NULL;
  if (key > 1 && key <= target.provider->keys.count) {
    *mark = '\0';
    target.key = (size_t)key - 1;
  }
  return lj_lanes_get(&engine->lanes, &target, now_ms);
}

static int64_t mono_of(int64_t wall_ms) { return lj_mono_ms() - (lj_wall_ms() - wall_ms); }

static void on_other(void *listener, const char *name, int64_t processed_on) {
  lj_engine *engine = listener;
  lj_lane *lane = lane_named(engine, name, lj_mono_ms());
  if (lane == NULL) return;
  lane->others++;
  engine->lanes.provider_others[lane->provider->index]++;
  if (mono_of(processed_on) >= lane->paused_at_ms) lane->others_fresh++;
}

static int read_others(lj_engine *engine) {
  lj_lanes *lanes = &engine->lanes;
  for (size_t i = 0; i < lanes->count; i++) lanes->items[i]->others = lanes->items[i]->others_fresh = 0;
  memset(lanes->provider_others, 0, sizeof lanes->provider_others);
  return lj_calls_others(engine->store, engine->lease_owner, on_other, engine);
}

static int code_of(const char *name) {
  for (int code = -1; name != NULL && code > LJ_CODE_END; code--)
    if (strcmp(lj_code_name(code), name) == 0) return code;
  return LJ_OK;
}

/* One try of a row's history, or its last one as its error tells of it. */
static int hear_try(lj_engine *engine, const lj_changed_row *row, const cJSON *try, int64_t begun, int64_t ended, int64_t estimate) {
  char name[LJ_LANE_NAME_SIZE];
  const char *provider = lj_json_string(try, "provider");
  const char *model = lj_json_string(try, "model");
  const cJSON *usage = lj_json_object(try, "usage");
  int64_t key = lj_json_int(try, "key", 1);
  int code = code_of(lj_json_string(try, "code"));
  if (provider == NULL || model == NULL || begun <= 0) return LJ_OK;
  (void)snprintf(name, sizeof name, key > 1 ? "%s/%s#%lld" : "%s/%s", provider, model, (long long)key);
  lj_lane *lane = lane_named(engine, name, lj_mono_ms());
  if (lane == NULL) return LJ_OK;
  int64_t until = lj_json_int(try, "retryAt", 0);
  if (until > 0)
    lj_lane_hear_pause(&engine->lanes, lane, code, ended, until, lj_mono_ms());
  else if (code == LJ_OK && lane->trouble > 0)
    (void)lj_lane_success(&engine->lanes, lane, mono_of(begun));
  if (code == LJ_UNREACHABLE) {
    lj_window_drop(&lane->window, row->seq, begun);
    return LJ_OK;
  }
  lj_target target = {.provider = lane->provider, .model = model, .key = lane->key};
  int spent = lj_budget_spend(engine, &target, row->seq, begun, ended, usage);
  if (spent != LJ_OK) return spent;
  int64_t tokens = lj_json_int(usage, "inputTokens", 0) + lj_json_int(usage, "outputTokens", 0);
  if (usage == NULL) tokens = code == LJ_RATE_LIMITED ? 0 : estimate;
  return lj_admission_note(lane, row->seq, begun, tokens);
}

static int hear_history(lj_engine *engine, const lj_changed_row *row, int64_t estimate) {
  cJSON *list = NULL;
  const cJSON *item = NULL;
  if (row->history == NULL) return LJ_OK;
  int code = lj_json_parse(row->history, strlen(row->history), &list);
  if (code == LJ_OK)
    cJSON_ArrayForEach(item, list) if (code == LJ_OK)
      code = hear_try(engine, row, item, lj_json_int(item, "startedAt", 0), lj_json_int(item, "endedAt", 0), estimate);
  cJSON_Delete(list);
  return code == LJ_INVALID ? LJ_OK : code; /* somebody has spoilt it */
}

/* A try that did not count has left no entry, only its error. */
static int hear_error(lj_engine *engine, const lj_changed_row *row, int64_t estimate) {
  cJSON *error = NULL;
  if (row->active || row->error == NULL) return LJ_OK;
  int code = lj_json_parse(row->error, strlen(row->error), &error);
  int64_t ended = lj_json_int(error, "at", 0);
  if (code == LJ_OK && ended >= row->processed_on) code = hear_try(engine, row, error, row->processed_on, ended, estimate);
  cJSON_Delete(error);
  return code == LJ_INVALID ? LJ_OK : code;
}

static bool tells_pause(const char *text) { return text != NULL && strstr(text, "\"retryAt\"") != NULL; }

static int on_changed(void *listener, const lj_changed_row *row) {
  lj_engine *engine = listener;
  if (row->ours || row->name == NULL) return LJ_OK; /* its call has been counted when it began */
  /* Most rows of workers without limits say nothing that matters here. */
  bool matters = has_limits(&engine->config) || lj_lanes_troubled(&engine->lanes);
  if (!matters && !tells_pause(row->error) && !tells_pause(row->history)) return LJ_OK;
  int64_t estimate = lj_admission_estimate(&engine->config, row->name, row->bytes, row->max_tokens);
  lj_lane *lane = lane_named(engine, row->lane, lj_mono_ms());
  int code = LJ_OK;
  if (lane != NULL && row->processed_on > 0) code = lj_admission_note(lane, row->seq, row->processed_on, estimate);
  if (code == LJ_OK) code = hear_history(engine, row, estimate);
  if (code == LJ_OK) code = hear_error(engine, row, estimate);
  return code == LJ_TOO_BIG ? LJ_OK : code; /* the window is full: its lane takes nothing anyway */
}

static int read_changes(lj_engine *engine, int64_t now_wall, int batches) {
  lj_share *share = &engine->share;
  size_t count = BATCH;
  int code = has_budget(&engine->config) ? lj_budget_day(engine, now_wall) : LJ_OK;
  if (code != LJ_OK) return code;
  if (share->read.revision == 0) {
    /* They are never behind the clock. */
    int64_t from = now_wall - LJ_WINDOW_MS;
    if (has_budget(&engine->config) && engine->spending.from < from) from = engine->spending.from;
    share->read.revision = from * 1000;
  }
  for (int i = 0; code == LJ_OK && count == BATCH && i < batches; i++)
    code = lj_calls_changed(engine->store, engine->lease_owner, weighs(&engine->config), BATCH, &share->read, &count, on_changed,
                            engine);
  engine->lanes.behind = count == BATCH;
  return code;
}

/* It is mostly workers that change rows: what was changed lately, and not by us, shows that there are others. */
static int look_for_companions(lj_engine *engine, int64_t now_ms, int64_t now_wall) {
  int64_t newest = 0;
  int code = lj_calls_newest(engine->store, &newest);
  if (code != LJ_OK) return code;
  bool late = newest > (now_wall - LJ_WINDOW_MS) * 1000;
  bool first = !engine->share.looked; /* then no change is ours, but for what was recovered */
  engine->share.looked = true;
  if (late && (first || newest > engine->store->own_revision)) engine->share.companions_until_ms = now_ms + COMPANIONS_MS;
  return LJ_OK;
}

/* Whether a worker has written since the last time, we included: each of its transactions that claims or completes gives rows a larger
 * revision. An app's adding of rows and writing to tables of its own gives none. */
static bool worker_wrote(lj_engine *engine) {
  int64_t before = engine->share.newest;
  bool by_worker = false;
  bool again = false;
  if (lj_calls_last(engine->store, &engine->share.newest, &by_worker) != LJ_OK) return false;
  /* What was committed since the change was seen is in the newest revision: it must not be seen again, with nothing to explain it. */
  return lj_store_changed(engine->store, &again) == LJ_OK && by_worker && engine->share.newest > before;
}

/* Beside other workers an app is seen in changes that no worker's transaction explains. One of ours explains a change too, because
 * the checkpoint after it looks like one, and so does another worker's that ends a little later, because a transaction that begins the
 * log anew looks like a change before it commits. A write of the app at such a time is not seen; most are, since the gaps of workers
 * are longer than this (gap.c). */
void lj_share_watch(lj_engine *engine, bool changed, int64_t now_ms) {
  lj_share *share = &engine->share;
  bool shared = share->companions_until_ms > now_ms;
  lj_gap_share(&engine->gap, shared);
  if (changed && shared && worker_wrote(engine)) {
    share->unexplained_ms = 0;
    return;
  }
  if (share->unexplained_ms > 0 && (changed || now_ms >= share->unexplained_ms + EXPLAIN_MS)) {
    lj_gap_saw_others(&engine->gap, share->unexplained_ms);
    share->unexplained_ms = 0;
  }
  if (changed && shared) share->unexplained_ms = now_ms;
  if (changed && !shared) lj_gap_saw_others(&engine->gap, now_ms);
}

int lj_share_look(lj_engine *engine, int64_t now_wall) {
  lj_share *share = &engine->share;
  int64_t now_ms = lj_mono_ms();
  int code = LJ_OK;
  if (share->changed) code = look_for_companions(engine, now_ms, now_wall);
  /* With limits, what we have written ourselves is read here too, so that little is left to be read under the lock. */
  if (code != LJ_OK || !(share->changed || engine->lanes.behind || has_limits(&engine->config))) return code;
  if (reads_others(engine, now_ms)) code = read_others(engine);
  if (code == LJ_OK && reads_changes(engine, now_ms)) code = read_changes(engine, now_wall, BATCHES);
  if (code == LJ_OK) share->changed = false;
  return code;
}

int lj_share_update(lj_engine *engine, int64_t now_wall) {
  int64_t now_ms = lj_mono_ms();
  int code = LJ_OK;
  if (reads_others(engine, now_ms)) code = read_others(engine);
  if (code == LJ_OK && reads_changes(engine, now_ms)) code = read_changes(engine, now_wall, 1);
  return code;
}
