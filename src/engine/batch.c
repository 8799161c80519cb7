/* SPDX-License-Identifier: MIT */
#include "engine/batch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/random.h"
#include "engine/state.h"
#include "http/ndjson.h"
#include "provider/batch.h"
#include "queue/batches.h"

enum {
  LOOK_MS = 1000,           /* between two looks at the table while there are batches */
  IDLE_LOOK_MS = 30000,     /* and while there are none: for those of workers that have died */
  FIND_MS = 2000,           /* a request that was under way when its worker died has been dealt with by then */
  STEP_MS = 20,             /* before a step that the lock of another process has put off */
  FIRST_WAIT_MS = 1000,     /* after trouble; doubles … */
  LAST_WAIT_MS = 300000,    /* … up to here */
  MAX_TROUBLES = 10,        /* before what has not been created runs by calls */
  OWNER_MS = 600000,        /* how long a batch belongs to its worker after its last note */
  CALL_MS = 600000,         /* a large upload, or results */
  MAX_REJECTED = 16
};

typedef enum batch_step {
  STEP_ADOPT,   /* notes that the batch is ours now */
  STEP_FIND,    /* looks for it at the provider */
  STEP_UPLOAD,
  STEP_CREATE,
  STEP_NOTE,    /* notes its id */
  STEP_POLL,
  STEP_RESULTS,
  STEP_FINISH,  /* once all answers are written: what is left runs by calls of its own, or fails */
  STEP_CANCEL,  /* nobody wants it any more */
  STEP_OVER
} batch_step;

struct lj_batch {
  lj_batch *next;
  lj_engine *engine;
  char mark[LJ_BATCH_MARK_SIZE];
  char id[LJ_BATCH_ID_SIZE];   /* "": not created, or not known */
  char file[LJ_BATCH_ID_SIZE]; /* of the upload */
  lj_target target;
  char *model;                 /* owned; target.model */
  char *text;                  /* what the rows say */
  int64_t at;                  /* wall clock of its sealing */
  int64_t until;               /* wall clock: ours until then */
  size_t sealed;               /* jobs that it began with */
  size_t jobs;                 /* in the table, at the last look */
  bool seen;                   /* by the look that is under way */
  batch_step step;
  int64_t step_at_ms;
  int troubles;                /* in a row */
  bool unsure;                 /* id was found by its size only: its results tell whether it is ours */
  bool foreign;                /* they have */
  char rejected[MAX_REJECTED][LJ_BATCH_ID_SIZE];
  size_t rejected_count;
  int why;                     /* code for what is left, with fault */
  lj_fault fault;
  lj_buffer entries;
  size_t entry_count;
  lj_batch_news news;
  size_t place;                /* of news.results */
  lj_wire wire;
  lj_call *call;
  lj_head head;
  lj_buffer body;
  lj_ndjson lines;
};

static const lj_batch_api *api_of(const lj_batch *batch) { return batch->target.provider->format->batch; }

static void batch_free(lj_batch *batch) {
  if (batch->call != NULL) lj_http_abort(batch->engine->http, batch->call);
  lj_wire_free(&batch->wire);
  lj_buffer_free(&batch->body);
  lj_buffer_free(&batch->entries);
  lj_ndjson_free(&batch->lines);
  lj_free(batch->text);
  lj_free(batch->model);
  lj_free(batch);
}

static int on_line(void *owner, const char *line, size_t length);

static lj_batch *batch_new(lj_engine *engine, const lj_target *target) {
  lj_batch *batch = lj_calloc(1, sizeof *batch);
  if (batch == NULL) return NULL;
  batch->engine = engine;
  batch->target = *target;
  batch->model = lj_strdup(target->model);
  batch->target.model = batch->model;
  lj_wire_init(&batch->wire);
  lj_buffer_init(&batch->body, LJ_MAX_BATCH_BODY);
  lj_buffer_init(&batch->entries, LJ_MAX_REQUEST_BYTES);
  lj_ndjson_init(&batch->lines, target->provider->max_response_bytes, on_line, batch);
  lj_fault_clear(&batch->fault);
  if (batch->model != NULL) return batch;
  batch_free(batch);
  return NULL;
}

static void add(lj_engine *engine, lj_batch *batch) {
  batch->next = engine->batches.first;
  engine->batches.first = batch;
  engine->batches.count++;
}

static void go(lj_batch *batch, batch_step step, int64_t wait_ms) {
  batch->step = step;
  batch->step_at_ms = lj_mono_ms() + wait_ms;
}

/* What the rows are to say: id "" while it is being created. */
static int write_text(lj_batch *batch, const char *id, int64_t until, char **out) {
  lj_buffer text;
  cJSON *json = cJSON_CreateObject();
  lj_buffer_init(&text, 8192);
  int code = json != NULL ? lj_json_put_string(json, "kind", "batch") : LJ_NOMEM;
  if (code == LJ_OK) code = lj_json_put_string(json, "batch", batch->mark);
  if (code == LJ_OK) code = lj_json_put_string(json, "state", id[0] != '\0' ? "created" : "creating");
  if (code == LJ_OK && id[0] != '\0') code = lj_json_put_string(json, "id", id);
  if (code == LJ_OK) code = lj_json_put_string(json, "provider", batch->target.provider->name);
  if (code == LJ_OK) code = lj_json_put_number(json, "key", (double)batch->target.key);
  if (code == LJ_OK) code = lj_json_put_string(json, "model", batch->model);
  if (code == LJ_OK) code = lj_json_put_number(json, "jobs", (double)batch->sealed);
  if (code == LJ_OK) code = lj_json_put_number(json, "at", (double)batch->at);
  if (code == LJ_OK) code = lj_json_put_string(json, "owner", batch->engine->lease_owner);
  if (code == LJ_OK) code = lj_json_put_number(json, "until", (double)until);
  if (code == LJ_OK) code = lj_json_print(json, &text);
  *out = code == LJ_OK ? lj_buffer_take(&text) : NULL;
  if (code == LJ_OK && *out == NULL) code = LJ_NOMEM;
  lj_buffer_free(&text);
  cJSON_Delete(json);
  return code;
}

/* A transaction of its own, within the gaps that others are left. */
static int begin(lj_engine *engine) {
  int64_t now_us = lj_mono_us();
  if (now_us < engine->gap.write_at_us) return LJ_BUSY;
  int code = lj_store_begin(engine->store, true);
  if (code == LJ_BUSY) lj_gap_busy(&engine->gap, now_us);
  return code;
}

static int end(lj_engine *engine, int code, int64_t begun_us) {
  if (code == LJ_OK)
    code = lj_store_commit(engine->store);
  else
    lj_store_rollback(engine->store);
  if (code == LJ_OK) {
    int64_t now_us = lj_mono_us();
    engine->counters.writes++;
    lj_gap_wrote(&engine->gap, now_us, now_us - begun_us);
  }
  return code;
}

/* Writes to the rows how far the batch has come. LJ_STALE: somebody else goes on with it, or no job is left. */
static int note(lj_batch *batch, const char *id) {
  lj_engine *engine = batch->engine;
  int64_t begun_us = lj_mono_us();
  int64_t until = lj_wall_ms() + OWNER_MS;
  bool changed = false;
  char *text = NULL;
  int code = write_text(batch, id, until, &text);
  if (code == LJ_OK) code = begin(engine);
  if (code == LJ_OK) {
    code = lj_batches_note(engine->store, batch->mark, batch->text, text, &changed);
    code = end(engine, code, begun_us);
  }
  if (code == LJ_OK && changed) {
    lj_free(batch->text);
    batch->text = text;
    batch->until = until;
    return LJ_OK;
  }
  lj_free(text);
  return code == LJ_OK ? LJ_STALE : code;
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
    lj_log_write(&engine->log, LJ_LOG_INFO, "jobs with opts.batch run as any other where no provider of their route has batches: %s", model != NULL ? model : name);
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
  int code = lj_batches_pick(store, place, batch->target.provider->batch.max_jobs, api_of(batch)->max_bytes / 4, rows, &batch->jobs);
  batch->sealed = batch->jobs;
  if (code == LJ_OK) code = write_text(batch, "", batch->until, &batch->text);
  return code == LJ_OK ? lj_batches_seal(store, rows, batch->jobs, batch->mark, batch->text) : code;
}

/* Gathered jobs become a batch of ours. */
static void seal(lj_engine *engine, const char *place, const lj_target *target) {
  int64_t begun_us = lj_mono_us();
  lj_batch *batch = batch_new(engine, target);
  if (batch == NULL) return;
  batch->at = lj_wall_ms();
  batch->until = batch->at + OWNER_MS;
  int code = lj_random_hex(batch->mark, (LJ_BATCH_MARK_SIZE - 1) / 2);
  if (code == LJ_OK) code = begin(engine);
  if (code == LJ_OK) code = end(engine, seal_rows(batch, place), begun_us);
  if (code != LJ_OK || batch->jobs == 0) {
    if (code != LJ_OK) engine->batches.look_at_ms = lj_mono_ms() + STEP_MS;
    batch_free(batch);
    return;
  }
  go(batch, STEP_UPLOAD, 0);
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
  if (free && target.provider != NULL && target.provider->format->batch != NULL && target.model != NULL) batch = batch_new(engine, &target);
  if (batch != NULL) batch->text = lj_strdup(remote);
  if (batch != NULL && batch->text == NULL) {
    batch_free(batch);
    batch = NULL;
  }
  if (batch != NULL) {
    memcpy(batch->mark, mark, LJ_BATCH_MARK_SIZE);
    batch->at = lj_json_int(json, "at", lj_wall_ms());
    batch->jobs = jobs;
    batch->sealed = (size_t)lj_json_int(json, "jobs", (int64_t)jobs);
    batch->seen = true;
    if (lj_batch_copy_id(batch->id, id, "/") != LJ_OK) batch->id[0] = '\0'; /* it is being created */
    go(batch, STEP_ADOPT, 0);
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
    if (!batch->seen && batch->step >= STEP_POLL && batch->step < STEP_FINISH && batch->call == NULL) {
      batch->jobs = 0;
      go(batch, STEP_CANCEL, 0);
    }
  if (code == LJ_OK && list->count == 0 && engine->batches.count == 0) engine->batches.look_at_ms = now_ms + IDLE_LOOK_MS;
  for (size_t i = 0; i < list->count; i++) lj_free(list->items[i].remote);
  lj_free(list);
}

/* The jobs that are left run by calls of their own, or fail: nothing more comes from the batch. */
static void give_up(lj_batch *batch, int code) {
  if (batch->fault.code == LJ_OK) lj_fault_set(&batch->fault, code, "the batch came to nothing");
  batch->why = code;
  go(batch, STEP_FINISH, 0);
}

static void again(lj_batch *batch, batch_step step) {
  int64_t wait = FIRST_WAIT_MS;
  for (int i = 0; i < batch->troubles && wait < LAST_WAIT_MS; i++) wait *= 2;
  if (batch->fault.retry_after_ms > wait) wait = batch->fault.retry_after_ms;
  batch->troubles++;
  lj_log_write(&batch->engine->log, LJ_LOG_WARN, "batch %s of provider %s: %s; next try in %lld ms", batch->mark, batch->target.provider->name,
               lj_code_name(batch->fault.code), (long long)wait);
  go(batch, step, wait);
}

static lj_run *run_of(lj_batch *batch, lj_job *job, int *code) {
  return lj_run_of_batch(batch->engine, job, batch->mark, &batch->target, batch->at, code);
}

/* One job's request, as its call would send it. */
static int on_entry(void *listener, lj_job *job) {
  lj_batch *batch = listener;
  char key[LJ_BATCH_KEY_SIZE];
  int code = LJ_OK;
  lj_run *run = run_of(batch, job, &code);
  if (run == NULL) return LJ_NOMEM;
  (void)snprintf(key, sizeof key, "%s-%lld", batch->mark, (long long)run->job.seq);
  if (code == LJ_OK) {
    code = api_of(batch)->add(&batch->entries, batch->entry_count, key, &run->wire);
    if (code == LJ_OK && batch->entries.length > api_of(batch)->max_bytes) code = LJ_TOO_BIG;
    if (code == LJ_INVALID) code = lj_fault_set(&run->fault, LJ_INTERRUPTED, "it does not fit into its batch");
    if (code == LJ_OK) batch->entry_count++;
    if (code == LJ_TOO_BIG || code == LJ_NOMEM || code == LJ_OK) {
      lj_run_free(run);
      return code;
    }
  }
  lj_run_end_batch(run, code); /* this one alone can't be sent */
  return LJ_OK;
}

static int build_entries(lj_batch *batch) {
  if (batch->entry_count > 0) return LJ_OK;
  lj_buffer_clear(&batch->entries);
  int code = lj_batches_jobs(batch->engine->store, batch->mark, LJ_SQL_NULL, on_entry, batch);
  if (code != LJ_OK) {
    batch->entry_count = 0;
    lj_buffer_clear(&batch->entries);
  }
  return code;
}

static void on_status(void *owner, int status) {
  lj_batch *batch = owner;
  memset(&batch->head, 0, sizeof batch->head);
  lj_rate_head_clear(batch->head.rates);
  batch->head.status = status;
}

static void on_header(void *owner, const char *name, size_t name_length, const char *value, size_t value_length) {
  (void)owner, (void)name, (void)name_length, (void)value, (void)value_length;
}

static int on_body(void *owner, const char *bytes, size_t length) {
  lj_batch *batch = owner;
  bool good = batch->head.status >= 200 && batch->head.status <= 299;
  if (batch->call != NULL) lj_http_touch(batch->call);
  if (good && batch->step == STEP_RESULTS && api_of(batch)->results_of == NULL) return lj_ndjson_feed(&batch->lines, bytes, length);
  return lj_buffer_append(&batch->body, bytes, length);
}

typedef struct answer_of {
  lj_batch *batch;
  const lj_batch_result *result;
} answer_of;

static int on_answer(void *listener, lj_job *job) {
  answer_of *given = listener;
  const lj_batch_result *result = given->result;
  lj_batch *batch = given->batch;
  int code = LJ_OK;
  lj_run *run = run_of(batch, job, &code);
  if (run == NULL) return LJ_NOMEM;
  if (code != LJ_OK) {
    lj_run_end_batch(run, code);
    return LJ_OK;
  }
  lj_buffer text;
  lj_buffer_init(&text, LJ_MAX_BATCH_BODY);
  if (result->body != NULL) code = lj_json_print(result->body, &text);
  if (code == LJ_OK)
    lj_run_answer_batch(run, result->status, text.data, text.length);
  else
    lj_run_free(run);
  lj_buffer_free(&text);
  return code;
}

/* One of the results. Those of jobs that have their answer already, or are wanted by nobody, find no row. */
static int take_result(lj_batch *batch, const cJSON *json) {
  lj_engine *engine = batch->engine;
  size_t mark = strlen(batch->mark);
  lj_batch_result result;
  if (engine->store == NULL || engine->suspended != LJ_SUSPENDED_NOT) return LJ_IO;
  int code = api_of(batch)->read_result(json, &result);
  bool ours = code == LJ_OK && strncmp(result.key, batch->mark, mark) == 0 && result.key[mark] == '-';
  if (code == LJ_OK && !ours && batch->unsure) {
    batch->foreign = true;
    code = LJ_CLOSED;
  } else if (ours) {
    batch->unsure = false;
    answer_of given = {batch, &result};
    int64_t seq = strtoll(result.key + mark + 1, NULL, 10);
    if (result.outcome == LJ_BATCH_ANSWERED) code = lj_batches_jobs(engine->store, batch->mark, seq, on_answer, &given);
  }
  return code;
}

static int on_line(void *owner, const char *line, size_t length) {
  cJSON *json = NULL;
  int code = lj_json_parse(line, length, &json);
  if (code == LJ_OK) code = take_result(owner, json);
  cJSON_Delete(json);
  return code == LJ_INVALID ? LJ_PROTOCOL : code;
}

static int take_results(lj_batch *batch, const cJSON *json) {
  const cJSON *item = NULL;
  int code = LJ_OK;
  cJSON_ArrayForEach(item, api_of(batch)->results_of(json)) if (code == LJ_OK) code = take_result(batch, item);
  return code;
}

static bool is_known(void *owner, const char *id) {
  const lj_batch *batch = owner;
  for (const lj_batch *other = batch->engine->batches.first; other != NULL; other = other->next)
    if (other != batch && strcmp(other->id, id) == 0) return true;
  for (size_t i = 0; i < batch->rejected_count; i++)
    if (strcmp(batch->rejected[i], id) == 0) return true;
  return false;
}

/* The provider knows the batch: from here on it is only polled. */
static void created(lj_batch *batch) {
  lj_buffer_free(&batch->entries);
  batch->troubles = 0;
  go(batch, STEP_NOTE, 0);
}

static void read_list(lj_batch *batch, const cJSON *json) {
  const lj_batch_api *api = api_of(batch);
  lj_batch_search search = {.mark = batch->mark, .least = batch->jobs, .most = batch->sealed, .is_known = is_known, .owner = batch};
  if (api->find(json, &search, batch->id) != LJ_OK) {
    lj_fault_set(&batch->fault, LJ_PROTOCOL, "the provider's list of batches can't be read");
    again(batch, STEP_FIND);
    return;
  }
  batch->troubles = 0;
  batch->unsure = batch->id[0] != '\0' && !api->has_mark;
  if (batch->id[0] == '\0')
    go(batch, STEP_UPLOAD, 0);
  else if (batch->unsure)
    go(batch, STEP_POLL, 0);
  else
    created(batch);
}

static void read_poll(lj_batch *batch, const cJSON *json) {
  if (api_of(batch)->read_batch(json, &batch->news) != LJ_OK) {
    lj_fault_set(&batch->fault, LJ_PROTOCOL, "what the provider says of the batch can't be read");
    again(batch, STEP_POLL);
    return;
  }
  batch->troubles = 0;
  batch->place = 0;
  if (batch->news.state == LJ_BATCH_WORKING) {
    go(batch, STEP_POLL, batch->target.provider->batch.poll_ms);
  } else if (batch->news.state == LJ_BATCH_ENDED) {
    go(batch, STEP_RESULTS, 0);
  } else {
    lj_fault_set(&batch->fault, LJ_BAD_REQUEST, "the provider refused the batch: %.400s", batch->news.message);
    give_up(batch, LJ_BAD_REQUEST);
  }
}

static void results_read(lj_batch *batch) {
  if (batch->foreign) {
    batch->foreign = batch->unsure = false;
    if (batch->rejected_count < MAX_REJECTED) memcpy(batch->rejected[batch->rejected_count++], batch->id, sizeof batch->id);
    batch->id[0] = '\0';
    go(batch, batch->rejected_count < MAX_REJECTED ? STEP_FIND : STEP_UPLOAD, 0);
    return;
  }
  batch->troubles = 0;
  batch->place++;
  if (batch->place < 2 && batch->news.results[batch->place][0] != '\0') {
    go(batch, STEP_RESULTS, 0);
    return;
  }
  lj_fault_set(&batch->fault, LJ_TIMEOUT_TOTAL, "the batch ended at the provider without an answer to this job");
  give_up(batch, LJ_TIMEOUT_TOTAL);
}

static void read_answer(lj_batch *batch, const cJSON *json) {
  const lj_batch_api *api = api_of(batch);
  switch (batch->step) {
    case STEP_FIND:
      read_list(batch, json);
      break;
    case STEP_UPLOAD:
      if (api->read_upload(json, batch->file) == LJ_OK) {
        go(batch, STEP_CREATE, 0);
        break;
      }
      lj_fault_set(&batch->fault, LJ_PROTOCOL, "what the provider says of the upload can't be read");
      again(batch, STEP_UPLOAD);
      break;
    case STEP_CREATE:
      if (api->read_batch(json, &batch->news) == LJ_OK) {
        memcpy(batch->id, batch->news.id, sizeof batch->id);
        created(batch);
        break;
      }
      lj_fault_set(&batch->fault, LJ_PROTOCOL, "what the provider says of the new batch can't be read");
      again(batch, STEP_FIND); /* it may well be there */
      break;
    case STEP_POLL:
      read_poll(batch, json);
      break;
    default:
      go(batch, STEP_OVER, 0);
      break;
  }
}

/* A request has failed; batch->fault says how. */
static void stumble(lj_batch *batch, int code) {
  int status = batch->head.status;
  bool passes = lj_code_class(code) == LJ_CLASS_TRANSIENT || lj_code_class(code) == LJ_CLASS_LANE || lj_code_class(code) == LJ_CLASS_INTERNAL;
  bool refused = status >= 400 && status < 500 && status != 408 && status != 409;
  switch (batch->step) {
    case STEP_UPLOAD:
      if (passes && batch->troubles < MAX_TROUBLES)
        again(batch, STEP_UPLOAD);
      else
        give_up(batch, code);
      break;
    case STEP_CREATE: /* unless it was refused it may have happened */
      if (refused && !passes)
        give_up(batch, code);
      else
        again(batch, refused ? STEP_CREATE : STEP_FIND);
      break;
    case STEP_POLL:
    case STEP_RESULTS:
      if (status == 404)
        give_up(batch, code);
      else
        again(batch, STEP_POLL);
      break;
    case STEP_FIND:
      again(batch, STEP_FIND);
      break;
    default:
      go(batch, STEP_OVER, 0);
      break;
  }
}

static void on_end(void *owner, int code, const lj_fault *fault) {
  lj_batch *batch = owner;
  const lj_provider_config *provider = batch->target.provider;
  const lj_key *key = batch->target.key < provider->keys.count ? &provider->keys.items[batch->target.key] : NULL;
  bool good = batch->head.status >= 200 && batch->head.status <= 299;
  bool lines = good && batch->step == STEP_RESULTS && api_of(batch)->results_of == NULL;
  cJSON *json = NULL;
  batch->call = NULL;
  lj_wire_free(&batch->wire);
  lj_fault_clear(&batch->fault);
  if (code == LJ_OK && lines) code = lj_ndjson_end(&batch->lines);
  if (batch->step == STEP_RESULTS && batch->foreign) code = LJ_OK;
  if (code == LJ_OK && !lines) {
    int parsed = lj_json_parse(batch->body.data, batch->body.length, &json);
    if (!good) {
      provider->format->classify(&batch->head, json, batch->body.data, batch->body.length, &batch->fault);
      code = batch->fault.code;
    } else if (parsed != LJ_OK) {
      code = parsed == LJ_NOMEM ? LJ_NOMEM : LJ_PROTOCOL;
    } else if (batch->step == STEP_RESULTS) {
      code = take_results(batch, json);
    }
  } else if (code != LJ_OK) {
    batch->fault = *fault;
  }
  if (code != LJ_OK && batch->fault.code == LJ_OK) lj_fault_set(&batch->fault, code, "the provider's answer can't be read");
  if (key != NULL) {
    lj_fault_hide(&batch->fault, key->value);
    lj_fault_hide(&batch->fault, key->previous);
  }
  if (code != LJ_OK)
    stumble(batch, code);
  else if (batch->step == STEP_RESULTS)
    results_read(batch);
  else
    read_answer(batch, json);
  cJSON_Delete(json);
}

static int build(lj_batch *batch, const lj_endpoint *endpoint) {
  const lj_batch_api *api = api_of(batch);
  lj_wire *wire = &batch->wire;
  lj_fault *fault = &batch->fault;
  switch (batch->step) {
    case STEP_FIND:
      return api->build_list(endpoint, wire, fault);
    case STEP_UPLOAD:
      return api->build_upload(endpoint, batch->mark, &batch->entries, wire, fault);
    case STEP_CREATE:
      return api->build_create(endpoint, batch->model, batch->mark, batch->file, &batch->entries, wire, fault);
    case STEP_POLL:
      return api->build_poll(endpoint, batch->id, wire, fault);
    case STEP_RESULTS:
      return api->build_results(endpoint, batch->id, batch->news.results[batch->place], wire, fault);
    default:
      return api->build_cancel(endpoint, batch->id, wire, fault);
  }
}

static void request(lj_batch *batch) {
  lj_engine *engine = batch->engine;
  const lj_provider_config *provider = batch->target.provider;
  const lj_key *key = batch->target.key < provider->keys.count ? &provider->keys.items[batch->target.key] : NULL;
  if (!lj_secrets_ready(engine, provider, batch->target.key)) {
    go(batch, batch->step, FIRST_WAIT_MS);
    return;
  }
  lj_endpoint endpoint = {.provider = provider->name, .base_url = provider->base_url, .api_key = key != NULL ? key->value : NULL, .headers = provider->headers};
  lj_fault_clear(&batch->fault);
  lj_wire_init(&batch->wire);
  memset(&batch->head, 0, sizeof batch->head);
  lj_buffer_clear(&batch->body);
  lj_ndjson_free(&batch->lines);
  lj_ndjson_init(&batch->lines, provider->max_response_bytes, on_line, batch);
  int code = build(batch, &endpoint);
  if (code == LJ_OK) {
    lj_call_options options = {
        .wire = &batch->wire,
        .timeouts = {provider->timeouts.connect_ms, CALL_MS, provider->timeouts.idle_ms, CALL_MS},
        .target = provider->name,
        .proxy = provider->proxy,
        .ca_file = provider->ca_file,
        .listener = {.owner = batch, .on_status = on_status, .on_header = on_header, .on_body = on_body, .on_end = on_end}};
    code = lj_http_start(engine->http, &options, &batch->call, &batch->fault);
  }
  if (code == LJ_OK) {
    engine->counters.calls++;
    return;
  }
  lj_wire_free(&batch->wire);
  if (batch->fault.code == LJ_OK) lj_fault_set(&batch->fault, code, "memory is short");
  if (code == LJ_NOMEM)
    again(batch, batch->step);
  else if (batch->step == STEP_UPLOAD || batch->step == STEP_CREATE)
    give_up(batch, code);
  else
    go(batch, STEP_OVER, 0);
}

/* Whether jobs of it have ended and their rows do not say so yet. */
static bool is_writing(const lj_batch *batch) {
  for (const lj_run *run = batch->engine->ended.first; run != NULL; run = run->next)
    if (strcmp(run->batch, batch->mark) == 0) return true;
  for (const lj_run *run = batch->engine->refused.first; run != NULL; run = run->next)
    if (strcmp(run->batch, batch->mark) == 0) return true;
  return false;
}

static void submit(lj_batch *batch) {
  int code = build_entries(batch);
  if (code == LJ_TOO_BIG) {
    lj_fault_set(&batch->fault, LJ_BAD_REQUEST, "the batch is larger than one request may be; lower the provider's batch.maxJobs");
    give_up(batch, LJ_BAD_REQUEST);
  } else if (code != LJ_OK) {
    go(batch, STEP_UPLOAD, FIRST_WAIT_MS);
  } else if (is_writing(batch)) {
    go(batch, batch->step, STEP_MS); /* what can't be sent has left the batch before it is made: it can be told by its size */
  } else if (batch->entry_count == 0) {
    go(batch, STEP_OVER, 0); /* its jobs have ended meanwhile */
  } else {
    if (batch->step == STEP_UPLOAD && api_of(batch)->build_upload == NULL) batch->step = STEP_CREATE;
    request(batch);
  }
}

static int on_left(void *listener, lj_job *job) {
  lj_batch *batch = listener;
  int code = LJ_OK;
  lj_run *run = run_of(batch, job, &code);
  if (run == NULL) return LJ_NOMEM;
  run->fault = batch->fault;
  run->final = true;
  lj_run_end_batch(run, batch->why);
  return LJ_OK;
}

static void finish(lj_batch *batch) {
  lj_engine *engine = batch->engine;
  int64_t begun_us = lj_mono_us();
  int code = LJ_OK;
  if (is_writing(batch)) {
    go(batch, STEP_FINISH, STEP_MS);
    return;
  }
  if (batch->target.provider->batch.fallback) {
    code = begin(engine);
    if (code == LJ_OK) {
      code = lj_batches_leave(engine->store, batch->mark);
      code = end(engine, code, begun_us);
    }
    if (code == LJ_OK) engine->look = true;
  } else {
    code = lj_batches_jobs(engine->store, batch->mark, LJ_SQL_NULL, on_left, batch);
  }
  go(batch, code == LJ_OK ? STEP_OVER : STEP_FINISH, STEP_MS);
}

static void take_step(lj_batch *batch) {
  int code = LJ_OK;
  switch (batch->step) {
    case STEP_ADOPT:
    case STEP_NOTE:
      code = note(batch, batch->id);
      if (code == LJ_OK)
        go(batch, batch->id[0] != '\0' ? STEP_POLL : STEP_FIND, batch->id[0] != '\0' ? (batch->step == STEP_NOTE ? batch->target.provider->batch.poll_ms : 0) : FIND_MS);
      else if (code != LJ_STALE)
        go(batch, batch->step, STEP_MS);
      else
        go(batch, batch->step == STEP_NOTE ? STEP_CANCEL : STEP_OVER, 0);
      break;
    case STEP_UPLOAD:
    case STEP_CREATE:
      submit(batch);
      break;
    case STEP_POLL:
      /* Ours for longer, before the time is over. */
      if (batch->until - lj_wall_ms() < OWNER_MS / 2) {
        code = note(batch, batch->unsure ? "" : batch->id);
        if (code != LJ_OK) {
          go(batch, code == LJ_STALE ? STEP_OVER : STEP_POLL, STEP_MS);
          break;
        }
      }
      request(batch);
      break;
    case STEP_FINISH:
      finish(batch);
      break;
    case STEP_OVER:
      break;
    default:
      request(batch);
      break;
  }
}

void lj_batch_turn(lj_engine *engine, int64_t now_ms) {
  if (engine->draining) return;
  if (now_ms >= engine->batches.look_at_ms) look(engine, now_ms);
  for (lj_batch *batch = engine->batches.first; batch != NULL; batch = batch->next)
    if (batch->call == NULL && batch->step != STEP_OVER && now_ms >= batch->step_at_ms) take_step(batch);
  for (lj_batch **at = &engine->batches.first; *at != NULL;) {
    lj_batch *batch = *at;
    if (batch->step != STEP_OVER || batch->call != NULL) {
      at = &batch->next;
      continue;
    }
    *at = batch->next;
    engine->batches.count--;
    batch_free(batch);
  }
}

int64_t lj_batch_next(const lj_engine *engine) {
  int64_t next = engine->batches.look_at_ms;
  if (engine->draining) return INT64_MAX;
  for (const lj_batch *batch = engine->batches.first; batch != NULL; batch = batch->next)
    if (batch->call == NULL && batch->step_at_ms < next) next = batch->step_at_ms;
  return next;
}

void lj_batch_close(lj_engine *engine) {
  while (engine->batches.first != NULL) {
    lj_batch *batch = engine->batches.first;
    engine->batches.first = batch->next;
    batch_free(batch);
  }
  engine->batches.count = 0;
}
