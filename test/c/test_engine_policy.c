/* SPDX-License-Identifier: MIT
 *
 * allowedAPIs: what a worker does not do when it is not allowed to, and lists of models that name nothing.
 */
#include <unistd.h>

#include "support/engine_fixture.h"

static void without_llm_no_provider_is_called(void **state) {
  engine_fixture *fixture = *state;
  script(fixture, sse_reply(fixture));
  add_job(fixture, "a", "p/x", HELLO);
  add_job(fixture, "b", "both", HELLO);
  app_run(&fixture->queue, "INSERT INTO llm_jobs (id, name, model, data, opts) VALUES ('c', 'job', 'p/x', %Q, '{\"batch\":true}')", HELLO);
  /* The server would be looked for and started at once, were it allowed. */
  char config[1024];
  (void)snprintf(config, sizeof config,
                 "{\"database\":\"%s\",\"pollIntervalMs\":10,\"allowedAPIs\":[\"ipc\",\"fs:read\"],\"models\":{\"both\":\"p/x\"},\"providers\":{\"p\":{"
                 "\"kind\":\"openai-compatible\",\"baseUrl\":\"http://127.0.0.1:%d/v1\",\"command\":[\"touch\",\"%s/started\"]}}}",
                 fixture->queue.path, loopback_port(fixture->server), fixture->queue.folder);
  event_log_start(&fixture->events, config);
  wait_job(fixture, "a", "failed");
  wait_job(fixture, "b", "failed");
  wait_job(fixture, "c", "failed");
  assert_rows(&fixture->queue, "POLICY_DENIED|3", "SELECT json_extract(error, '$.code'), count(*) FROM llm_jobs GROUP BY 1");
  int64_t turns = stat_of(fixture, "turns");
  (void)usleep(100000);
  assert_true(stat_of(fixture, "turns") - turns < 100); /* and nothing keeps the loop busy */
  assert_int_equal(loopback_requests(fixture->server), 0);
  (void)snprintf(config, sizeof config, "%s/started", fixture->queue.folder);
  assert_int_not_equal(access(config, F_OK), 0);
}

static void without_ipc_only_what_watches_and_ends_the_worker_is_answered(void **state) {
  static const char *const refused[] = {"worker:stats", "worker:pause", "worker:resume", "worker:hold", "worker:release", "worker:cancel",
                                        "worker:subscribe", "worker:processRequest"};
  engine_fixture *fixture = *state;
  script(fixture, sse_reply(fixture));
  engine_start(fixture, ",\"allowedAPIs\":[\"llm\"]", "");
  for (size_t i = 0; i < COUNT_OF(refused); i++) {
    const char *code = lj_json_string(lj_json_object(ask(fixture, refused[i], "{\"prompt\":\"x\",\"tokens\":true}"), "error"), "code");
    if (code == NULL || strcmp(code, "POLICY_DENIED") != 0) fail_msg("%s gave %s", refused[i], code != NULL ? code : "an answer");
  }
  assert_string_equal(lj_json_string(lj_json_object(ask(fixture, "worker:unheard", NULL), "error"), "code"), "NOT_FOUND");
  assert_non_null(payload_of(ask(fixture, "worker:heartbeat", NULL)));
  assert_non_null(payload_of(ask(fixture, "worker:throttle", "{\"concurrency\":3}")));
  assert_non_null(payload_of(ask(fixture, "worker:power", "{\"event\":\"resume\"}")));
  assert_non_null(payload_of(ask(fixture, "worker:secret", "{\"name\":\"none\",\"value\":null}")));
  add_job(fixture, "a", "p/x", HELLO);
  assert_code(lj_engine_send(fixture->events.engine, "{\"channel\":\"worker:notify\"}"), LJ_OK);
  wait_job(fixture, "a", "completed"); /* the database is the way to it */
  assert_non_null(payload_of(ask(fixture, "worker:drain", NULL)));
  assert_rows(&fixture->queue, "1", "SELECT count(*) FROM llm_jobs");
}

static bool warned(const engine_fixture *fixture, const char *words) {
  const cJSON *message = NULL;
  cJSON_ArrayForEach(message, fixture->events.seen) {
    const char *line = lj_json_string(payload_of(message), "line");
    if (line != NULL && strstr(line, words) != NULL) return true;
  }
  return false;
}

static void lists_of_models_that_name_nothing_are_told(void **state) {
  engine_fixture *fixture = *state;
  engine_start(fixture,
               ",\"refusedModels\":[\"q/x\",\"p/bad\",\"typo\",\"q*\"],\"allowedModels\":[\"p/*\",\"o/llama\",\"both\",\"bo*\",\"*\",\"gon*\",\"lost\",\"pp/x\",\"p\"]", "");
  (void)ask(fixture, "worker:heartbeat", NULL);
  static const char *const told[] = {"refusedModels: \"q/x\"", "refusedModels: \"typo\"", "refusedModels: \"q*\"", "allowedModels: \"pp/x\"", "allowedModels: \"p\""};
  static const char *const fine[] = {"\"p/bad\"", "\"p/*\"", "\"o/llama\"", "\"both\"", "\"bo*\"", "\"*\"", "\"gon*\"", "\"lost\""};
  for (size_t i = 0; i < COUNT_OF(told); i++)
    if (!warned(fixture, told[i])) fail_msg("no warning of %s", told[i]);
  for (size_t i = 0; i < COUNT_OF(fine); i++)
    if (warned(fixture, fine[i])) fail_msg("a warning of %s", fine[i]);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      engine_test(without_llm_no_provider_is_called),
      engine_test(without_ipc_only_what_watches_and_ends_the_worker_is_answered),
      engine_test(lists_of_models_that_name_nothing_are_told),
  };
  lj_memory_init();
  return cmocka_run_group_tests_name("engine: what it is allowed", tests, NULL, NULL);
}
