/* SPDX-License-Identifier: MIT
 *
 * worker:loadModel: what is asked of Ollama and of llama-server, with and without its router, and what their answers mean.
 */
#include "support/engine_fixture.h"

#define OLLAMA_LOADED "{\"model\":\"m\",\"created_at\":\"2026-11-20T10:00:00Z\",\"response\":\"\",\"done\":true,\"done_reason\":\"load\"}"
#define OLLAMA_UNLOADED "{\"model\":\"m\",\"created_at\":\"2026-11-20T10:00:00Z\",\"response\":\"\",\"done\":true,\"done_reason\":\"unload\"}"
#define LOADING_503 "{\"error\":{\"code\":503,\"message\":\"Loading model\",\"type\":\"unavailable_error\"}}"
#define NO_ROUTE "{\"error\":{\"code\":404,\"message\":\"File Not Found\",\"type\":\"not_found_error\"}}"
#define ROUTER(value) "{\"data\":[{\"id\":\"other\",\"status\":{\"value\":\"loaded\"}},{\"id\":\"m\",\"status\":{\"value\":\"" value "\"}}],\"object\":\"list\"}"

static const char *json_reply(engine_fixture *fixture, int status, const char *body) {
  return http_reply(fixture, status, "application/json", "", body);
}

static void script_once(engine_fixture *fixture, const char *when, int status, const char *body) {
  loopback_script(fixture->server, (loopback_reply){.when = when, .times = 1, .bytes = json_reply(fixture, status, body)});
}

static void assert_loaded(engine_fixture *fixture, const char *payload, const char *model, bool loaded) {
  const cJSON *message = ask(fixture, "worker:loadModel", payload);
  const cJSON *answer = payload_of(message);
  if (answer == NULL) fail_msg("%s: %s", payload, lj_json_string(lj_json_object(message, "error"), "message"));
  assert_string_equal(lj_json_string(answer, "model"), model);
  assert_int_equal(lj_json_bool(answer, "loaded", !loaded), loaded);
  assert_true(lj_json_int(answer, "ms", -1) >= 0);
}

static void assert_refused(engine_fixture *fixture, const char *payload, const char *code) {
  const cJSON *error = lj_json_object(ask(fixture, "worker:loadModel", payload), "error");
  const char *said = lj_json_string(error, "code");
  if (said == NULL || strcmp(said, code) != 0)
    fail_msg("%s gave %s (%s), not %s", payload, said != NULL ? said : "an answer", said != NULL ? lj_json_string(error, "message") : "", code);
}

static void ollama_loads_by_a_request_without_a_prompt(void **state) {
  engine_fixture *fixture = *state;
  script_for(fixture, "POST /api/generate", json_reply(fixture, 200, OLLAMA_LOADED));
  engine_start(fixture, "", "");
  assert_loaded(fixture, "{\"model\":\"o/m\"}", "o/m", true);
  assert_loaded(fixture, "{\"model\":\"o/m\",\"keepAliveMs\":1500}", "o/m", true);
  assert_loaded(fixture, "{\"model\":\"o/m\",\"keepAliveMs\":-1}", "o/m", true);
  assert_int_equal(loopback_count(fixture->server, "\r\n\r\n{\"model\":\"m\",\"stream\":false}"), 1);
  assert_int_equal(loopback_count(fixture->server, "\"keep_alive\":\"1500ms\""), 1);
  assert_int_equal(loopback_count(fixture->server, "\"keep_alive\":\"-1ms\""), 1);
}

static void ollama_unloads_with_a_keep_alive_of_none(void **state) {
  engine_fixture *fixture = *state;
  script_for(fixture, "\"keep_alive\":\"0ms\"", json_reply(fixture, 200, OLLAMA_UNLOADED));
  engine_start(fixture, "", "");
  assert_loaded(fixture, "{\"model\":\"o/m\",\"keepAliveMs\":0}", "o/m", false);
}

static void a_model_that_only_makes_vectors_is_loaded_by_embed(void **state) {
  engine_fixture *fixture = *state;
  script_for(fixture, "POST /api/generate", json_reply(fixture, 400, "{\"error\":\"\\\"m\\\" does not support generate\"}"));
  script_for(fixture, "POST /api/embed", json_reply(fixture, 200, "{\"model\":\"m\",\"embeddings\":[]}"));
  engine_start(fixture, "", "");
  assert_loaded(fixture, "{\"model\":\"o/m\",\"keepAliveMs\":1000}", "o/m", true);
  assert_int_equal(loopback_count(fixture->server, "{\"model\":\"m\",\"input\":[],\"keep_alive\":\"1000ms\"}"), 1);
}

static void ollamas_own_words_say_why_it_did_not_load(void **state) {
  engine_fixture *fixture = *state;
  script_once(fixture, "POST /api/generate", 404, "{\"error\":\"model 'm' not found\"}");
  script_once(fixture, "POST /api/generate", 500, "{\"error\":\"out of memory\"}");
  script_once(fixture, "POST /api/generate", 200, "hello");
  engine_start(fixture, "", "");
  assert_refused(fixture, "{\"model\":\"o/m\"}", "MODEL_NOT_FOUND");
  assert_refused(fixture, "{\"model\":\"o/m\"}", "SERVER_ERROR");
  assert_refused(fixture, "{\"model\":\"o/m\"}", "PROTOCOL");
  assert_refused(fixture, "{\"model\":\"gone/m\"}", "UNREACHABLE");
}

static void a_load_takes_its_time_while_everything_else_goes_on(void **state) {
  engine_fixture *fixture = *state;
  loopback_script(fixture->server, (loopback_reply){.when = "POST /api/generate", .bytes = json_reply(fixture, 200, OLLAMA_LOADED), .gate = 10});
  script_for(fixture, "/chat/completions", sse_reply(fixture));
  engine_start(fixture, "", "");
  assert_code(lj_engine_send(fixture->events.engine, "{\"id\":\"load\",\"channel\":\"worker:loadModel\",\"payload\":{\"model\":\"o/m\"}}"), LJ_OK);
  assert_true(loopback_wait_requests(fixture->server, 1));
  add_job(fixture, "a", "p/x", HELLO);
  wait_job(fixture, "a", "completed");
  assert_non_null(payload_of(ask(fixture, "worker:heartbeat", NULL)));
  loopback_open_gate(fixture->server);
  assert_loaded(fixture, "{\"model\":\"o/m\"}", "o/m", true);
}

static void an_engine_that_stops_while_it_loads_leaves_nothing(void **state) {
  engine_fixture *fixture = *state;
  loopback_script(fixture->server, (loopback_reply){.bytes = NULL, .then = LOOPBACK_SILENT});
  engine_start(fixture, "", "");
  for (int i = 0; i < LJ_MAX_LOADS; i++)
    assert_code(lj_engine_send(fixture->events.engine, "{\"id\":\"load\",\"channel\":\"worker:loadModel\",\"payload\":{\"model\":\"o/m\"}}"), LJ_OK);
  assert_refused(fixture, "{\"model\":\"o/m\"}", "BUSY");
  assert_true(loopback_wait_requests(fixture->server, LJ_MAX_LOADS));
  engine_stop(fixture);
}

static void a_router_loads_and_tells_how_far_it_is(void **state) {
  engine_fixture *fixture = *state;
  script_for(fixture, "POST /models/load", json_reply(fixture, 200, "{\"success\":true}"));
  script_once(fixture, "GET /models HTTP", 200, ROUTER("loading"));
  script_for(fixture, "GET /models HTTP", json_reply(fixture, 200, ROUTER("loaded")));
  engine_start(fixture, "", "");
  assert_loaded(fixture, "{\"model\":\"p/m\"}", "p/m", true);
  assert_int_equal(loopback_count(fixture->server, "POST /models/load HTTP"), 1);
  assert_int_equal(loopback_count(fixture->server, "\r\n\r\n{\"model\":\"m\"}"), 1);
  assert_int_equal(loopback_requests(fixture->server), 3);
}

static void a_router_that_refuses_may_have_the_model_already(void **state) {
  static const char refusal[] = "{\"error\":{\"code\":400,\"message\":\"model is already loaded\",\"type\":\"invalid_request_error\"}}";
  engine_fixture *fixture = *state;
  script_for(fixture, "POST /models/load", json_reply(fixture, 400, refusal));
  script_once(fixture, "GET /models HTTP", 200, ROUTER("loaded"));
  script_once(fixture, "GET /models HTTP", 200, ROUTER("sleeping"));
  script_once(fixture, "GET /models HTTP", 200, ROUTER("unloaded"));
  engine_start(fixture, "", "");
  assert_loaded(fixture, "{\"model\":\"p/m\"}", "p/m", true);
  assert_loaded(fixture, "{\"model\":\"p/m\"}", "p/m", true);
  assert_refused(fixture, "{\"model\":\"p/m\"}", "BAD_REQUEST");
}

static void a_router_may_fail(void **state) {
  engine_fixture *fixture = *state;
  script_for(fixture, "POST /models/load", json_reply(fixture, 200, "{\"success\":true}"));
  script_once(fixture, "GET /models HTTP", 200, "{\"data\":[{\"id\":\"m\",\"status\":{\"value\":\"unloaded\",\"failed\":true,\"exit_code\":1}}]}");
  script_once(fixture, "GET /models HTTP", 200, "{\"data\":[]}");
  script_once(fixture, "GET /models HTTP", 500, "{\"error\":{\"code\":500,\"message\":\"no\",\"type\":\"server_error\"}}");
  engine_start(fixture, "", "");
  assert_refused(fixture, "{\"model\":\"p/m\"}", "SERVER_ERROR");
  assert_refused(fixture, "{\"model\":\"p/m\"}", "MODEL_NOT_FOUND");
  assert_refused(fixture, "{\"model\":\"p/m\"}", "SERVER_ERROR");
}

static void a_server_with_a_model_of_its_own_is_waited_for(void **state) {
  engine_fixture *fixture = *state;
  script_for(fixture, "POST /models/load", json_reply(fixture, 404, NO_ROUTE));
  script_once(fixture, "GET /health", 503, LOADING_503);
  script_for(fixture, "GET /health", json_reply(fixture, 200, "{\"status\":\"ok\"}"));
  script_for(fixture, "GET /v1/models", json_reply(fixture, 200, "{\"object\":\"list\",\"data\":[{\"id\":\"m\",\"object\":\"model\"}]}"));
  engine_start(fixture, "", "");
  assert_loaded(fixture, "{\"model\":\"p/m\"}", "p/m", true);
  assert_int_equal(loopback_count(fixture->server, "GET /health"), 2);
  assert_refused(fixture, "{\"model\":\"p/another\"}", "MODEL_NOT_FOUND");
}

static void a_load_has_a_deadline(void **state) {
  engine_fixture *fixture = *state;
  script_for(fixture, "POST /models/load", json_reply(fixture, 404, NO_ROUTE));
  script_for(fixture, "GET /health", json_reply(fixture, 503, LOADING_503));
  engine_start(fixture, "", ",\"timeouts\":{\"totalMs\":700}");
  assert_refused(fixture, "{\"model\":\"p/m\"}", "TIMEOUT_TOTAL");
}

static void what_cannot_be_loaded_is_refused_without_a_call(void **state) {
  engine_fixture *fixture = *state;
  char config[1024];
  (void)snprintf(config, sizeof config,
                 "{\"database\":\"%s\",\"refusedModels\":[\"o/bad\"],\"providers\":{\"o\":{\"kind\":\"ollama\",\"baseUrl\":\"http://127.0.0.1:%d\"},"
                 "\"cloud\":{\"kind\":\"openai-compatible\",\"baseUrl\":\"https://host.invalid/v1\"},"
                 "\"claude\":{\"kind\":\"anthropic\",\"baseUrl\":\"http://127.0.0.1:%d\",\"apiKey\":{\"env\":\"LJ_TEST_KEY\"}}},"
                 "\"models\":{\"mixed\":[\"cloud/x\",\"o/m\"]}}",
                 fixture->queue.path, loopback_port(fixture->server), loopback_port(fixture->server));
  event_log_start(&fixture->events, config);
  assert_refused(fixture, NULL, "INVALID");
  assert_refused(fixture, "{\"model\":\"\"}", "INVALID");
  assert_refused(fixture, "{\"model\":\"o/m\",\"keepAliveMs\":\"5m\"}", "INVALID");
  assert_refused(fixture, "{\"model\":\"o/m\",\"keepAliveMs\":-2}", "INVALID");
  assert_refused(fixture, "{\"model\":\"m\"}", "NO_PROVIDER");
  assert_refused(fixture, "{\"model\":\"o/bad\"}", "MODEL_NOT_ALLOWED");
  assert_refused(fixture, "{\"model\":\"cloud/x\"}", "BAD_REQUEST");
  assert_refused(fixture, "{\"model\":\"claude/x\"}", "BAD_REQUEST");
  assert_refused(fixture, "{\"modelPath\":\"/models/x.gguf\"}", "MODEL_ENGINE_MISSING");
  assert_int_equal(loopback_count(fixture->server, "/api/generate"), 0);
  script_for(fixture, "POST /api/generate", json_reply(fixture, 200, OLLAMA_LOADED));
  assert_loaded(fixture, "{\"model\":\"mixed\"}", "o/m", true); /* what can be loaded of an alias */
}

static void without_fs_read_no_file_is_named(void **state) {
  engine_fixture *fixture = *state;
  engine_start(fixture, ",\"allowedAPIs\":[\"ipc\"]", "");
  assert_refused(fixture, "{\"modelPath\":\"/models/x.gguf\"}", "POLICY_DENIED");
  assert_refused(fixture, "{\"model\":\"o/m\"}", "POLICY_DENIED");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      engine_test(ollama_loads_by_a_request_without_a_prompt),
      engine_test(ollama_unloads_with_a_keep_alive_of_none),
      engine_test(a_model_that_only_makes_vectors_is_loaded_by_embed),
      engine_test(ollamas_own_words_say_why_it_did_not_load),
      engine_test(a_load_takes_its_time_while_everything_else_goes_on),
      engine_test(an_engine_that_stops_while_it_loads_leaves_nothing),
      engine_test(a_router_loads_and_tells_how_far_it_is),
      engine_test(a_router_that_refuses_may_have_the_model_already),
      engine_test(a_router_may_fail),
      engine_test(a_server_with_a_model_of_its_own_is_waited_for),
      engine_test(a_load_has_a_deadline),
      engine_test(what_cannot_be_loaded_is_refused_without_a_call),
      engine_test(without_fs_read_no_file_is_named),
  };
  lj_memory_init();
  return cmocka_run_group_tests_name("engine: models loaded ahead", tests, NULL, NULL);
}
