/* SPDX-License-Identifier: MIT
 *
 * The engine's thread: one turn after another, and between two turns a sleep in lj_http_poll that sockets, timers and other
 * threads end. Idle means idle: then only the slow poll wakes it.
 */
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/memory.h"
#include "base/trim.h"
#include "engine/state.h"

enum {
  NUDGE_MS = 1000,        /* between two probes of a lane that can't be reached, however often the file changes */
  RECHECK_MS = 30,        /* how long after a file event the commit may still be on its way (fsync of a FULL writer) */
  RECHECK_STEP_MS = 1,
  SUSPECT_MS = 3000,      /* what a call may take to show that it has survived a sleep */
  CROWD = 256,            /* with so many answers under way a turn for each byte that comes would cost most of a core, so turns … */
  CROWD_STEP_US = 6000,   /* … begin no sooner after one another, and take in what came meanwhile together; with fewer … */
  FEW = 32,               /* … the step is shorter in proportion, and with less than these there is none */
  GAP_STEP_US = 250,      /* while a transaction waits for the end of its gap, answers are taken in so often */
  TOKEN_STEP_MS = 6,      /* live text is told at most so often */
  STOP_MS = 1000,         /* for giving back attempts at the end … */
  STOP_PAID_MS = 5000,    /* … and for writing answers that have been paid for */
  TROUBLE_US = 100000     /* when curl itself fails */
};

static int64_t earlier(int64_t first, int64_t second) { return first < second ? first : second; }
static int64_t later(int64_t first, int64_t second) { return first > second ? first : second; }

static void read_mail(lj_engine *engine) {
  for (lj_letter *letter = lj_mailbox_take(&engine->mailbox), *next; letter != NULL; letter = next) {
    next = letter->next;
    lj_command(engine, letter->text);
    lj_wipe(letter->text, strlen(letter->text)); /* it may have brought a key */
    lj_free(letter);
  }
}

/* Decides whether a claim may find something new. */
static void look_around(lj_engine *engine, int64_t now_ms) {
  bool changed = false;
  if (lj_mailbox_notified(&engine->mailbox)) engine->recheck_until_ms = now_ms + RECHECK_MS;
  if (now_ms < engine->recheck_until_ms || now_ms >= engine->poll_at_ms) {
    /* An error here will meet the next transaction too, which reports it. */
    if (lj_store_changed(engine->store, &changed) == LJ_OK && changed) {
      engine->look = true;
      engine->sweep = true;
      engine->share.changed = true;
      engine->requests.look_at_all = true;
      /* The app may know that the network is back. Of other workers' writing nothing of the kind follows. */
      if (engine->share.companions_until_ms <= now_ms) lj_lanes_nudge(&engine->lanes, NULL, NUDGE_MS, now_ms);
    }
    lj_share_watch(engine, changed, now_ms);
    if (now_ms >= engine->poll_at_ms) {
      engine->poll_at_ms = now_ms + engine->config.poll_interval_ms;
      if (lj_guard_moved(engine)) return;
    }
  }
  if (engine->due_wall_ms <= lj_wall_ms()) engine->look = true;
}

/* The connections of a machine that slept are often dead without anybody saying so: what brings no byte within some seconds
 * after it is given back and called anew. */
void lj_after_sleep(lj_engine *engine, int64_t now_ms) {
  for (lj_run *run = engine->calling.first; run != NULL; run = run->next)
    run->suspect_bytes = run->call != NULL ? lj_http_call_bytes(run->call) : UINT64_MAX;
  engine->suspect_at_ms = engine->calling.count > 0 ? now_ms + SUSPECT_MS : 0;
  lj_http_distrust(engine->http);
  engine->claim_after_ms = 0;
  engine->look = true;
  lj_lanes_nudge(&engine->lanes, NULL, 0, now_ms);
}

static void drop_dead(lj_engine *engine, int64_t now_ms) {
  if (engine->suspect_at_ms == 0 || now_ms < engine->suspect_at_ms) return;
  engine->suspect_at_ms = 0;
  for (lj_run *run = engine->calling.first, *next; run != NULL; run = next) {
    next = run->next;
    bool silent = run->call != NULL && run->suspect_bytes == lj_http_call_bytes(run->call);
    if (silent) lj_run_interrupt(run, LJ_INTERRUPTED, "no byte has come since the machine slept");
  }
}

/* After sleep, or when somebody sets the clock, the leases of all workers look run out at once: ours are renewed first, and
 * nobody's are taken before their holders had time to do the same. */
static void watch_clock(lj_engine *engine, int64_t now_ms) {
  int64_t offset = lj_wall_ms() - now_ms;
  int64_t jump = offset - engine->clock_offset_ms;
  engine->clock_offset_ms = offset;
  if (jump < engine->config.lease_ms / 2 && jump > -engine->config.lease_ms / 2) return;
  lj_log_write(&engine->log, LJ_LOG_WARN, "the clock jumped by %lld ms", (long long)jump);
  engine->renew_at_ms = now_ms;
  engine->recover_at_ms = now_ms + engine->config.lease_ms;
  engine->look = true;
  engine->sweep = true;
  if (jump > 0)
    lj_after_sleep(engine, now_ms);
  else
    engine->set_back = true;
}

static void tell_tokens(lj_engine *engine, int64_t now_ms) {
  if (!lj_live_any(engine) || now_ms < engine->token_at_ms) return;
  engine->token_at_ms = now_ms + TOKEN_STEP_MS;
  for (lj_run *run = engine->calling.first; run != NULL; run = run->next) lj_run_tell(run);
}

static bool has_fresh_text(const lj_engine *engine) {
  if (!lj_live_any(engine)) return false;
  for (const lj_run *run = engine->calling.first; run != NULL; run = run->next)
    if (run->fresh.length > 0) return true;
  return false;
}

static void interrupt_all(lj_engine *engine, const char *why) {
  while (engine->calling.first != NULL) lj_run_interrupt(engine->calling.first, LJ_INTERRUPTED, why);
}

/* Answers worker:drain and worker:release when nothing runs any more and everything is written, or can't be. */
static void drain(lj_engine *engine, int64_t now_ms) {
  if (!engine->draining) return;
  bool late = now_ms >= engine->drain_until_ms;
  if (late && engine->calling.count > 0) {
    engine->drain_interrupted += engine->calling.count;
    interrupt_all(engine, "the worker was drained");
  }
  bool unwritable = late && (!engine->opened || engine->suspended != LJ_SUSPENDED_NOT);
  if (engine->drain_id == NULL || engine->calling.count > 0 || ((engine->ended.count > 0 || lj_requests_unwritten(engine)) && !unwritable)) return;
  bool releases = strcmp(engine->drain_channel, "worker:release") == 0;
  if (releases && engine->opened) lj_guard_release(engine);
  cJSON *payload = cJSON_CreateObject();
  int code = payload != NULL ? LJ_OK : LJ_NOMEM;
  if (code == LJ_OK) code = lj_json_put_bool(payload, releases ? "released" : "drained", releases || engine->drain_interrupted == 0);
  if (code == LJ_OK) code = lj_json_put_number(payload, "interrupted", (double)engine->drain_interrupted);
  if (code != LJ_OK) {
    cJSON_Delete(payload);
    payload = NULL;
  }
  lj_outbox_post(&engine->outbox, engine->drain_id, engine->drain_channel, payload);
  lj_free(engine->drain_id);
  engine->drain_id = NULL;
}

static void trim(lj_engine *engine, int64_t now_ms) {
  if (engine->trim_at_ms == 0 || now_ms < engine->trim_at_ms) return;
  engine->trim_at_ms = 0;
  lj_trim_code();
}

/* Monotonic time of the next thing to do that no socket and no other thread announces. */
static int64_t next_time(const lj_engine *engine, int64_t now_ms) {
  int64_t next = INT64_MAX;
  int64_t write_at_us = 0;
  if (engine->failed) return next;
  if (!engine->opened) return engine->open_at_ms;
  if (engine->suspect_at_ms > 0) next = engine->suspect_at_ms;
  if (engine->draining && engine->calling.count > 0) next = earlier(next, engine->drain_until_ms);
  next = earlier(next, earlier(lj_remote_next(engine), lj_loads_next(engine)));
  if (has_fresh_text(engine)) next = earlier(next, engine->token_at_ms);
  if (engine->suspended != LJ_SUSPENDED_NOT) {
    next = earlier(next, lj_http_deadline(engine->http));
    return engine->suspended == LJ_SUSPENDED_RELEASED ? next : earlier(next, engine->suspended_check_ms);
  }
  if (!engine->draining) next = earlier(next, engine->health_at_ms);
  next = earlier(next, later(lj_batch_next(engine), (engine->gap.write_at_us + 999) / 1000));
  int64_t write_ms = (engine->gap.write_at_us + 999) / 1000; /* a time to write that has passed waits for this one */
  next = earlier(next, earlier(engine->poll_at_ms, lj_http_deadline(engine->http)));
  next = earlier(next, later(engine->retention_at_ms, write_ms));
  next = earlier(next, lj_requests_next(engine));
  if (now_ms < engine->recheck_until_ms) next = earlier(next, now_ms + RECHECK_STEP_MS);
  if (lj_writer_pending(engine, &write_at_us)) next = earlier(next, (write_at_us + 999) / 1000);
  if (engine->calling.count + engine->ended.count + engine->refused.count > 0)
    next = earlier(next, later(engine->renew_at_ms, write_ms));
  for (const lj_run *run = engine->refused.first; run != NULL; run = run->next) next = earlier(next, run->write_at_ms);
  next = earlier(next, later(engine->recover_at_ms, write_ms));
  if (engine->sweep) next = earlier(next, write_ms);
  if (engine->expiry_wall_ms != INT64_MAX) next = earlier(next, later(engine->expiry_wall_ms - engine->clock_offset_ms, write_ms));
  next = earlier(next, later(engine->repair_at_ms, write_ms));
  if (lj_writer_has_news(engine)) next = earlier(next, later(engine->partial_at_ms, write_ms));
  next = earlier(next, lj_lanes_next_open(&engine->lanes, now_ms));
  /* Once a due job has made the engine look, it waits for a slot or for worker:resume, not for a time. */
  if (!engine->look && engine->due_wall_ms != INT64_MAX) next = earlier(next, engine->due_wall_ms - engine->clock_offset_ms);
  return next;
}

/* From the beginning of a turn to that of the next one, at least. Calls whose answer has not begun bring no bytes, so they do not count. */
static int64_t step_us(const lj_engine *engine) {
  size_t answers = engine->calling.count < FEW ? 0 : lj_http_flowing(engine->http);
  if (answers < FEW) return 0;
  return answers < CROWD ? CROWD_STEP_US * (int64_t)answers / CROWD : CROWD_STEP_US;
}

static void sleep_until(lj_engine *engine, int64_t next_ms) {
  int64_t now_us = lj_mono_us();
  int64_t rest_us = engine->last_turn_us + step_us(engine) - now_us;
  if (rest_us > 0) {
    lj_sleep_us(rest_us);
    now_us += rest_us;
  }
  int64_t write_at_us = 0;
  /* The gap between two transactions is often shorter than the millisecond that lj_http_poll counts in. */
  if (engine->opened && engine->suspended == LJ_SUSPENDED_NOT && lj_writer_pending(engine, &write_at_us) &&
      write_at_us - now_us < 1000) {
    int64_t gap_us = write_at_us - now_us;
    lj_sleep_us(gap_us < GAP_STEP_US ? gap_us : GAP_STEP_US);
    return;
  }
  int64_t wait = next_ms - now_us / 1000;
  if (wait < 0) wait = 0;
  /* An hour at most, so that the difference fits an int; waking once an hour for nothing is still idle. */
  if (wait > 3600000) wait = 3600000;
  if (lj_http_poll(engine->http, (int)wait) != LJ_OK) lj_sleep_us(TROUBLE_US);
}

static void turn(lj_engine *engine) {
  engine->last_turn_us = lj_mono_us();
  int64_t now = engine->last_turn_us / 1000;
  engine->counters.turns++;
  read_mail(engine);
  if (!engine->opened) {
    lj_opening_turn(engine);
  } else {
    watch_clock(engine, now);
    if (lj_http_turn(engine->http) != LJ_OK) {
      lj_log_write(&engine->log, LJ_LOG_ERROR, "the network can't be driven now");
      lj_sleep_us(TROUBLE_US);
    }
    lj_remote_turn(engine, now);
    lj_health_turn(engine, now);
    lj_loads_turn(engine, now);
    if (lj_lanes_opened(&engine->lanes, now)) engine->look = true;
    if (engine->suspended != LJ_SUSPENDED_NOT) lj_guard_turn(engine, now);
    if (engine->suspended == LJ_SUSPENDED_NOT) {
      look_around(engine, now);
      lj_writer_recall(engine, now);
      if (engine->suspended == LJ_SUSPENDED_NOT) lj_writer_turn(engine);
      if (engine->suspended == LJ_SUSPENDED_NOT) lj_batch_turn(engine, now);
      if (engine->suspended == LJ_SUSPENDED_NOT) lj_requests_turn(engine, now);
    }
    drop_dead(engine, now);
    tell_tokens(engine, now);
    trim(engine, now);
  }
  if (engine->opened) lj_lanes_tell(engine, now);
  drain(engine, now); /* also of an engine that has failed: whoever waits for the answer is about to stop it */
  lj_outbox_publish(&engine->outbox);
}

/* Gives back what runs and writes what has ended, as long as that is worth waiting for. */
static void finish(lj_engine *engine) {
  int64_t begun = lj_mono_ms();
  interrupt_all(engine, "the worker was stopped");
  engine->paused = true;
  lj_gap_end(&engine->gap);
  while (engine->opened && engine->suspended == LJ_SUSPENDED_NOT && (engine->ended.count > 0 || lj_requests_unwritten(engine))) {
    bool paid = false;
    for (const lj_run *run = engine->ended.first; run != NULL; run = run->next) paid = paid || run->end == LJ_END_COMPLETE;
    if (lj_mono_ms() - begun > (paid ? STOP_PAID_MS : STOP_MS)) break;
    lj_writer_turn(engine);
    if (engine->ended.count > 0 || lj_requests_unwritten(engine)) lj_sleep_us(1000);
  }
  lj_writer_recall(engine, INT64_MAX);
  while (engine->ended.first != NULL) {
    lj_run *run = engine->ended.first;
    lj_log_write(&engine->log, LJ_LOG_WARN, "job %s: its end could not be written; it comes back when its lease runs out",
                 run->job.id);
    lj_run_list_remove(&engine->ended, run);
    lj_run_free(run);
  }
  lj_store_close(engine->store);
  engine->store = NULL;
  lj_outbox_publish(&engine->outbox);
}

void lj_loop(void *owner) {
  lj_engine *engine = owner;
  engine->clock_offset_ms = lj_wall_ms() - lj_mono_ms();
  while (!atomic_load(&engine->mailbox.stop)) {
    turn(engine);
    if (atomic_load(&engine->mailbox.stop)) break;
    int64_t now = lj_mono_ms();
    lj_beat_turn(&engine->beat, now - engine->last_turn_us / 1000);
    sleep_until(engine, next_time(engine, now));
  }
  finish(engine);
}
