/* SPDX-License-Identifier: MIT
 *
 * All writing of the engine: one transaction a turn at most, holding the ends of that turn, the claim that refills their
 * slots, lease renewal and recovery. Between two transactions others get at least as much time as the last one took, because
 * SQLite's busy handler sleeps while a greedy writer takes the lock again and again. Nothing here waits for a lock.
 */
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/memory.h"
#include "engine/state.h"
#include "engine/verdict.h"
#include "queue/sweep.h"

enum {
  MAX_ENDS = 32,         /* ends of one transaction: what keeps it under 5 ms with synchronous=FULL */
  MAX_CLAIMS = 64,       /* jobs claimed in one transaction */
  MAX_GAP_US = 5000,     /* the longest gap that we leave to others who do not write */
  LONG_GAP_US = 8000,    /* the gap while others write and we write densely: SQLite's busy handler looks at the lock after 1, 2 and
                            5 ms, and must find it free by then */
  OTHERS_MS = 1000,      /* how long after a sign of others they count as writing */
  DENSE_MS = 100,        /* so many transactions of ours in such a time are dense */
  DENSE_WRITES = 10,
  MIN_BUSY_US = 1000,    /* first wait when another process holds the lock; doubles … */
  MAX_BUSY_US = 8000,    /* … up to here: how late we may notice that the lock is free */
  REFUSED_MS = 1000,     /* first wait before an end that its row refused is tried again; doubles … */
  MAX_REFUSED_MS = 60000, /* … up to here */
  REPAIR_MS = 10000,     /* between two passes over all jobs that wait for children */
  REPAIR_STEP_MS = 50,   /* between two batches of one pass */
  RETENTION_MS = 60000,  /* between two looks for jobs that may be removed */
  RETENTION_STEP_MS = 50, /* between two batches */
  PARTIAL_MS = 250,      /* progress and partial texts are written at most four times a second */
  MAX_PARTIAL = 262144,  /* bytes of text so far in a row; a longer one is not written until it is whole */
  TROUBLE_US = 1000000   /* after an error of the database, memory shortage included */
};

typedef struct write_plan {
  bool claim;
  bool renew;
  bool recover;
  bool sweep;
  bool repair;
  bool partial;
  bool removal;
  lj_status removal_status;
  int64_t removal_before;
  size_t claim_most;
} write_plan;

static bool may_claim(const lj_engine *engine) { return !engine->paused && !engine->draining && engine->look; }

static size_t holding(const lj_engine *engine) {
  return engine->calling.count + engine->ended.count + engine->refused.count;
}

bool lj_writer_pending(const lj_engine *engine, int64_t *at_us) {
  bool full = engine->calling.count >= engine->config.concurrency;
  if (engine->ended.count == 0 && (!may_claim(engine) || full)) return false;
  *at_us = engine->write_at_us;
  if (engine->ended.count == 0 && engine->claim_after_ms * 1000 > *at_us) *at_us = engine->claim_after_ms * 1000;
  return true;
}

static void on_follow(void *listener, const char *id, const char *name, lj_status status, int code, int64_t attempts) {
  lj_engine *engine = listener;
  lj_outbox_job(&engine->outbox, id, name, status, code, attempts);
}

void lj_follow_init(lj_engine *engine, int64_t now_wall, lj_follow *follow) {
  memset(follow, 0, sizeof *follow);
  follow->store = engine->store;
  follow->now = now_wall;
  follow->zones = &engine->zones;
  follow->on_change = on_follow;
  follow->listener = engine;
}

/* Somebody wants a running job cancelled: its call is aborted at once, the row follows with the next transaction. */
static void on_cancel(void *listener, int64_t seq, const char *token) {
  lj_engine *engine = listener;
  for (lj_run *run = engine->calling.first; run != NULL; run = run->next)
    if (run->job.seq == seq && strcmp(run->job.token, token) == 0) {
      run->cancelled = true;
      return;
    }
}

/* Aborts what others want aborted. Called outside of a transaction, after the lists have been read. */
static int cancel_running(lj_engine *engine) {
  int code = LJ_OK;
  for (lj_run *run = engine->calling.first, *next; code == LJ_OK && run != NULL; run = next) {
    bool superseded = false;
    next = run->next;
    if (run->job.supersede_key != NULL)
      code = lj_sweep_superseded(engine->store, run->job.supersede_key, run->job.seq, &superseded);
    if (code == LJ_OK && superseded)
      lj_run_cancel(run, LJ_SUPERSEDED, "a newer job with its supersede_key has aborted it");
    else if (code == LJ_OK && run->cancelled)
      lj_run_cancel(run, LJ_CANCELLED, "cancelled while it ran");
  }
  return code;
}

/* A job that ends sooner than a partial text would be written needs none. */
static bool has_news(const lj_run *run) {
  if (lj_mono_us() - run->started_us < (int64_t)PARTIAL_MS * 1000) return false;
  const lj_answer *answer = run->response != NULL ? lj_response_answer(run->response) : NULL;
  return answer != NULL && (answer->text.length != run->partial_length || lj_run_progress(run) != run->partial_progress);
}

bool lj_writer_has_news(const lj_engine *engine) {
  for (const lj_run *run = engine->calling.first; run != NULL; run = run->next)
    if (has_news(run)) return true;
  return false;
}

/* Which ended jobs are to be removed, one state at a time; only when nothing more urgent is to be written. */
static int plan_removal(lj_engine *engine, int64_t now_ms, int64_t now_wall, write_plan *plan) {
  const struct {
    lj_status status;
    const lj_keep *keep;
  } states[] = {{LJ_STATUS_COMPLETED, &engine->config.keep_completed},
                {LJ_STATUS_FAILED, &engine->config.keep_failed},
                {LJ_STATUS_CANCELLED, &engine->config.keep_cancelled}};
  int code = LJ_OK;
  if (engine->ended.count > 0 || plan->claim || now_ms < engine->retention_at_ms) return LJ_OK;
  for (size_t i = 0; code == LJ_OK && !plan->removal && i < sizeof states / sizeof states[0]; i++) {
    size_t at = (i + engine->retention_turn) % (sizeof states / sizeof states[0]);
    plan->removal_status = states[at].status;
    code = lj_retention_look(engine->store, states[at].status, states[at].keep, now_wall, &plan->removal_before, &plan->removal);
  }
  engine->retention_turn++;
  if (!plan->removal) engine->retention_at_ms = now_ms + RETENTION_MS;
  return code;
}

static int make_plan(lj_engine *engine, const lj_claim_source *source, int64_t now_ms, int64_t now_wall, write_plan *plan) {
  size_t ends = engine->ended.count < MAX_ENDS ? engine->ended.count : MAX_ENDS;
  size_t busy = holding(engine) - ends;
  int code = LJ_OK;
  memset(plan, 0, sizeof *plan);
  if (may_claim(engine) && now_ms >= engine->claim_after_ms && busy < engine->config.concurrency) {
    plan->claim_most = engine->config.concurrency - busy;
    if (plan->claim_most > MAX_CLAIMS) plan->claim_most = MAX_CLAIMS;
    plan->claim = true;
    if (ends == 0) code = lj_claim_possible(engine->store, source, now_wall, &plan->claim);
    if (code == LJ_OK && !plan->claim) {
      engine->look = false;
      code = lj_claim_next_due(engine->store, &engine->due_wall_ms);
    }
  }
  plan->renew = holding(engine) > 0 && now_ms >= engine->renew_at_ms;
  if (code == LJ_OK && (engine->sweep || now_wall >= engine->expiry_wall_ms)) {
    code = lj_sweep_look(engine->store, now_wall, on_cancel, engine, &plan->sweep);
    if (code == LJ_OK) code = cancel_running(engine);
    if (code == LJ_OK && !plan->sweep) {
      engine->sweep = false;
      code = lj_sweep_next_expiry(engine->store, &engine->expiry_wall_ms);
    }
  }
  if (code == LJ_OK && now_ms >= engine->repair_at_ms) {
    code = lj_follow_any_blocked(engine->store, &plan->repair);
    if (!plan->repair) engine->repair_at_ms = now_ms + REPAIR_MS;
  }
  if (code == LJ_OK) code = plan_removal(engine, now_ms, now_wall, plan);
  plan->partial = now_ms >= engine->partial_at_ms && lj_writer_has_news(engine);
  if (code == LJ_OK && now_ms >= engine->recover_at_ms) {
    code = lj_recovery_needed(engine->store, now_wall, &plan->recover);
    if (!plan->recover) engine->recover_at_ms = now_ms + engine->config.lease_ms / 3;
  }
  return code;
}

/* An end that the row refuses, because of the app's own triggers or constraints, must not hold back the others: it is kept,
 * and tried again. */
static void set_aside(lj_engine *engine, lj_run *run) {
  int64_t wait = REFUSED_MS;
  for (int i = 0; i < run->refusals && wait < MAX_REFUSED_MS; i++) wait *= 2;
  run->refusals++;
  run->write_at_ms = lj_mono_ms() + (wait < MAX_REFUSED_MS ? wait : MAX_REFUSED_MS);
  lj_log_write(&engine->log, LJ_LOG_ERROR, "job %s: the row refuses its end (a trigger or a constraint of the app); it is kept and tried again",
               run->job.id);
  lj_run_list_remove(&engine->ended, run);
  lj_run_list_add(&engine->refused, run);
}

void lj_writer_recall(lj_engine *engine, int64_t now_ms) {
  for (lj_run *run = engine->refused.first, *next; run != NULL; run = next) {
    next = run->next;
    if (run->write_at_ms > now_ms) continue;
    lj_run_list_remove(&engine->refused, run);
    lj_run_list_add(&engine->ended, run);
  }
}

/* Writes ends from the head of the list; *done is how many, stale[i] whether the i-th wrote nothing. */
static int settle_one(lj_engine *engine, lj_run *run, bool *stale) {
  lj_settlement settlement = {.end = run->end,
                              .seq = run->job.seq,
                              .token = run->job.token,
                              .lane = run->lane_name[0] != '\0' ? run->lane_name : NULL,
                              .history = run->history,
                              .json = run->json,
                              .at = run->at};
  return lj_settle(engine->store, &settlement, stale);
}

/* Whether anything may follow from the end of this job: most have neither a parent nor another occurrence. */
static bool has_followers(const lj_run *run) {
  bool ends = run->end == LJ_END_COMPLETE || run->end == LJ_END_FAIL || run->end == LJ_END_CANCEL;
  return ends && (run->job.has_parent || (run->job.opts != NULL && strstr(run->job.opts, "\"repeat\"") != NULL));
}

static int settle_ends(lj_engine *engine, lj_follow *follow, size_t *done, bool stale[MAX_ENDS]) {
  int code = LJ_OK;
  *done = 0;
  for (lj_run *run = engine->ended.first, *next; code == LJ_OK && run != NULL && *done < MAX_ENDS; run = next) {
    next = run->next;
    code = lj_verdict_build(run);
    if (code != LJ_OK) break;
    code = settle_one(engine, run, &stale[*done]);
    bool goes_back = run->end == LJ_END_RETRY || run->end == LJ_END_RELEASE;
    if (code == LJ_REFUSED && goes_back && run->job.supersede_key != NULL) {
      lj_verdict_supersede(run);
      code = lj_verdict_build(run);
      if (code == LJ_OK) code = settle_one(engine, run, &stale[*done]);
    }
    if (code == LJ_OK && !stale[*done] && has_followers(run)) code = lj_follow_end(follow, run->job.seq);
    if (code == LJ_OK) (*done)++;
    if (code == LJ_REFUSED) {
      set_aside(engine, run);
      code = LJ_OK;
    }
  }
  return code;
}

static void count_end(lj_engine *engine, const lj_run *run) {
  switch (run->end) {
    case LJ_END_COMPLETE:
      engine->counters.completed++;
      break;
    case LJ_END_RETRY:
      engine->counters.retried++;
      break;
    case LJ_END_FAIL:
      engine->counters.failed++;
      break;
    case LJ_END_CANCEL:
      engine->counters.cancelled++;
      break;
    default:
      engine->counters.interrupted++;
      break;
  }
}

static void announce_ends(lj_engine *engine, size_t done, const bool stale[MAX_ENDS]) {
  for (size_t i = 0; i < done; i++) {
    lj_run *run = engine->ended.first;
    if (stale[i]) {
      engine->counters.stale++;
      lj_log_write(&engine->log, LJ_LOG_WARN, "job %s: the lease was lost, its answer is dropped", run->job.id);
    } else {
      count_end(engine, run);
      if (run->end == LJ_END_RETRY && run->at < engine->due_wall_ms) engine->due_wall_ms = run->at;
      lj_outbox_job(&engine->outbox, run->job.id, run->job.name, lj_end_status(run->end), run->code,
                    run->end == LJ_END_RELEASE ? run->job.attempts - 1 : run->job.attempts);
    }
    lj_run_list_remove(&engine->ended, run);
    lj_run_free(run);
  }
}

typedef struct held_check {
  lj_engine *engine;
  lj_run_list kept;
} held_check;

static void on_held(void *listener, int64_t seq, const char *token) {
  held_check *check = listener;
  for (lj_run *run = check->engine->calling.first; run != NULL; run = run->next)
    if (run->job.seq == seq && strcmp(run->job.token, token) == 0) {
      lj_run_list_remove(&check->engine->calling, run);
      lj_run_list_add(&check->kept, run);
      return;
    }
}

/* Calls whose lease somebody else has taken are aborted: what they bring could not be written. */
static void drop_lost(lj_engine *engine) {
  held_check check = {.engine = engine};
  int code = lj_list_held(engine->store, engine->lease_owner, on_held, &check);
  if (code == LJ_OK) {
    while (engine->calling.first != NULL) {
      lj_run *run = engine->calling.first;
      engine->counters.stale++;
      lj_log_write(&engine->log, LJ_LOG_WARN, "job %s: the lease was lost, its call is aborted", run->job.id);
      lj_run_list_remove(&engine->calling, run);
      lj_run_free(run);
    }
  }
  while (check.kept.first != NULL) {
    lj_run *run = check.kept.first;
    lj_run_list_remove(&check.kept, run);
    lj_run_list_add(&engine->calling, run);
  }
}

/* Notes a transaction of ours, and says when the next may begin. */
static int64_t next_write_us(lj_engine *engine, int64_t ended_us, int64_t took_us) {
  int64_t window = ended_us / 1000 / DENSE_MS;
  if (window != engine->write_window) {
    engine->writes_before = window == engine->write_window + 1 ? engine->writes_now : 0;
    engine->writes_now = 0;
    engine->write_window = window;
  }
  engine->writes_now++;
  int64_t gap = took_us < MAX_GAP_US ? took_us : MAX_GAP_US;
  bool dense = engine->writes_before + engine->writes_now >= DENSE_WRITES;
  if (dense && ended_us / 1000 < engine->others_until_ms) gap = LONG_GAP_US;
  return ended_us + gap;
}

void lj_writer_saw_others(lj_engine *engine, int64_t now_ms) { engine->others_until_ms = now_ms + OTHERS_MS; }

static void put_off(lj_engine *engine, int code, int64_t now_us) {
  if (code == LJ_BUSY) {
    int64_t wait = MIN_BUSY_US;
    for (int i = 0; i < engine->busy_streak && wait < MAX_BUSY_US; i++) wait *= 2;
    engine->busy_streak++;
    engine->counters.busy++;
    lj_writer_saw_others(engine, now_us / 1000);
    engine->write_at_us = now_us + (wait < MAX_BUSY_US ? wait : MAX_BUSY_US);
    return;
  }
  lj_log_write(&engine->log, LJ_LOG_ERROR, "nothing can be written now (%s): %zu ends wait, next try in %d ms",
               lj_code_name(code), engine->ended.count, TROUBLE_US / 1000);
  engine->write_at_us = now_us + TROUBLE_US;
  if (code == LJ_DB_ERROR) lj_guard_diagnose(engine);
}

static void start_claimed(lj_engine *engine, lj_claimed *claimed, size_t count, const lj_claim_source *source, int64_t now) {
  for (size_t i = 0; i < count; i++) {
    engine->counters.claimed++;
    if (lj_run_start(engine, &claimed[i], now) == LJ_OK) continue;
    /* The row stays ours until the lease runs out, and is recovered then. */
    lj_log_write(&engine->log, LJ_LOG_ERROR, "job %s: memory is short, it starts after its lease", claimed[i].job.id);
    source->dismiss(source->owner, claimed[i].lane);
    lj_job_free(&claimed[i].job);
  }
}

static void free_claimed(lj_claimed *claimed, size_t count, const lj_claim_source *source) {
  for (size_t i = 0; i < count; i++) {
    source->dismiss(source->owner, claimed[i].lane);
    lj_job_free(&claimed[i].job);
  }
}

static int put_news(cJSON *list, lj_run *run) {
  const lj_answer *answer = lj_response_answer(run->response);
  cJSON *item = cJSON_CreateObject();
  int code = item != NULL ? lj_json_put_number(item, "s", (double)run->job.seq) : LJ_NOMEM;
  if (code == LJ_OK) code = lj_json_put_string(item, "t", run->job.token);
  if (code == LJ_OK) code = lj_json_put_number(item, "p", lj_run_progress(run));
  if (code == LJ_OK && answer->text.length <= MAX_PARTIAL) code = lj_json_put_string(item, "x", answer->text.data);
  if (code == LJ_OK) {
    run->partial_length = answer->text.length;
    run->partial_progress = lj_run_progress(run);
    return lj_json_push_value(list, item);
  }
  cJSON_Delete(item);
  return code;
}

/* Progress and text so far of all running jobs, in one statement. It is a service, not a duty: when memory is short it waits. */
static int write_partials(lj_engine *engine) {
  lj_buffer text;
  sqlite3_stmt *statement = NULL;
  cJSON *list = cJSON_CreateArray();
  int code = list != NULL ? LJ_OK : LJ_NOMEM;
  lj_buffer_init(&text, LJ_MAX_DATA_BYTES);
  for (lj_run *run = engine->calling.first; code == LJ_OK && run != NULL; run = run->next)
    if (has_news(run)) code = put_news(list, run);
  if (code == LJ_OK) code = lj_json_print(list, &text);
  if (code == LJ_OK) code = lj_store_statement(engine->store, LJ_SQL_PROGRESS, &statement);
  if (code == LJ_OK) {
    int rc = sqlite3_bind_text(statement, 1, text.data, (int)text.length, SQLITE_STATIC);
    code = lj_store_code(engine->store, rc);
    if (code == LJ_OK)
      code = lj_store_run(engine->store, statement, NULL);
    else
      lj_store_release(statement);
  }
  lj_buffer_free(&text);
  cJSON_Delete(list);
  return code == LJ_NOMEM || code == LJ_TOO_BIG || code == LJ_REFUSED ? LJ_OK : code;
}

/* Everything that one transaction writes beside ends and claim. */
static int write_upkeep(lj_engine *engine, const write_plan *plan, lj_follow *follow, size_t *held, bool *more) {
  int code = LJ_OK;
  int removed = 0;
  if (plan->renew) code = lj_renew(engine->store, engine->lease_owner, follow->now + engine->config.lease_ms, held);
  if (code == LJ_OK && plan->recover) {
    lj_recovery recovery = {.owner = engine->lease_owner,
                            .now = follow->now,
                            .max_stalls = engine->config.max_stalls,
                            .follow = follow,
                            .on_recovered = lj_tell_recovered,
                            .listener = engine};
    code = lj_recover_expired(engine->store, &recovery);
    if (code == LJ_REFUSED) code = LJ_OK; /* by a trigger of the app; tried again in a third of a lease */
  }
  if (code == LJ_OK && plan->sweep) code = lj_sweep(follow, more);
  if (code == LJ_OK && plan->repair) code = lj_follow_repair(follow, &engine->repair);
  if (code == LJ_OK && plan->partial) code = write_partials(engine);
  if (code == LJ_OK && plan->removal) {
    code = lj_retention_remove(engine->store, plan->removal_status, plan->removal_before, follow->now, &removed);
    if (code == LJ_REFUSED) code = LJ_OK;
    engine->retention_at_ms = lj_mono_ms() + (removed > 0 ? RETENTION_STEP_MS : RETENTION_MS);
    engine->counters.removed += (uint64_t)removed;
  }
  if (code == LJ_OK && plan->sweep) code = lj_sweep_next_expiry(engine->store, &engine->expiry_wall_ms);
  return code;
}

void lj_writer_turn(lj_engine *engine) {
  int64_t begun_us = lj_mono_us();
  int64_t now_ms = begun_us / 1000;
  int64_t now_wall = lj_wall_ms();
  lj_claim_source source;
  write_plan plan;
  if (begun_us < engine->write_at_us) return;
  lj_admission_init(engine, &source);
  int code = make_plan(engine, &source, now_ms, now_wall, &plan);
  if (code != LJ_OK) {
    put_off(engine, code, begun_us);
    return;
  }
  bool upkeep = plan.renew || plan.recover || plan.sweep || plan.repair || plan.partial || plan.removal;
  if (engine->ended.count == 0 && !plan.claim && !upkeep) return;
  if (lj_guard_moved(engine)) return;

  lj_claimed claimed[MAX_CLAIMS];
  size_t claimed_count = 0;
  bool stale[MAX_ENDS] = {false};
  size_t done = 0;
  size_t held = 0;
  bool more = false;
  lj_follow follow;
  lj_repair repair_before = engine->repair;
  size_t events_before = engine->outbox.jobs.length;
  lj_follow_init(engine, now_wall, &follow);
  code = lj_store_begin(engine->store, engine->ended.count > 0 || plan.sweep);
  if (code == LJ_OK) code = settle_ends(engine, &follow, &done, stale);
  /* A shortage of memory at one end must not hold back those before it. */
  if (code == LJ_NOMEM && done > 0) code = LJ_OK;
  if (code == LJ_OK) code = write_upkeep(engine, &plan, &follow, &held, &more);
  if (code == LJ_OK && plan.claim) {
    lj_claim_terms terms = {.lease_owner = engine->lease_owner,
                            .lease_until = now_wall + engine->config.lease_ms,
                            .now = now_wall};
    engine->passed_over = false;
    code = lj_claim(&follow, &source, &terms, plan.claim_most, claimed, &claimed_count);
  }
  if (code == LJ_OK && plan.claim) code = lj_claim_next_due(engine->store, &engine->due_wall_ms);
  if (code == LJ_OK)
    code = lj_store_commit(engine->store);
  else
    lj_store_rollback(engine->store);

  int64_t ended_us = lj_mono_us();
  if (code != LJ_OK) {
    free_claimed(claimed, claimed_count, &source);
    lj_buffer_truncate(&engine->outbox.jobs, events_before);
    engine->repair = repair_before;
    put_off(engine, code, ended_us);
    return;
  }
  int64_t took = ended_us - begun_us;
  engine->busy_streak = 0;
  engine->counters.writes++;
  engine->write_at_us = next_write_us(engine, ended_us, took);
  bool lost = plan.renew && held < holding(engine) - done;
  if (plan.renew) engine->renew_at_ms = now_ms + engine->config.lease_ms / 3;
  if (plan.repair) engine->repair_at_ms = now_ms + (engine->repair.seq > 0 ? REPAIR_STEP_MS : REPAIR_MS);
  if (plan.partial) engine->partial_at_ms = now_ms + PARTIAL_MS;
  /* What followed from ends may have set rows free, and asked others to end. */
  if (plan.sweep) engine->sweep = more;
  if (follow.cancels) engine->sweep = true;
  if (plan.sweep || plan.repair || done > 0) engine->look = true;
  if (plan.recover) {
    engine->recover_at_ms = now_ms + engine->config.lease_ms / 3;
    engine->look = true;
  }
  /* When the claim took all it asked for there may be more, also behind a row that it had to leave out; otherwise the rest
   * waits for a slot, a lane or a commit. */
  if (plan.claim) engine->look = claimed_count == plan.claim_most || engine->passed_over;
  announce_ends(engine, done, stale);
  if (lost) drop_lost(engine);
  if (claimed_count > 0 && holding(engine) == 0) engine->renew_at_ms = now_ms + engine->config.lease_ms / 3;
  start_claimed(engine, claimed, claimed_count, &source, now_wall);
}
