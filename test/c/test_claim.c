/* SPDX-License-Identifier: MIT
 *
 * Which jobs are taken, in which order, and what is left behind when taking them fails.
 */
#include "base/limits.h"
#include "queue/claim.h"
#include "support/queue_fixture.h"

enum { MOST = 64, MAX_ROUTES = 8 };

/* A source with a number of places per route ("*": for all others). Places are per route here; the engine's are per lane. */
typedef struct room {
  const char *route; /* the model, or ":name" */
  size_t places;
  size_t taken;
  char lane[32];
} room;

typedef struct source {
  lj_claim_source asked;
  room rooms[MAX_ROUTES];
  size_t room_count;
  const char *queue;    /* the only one that is served; NULL: all */
  const char *refuses;  /* route whose admit says NULL although it has capacity */
  const char *hopeless; /* route without a lane */
  size_t questions;     /* capacity was asked so often */
  size_t admitted;
  size_t dismissed;
} source;

static room *find_room(source *own, const char *model, const char *name) {
  char route[64];
  (void)snprintf(route, sizeof route, "%s%s", model != NULL ? "" : ":", model != NULL ? model : name);
  for (size_t i = 0; i < own->room_count; i++)
    if (strcmp(own->rooms[i].route, route) == 0 || strcmp(own->rooms[i].route, "*") == 0) return &own->rooms[i];
  return NULL;
}

static bool serves(void *owner, const char *queue) {
  source *own = owner;
  return own->queue == NULL || strcmp(own->queue, queue) == 0;
}

static size_t capacity(void *owner, const char *model, const char *name) {
  source *own = owner;
  room *found = find_room(own, model, name);
  own->questions++;
  return found != NULL ? found->places - found->taken : 0;
}

static const char *admit(void *owner, const char *model, const char *name, int64_t seq) {
  (void)seq;
  source *own = owner;
  room *found = find_room(own, model, name);
  if (found == NULL || found->taken == found->places) return NULL;
  if (own->refuses != NULL && strcmp(found->route, own->refuses) == 0) return NULL;
  found->taken++;
  own->admitted++;
  if (own->hopeless != NULL && strcmp(found->route, own->hopeless) == 0) return "";
  return found->lane;
}

static void dismiss(void *owner, const char *lane, int64_t seq) {
  (void)seq;
  source *own = owner;
  own->dismissed++;
  for (size_t i = 0; i < own->room_count; i++)
    if (lane == own->rooms[i].lane) own->rooms[i].taken--;
}

static void source_init(source *own) {
  memset(own, 0, sizeof *own);
  own->asked = (lj_claim_source){.owner = own, .serves = serves, .capacity = capacity, .admit = admit, .dismiss = dismiss};
}

static void source_add(source *own, const char *route, size_t places) {
  room *added = &own->rooms[own->room_count++];
  added->route = route;
  added->places = places;
  (void)snprintf(added->lane, sizeof added->lane, "lane/%.20s", route);
}

#define NOW 1700000000000LL
static const lj_claim_terms terms = {.lease_owner = "w@h:1:aa", .lease_until = NOW + 30000, .now = NOW};

static int claim_from(lj_store *store, const lj_claim_source *asked, const lj_claim_terms *when, size_t most, lj_claimed *taken,
                      size_t *count) {
  lj_zones zones;
  lj_zones_init(&zones);
  lj_follow follow = {.store = store, .now = when->now, .zones = &zones};
  int code = lj_claim(&follow, asked, when, most, taken, count);
  lj_zones_free(&zones);
  return code;
}

/* Claims in a transaction of its own; the ids that were taken, in order, separated by spaces. */
static const char *claim(queue_fixture *queue, lj_store *store, source *own, size_t most) {
  static char ids[4096];
  lj_claimed taken[MOST];
  size_t count = 0;
  size_t used = 0;
  ids[0] = '\0';
  assert_true(most <= MOST);
  assert_code(lj_store_begin(store, false), LJ_OK);
  assert_code(claim_from(store, &own->asked, &terms, most, taken, &count), LJ_OK);
  assert_code(lj_store_commit(store), LJ_OK);
  assert_true(count <= most);
  for (size_t i = 0; i < count; i++) {
    used += (size_t)snprintf(ids + used, sizeof ids - used, "%s%s", i > 0 ? " " : "", taken[i].job.id);
    assert_rows(queue, taken[i].job.token, "SELECT lease_token FROM llm_jobs WHERE id = %Q AND status = 'active'", taken[i].job.id);
    lj_job_free(&taken[i].job);
  }
  return ids;
}

static void add(queue_fixture *queue, const char *id, const char *in_queue, const char *model, int priority) {
  app_run(queue, "INSERT INTO llm_jobs (id, queue, name, model, data, priority) VALUES (%Q, %Q, 'job', %Q, '{}', %d)", id, in_queue,
          model, priority);
}

#define WAITING "SELECT id FROM llm_jobs WHERE status = 'waiting' ORDER BY seq"

/* --- Order --- */

static void higher_priority_first_then_order_of_arrival_over_queues_and_models(void **state) {
  queue_fixture *queue = *state;
  source own;
  source_init(&own);
  source_add(&own, "*", 100);
  add(queue, "a", "q1", "p/x", 0);
  add(queue, "b", "q2", "p/y", 5);
  add(queue, "c", "q1", "p/y", 5);
  add(queue, "d", "q3", "p/x", -1);
  add(queue, "e", "q2", "p/z", 9);
  add(queue, "f", "q1", NULL, 0);
  add(queue, "g", "q1", "p/x", 5);
  assert_string_equal(claim(queue, queue->store, &own, 4), "e b c g");
  assert_string_equal(claim(queue, queue->store, &own, 64), "a f d");
  assert_string_equal(claim(queue, queue->store, &own, 64), "");
  assert_int_equal(own.admitted, 7);
  assert_int_equal(own.dismissed, 0);
}

static void one_at_a_time_gives_the_same_order(void **state) {
  static const char *const order[] = {"h1", "h2", "h3", "m1", "m2", "l1", ""};
  queue_fixture *queue = *state;
  source own;
  source_init(&own);
  source_add(&own, "*", 100);
  add(queue, "m1", "q", "p/x", 0);
  add(queue, "h1", "z", "p/x", 3);
  add(queue, "l1", "a", "p/a", -3);
  add(queue, "h2", "q", "p/y", 3);
  add(queue, "m2", "q", NULL, 0);
  add(queue, "h3", "q", "p/x", 3);
  for (size_t i = 0; i < COUNT_OF(order); i++) assert_string_equal(claim(queue, queue->store, &own, 1), order[i]);
}

static void order_holds_for_many_jobs_of_random_priority(void **state) {
  queue_fixture *queue = *state;
  uint32_t seed = 12345;
  source own;
  char expected[4096];
  source_init(&own);
  source_add(&own, "*", 1000);
  app_run(queue, "BEGIN");
  for (int i = 0; i < 300; i++) {
    char id[16];
    char in_queue[16];
    char model[16];
    (void)snprintf(id, sizeof id, "j%d", i);
    (void)snprintf(in_queue, sizeof in_queue, "q%u", next_random(&seed) % 4);
    (void)snprintf(model, sizeof model, "p/m%u", next_random(&seed) % 5);
    add(queue, id, in_queue, model, (int)(next_random(&seed) % 7) - 3);
  }
  app_run(queue, "COMMIT");
  for (int left = 300; left > 0; left -= left < 37 ? left : 37) {
    (void)snprintf(expected, sizeof expected, "%s",
                   app_text(queue, "SELECT id FROM llm_jobs WHERE status = 'waiting' ORDER BY priority DESC, seq LIMIT 37"));
    assert_string_equal(claim(queue, queue->store, &own, 37), expected);
  }
  assert_int_equal(own.admitted, 300);
}

/* --- Capacity --- */

static void full_lane_holds_up_no_other(void **state) {
  queue_fixture *queue = *state;
  source own;
  source_init(&own);
  source_add(&own, "p/full", 0);
  source_add(&own, "p/free", 2);
  for (int i = 0; i < 200; i++) app_run(queue, "INSERT INTO llm_jobs (name, model, data, priority) VALUES ('n', 'p/full', '{}', 9)");
  add(queue, "a", "default", "p/free", 0);
  assert_string_equal(claim(queue, queue->store, &own, 5), "a");
  assert_int_equal(own.questions, 2); /* one look at a group, however many jobs it has */
}

static void capacity_of_each_group_is_respected(void **state) {
  queue_fixture *queue = *state;
  source own;
  source_init(&own);
  source_add(&own, "p/x", 2);
  source_add(&own, "p/y", 1);
  add(queue, "x1", "q", "p/x", 0);
  add(queue, "x2", "q", "p/x", 0);
  add(queue, "x3", "q", "p/x", 8);
  add(queue, "y1", "q", "p/y", 0);
  add(queue, "y2", "q", "p/y", 0);
  add(queue, "z1", "q", "p/z", 99);
  assert_string_equal(claim(queue, queue->store, &own, 64), "x3 x1 y1");
  assert_rows(queue, "x2 y2 z1", WAITING);
}

static void lane_shared_by_two_queues_is_not_filled_twice(void **state) {
  queue_fixture *queue = *state;
  source own;
  source_init(&own);
  source_add(&own, "p/x", 2);
  add(queue, "a1", "a", "p/x", 0);
  add(queue, "b1", "b", "p/x", 1);
  add(queue, "a2", "a", "p/x", 0);
  add(queue, "b2", "b", "p/x", 0);
  assert_string_equal(claim(queue, queue->store, &own, 64), "b1 a1");
  assert_int_equal(own.rooms[0].taken, 2);
  assert_rows(queue, "a2 b2", WAITING);
}

static void admission_that_says_no_leaves_the_job_waiting(void **state) {
  queue_fixture *queue = *state;
  source own;
  source_init(&own);
  source_add(&own, "p/x", 2);
  source_add(&own, "p/y", 2);
  own.refuses = "p/x";
  add(queue, "x", "q", "p/x", 5);
  add(queue, "y", "q", "p/y", 0);
  assert_string_equal(claim(queue, queue->store, &own, 64), "y");
  assert_rows(queue, "waiting|0|-", "SELECT status, attempts, lease_token FROM llm_jobs WHERE id = 'x'");
}

static void job_without_a_lane_is_taken_with_none(void **state) {
  queue_fixture *queue = *state;
  source own;
  source_init(&own);
  source_add(&own, "p/none", 2);
  own.hopeless = "p/none";
  add(queue, "a", "q", "p/none", 0);
  app_run(queue, "UPDATE llm_jobs SET lane = 'old'");
  assert_string_equal(claim(queue, queue->store, &own, 64), "a");
  assert_rows(queue, "-", "SELECT lane FROM llm_jobs");
}

static void only_served_queues_are_looked_at(void **state) {
  queue_fixture *queue = *state;
  source own;
  source_init(&own);
  source_add(&own, "*", 100);
  own.queue = "mine";
  add(queue, "a", "aaa", "p/x", 9);
  add(queue, "m", "mine", "p/x", 0);
  add(queue, "z", "zzz", "p/x", 9);
  assert_string_equal(claim(queue, queue->store, &own, 64), "m");
  assert_rows(queue, "a z", WAITING);
}

static void jobs_without_a_model_are_grouped_by_name(void **state) {
  queue_fixture *queue = *state;
  source own;
  source_init(&own);
  source_add(&own, ":summarize", 1);
  source_add(&own, "summarize", 0); /* a model of that name is another group */
  app_run(queue,
          "INSERT INTO llm_jobs (id, name, model, data) VALUES ('a', 'translate', NULL, '{}'), ('b', 'x', 'summarize', '{}'), "
          "('c', 'summarize', NULL, '{}'), ('d', 'summarize', NULL, '{}')");
  assert_string_equal(claim(queue, queue->store, &own, 64), "c");
  assert_rows(queue, "a b d", WAITING);
}

static void odd_names_are_groups_too(void **state) {
  queue_fixture *queue = *state;
  source own;
  source_init(&own);
  source_add(&own, "*", 100);
  add(queue, "empty", "", "", 0);
  add(queue, "accent", "\xc3\xa9", "p/\xc3\xa9", 0);
  add(queue, "prefix", "q", "p/x", 0);
  add(queue, "longer", "q", "p/xx", 0);
  add(queue, "queue", "qq", "p/x", 0);
  add(queue, "last", "\xf4\x8f\xbf\xbf", "\xf4\x8f\xbf\xbf", 0);
  assert_string_equal(claim(queue, queue->store, &own, 64), "empty accent prefix longer queue last");
}

static void number_of_groups_has_a_ceiling_that_later_claims_pass(void **state) {
  queue_fixture *queue = *state;
  source own;
  source_init(&own);
  source_add(&own, "*", 100000);
  app_run(queue,
          "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d) INSERT INTO llm_jobs (name, model, data) "
          "SELECT 'n', printf('p/%%06d', i), '{}' FROM n",
          LJ_MAX_GROUPS + 10);
  size_t total = 0;
  for (int round = 0; round < 100 && app_number(queue, "SELECT count(*) FROM llm_jobs WHERE status = 'waiting'") > 0; round++) {
    size_t before = own.questions;
    (void)claim(queue, queue->store, &own, MOST);
    assert_true(own.questions - before <= LJ_MAX_GROUPS);
    total = own.admitted;
  }
  assert_int_equal(total, LJ_MAX_GROUPS + 10);
}

/* --- Time --- */

static void future_run_at_of_a_waiting_row_is_put_off(void **state) {
  queue_fixture *queue = *state;
  source own;
  source_init(&own);
  source_add(&own, "*", 100);
  add(queue, "later", "q", "p/x", 9);
  add(queue, "now", "q", "p/x", 0);
  add(queue, "past", "q", "p/x", 0);
  app_run(queue, "UPDATE llm_jobs SET run_at = %lld WHERE id = 'later'; UPDATE llm_jobs SET run_at = %lld WHERE id = 'past'", NOW + 1, NOW);
  assert_string_equal(claim(queue, queue->store, &own, 1), "now");
  assert_string_equal(claim(queue, queue->store, &own, 5), "past");
  assert_rows(queue, "delayed|0", "SELECT status, attempts FROM llm_jobs WHERE id = 'later'");
  int64_t due = 0;
  assert_code(lj_claim_next_due(queue->store, &due), LJ_OK);
  assert_int_equal(due, NOW + 1);
}

static void jobs_behind_many_future_ones_are_found(void **state) {
  queue_fixture *queue = *state;
  source own;
  source_init(&own);
  source_add(&own, "*", 100);
  app_run(queue,
          "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 400) INSERT INTO llm_jobs (name, model, data, "
          "priority, run_at) SELECT 'n', 'p/x', '{}', 9, %lld FROM n",
          NOW + 5);
  add(queue, "a", "default", "p/x", 0);
  bool found = false;
  /* A claim looks at a bounded number of rows; the next one goes on. */
  for (int round = 0; round < 400 && !found; round++) found = strcmp(claim(queue, queue->store, &own, 8), "a") == 0;
  assert_true(found);
}

static void due_jobs_are_promoted_and_others_are_not(void **state) {
  queue_fixture *queue = *state;
  source own;
  source_init(&own);
  source_add(&own, "*", 100);
  app_run(queue,
          "INSERT INTO llm_jobs (id, name, data, status, run_at) VALUES ('due', 'n', '{}', 'delayed', %lld), "
          "('later', 'n', '{}', 'delayed', %lld), ('timeless', 'n', '{}', 'delayed', NULL)",
          NOW, NOW + 1);
  assert_string_equal(claim(queue, queue->store, &own, 64), "due timeless");
  assert_rows(queue, "delayed", "SELECT status FROM llm_jobs WHERE id = 'later'");
}

static void next_due_is_the_earliest_or_never(void **state) {
  queue_fixture *queue = *state;
  int64_t due = 0;
  assert_code(lj_claim_next_due(queue->store, &due), LJ_OK);
  assert_true(due == INT64_MAX);
  app_run(queue, "INSERT INTO llm_jobs (name, data, status, run_at) VALUES ('n', '{}', 'delayed', %lld), ('n', '{}', 'delayed', %lld)", NOW + 70, NOW + 50);
  assert_code(lj_claim_next_due(queue->store, &due), LJ_OK);
  assert_int_equal(due, NOW + 50);
}

static void possible_tells_what_a_claim_would_find(void **state) {
  queue_fixture *queue = *state;
  source own;
  bool possible = true;
  source_init(&own);
  source_add(&own, "p/x", 1);
  assert_code(lj_claim_possible(queue->store, &own.asked, NOW, &possible), LJ_OK);
  assert_false(possible);
  add(queue, "y", "q", "p/y", 0);
  assert_code(lj_claim_possible(queue->store, &own.asked, NOW, &possible), LJ_OK);
  assert_false(possible);
  app_run(queue, "INSERT INTO llm_jobs (name, data, status, run_at) VALUES ('n', '{}', 'delayed', %lld)", NOW + 1);
  assert_code(lj_claim_possible(queue->store, &own.asked, NOW, &possible), LJ_OK);
  assert_false(possible);
  assert_code(lj_claim_possible(queue->store, &own.asked, NOW + 1, &possible), LJ_OK);
  assert_true(possible);
  add(queue, "x", "q", "p/x", 0);
  assert_code(lj_claim_possible(queue->store, &own.asked, NOW, &possible), LJ_OK);
  assert_true(possible);
  assert_rows(queue, "waiting waiting", "SELECT status FROM llm_jobs WHERE id IN ('x', 'y')");
}

/* --- What is taken --- */

static void taken_row_says_who_holds_it_and_the_job_has_all_fields(void **state) {
  queue_fixture *queue = *state;
  source own;
  lj_claimed taken[1];
  size_t count = 0;
  source_init(&own);
  source_add(&own, "p/x", 1);
  app_run(queue,
          "INSERT INTO llm_jobs (id, queue, name, model, data, opts, history, attempts, max_attempts, created_at, run_at, progress, "
          "partial, error) VALUES ('a', 'q', 'n', 'p/x', '{\"prompt\":\"Hi\"}', '{\"timeoutMs\":5}', '[1]', 1, 7, 1700000000.4, 1600000000, 40, "
          "'half', '{\"code\":\"X\"}')");
  assert_code(lj_store_begin(queue->store, false), LJ_OK);
  assert_code(claim_from(queue->store, &own.asked, &terms, 1, taken, &count), LJ_OK);
  assert_code(lj_store_commit(queue->store), LJ_OK);
  assert_int_equal(count, 1);
  lj_job *job = &taken[0].job;
  assert_int_equal(job->seq, 1);
  assert_string_equal(job->id, "a");
  assert_string_equal(job->queue, "q");
  assert_string_equal(job->name, "n");
  assert_string_equal(job->model, "p/x");
  assert_string_equal(job->data, "{\"prompt\":\"Hi\"}");
  assert_string_equal(job->opts, "{\"timeoutMs\":5}");
  assert_string_equal(job->history, "[1]");
  assert_int_equal(job->attempts, 2);
  assert_int_equal(job->max_attempts, 7);
  assert_int_equal(job->created_at, 1700000000400); /* seconds of the original schema */
  assert_int_equal(job->run_at, 1600000000000);
  assert_int_equal(strlen(job->token), LJ_TOKEN_SIZE - 1);
  assert_string_equal(taken[0].lane, "lane/p/x");
  assert_rows(queue, "active|2|0|-|w@h:1:aa|1700000030000|1700000000000|lane/p/x|{\"code\":\"X\"}",
              "SELECT status, attempts, progress, partial, lease_owner, lease_until, processed_on, lane, error FROM llm_jobs");
  assert_rows(queue, job->token, "SELECT lease_token FROM llm_jobs");
  lj_job_free(job);
}

static void ended_and_blocked_jobs_are_never_taken(void **state) {
  queue_fixture *queue = *state;
  source own;
  source_init(&own);
  source_add(&own, "*", 100);
  app_run(queue,
          "INSERT INTO llm_jobs (name, data, status) VALUES ('n', '{}', 'completed'), ('n', '{}', 'failed'), ('n', '{}', 'cancelled'), "
          "('n', '{}', 'waiting-children'), ('n', '{}', 'active')");
  assert_string_equal(claim(queue, queue->store, &own, 64), "");
  assert_rows(queue, "completed failed cancelled waiting-children active", "SELECT status FROM llm_jobs ORDER BY seq");
}

static void two_connections_take_disjoint_rows(void **state) {
  queue_fixture *queue = *state;
  source own;
  lj_store *other = NULL;
  lj_fault fault;
  source_init(&own);
  source_add(&own, "*", 1000);
  for (int i = 0; i < 20; i++) add(queue, (char[]){(char)('a' + i), '\0'}, "q", "p/x", 0);
  assert_code(lj_store_open(queue->path, &queue->log, &other, &fault), LJ_OK);
  assert_string_equal(claim(queue, queue->store, &own, 3), "a b c");
  assert_string_equal(claim(queue, other, &own, 3), "d e f");
  assert_string_equal(claim(queue, queue->store, &own, 10), "g h i j k l m n o p");
  assert_string_equal(claim(queue, other, &own, 10), "q r s t");
  /* And while one is claiming, the other can't. */
  assert_code(lj_store_begin(queue->store, false), LJ_OK);
  assert_code(lj_store_begin(other, false), LJ_BUSY);
  lj_store_rollback(queue->store);
  assert_int_equal(app_number(queue, "SELECT count(DISTINCT lease_token) FROM llm_jobs"), 20);
  lj_store_close(other);
}

/* --- Failures --- */

static void row_that_a_trigger_refuses_is_left_out(void **state) {
  queue_fixture *queue = *state;
  source own;
  source_init(&own);
  source_add(&own, "*", 100);
  for (int i = 0; i < 5; i++) add(queue, (char[]){(char)('a' + i), '\0'}, "q", "p/x", 0);
  app_run(queue,
          "CREATE TRIGGER guard BEFORE UPDATE ON llm_jobs WHEN old.id = 'd' BEGIN SELECT raise(ABORT, 'the app says no'); END");
  assert_string_equal(claim(queue, queue->store, &own, MOST), "a b c e");
  assert_int_equal(own.dismissed, 1);
  assert_rows(queue, "waiting", "SELECT status FROM llm_jobs WHERE id = 'd'");
}


static void failure_dismisses_every_admitted_job(void **state) {
  queue_fixture *queue = *state;
  source own;
  lj_claimed taken[MOST];
  size_t count = 9;
  source_init(&own);
  source_add(&own, "*", 100);
  for (int i = 0; i < 5; i++) add(queue, (char[]){(char)('a' + i), '\0'}, "q", "p/x", 0);
  app_run(queue,
          "CREATE TRIGGER guard BEFORE UPDATE ON llm_jobs WHEN old.id = 'd' BEGIN SELECT raise(ROLLBACK, 'the app says no'); END");
  assert_code(lj_store_begin(queue->store, false), LJ_OK);
  assert_code(claim_from(queue->store, &own.asked, &terms, MOST, taken, &count), LJ_DB_ERROR);
  lj_store_rollback(queue->store);
  assert_int_equal(count, 0);
  assert_int_equal(own.admitted, 4);
  assert_int_equal(own.dismissed, 4);
  assert_int_equal(own.rooms[0].taken, 0);
  assert_rows(queue, "a b c d e", WAITING);
}

static void row_that_a_trigger_takes_away_is_dismissed(void **state) {
  queue_fixture *queue = *state;
  source own;
  source_init(&own);
  source_add(&own, "*", 100);
  add(queue, "a", "q", "p/x", 1);
  add(queue, "b", "q", "p/x", 0);
  app_run(queue, "CREATE TRIGGER swap AFTER UPDATE OF status ON llm_jobs WHEN new.id = 'a' AND new.status = 'active' "
                 "BEGIN UPDATE llm_jobs SET status = 'cancelled' WHERE id = 'b'; END");
  assert_string_equal(claim(queue, queue->store, &own, 64), "a");
  assert_int_equal(own.admitted, 2);
  assert_int_equal(own.dismissed, 1);
  assert_int_equal(own.rooms[0].taken, 1);
}

static void claim_survives_every_failed_allocation(void **state) {
  queue_fixture *queue = *state;
  int code = LJ_NOMEM;
  long nth = 0;
  source own;
  source_init(&own);
  source_add(&own, "*", 100);
  add(queue, "a", "q", "p/x", 0);
  add(queue, "b", "r", NULL, 0);
  app_run(queue, "UPDATE llm_jobs SET opts = '{}', history = '[]'");
  while (code != LJ_OK) {
    lj_claimed taken[MOST];
    size_t count = 0;
    assert_true(++nth < 1000);
    long live = lj_memory_live();
    assert_code(lj_store_begin(queue->store, false), LJ_OK);
    lj_memory_fail_at(nth, 0);
    code = claim_from(queue->store, &own.asked, &terms, MOST, taken, &count);
    lj_memory_fail_at(0, 0);
    if (code != LJ_OK) {
      lj_store_rollback(queue->store);
      assert_code(code, LJ_NOMEM);
      assert_int_equal(count, 0);
      assert_int_equal(own.rooms[0].taken, 0);
      assert_int_equal(lj_memory_live(), live);
      assert_rows(queue, "a b", WAITING);
    } else {
      assert_code(lj_store_commit(queue->store), LJ_OK);
      assert_int_equal(count, 2);
      for (size_t i = 0; i < count; i++) lj_job_free(&taken[i].job);
    }
  }
  assert_true(nth > 10);
  nth = 0;
  add(queue, "c", "q", "p/x", 0);
  for (code = LJ_NOMEM; code != LJ_OK;) {
    bool possible = false;
    assert_true(++nth < 1000);
    lj_memory_fail_at(nth, 0);
    code = lj_claim_possible(queue->store, &own.asked, NOW, &possible);
    lj_memory_fail_at(0, 0);
    if (code == LJ_OK)
      assert_true(possible);
    else
      assert_code(code, LJ_NOMEM);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      queue_test(higher_priority_first_then_order_of_arrival_over_queues_and_models),
      queue_test(one_at_a_time_gives_the_same_order),
      queue_test(order_holds_for_many_jobs_of_random_priority),
      queue_test(full_lane_holds_up_no_other),
      queue_test(capacity_of_each_group_is_respected),
      queue_test(lane_shared_by_two_queues_is_not_filled_twice),
      queue_test(admission_that_says_no_leaves_the_job_waiting),
      queue_test(job_without_a_lane_is_taken_with_none),
      queue_test(only_served_queues_are_looked_at),
      queue_test(jobs_without_a_model_are_grouped_by_name),
      queue_test(odd_names_are_groups_too),
      queue_test(number_of_groups_has_a_ceiling_that_later_claims_pass),
      queue_test(future_run_at_of_a_waiting_row_is_put_off),
      queue_test(jobs_behind_many_future_ones_are_found),
      queue_test(due_jobs_are_promoted_and_others_are_not),
      queue_test(next_due_is_the_earliest_or_never),
      queue_test(possible_tells_what_a_claim_would_find),
      queue_test(taken_row_says_who_holds_it_and_the_job_has_all_fields),
      queue_test(ended_and_blocked_jobs_are_never_taken),
      queue_test(two_connections_take_disjoint_rows),
      queue_test(row_that_a_trigger_refuses_is_left_out),
      queue_test(failure_dismisses_every_admitted_job),
      queue_test(row_that_a_trigger_takes_away_is_dismissed),
      queue_test(claim_survives_every_failed_allocation),
  };
  return cmocka_run_group_tests_name("claim", tests, NULL, NULL);
}
