/* SPDX-License-Identifier: MIT
 *
 * A batch and its provider: what is asked, and what its answers mean.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/memory.h"
#include "engine/batch_state.h"
#include "policy/calendar.h"
#include "queue/batches.h"

enum {
  LAST_WAIT_MS = 300000, /* the longest wait after trouble */
  MAX_TROUBLES = 10,     /* uploads in a row that may fail before the jobs run by calls */
  LOOKS = 2,             /* through the whole list before a batch counts as not created … */
  LOOK_AGAIN_MS = 5000,  /* … since its creation may still be under way at the provider */
  SKEW_MS = 3600000,     /* a clock of ours may be ahead of the provider's by this */
  MAX_TAKEN = LJ_MAX_BATCH_BODY /* bytes of results in memory; the rest is read again when they are written */
};

static void again(lj_batch *batch, lj_batch_step step) {
  int64_t wait = LJ_BATCH_WAIT_MS;
  for (int i = 0; i < batch->troubles && wait < LAST_WAIT_MS; i++) wait *= 2;
  if (batch->fault.retry_after_ms > wait) wait = batch->fault.retry_after_ms;
  batch->troubles++;
  batch->page[0] = '\0';
  batch->pages = 0;
  lj_log_write(&batch->engine->log, LJ_LOG_WARN, "batch %s of provider %s: %s; next try in %lld ms", batch->mark, batch->target.provider->name,
               lj_code_name(batch->fault.code), (long long)wait);
  lj_batch_go(batch, step, wait);
}

/* One job's request, as its call would send it. */
static int on_entry(void *listener, lj_job *job) {
  lj_batch *batch = listener;
  char key[LJ_BATCH_KEY_SIZE];
  int code = LJ_OK;
  lj_run *run = lj_batch_run(batch, job, &code);
  if (run == NULL) return LJ_NOMEM;
  (void)snprintf(key, sizeof key, "%s-%lld", batch->mark, (long long)run->job.seq);
  if (code == LJ_OK) {
    code = lj_batch_api_of(batch)->add(&batch->entries, batch->entry_count, key, &run->wire);
    if (code == LJ_OK && batch->entries.length > lj_batch_api_of(batch)->max_bytes) code = LJ_TOO_BIG;
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
  if (good && batch->step == LJ_STEP_RESULTS && lj_batch_api_of(batch)->results_of == NULL) return lj_ndjson_feed(&batch->lines, bytes, length);
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
  lj_run *run = lj_batch_run(batch, job, &code);
  if (run == NULL) return LJ_NOMEM;
  if (code != LJ_OK) {
    lj_run_end_batch(run, code);
    return LJ_OK;
  }
  lj_buffer text;
  lj_buffer_init(&text, LJ_MAX_BATCH_BODY);
  if (result->body != NULL) code = lj_json_print(result->body, &text);
  batch->taken_bytes += text.length;
  if (code == LJ_OK)
    lj_run_answer_batch(run, result->status, text.data, text.length);
  else
    lj_run_free(run);
  lj_buffer_free(&text);
  return code;
}

/* The rowid behind the mark; 0: it is none. */
static int64_t row_of(const char *key) {
  int64_t row = 0;
  size_t length = strlen(key);
  if (length == 0 || length > 18 || strspn(key, "0123456789") != length) return 0;
  for (; *key != '\0'; key++) row = row * 10 + (*key - '0');
  return row;
}

/* One of the results. Those of jobs that have their answer already, or are wanted by nobody, find no row. */
static int take_result(lj_batch *batch, const cJSON *json) {
  lj_engine *engine = batch->engine;
  size_t mark = strlen(batch->mark);
  lj_batch_result result;
  if (engine->store == NULL || engine->suspended != LJ_SUSPENDED_NOT) return LJ_IO;
  if (batch->taken_bytes > MAX_TAKEN) return LJ_BUSY;
  int code = lj_batch_api_of(batch)->read_result(json, &result);
  bool ours = code == LJ_OK && strncmp(result.key, batch->mark, mark) == 0 && result.key[mark] == '-';
  if (code == LJ_OK && !ours && batch->unsure) {
    batch->foreign = true;
    code = LJ_CLOSED;
  } else if (ours) {
    batch->unsure = false;
    answer_of given = {batch, &result};
    int64_t seq = row_of(result.key + mark + 1);
    if (result.outcome == LJ_BATCH_ANSWERED && seq > 0) code = lj_batches_jobs(engine->store, batch->mark, seq, on_answer, &given);
  }
  return code;
}

int lj_batch_on_line(void *owner, const char *line, size_t length) {
  cJSON *json = NULL;
  int code = lj_json_parse(line, length, &json);
  if (code == LJ_OK) code = take_result(owner, json);
  cJSON_Delete(json);
  return code == LJ_INVALID ? LJ_PROTOCOL : code;
}

static int take_results(lj_batch *batch, const cJSON *json) {
  const cJSON *item = NULL;
  int code = LJ_OK;
  cJSON_ArrayForEach(item, lj_batch_api_of(batch)->results_of(json)) if (code == LJ_OK) code = take_result(batch, item);
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

static void drop_entries(lj_batch *batch) {
  lj_buffer_free(&batch->entries);
  batch->entry_count = 0;
}

/* The provider knows the batch: from here on it is only polled. */
static void created(lj_batch *batch) {
  drop_entries(batch);
  batch->troubles = 0;
  batch->looks = 0;
  lj_batch_go(batch, LJ_STEP_NOTE, 0);
}

/* A time as the APIs write it, to the second. */
static void write_time(int64_t wall_ms, char out[32]) {
  lj_date date;
  int64_t seconds = lj_floor_div(wall_ms, 1000);
  int64_t days = lj_floor_div(seconds, LJ_DAY_SECONDS);
  int rest = (int)(seconds - days * LJ_DAY_SECONDS);
  lj_date_of(days, &date);
  (void)snprintf(out, 32, "%04lld-%02d-%02dT%02d:%02d:%02d", (long long)date.year, date.month, date.day, rest / 3600, rest / 60 % 60, rest % 60);
}

/* The list's end, or where we stop to read it, and it was not found. */
static void not_found(lj_batch *batch) {
  batch->page[0] = '\0';
  batch->pages = 0;
  if (++batch->looks < LOOKS) {
    lj_batch_go(batch, LJ_STEP_FIND, LOOK_AGAIN_MS);
    return;
  }
  batch->looks = 0;
  lj_batch_go(batch, LJ_STEP_UPLOAD, 0);
}

static void read_list(lj_batch *batch, const cJSON *json) {
  const lj_batch_api *api = lj_batch_api_of(batch);
  char since[32];
  /* A time that no date has, in a row that somebody has changed, is none. */
  bool dated = batch->at > SKEW_MS && batch->at < LJ_MAX_TIME_MS;
  if (dated) write_time(batch->at - SKEW_MS, since);
  lj_batch_search search = {.mark = batch->mark, .least = batch->jobs, .most = batch->sealed, .since = dated ? since : NULL,
                            .is_known = is_known, .owner = batch};
  int code = api->find(json, &search, batch->id);
  if (code == LJ_OK && batch->id[0] == '\0') code = api->next_page(json, batch->page);
  if (code != LJ_OK) {
    lj_fault_set(&batch->fault, LJ_PROTOCOL, "the provider's list of batches can't be read");
    again(batch, LJ_STEP_FIND);
    return;
  }
  batch->troubles = 0;
  if (batch->id[0] == '\0') {
    if (batch->page[0] != '\0' && ++batch->pages < LJ_MAX_BATCH_PAGES)
      lj_batch_go(batch, LJ_STEP_FIND, 0);
    else
      not_found(batch);
    return;
  }
  batch->page[0] = '\0';
  batch->pages = 0;
  batch->unsure = !api->has_mark;
  if (!batch->unsure) {
    created(batch);
    return;
  }
  drop_entries(batch);
  lj_batch_go(batch, LJ_STEP_POLL, 0);
}

static void read_poll(lj_batch *batch, const cJSON *json) {
  if (lj_batch_api_of(batch)->read_batch(json, &batch->news) != LJ_OK) {
    lj_fault_set(&batch->fault, LJ_PROTOCOL, "what the provider says of the batch can't be read");
    again(batch, LJ_STEP_POLL);
    return;
  }
  batch->troubles = 0;
  batch->place = 0;
  if (batch->news.state == LJ_BATCH_WORKING) {
    lj_batch_go(batch, LJ_STEP_POLL, batch->target.provider->batch.poll_ms);
  } else if (batch->news.state == LJ_BATCH_ENDED) {
    lj_batch_go(batch, LJ_STEP_RESULTS, 0);
  } else {
    lj_fault_set(&batch->fault, LJ_BAD_REQUEST, "the provider refused the batch: %.400s", batch->news.message);
    lj_batch_give_up(batch, LJ_BAD_REQUEST);
  }
}

static void results_read(lj_batch *batch) {
  if (batch->foreign) {
    batch->foreign = batch->unsure = false;
    if (batch->rejected_count < LJ_BATCH_REJECTED) memcpy(batch->rejected[batch->rejected_count++], batch->id, sizeof batch->id);
    batch->id[0] = '\0';
    lj_batch_go(batch, batch->rejected_count < LJ_BATCH_REJECTED ? LJ_STEP_FIND : LJ_STEP_UPLOAD, 0);
    return;
  }
  batch->troubles = 0;
  batch->place++;
  if (batch->place < 2 && batch->news.results[batch->place][0] != '\0') {
    lj_batch_go(batch, LJ_STEP_RESULTS, 0);
    return;
  }
  lj_fault_set(&batch->fault, LJ_TIMEOUT_TOTAL, "the batch ended at the provider without an answer to this job");
  lj_batch_give_up(batch, LJ_TIMEOUT_TOTAL);
}

static void read_answer(lj_batch *batch, const cJSON *json) {
  const lj_batch_api *api = lj_batch_api_of(batch);
  switch (batch->step) {
    case LJ_STEP_FIND:
      read_list(batch, json);
      break;
    case LJ_STEP_UPLOAD:
      if (api->read_upload(json, batch->file) == LJ_OK) {
        lj_batch_go(batch, LJ_STEP_CREATE, 0);
        break;
      }
      lj_fault_set(&batch->fault, LJ_PROTOCOL, "what the provider says of the upload can't be read");
      again(batch, LJ_STEP_UPLOAD);
      break;
    case LJ_STEP_CREATE:
      if (api->read_batch(json, &batch->news) == LJ_OK) {
        memcpy(batch->id, batch->news.id, sizeof batch->id);
        created(batch);
        break;
      }
      lj_fault_set(&batch->fault, LJ_PROTOCOL, "what the provider says of the new batch can't be read");
      again(batch, LJ_STEP_FIND); /* it may well be there */
      break;
    case LJ_STEP_POLL:
      read_poll(batch, json);
      break;
    default:
      lj_batch_go(batch, LJ_STEP_OVER, 0);
      break;
  }
}

/* A request has failed; batch->fault says how. */
static void stumble(lj_batch *batch, int code) {
  int status = batch->head.status;
  bool passes = lj_code_class(code) == LJ_CLASS_TRANSIENT || lj_code_class(code) == LJ_CLASS_LANE || lj_code_class(code) == LJ_CLASS_INTERNAL;
  bool refused = status >= 400 && status < 500 && status != 408 && status != 409;
  switch (batch->step) {
    case LJ_STEP_UPLOAD:
      if (passes && batch->troubles < MAX_TROUBLES)
        again(batch, LJ_STEP_UPLOAD);
      else
        lj_batch_give_up(batch, code);
      break;
    case LJ_STEP_CREATE: /* unless it was refused it may have happened */
      if (refused && !passes)
        lj_batch_give_up(batch, code);
      else
        again(batch, refused ? LJ_STEP_CREATE : LJ_STEP_FIND);
      if (!refused) batch->looks = 0;
      break;
    case LJ_STEP_POLL:
    case LJ_STEP_RESULTS:
      if (status == 404)
        lj_batch_give_up(batch, code);
      else
        again(batch, LJ_STEP_POLL);
      break;
    case LJ_STEP_FIND:
      again(batch, LJ_STEP_FIND);
      break;
    default:
      lj_batch_go(batch, LJ_STEP_OVER, 0);
      break;
  }
}

static void on_end(void *owner, int code, const lj_fault *fault) {
  lj_batch *batch = owner;
  const lj_provider_config *provider = batch->target.provider;
  const lj_key *key = batch->target.key < provider->keys.count ? &provider->keys.items[batch->target.key] : NULL;
  bool good = batch->head.status >= 200 && batch->head.status <= 299;
  bool lines = good && batch->step == LJ_STEP_RESULTS && lj_batch_api_of(batch)->results_of == NULL;
  cJSON *json = NULL;
  batch->call = NULL;
  lj_wire_free(&batch->wire);
  lj_fault_clear(&batch->fault);
  if (code == LJ_OK && lines) code = lj_ndjson_end(&batch->lines);
  if (batch->step == LJ_STEP_RESULTS && batch->foreign) code = LJ_OK;
  if (code == LJ_OK && !lines) {
    int parsed = lj_json_parse(batch->body.data, batch->body.length, &json);
    if (!good) {
      provider->format->classify(&batch->head, json, batch->body.data, batch->body.length, &batch->fault);
      code = batch->fault.code;
    } else if (parsed != LJ_OK) {
      code = parsed == LJ_NOMEM ? LJ_NOMEM : LJ_PROTOCOL;
    } else if (batch->step == LJ_STEP_RESULTS) {
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
  if (code == LJ_AUTH) lj_secrets_refused(batch->engine, &batch->target, lj_code_name(code));
  if (code != LJ_OK)
    stumble(batch, code);
  else if (batch->step == LJ_STEP_RESULTS)
    results_read(batch);
  else
    read_answer(batch, json);
  cJSON_Delete(json);
}

static int build(lj_batch *batch, const lj_endpoint *endpoint) {
  const lj_batch_api *api = lj_batch_api_of(batch);
  lj_wire *wire = &batch->wire;
  lj_fault *fault = &batch->fault;
  switch (batch->step) {
    case LJ_STEP_FIND:
      return api->build_list(endpoint, batch->page, wire, fault);
    case LJ_STEP_UPLOAD:
      return api->build_upload(endpoint, batch->mark, &batch->entries, wire, fault);
    case LJ_STEP_CREATE:
      return api->build_create(endpoint, batch->model, batch->mark, batch->file, &batch->entries, wire, fault);
    case LJ_STEP_POLL:
      return api->build_poll(endpoint, batch->id, wire, fault);
    case LJ_STEP_RESULTS:
      return api->build_results(endpoint, batch->id, batch->news.results[batch->place], wire, fault);
    default:
      return api->build_cancel(endpoint, batch->id, wire, fault);
  }
}

void lj_batch_request(lj_batch *batch) {
  lj_engine *engine = batch->engine;
  const lj_provider_config *provider = batch->target.provider;
  const lj_key *key = batch->target.key < provider->keys.count ? &provider->keys.items[batch->target.key] : NULL;
  if (!lj_secrets_ready(engine, provider, batch->target.key)) {
    lj_batch_go(batch, batch->step, LJ_BATCH_WAIT_MS);
    return;
  }
  lj_endpoint endpoint = {.provider = provider->name,
                          .base_url = provider->base_url,
                          .api_key = key != NULL ? key->value : NULL,
                          .headers = provider->headers};
  lj_fault_clear(&batch->fault);
  lj_wire_init(&batch->wire);
  memset(&batch->head, 0, sizeof batch->head);
  batch->taken_bytes = 0;
  lj_buffer_clear(&batch->body);
  lj_ndjson_free(&batch->lines);
  lj_ndjson_init(&batch->lines, provider->max_response_bytes, lj_batch_on_line, batch);
  int code = build(batch, &endpoint);
  if (code == LJ_OK) {
    lj_call_options options = {
        .wire = &batch->wire,
        .timeouts = {provider->timeouts.connect_ms, LJ_BATCH_CALL_MS, provider->timeouts.idle_ms, LJ_BATCH_CALL_MS},
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
  else if (batch->step == LJ_STEP_UPLOAD || batch->step == LJ_STEP_CREATE)
    lj_batch_give_up(batch, code);
  else
    lj_batch_go(batch, LJ_STEP_OVER, 0);
}

void lj_batch_submit(lj_batch *batch) {
  int code = build_entries(batch);
  if (code == LJ_TOO_BIG) {
    lj_fault_set(&batch->fault, LJ_BAD_REQUEST, "the batch is larger than one request may be; lower the provider's batch.maxJobs");
    lj_batch_give_up(batch, LJ_BAD_REQUEST);
  } else if (code != LJ_OK) {
    lj_batch_go(batch, LJ_STEP_UPLOAD, LJ_BATCH_WAIT_MS);
  } else if (lj_batch_is_writing(batch)) {
    lj_batch_go(batch, batch->step, LJ_BATCH_STEP_MS); /* what can't be sent has left the batch before it is made: it can be told by its size */
  } else if (batch->entry_count == 0) {
    lj_batch_go(batch, LJ_STEP_OVER, 0); /* its jobs have ended meanwhile */
  } else {
    if (batch->step == LJ_STEP_UPLOAD && lj_batch_api_of(batch)->build_upload == NULL) batch->step = LJ_STEP_CREATE;
    lj_batch_request(batch);
  }
}
