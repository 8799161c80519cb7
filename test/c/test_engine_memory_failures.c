/* SPDX-License-Identifier: MIT
 *
 * The whole engine with the Nth allocation failing, for every N that it makes: it never crashes, never leaks, and the job is
 * completed exactly once, by this engine or by the next one.
 */
#include <unistd.h>

#include "support/engine_fixture.h"

enum {
  MAX_ALLOCATIONS = 5000, /* more than the engine makes for one job */
  DENSE = 300,            /* every N up to here, … */
  STRIDE = 3,             /* … then every third */
  GRACE_MS = 25           /* after the failure, for what can still go well */
};

typedef struct scenario {
  const char *model;
  const char *data;
  const char *opts;
  const char *root; /* more configuration */
  const char *limits; /* of the provider `p`; NULL: none */
  bool by_message;    /* the job is no row, but a message to each engine */
} scenario;

#define MESSAGE_JOB "00000000000000000000000000000007"

static bool is_completed(engine_fixture *fixture) {
  return app_number(&fixture->queue, "SELECT count(*) FROM llm_jobs WHERE status = 'completed'") == 1;
}

static void put_job(engine_fixture *fixture, const scenario *plan) {
  if (plan->by_message) {
    app_run(&fixture->queue, "BEGIN IMMEDIATE; DELETE FROM llm_jobs; DELETE FROM ends; COMMIT");
    return;
  }
  app_run(&fixture->queue, "BEGIN IMMEDIATE; DELETE FROM llm_jobs; DELETE FROM ends; INSERT INTO llm_jobs (id, name, model, data, opts, history) "
                           "VALUES ('a', 'typed', %Q, %Q, %Q, '[{\"attempt\":1}]'); COMMIT", plan->model, plan->data, plan->opts);
}

/* Starts an engine, talks to it, and stops it when the job is completed or nothing more is to be expected. */
static void run_engine(engine_fixture *fixture, const scenario *plan, const char *config, long nth) {
  lj_engine_options options = {.config = config};
  lj_engine *engine = NULL;
  char *error = NULL;
  int code = lj_engine_start(&options, &engine, &error);
  if (code != LJ_OK) {
    assert_code(code, LJ_NOMEM);
    assert_null(engine);
    lj_engine_free_text(error);
    return;
  }
  assert_null(error);
  (void)lj_engine_send(engine, "{\"id\":\"s\",\"channel\":\"worker:subscribe\",\"payload\":{\"tokens\":true}}");
  (void)lj_engine_send(engine, "{\"id\":\"f\",\"channel\":\"worker:subscribe\",\"payload\":{\"jobId\":\"a\",\"tokens\":true}}");
  if (plan->by_message)
    (void)lj_engine_send(engine, "{\"id\":\"r\",\"channel\":\"worker:processRequest\",\"payload\":{\"jobId\":\"" MESSAGE_JOB "\",\"model\":\"p/x\","
                                 "\"data\":{\"prompt\":\"Say hello\"},\"opts\":{\"backoff\":{\"delayMs\":1}}}}");
  (void)lj_engine_send(engine, "{\"id\":\"h\",\"channel\":\"worker:heartbeat\"}");
  (void)lj_engine_send(engine, "{\"id\":\"t\",\"channel\":\"worker:stats\"}");
  (void)lj_engine_send(engine, "{\"id\":\"u\",\"channel\":\"worker:unheard\"}");
  int grace = nth > 0 ? GRACE_MS : 20000;
  for (int i = 0; i < 20000 && grace > 0 && !is_completed(fixture); i++) {
    char *events = NULL;
    (void)lj_engine_take(engine, &events);
    lj_engine_free_text(events);
    if (nth == 0 || lj_memory_count() >= nth) grace--;
    (void)usleep(1000);
  }
  (void)lj_engine_send(engine, "{\"id\":\"d\",\"channel\":\"worker:drain\",\"payload\":{\"deadlineMs\":0}}");
  lj_engine_stop(engine);
}

/* False: the allocation was never made, all have been tried. */
static bool fail_one(engine_fixture *fixture, const scenario *plan, const char *config, long nth, bool sticky) {
  put_job(fixture, plan);
  long live = lj_memory_live();
  lj_memory_fail_at(nth, sticky);
  run_engine(fixture, plan, config, nth);
  long count = lj_memory_count();
  lj_memory_fail_at(0, 0);
  if (lj_memory_live() != live) fail_msg("allocation %ld: %ld blocks are left", nth, lj_memory_live() - live);
  if (!is_completed(fixture)) {
    const char *status = app_text(&fixture->queue, "SELECT status FROM llm_jobs");
    if (strcmp(status, "failed") == 0)
      fail_msg("allocation %ld: the job failed: %s", nth, app_text(&fixture->queue, "SELECT error FROM llm_jobs"));
    run_engine(fixture, plan, config, 0);
    if (lj_memory_live() != live) fail_msg("allocation %ld, second engine: %ld blocks are left", nth, lj_memory_live() - live);
  }
  if (!is_completed(fixture))
    fail_msg("allocation %ld: the job is %s", nth, app_text(&fixture->queue, "SELECT status, attempts, stalls, error FROM llm_jobs"));
  if (strcmp(app_text(&fixture->queue, "SELECT count(*), (SELECT json_extract(result, '$.text') FROM llm_jobs) FROM ends"), "1|Hello world") != 0)
    fail_msg("allocation %ld: %s", nth, fixture->queue.text);
  return count >= nth;
}

static void fail_all(engine_fixture *fixture, const scenario *plan) {
  app_run(&fixture->queue, "CREATE TABLE ends (id TEXT); CREATE TRIGGER count_ends AFTER UPDATE OF status ON llm_jobs WHEN new.status = 'completed' "
                           "BEGIN INSERT INTO ends VALUES (new.id); END");
  char provider[512];
  (void)snprintf(provider, sizeof provider, ",\"headers\":{\"X-Title\":\"t\"},\"apiKey\":{\"env\":\"LJ_TEST_KEY\"}%s", plan->limits != NULL ? plan->limits : "");
  const char *config = engine_config(fixture, "w", plan->root, provider);
  long nth = 1;
  while (fail_one(fixture, plan, config, nth, false)) {
    nth += nth < DENSE ? 1 : STRIDE;
    assert_true(nth < MAX_ALLOCATIONS);
  }
  assert_true(nth > 150);
}

static void streamed_job(void **state) {
  engine_fixture *fixture = *state;
  scenario plan = {.model = "p/x", .data = "{\"prompt\":\"Say hello\",\"system\":\"s\",\"stop\":[\"a\"]}", .opts = "{\"backoff\":{\"delayMs\":1}}", .root = ""};
  script(fixture, sse_reply(fixture));
  fail_all(fixture, &plan);
}

static void job_that_moves_on_to_another_provider(void **state) {
  engine_fixture *fixture = *state;
  scenario plan = {.model = "both", .data = "{\"prompt\":\"Say hello\"}", .opts = NULL, .root = ",\"types\":{\"typed\":{\"system\":\"s {{prompt}}\"}}"};
  script_for(fixture, "/chat/completions", http_reply(fixture, 401, "application/json", "", "{\"error\":{\"message\":\"no key\"}}"));
  script_for(fixture, "/api/chat", ollama_reply(fixture));
  fail_all(fixture, &plan);
}

static void job_of_a_provider_with_limits_beside_another_worker(void **state) {
  engine_fixture *fixture = *state;
  scenario plan = {.model = "both", .data = "{\"prompt\":\"Say hello\"}", .opts = NULL, .root = "",
                   .limits = ",\"requestsPerMinute\":60000,\"tokensPerMinute\":90000000,\"maxCostPerDay\":1000,\"prices\":{\"*\":{\"inputPerMillion\":1,\"outputPerMillion\":1}}"};
  script_for(fixture, "/chat/completions", http_reply(fixture, 500, "application/json", "", "{}"));
  script_for(fixture, "/api/chat", ollama_reply(fixture));
  /* What another worker has done: history, usage, a pause of a lane that this job does not use. */
  app_run(&fixture->queue, "CREATE TRIGGER others AFTER INSERT ON llm_jobs WHEN new.id = 'a' BEGIN "
                           "UPDATE llm_jobs SET revision = strftime('%%s', 'now') * 1000000, lane = 'p/other', processed_on = strftime('%%s', 'now') * 1000, "
                           "history = json_array(json_object('provider', 'p', 'model', 'other', 'startedAt', strftime('%%s', 'now') * 1000, 'endedAt', strftime('%%s', 'now') * 1000, "
                           "'usage', json_object('inputTokens', 5, 'outputTokens', 5))), "
                           "error = json_object('code', 'RATE_LIMITED', 'provider', 'p', 'model', 'another', 'at', strftime('%%s', 'now') * 1000, 'retryAt', strftime('%%s', 'now') * 1000 + 60000) "
                           "WHERE id = 'a'; END");
  fail_all(fixture, &plan);
}

static void job_that_a_dead_worker_held(void **state) {
  engine_fixture *fixture = *state;
  scenario plan = {.model = "p/x", .data = "{\"prompt\":\"Say hello\"}", .opts = NULL, .root = ",\"maxStalls\":1000"};
  script(fixture, sse_reply(fixture));
  app_run(&fixture->queue, "CREATE TRIGGER hold AFTER INSERT ON llm_jobs BEGIN UPDATE llm_jobs SET status = 'active', lease_token = 't', "
                           "lease_owner = 'x@h:1:1', lease_until = 1 WHERE seq = new.seq; END");
  fail_all(fixture, &plan);
}

/* A host that got no answer sends its request again: to the next engine, under the same id. */
static void job_that_comes_as_a_message(void **state) {
  engine_fixture *fixture = *state;
  scenario plan = {.root = "", .by_message = true};
  script(fixture, sse_reply(fixture));
  fail_all(fixture, &plan);
}

/* Memory that stays short: the engine can do nothing, but it ends, and the next one finds the job as it was. */
static void shortage_that_lasts(void **state) {
  engine_fixture *fixture = *state;
  scenario plan = {.model = "p/x", .data = "{\"prompt\":\"Say hello\"}", .opts = NULL, .root = ""};
  script(fixture, sse_reply(fixture));
  app_run(&fixture->queue, "CREATE TABLE ends (id TEXT); CREATE TRIGGER count_ends AFTER UPDATE OF status ON llm_jobs WHEN new.status = 'completed' "
                           "BEGIN INSERT INTO ends VALUES (new.id); END");
  const char *config = engine_config(fixture, "w", "", "");
  for (long nth = 1; nth < 400 && fail_one(fixture, &plan, config, nth, true); nth += 23) {
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      engine_test(streamed_job),
      engine_test(job_that_moves_on_to_another_provider),
      engine_test(job_of_a_provider_with_limits_beside_another_worker),
      engine_test(job_that_a_dead_worker_held),
      engine_test(job_that_comes_as_a_message),
      engine_test(shortage_that_lasts),
  };
  lj_memory_init();
  (void)setenv("LJ_TEST_KEY", "sk-test", 1);
  return cmocka_run_group_tests_name("engine memory failures", tests, NULL, NULL);
}
