/* SPDX-License-Identifier: MIT
 *
 * The engine's state, for the files of engine/ only. Everything but mailbox and outbox belongs to the engine's thread.
 */
#ifndef LJ_ENGINE_STATE_H
#define LJ_ENGINE_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "engine/batch.h"
#include "engine/beat.h"
#include "engine/cancels.h"
#include "engine/commands.h"
#include "engine/config.h"
#include "engine/health.h"
#include "engine/gap.h"
#include "engine/loads.h"
#include "engine/mailbox.h"
#include "engine/outbox.h"
#include "engine/pace.h"
#include "engine/requests.h"
#include "engine/run.h"
#include "llmjobs.h"
#include "policy/spending.h"
#include "queue/calls.h"
#include "queue/recovery.h"
#include "queue/store.h"

/* Why nothing is read from or written to the database now, though the engine runs. */
typedef enum lj_suspension {
  LJ_SUSPENDED_NOT,
  LJ_SUSPENDED_MOVED,     /* the file was moved or replaced: reopened when there is one at its path */
  LJ_SUSPENDED_SCHEMA,    /* a column is missing: goes on when it is back */
  LJ_SUSPENDED_DAMAGED,   /* a page of the file makes no sense: reopened from time to time, because a backup may be restored */
  LJ_SUSPENDED_RELEASED,  /* worker:release has closed the file: worker:resume reopens it */
  LJ_SUSPENDED_REOPENING
} lj_suspension;

/* A small set of names. */
typedef struct lj_names {
  char *items[LJ_MAX_NAMES];
  size_t count;
} lj_names;

/* Counts since the start, told by worker:stats. */
typedef struct lj_counters {
  uint64_t claimed;
  uint64_t completed;
  uint64_t failed;
  uint64_t retried;
  uint64_t cancelled;
  uint64_t interrupted; /* attempts given back */
  uint64_t stale;       /* ends that came too late: the lease was lost */
  uint64_t recovered;
  uint64_t removed;     /* by retention */
  uint64_t calls;
  uint64_t turns;
  uint64_t writes;      /* transactions */
  uint64_t busy;        /* transactions put off by another process's lock */
} lj_counters;

/* How far this worker has read what others wrote (share.c). */
typedef struct lj_share {
  lj_calls_place read;        /* the last change that was read; zeros: none yet */
  int64_t companions_until_ms; /* until then other workers count as present */
  int64_t newest;             /* the largest revision when another connection was last seen to have written */
  int64_t unexplained_ms;     /* when one was seen to have written that may have been an app; 0: that is settled */
  bool looked;                /* at least once */
  bool changed;               /* another connection has written since the last look for them; also at the start */
} lj_share;

typedef struct lj_run_list {
  lj_run *first;
  lj_run *last;
  size_t count;
} lj_run_list;

struct lj_engine {
  lj_config config;
  lj_log log;
  lj_mailbox mailbox;
  lj_outbox outbox;
  lj_thread thread;
  bool thread_started;
  void (*on_events)(void *owner);
  void *owner_data;

  lj_store *store;            /* NULL: not open (yet, or the engine has failed) */
  lj_http *http;
  lj_lanes lanes;
  struct lj_watched *watched; /* the health of each provider, in the order of the configuration */
  int64_t health_at_ms;       /* when one of them must be looked after */
  char lease_owner[LJ_OWNER_SIZE];
  lj_spending spending;       /* of the day, where there is a budget */
  lj_share share;             /* what is known of other workers' calls */
  int64_t claim_wall_ms;      /* when the calls of the claim that is being made begin */
  size_t moving;              /* runs of `calling` that wait for a transaction to go on in another lane */
  lj_run_list calling;
  lj_run_list ended;          /* waiting for their commit */
  lj_cancels cancels;         /* asked for by worker:cancel, not written yet */
  lj_requests requests;       /* jobs that came as messages */
  lj_batches batches;
  lj_loads loads;             /* models that are being loaded */
  bool remotes;               /* a run of `calling` may wait to write the id of its answer, or to ask for it again */
  lj_errand *errands;         /* calls that end answers nobody wants */
  size_t errand_count;
  lj_run_list refused;        /* ended too, but their row refuses the end: tried again at run->write_at_ms */
  struct {
    int64_t seq;
    int64_t until_ms;
  } excluded[LJ_MAX_REFUSED]; /* rows that refuse their claim */
  size_t excluded_count;
  lj_zones zones;             /* time zones of jobs that repeat */
  bool sweep;                 /* others may have asked something of rows that nobody holds */
  int64_t expiry_wall_ms;     /* earliest expires_at, INT64_MAX: none */
  lj_repair repair;           /* how far the pass over all jobs that wait for children has come */
  int64_t repair_at_ms;
  int64_t partial_at_ms;      /* progress and partial texts are not written before */
  bool passed_over;           /* the last claim left out a row that it had chosen: another may run in its place */
  lj_counters counters;
  lj_beat beat;
  size_t throttle;            /* no claim fills more slots than these (worker:throttle) */
  int64_t started_ms;         /* monotonic, like all times here without `wall` in the name */
  int64_t last_turn_us;

  bool opened;                /* the store is open and predecessors' jobs are back: worker:ready has been told */
  bool failed;                /* worker:failed has been told */
  int64_t open_at_ms;         /* next try to open */
  int64_t open_until_ms;      /* no try to open after */
  bool paused;
  bool draining;
  lj_suspension suspended;
  int64_t suspended_check_ms; /* next look whether the reason is gone */
  lj_names paused_queues;
  lj_names held_lanes;        /* lanes, or whole providers, that take no new job */
  int64_t suspect_at_ms;      /* after a sleep: calls that have brought nothing by then are dead; 0: none is suspected */
  int64_t retention_at_ms;
  unsigned retention_turn;    /* which end state is looked at first */
  bool tokens;                /* worker:token events are wanted of all jobs … */
  lj_names followed;          /* … or of these: ids of jobs that have not ended, as far as this worker knows */
  const char *drain_channel;  /* worker:drain or worker:release */
  char *drain_id;             /* message to answer when nothing runs any more */
  int64_t drain_until_ms;
  uint64_t drain_interrupted; /* by the drain's deadline */

  /* What the loop is to do, and when */
  bool look;                  /* a claim may find something */
  int64_t claim_after_ms;     /* no claim before */
  int64_t token_at_ms;        /* worker:token not before */
  int64_t recheck_until_ms;   /* after a file event: its commit may not be visible yet */
  int64_t poll_at_ms;         /* the slow look */
  int64_t due_wall_ms;        /* earliest delayed job, INT64_MAX: none */
  int64_t renew_at_ms;
  int64_t recover_at_ms;
  int64_t trim_at_ms;         /* start-up is over: its code is given back; 0: done */
  lj_gap gap;                 /* when the next transaction may begin */
  bool set_back;              /* the clock may have been set back: times in rows are to be looked at */
  lj_pace pace;               /* what transactions take */
  int64_t clock_offset_ms;    /* wall − monotonic at the last turn: a jump is sleep or a set clock */
};

/* The machine has woken up: calls get some seconds to bring a byte, the others are made anew; idle connections are left alone;
 * lanes that could not be reached are tried at once; jobs may start again. */
void lj_after_sleep(lj_engine *engine, int64_t now_ms);
/* For what follows from ends in a transaction; its listener is the engine's outbox. */
void lj_follow_init(lj_engine *engine, int64_t now_wall, lj_follow *follow);
void lj_run_list_add(lj_run_list *list, lj_run *run);
void lj_run_list_remove(lj_run_list *list, lj_run *run);

/* loop.c: the body of the thread; `owner` is the engine. */
void lj_loop(void *engine);
/* The payload of worker:stats, NULL when memory is short. */
cJSON *lj_statistics(const lj_engine *engine);
/* writer.c: one transaction, if there is anything to write and it is time. */
void lj_writer_turn(lj_engine *engine);
/* guard.c: notices that the file was replaced or the table lost a column, and when that is over. */
bool lj_guard_moved(lj_engine *engine);      /* true: the engine has been suspended */
void lj_guard_diagnose(lj_engine *engine);   /* after an error of the database */
void lj_guard_turn(lj_engine *engine, int64_t now_ms);
void lj_guard_release(lj_engine *engine);    /* closes the file; nothing may run */
void lj_guard_reopen(lj_engine *engine);
/* names.c */
int lj_names_add(lj_names *names, const char *name) LJ_MUST_CHECK; /* LJ_OK, also when it is there; LJ_NOMEM, LJ_TOO_BIG */
void lj_names_remove(lj_names *names, const char *name);
bool lj_names_have(const lj_names *names, const char *name);
void lj_names_free(lj_names *names);
/* Brings back ends that were set aside and whose time has come. */
void lj_writer_recall(lj_engine *engine, int64_t now_ms);
/* Whether a running job has progress or text that its row does not show yet. */
bool lj_writer_has_news(const lj_engine *engine);
/* Whether something waits to be written; then *at_us is when it may be. */
bool lj_writer_pending(const lj_engine *engine, int64_t *at_us);
/* opening.c: one try to open the database; tells worker:ready or worker:failed. */
void lj_opening_turn(lj_engine *engine);
/* An lj_recovered_cb whose listener is the engine: counts the job and tells of it. */
void lj_tell_recovered(void *listener, const char *id, const char *name, lj_status status, int64_t attempts);
/* secrets.c: keys that the app holds. Ready: a job may be started with this key of the provider; asks the app when it must. */
bool lj_secrets_ready(lj_engine *engine, const lj_provider_config *provider, size_t key);
/* A provider has refused the target's key. */
void lj_secrets_refused(lj_engine *engine, const lj_target *target, const char *why);
/* worker:secret. LJ_OK, LJ_NOMEM, or LJ_INVALID: the value can't be sent in a header. */
int lj_secrets_give(lj_engine *engine, const char *name, const char *value, bool *known) LJ_MUST_CHECK;
/* admission.c: how many more calls a lane takes: 0 when it is held, paused, full, or its key is not there. */
size_t lj_admission_room(lj_engine *engine, lj_lane *lane, int64_t now_ms);
/* admission.c: the claim's questions, answered by routes and lanes. */
void lj_admission_init(lj_engine *engine, int64_t now_wall, lj_claim_source *source);
/* The tokens that a call may cost, known before it: a quarter of its data's bytes, and maxTokens (of the data, else of the job's
 * type, else 1024). `max_tokens` is −1 when the data does not say it. */
int64_t lj_admission_estimate(const lj_config *config, const char *name, int64_t bytes, int64_t max_tokens);
/* Counts a call in the lane's window, when it has a limit per minute. LJ_NOMEM and LJ_TOO_BIG: it must not begin. */
int lj_admission_note(lj_lane *lane, int64_t seq, int64_t begun_wall, int64_t tokens) LJ_MUST_CHECK;
/* share.c: reads what other workers have done, before the lock is taken, as far as limits need it. */
int lj_share_look(lj_engine *engine, int64_t now_wall) LJ_MUST_CHECK;
/* Again, inside of the transaction that is going to begin calls: nobody can begin another one until it ends. */
int lj_share_update(lj_engine *engine, int64_t now_wall) LJ_MUST_CHECK;
/* Whether another connection has written since the last call: tells the gap when that was an app, as far as is known. */
void lj_share_watch(lj_engine *engine, bool changed, int64_t now_ms);
/* Whether a call in this lane must be written into its row before it is made, so that other workers see it. */
bool lj_share_arranges(const lj_engine *engine, const lj_lane *lane, int64_t now_ms);
/* budget.c */
bool lj_budget_exists(const lj_provider_config *provider);
/* Begins another day when the last one is over. LJ_OK or LJ_NOMEM. */
int lj_budget_day(lj_engine *engine, int64_t now_wall) LJ_MUST_CHECK;
/* Counts a try; parks the provider when that uses up its budget. `usage` may be NULL. LJ_OK or LJ_NOMEM. */
int lj_budget_spend(lj_engine *engine, const lj_target *target, int64_t seq, int64_t begun, int64_t ended,
                    const cJSON *usage) LJ_MUST_CHECK;
/* For worker:stats; NULL: no memory. */
cJSON *lj_budget_json(const lj_engine *engine);
/* moves.c: runs whose call failed and that go on in another lane. The first target of the rest of the route that takes the job
 * after this failure; its lane, or NULL. */
lj_lane *lj_moves_find(lj_engine *engine, lj_run *run, int code, int64_t now_ms, size_t *target);
/* Whether another target has not refused such jobs too, so that the job should wait for it. */
bool lj_moves_later(lj_engine *engine, const lj_run *run, int64_t now_ms);
/* Inside of a transaction, after lj_share_update; then, when that has committed or not: */
int lj_moves_write(lj_engine *engine, int64_t now_wall) LJ_MUST_CHECK;
void lj_moves_finish(lj_engine *engine, bool committed, int64_t now_wall);
/* live.c: whether anybody wants live text; whether of this run, or of the job with this id; the job has ended for good. */
bool lj_live_any(const lj_engine *engine);
bool lj_live_wants(const lj_run *run);
bool lj_live_follows(const lj_engine *engine, const char *id);
void lj_live_ended(const lj_run *run);
/* lane_news.c: tells worker:lane of lanes that have another state than was told. */
void lj_lanes_tell(lj_engine *engine, int64_t now_ms);

#endif
