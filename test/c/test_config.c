/* SPDX-License-Identifier: MIT
 *
 * The configuration: what is taken, what is refused and how the refusal names the key.
 */
#include "engine/config.h"
#include "support/test.h"

#define MINIMAL_PROVIDER "\"a\":{\"kind\":\"openai-compatible\",\"baseUrl\":\"https://host/v1\"}"
#define WITH(rest) "{\"database\":\"app.db\",\"providers\":{" MINIMAL_PROVIDER "}" rest "}"
#define PROVIDER(body) "{\"database\":\"app.db\",\"providers\":{\"p\":{" body "}}}"
#define COMPATIBLE(rest) PROVIDER("\"kind\":\"openai-compatible\",\"baseUrl\":\"https://host/v1\"" rest)
#define URL(url) PROVIDER("\"kind\":\"openai-compatible\",\"baseUrl\":\"" url "\"")
#define INSECURE(url) PROVIDER("\"kind\":\"openai-compatible\",\"allowInsecure\":true,\"baseUrl\":\"" url "\"")

typedef struct parsed {
  lj_config config;
  lj_fault fault;
} parsed;

static int parse(const char *text, parsed *out) { return lj_config_parse(text, &out->config, &out->fault); }

static void parse_well(const char *text, parsed *out) {
  if (parse(text, out) != LJ_OK) fail_msg("%s\n  was refused: %s", text, out->fault.message);
  assert_code(out->fault.code, LJ_OK);
}

/* --- What is taken --- */

static void allowed_apis_are_taken_one_by_one(void **state) {
  parsed all;
  (void)state;
  parse_well(WITH(",\"allowedAPIs\":[\"fs:read\",\"llm\",\"llm\"],\"maxQueue\":1"), &all);
  assert_true(all.config.allows_llm && !all.config.allows_ipc && all.config.allows_files);
  assert_int_equal(all.config.max_queue, 1);
  lj_config_free(&all.config);
  parse_well(WITH(",\"allowedAPIs\":[]"), &all);
  assert_false(all.config.allows_llm || all.config.allows_ipc || all.config.allows_files);
  lj_config_free(&all.config);
}

static void defaults_are_filled_in(void **state) {
  parsed all;
  (void)state;
  parse_well(WITH(""), &all);
  assert_string_equal(all.config.database, "app.db");
  assert_string_equal(all.config.worker_id, "llm-worker-1");
  assert_null(all.config.queues);
  assert_int_equal(all.config.concurrency, 5);
  assert_int_equal(all.config.poll_interval_ms, 100);
  assert_int_equal(all.config.lease_ms, 30000);
  assert_int_equal(all.config.max_stalls, 1);
  assert_int_equal(all.config.job_timeout_ms, 300000);
  assert_null(all.config.allowed_models);
  assert_int_equal(all.config.max_queue, 100);
  assert_true(all.config.allows_llm && all.config.allows_ipc && all.config.allows_files);
  assert_int_equal(all.config.log_level, LJ_LOG_INFO);
  assert_int_equal(all.config.provider_count, 1);
  assert_int_equal(all.config.alias_count, 0);
  const lj_provider_config *provider = &all.config.providers[0];
  assert_string_equal(provider->name, "a");
  assert_string_equal(provider->base_url, "https://host/v1");
  assert_int_equal(provider->keys.count, 0);
  assert_int_equal(provider->max_concurrent, 0);
  assert_int_equal(provider->max_response_bytes, 33554432);
  assert_int_equal(provider->timeouts.connect_ms, 10000);
  assert_int_equal(provider->timeouts.idle_ms, 120000);
  assert_int_equal(provider->timeouts.total_ms, 300000);
  assert_int_equal(provider->timeouts.first_byte_ms, 300000);
  lj_config_free(&all.config);
}

static void everything_that_is_said_is_taken(void **state) {
  parsed all;
  (void)state;
  (void)setenv("LJ_TEST_KEY", "sk-from-the-environment", 1);
  parse_well(
      "{\"database\":\"/x/app.db\",\"workerId\":\"w\",\"queues\":[\"q1\",\"q2\"],\"concurrency\":2000,\"pollIntervalMs\":10,"
      "\"leaseMs\":1000,\"maxStalls\":0,\"jobTimeoutMs\":5000,\"logLevel\":\"debug\",\"allowedModels\":[\"m\"],"
      "\"providers\":{\"one\":{\"kind\":\"openai\",\"apiKey\":{\"env\":\"LJ_TEST_KEY\"},\"headers\":{\"X-Title\":\"t\"},"
      "\"maxConcurrent\":3,\"timeouts\":{\"connectMs\":1,\"firstByteMs\":2,\"idleMs\":3,\"totalMs\":4},"
      "\"maxResponseBytes\":1024,\"proxy\":\"http://proxy:1\",\"caFile\":\"/ca.pem\"},\"two\":{\"kind\":\"ollama\"}},"
      "\"models\":{\"m\":[\"one/x\",\"two/y\"],\"n\":\"two/z\"},\"types\":{\"t\":{\"model\":\"m\",\"maxTokens\":5}}}",
      &all);
  const lj_provider_config *one = &all.config.providers[0];
  const lj_provider_config *two = &all.config.providers[1];
  assert_string_equal(all.config.worker_id, "w");
  assert_int_equal(cJSON_GetArraySize(all.config.queues), 2);
  assert_int_equal(all.config.concurrency, 2000);
  assert_int_equal(all.config.poll_interval_ms, 10);
  assert_int_equal(all.config.lease_ms, 1000);
  assert_int_equal(all.config.max_stalls, 0);
  assert_int_equal(all.config.log_level, LJ_LOG_DEBUG);
  assert_int_equal(one->keys.count, 1);
  assert_string_equal(one->keys.items[0].value, "sk-from-the-environment");
  assert_string_equal(one->keys.items[0].variable, "LJ_TEST_KEY");
  assert_int_equal(one->max_concurrent, 3);
  assert_int_equal(one->timeouts.connect_ms, 1);
  assert_int_equal(one->timeouts.first_byte_ms, 2);
  assert_int_equal(one->timeouts.idle_ms, 3);
  assert_int_equal(one->timeouts.total_ms, 4);
  assert_int_equal(one->max_response_bytes, 1024);
  assert_string_equal(one->proxy, "http://proxy:1");
  assert_string_equal(one->ca_file, "/ca.pem");
  assert_string_equal(lj_json_string(one->headers, "X-Title"), "t");
  assert_int_equal(two->index, 1);
  assert_int_equal(two->max_concurrent, 4);
  assert_int_equal(two->timeouts.total_ms, 5000);
  assert_int_equal(all.config.alias_count, 2);
  assert_int_equal(all.config.aliases[0].count, 2);
  assert_ptr_equal(all.config.aliases[0].targets[1].provider, two);
  assert_string_equal(all.config.aliases[1].targets[0].model, "z");
  lj_config_free(&all.config);
  (void)unsetenv("LJ_TEST_KEY");
}

static void null_is_as_if_the_key_were_not_there(void **state) {
  parsed all;
  (void)state;
  parse_well(WITH(",\"workerId\":null,\"concurrency\":null,\"queues\":null,\"models\":null,\"types\":null,\"logLevel\":null"), &all);
  assert_int_equal(all.config.concurrency, 5);
  lj_config_free(&all.config);
}

static void unset_variable_leaves_the_key_empty(void **state) {
  parsed all;
  (void)state;
  (void)unsetenv("LJ_TEST_KEY");
  parse_well(PROVIDER("\"kind\":\"openai\",\"apiKey\":{\"env\":\"LJ_TEST_KEY\"}"), &all);
  assert_null(all.config.providers[0].keys.items[0].value);
  assert_string_equal(all.config.providers[0].keys.items[0].variable, "LJ_TEST_KEY");
  lj_config_free(&all.config);
  (void)setenv("LJ_TEST_KEY", "", 1);
  parse_well(PROVIDER("\"kind\":\"openai\",\"apiKey\":{\"env\":\"LJ_TEST_KEY\"}"), &all);
  assert_null(all.config.providers[0].keys.items[0].value);
  lj_config_free(&all.config);
  (void)unsetenv("LJ_TEST_KEY");
}

static void a_provider_may_have_a_choice_of_apis(void **state) {
  parsed all;
  (void)state;
  parse_well(COMPATIBLE(",\"api\":\"chat\""), &all);
  assert_ptr_equal(all.config.providers[0].format, lj_provider_find("openai-compatible"));
  lj_config_free(&all.config);
  parse_well(COMPATIBLE(",\"api\":\"responses\""), &all);
  assert_ptr_equal(all.config.providers[0].format, lj_provider_find("openai-compatible")->responses);
  lj_config_free(&all.config);
}

static void limits_and_prices_of_a_provider_are_taken(void **state) {
  parsed all;
  (void)state;
  parse_well(COMPATIBLE(""), &all);
  const lj_provider_config *plain = &all.config.providers[0];
  assert_int_equal(plain->requests_per_minute, 0);
  assert_int_equal(plain->tokens_per_minute, 0);
  assert_int_equal(plain->breaker_threshold, 5);
  assert_int_equal(plain->breaker_open_ms, 60000);
  assert_int_equal(plain->max_tokens_per_day, 0);
  assert_true(plain->max_cost_per_day == 0);
  assert_true(lj_config_price(plain, "m").input == 0);
  lj_config_free(&all.config);
  parse_well(COMPATIBLE(",\"requestsPerMinute\":60,\"tokensPerMinute\":90000,\"breaker\":{\"threshold\":2,\"openMs\":7},"
                        "\"maxTokensPerDay\":1000000,\"maxCostPerDay\":2.5,\"prices\":{"
                        "\"*\":{\"inputPerMillion\":10,\"outputPerMillion\":20},"
                        "\"m\":{\"inputPerMillion\":1.25,\"outputPerMillion\":10,\"cachedPerMillion\":0.125}}"),
             &all);
  const lj_provider_config *provider = &all.config.providers[0];
  assert_int_equal(provider->requests_per_minute, 60);
  assert_int_equal(provider->tokens_per_minute, 90000);
  assert_int_equal(provider->breaker_threshold, 2);
  assert_int_equal(provider->breaker_open_ms, 7);
  assert_int_equal(provider->max_tokens_per_day, 1000000);
  assert_true(provider->max_cost_per_day == 2.5);
  assert_true(lj_config_price(provider, "m").input == 1.25);
  assert_true(lj_config_price(provider, "m").output == 10);
  assert_true(lj_config_price(provider, "m").cached == 0.125);
  assert_true(lj_config_price(provider, "other").cached == 10); /* that of all input */
  lj_config_free(&all.config);
}

static void targets_of_an_alias_may_say_their_context(void **state) {
  parsed all;
  (void)state;
  parse_well(WITH(",\"models\":{\"one\":{\"model\":\"a/b\"},\"some\":[\"a/b\",{\"model\":\"a/c\",\"contextTokens\":128000}]}"), &all);
  assert_int_equal(all.config.aliases[0].count, 1);
  assert_int_equal(all.config.aliases[1].count, 2);
  assert_int_equal(all.config.aliases[1].targets[0].context_tokens, 0);
  assert_string_equal(all.config.aliases[1].targets[1].model, "c");
  assert_int_equal(all.config.aliases[1].targets[1].context_tokens, 128000);
  lj_config_free(&all.config);
}

static void addresses_that_stay_safe_are_taken(void **state) {
  static const struct {
    const char *config;
    const char *base_url;
  } good[] = {
      {URL("https://api.example.com/v1"), "https://api.example.com/v1"},
      {URL("https://api.example.com/v1///"), "https://api.example.com/v1"},
      {URL("https://api.example.com"), "https://api.example.com"},
      {URL("http://localhost"), "http://localhost"},
      {URL("http://localhost:8080/v1"), "http://localhost:8080/v1"},
      {URL("http://127.0.0.1:11434"), "http://127.0.0.1:11434"},
      {URL("http://127.1.2.3/v1"), "http://127.1.2.3/v1"},
      {URL("http://[::1]:8080/v1"), "http://[::1]:8080/v1"},
      {URL("http://[::1]/v1"), "http://[::1]/v1"},
      {URL("http://[::1]"), "http://[::1]"},
      {INSECURE("http://192.168.1.5:8080"), "http://192.168.1.5:8080"},
      {INSECURE("http://my-server.local/v1"), "http://my-server.local/v1"},
      {URL("https://host/@user"), "https://host/@user"}, /* no user name: it stands behind the slash */
  };
  (void)state;
  for (size_t i = 0; i < COUNT_OF(good); i++) {
    parsed all;
    parse_well(good[i].config, &all);
    assert_string_equal(all.config.providers[0].base_url, good[i].base_url);
    lj_config_free(&all.config);
  }
}

static void limits_of_numbers_are_inside(void **state) {
  static const char *const good[] = {
      WITH(",\"concurrency\":1"),       WITH(",\"pollIntervalMs\":60000"), WITH(",\"leaseMs\":3600000"),
      WITH(",\"maxStalls\":1000000"),   WITH(",\"jobTimeoutMs\":1"),       WITH(",\"jobTimeoutMs\":86400000"),
      WITH(",\"logLevel\":\"silent\""), WITH(",\"logLevel\":\"error\""),   WITH(",\"logLevel\":\"warn\""),
      WITH(",\"queues\":[\"q\"]"),      WITH(",\"models\":{}"),            WITH(",\"types\":{}"),
  };
  (void)state;
  for (size_t i = 0; i < COUNT_OF(good); i++) {
    parsed all;
    parse_well(good[i], &all);
    lj_config_free(&all.config);
  }
}

/* --- What is refused --- */

static void bad_values_are_refused_with_their_path(void **state) {
  static const struct {
    const char *config;
    const char *path; /* what the message begins with */
  } bad[] = {
      {"", "the configuration"},
      {"{", "the configuration"},
      {"[]", "the configuration"},
      {"5", "the configuration"},
      {"null", "the configuration"},
      {"{} x", "the configuration"},
      {"{}", "database"},
      {"{\"database\":\"app.db\"}", "providers"},
      {"{\"database\":\"\",\"providers\":{" MINIMAL_PROVIDER "}}", "database"},
      {"{\"database\":5,\"providers\":{" MINIMAL_PROVIDER "}}", "database"},
      {"{\"database\":null,\"providers\":{" MINIMAL_PROVIDER "}}", "database"},
      {"{\"database\":\"app.db\",\"providers\":{}}", "providers"},
      {"{\"database\":\"app.db\",\"providers\":[]}", "providers"},
      {WITH(",\"Database\":\"x\""), "Database: unknown key"},
      {COMPATIBLE(",\"requestsPerMinute\":0"), "providers.p.requestsPerMinute: must be a whole number from 1 to 65536"},
      {COMPATIBLE(",\"tokensPerMinute\":1.5"), "providers.p.tokensPerMinute: must be a whole number"},
      {COMPATIBLE(",\"breaker\":5"), "providers.p.breaker: must be an object"},
      {COMPATIBLE(",\"breaker\":{\"treshold\":5}"), "providers.p.breaker.treshold: unknown key; known here are threshold, openMs"},
      {COMPATIBLE(",\"breaker\":{\"openMs\":0}"), "providers.p.breaker.openMs: must be"},
      {COMPATIBLE(",\"maxCostPerDay\":0"), "providers.p.maxCostPerDay: must be a number from"},
      {COMPATIBLE(",\"maxCostPerDay\":\"1\""), "providers.p.maxCostPerDay: must be a number from"},
      {COMPATIBLE(",\"maxCostPerDay\":1"), "providers.p.maxCostPerDay: needs prices with an entry \"*\""},
      {COMPATIBLE(",\"maxCostPerDay\":1,\"prices\":{\"m\":{\"inputPerMillion\":1,\"outputPerMillion\":1}}"), "providers.p.maxCostPerDay: needs prices"},
      {COMPATIBLE(",\"prices\":{\"m\":1}"), "providers.p.prices.m: must be an object"},
      {COMPATIBLE(",\"prices\":{\"m\":{\"inputPerMillion\":1}}"), "providers.p.prices.m.outputPerMillion: is required"},
      {COMPATIBLE(",\"prices\":{\"m\":{\"inputPerMillion\":-1,\"outputPerMillion\":1}}"), "providers.p.prices.m.inputPerMillion: must be a number"},
      {WITH(",\"models\":{\"fast\":{}}"), "models.fast.model: is required"},
      {WITH(",\"models\":{\"fast\":[{\"model\":\"a/b\",\"context\":1}]}"), "models.fast.context: unknown key"},
      {WITH(",\"models\":{\"fast\":[{\"model\":\"a/b\",\"contextTokens\":0}]}"), "models.fast.contextTokens: must be"},
      {WITH(",\"models\":{\"fast\":[{\"model\":\"z/b\"}]}"), "models.fast: model \"z/b\" is neither"},
      {WITH(",\"refusedModels\":\"a/b\""), "refusedModels: must be an array of strings"},
      {WITH(",\"allowedModels\":[\"a*b\"]"), "allowedModels[0]: an asterisk may only be the last character"},
      {WITH(",\"refusedModels\":[\"a/*\"],\"models\":{\"fast\":[\"a/b\"]}"), "models.fast: \"a/b\" is in refusedModels"},
      {WITH(",\"maxPromptBytes\":0"), "maxPromptBytes: must be a whole number from 1"},
      {WITH(",\"filters\":{}"), "filters: must be an array"},
      {WITH(",\"filters\":[{\"on\":\"prompt\",\"pattern\":\"(\",\"action\":\"refuse\"}]"), "filters[0].pattern: missing closing parenthesis"},
      {WITH(",\"databse\":\"x\""), "databse: unknown key"},
      {WITH(",\"\":1"), ": unknown key"},
      {WITH(",\"workerId\":5"), "workerId"},
      {WITH(",\"workerId\":\"\""), "workerId"},
      {WITH(",\"workerId\":\"a@b\""), "workerId"},
      {WITH(",\"workerId\":\"a:b\""), "workerId"},
      {WITH(",\"workerId\":\"123456789012345678901234567890123456789012345678901234567890123456789012345678901\""), "workerId"},
      {WITH(",\"queues\":\"q\""), "queues"},
      {WITH(",\"queues\":[5]"), "queues"},
      {WITH(",\"queues\":[\"\"]"), "queues"},
      {WITH(",\"concurrency\":0"), "concurrency"},
      {WITH(",\"concurrency\":2001"), "concurrency"},
      {WITH(",\"concurrency\":1.5"), "concurrency"},
      {WITH(",\"concurrency\":-1"), "concurrency"},
      {WITH(",\"concurrency\":\"5\""), "concurrency"},
      {WITH(",\"concurrency\":1e300"), "concurrency"},
      {WITH(",\"concurrency\":true"), "concurrency"},
      {WITH(",\"pollIntervalMs\":9"), "pollIntervalMs"},
      {WITH(",\"pollIntervalMs\":60001"), "pollIntervalMs"},
      {WITH(",\"leaseMs\":999"), "leaseMs"},
      {WITH(",\"leaseMs\":3600001"), "leaseMs"},
      {WITH(",\"maxStalls\":-1"), "maxStalls"},
      {WITH(",\"jobTimeoutMs\":0"), "jobTimeoutMs"},
      {WITH(",\"jobTimeoutMs\":86400001"), "jobTimeoutMs"},
      {WITH(",\"logLevel\":\"loud\""), "logLevel"},
      {WITH(",\"logLevel\":\"DEBUG\""), "logLevel"},
      {WITH(",\"logLevel\":3"), "logLevel"},
      {WITH(",\"allowedModels\":\"x\""), "allowedModels"},
      {WITH(",\"allowedModels\":[1]"), "allowedModels"},
      {WITH(",\"models\":[]"), "models"},
      {WITH(",\"models\":{\"m\":5}"), "models.m"},
      {WITH(",\"models\":{\"m\":[]}"), "models.m"},
      {WITH(",\"models\":{\"m\":[5]}"), "models.m"},
      {WITH(",\"models\":{\"m\":{}}"), "models.m"},
      {WITH(",\"models\":{\"\":\"a/x\"}"), "models."},
      {WITH(",\"models\":{\"m\":\"b/x\"}"), "models.m"},
      {WITH(",\"models\":{\"m\":\"a\"}"), "models.m"},
      {WITH(",\"models\":{\"m\":\"a/\"}"), "models.m"},
      {WITH(",\"models\":{\"m\":[\"a/x\",\"m\"]}"), "models.m"},
      {WITH(",\"models\":{\"m\":[\"a/1\",\"a/2\",\"a/3\",\"a/4\",\"a/5\",\"a/6\",\"a/7\",\"a/8\",\"a/9\",\"a/10\",\"a/11\",\"a/12\","
            "\"a/13\",\"a/14\",\"a/15\",\"a/16\",\"a/17\"]}"),
       "models.m"},
      {WITH(",\"types\":[]"), "types"},
      {WITH(",\"types\":{\"t\":5}"), "types.t"},
      {WITH(",\"types\":{\"t\":{\"model\":5}}"), "types.t.model"},
      {PROVIDER(""), "providers.p.kind"},
      {PROVIDER("\"kind\":5"), "providers.p.kind"},
      {PROVIDER("\"kind\":\"closedai\""), "providers.p.kind"},
      {PROVIDER("\"kind\":\"openai\""), "providers.p.apiKey"},
      {PROVIDER("\"kind\":\"openai\",\"apiKey\":\"sk-secret\""), "providers.p.apiKey"},
      {PROVIDER("\"kind\":\"openai\",\"apiKey\":{}"), "providers.p.apiKey"},
      {PROVIDER("\"kind\":\"openai\",\"apiKey\":[]"), "providers.p.apiKey"},
      {PROVIDER("\"kind\":\"openai\",\"apiKey\":[{\"secret\":\"s\"},7]"), "providers.p.apiKey[1]"},
      {PROVIDER("\"kind\":\"openai\",\"apiKey\":{\"env\":\"X\",\"secret\":\"s\"}"), "providers.p.apiKey"},
      {PROVIDER("\"kind\":\"openai\",\"apiKey\":{\"secret\":\"\"}"), "providers.p.apiKey.secret"},
      {PROVIDER("\"kind\":\"openai\",\"apiKey\":{\"env\":\"\"}"), "providers.p.apiKey.env"},
      {PROVIDER("\"kind\":\"openai\",\"apiKey\":{\"env\":\"X\",\"sk\":1}"), "providers.p.apiKey.sk"},
      {PROVIDER("\"kind\":\"openai-compatible\""), "providers.p.baseUrl"},
      {COMPATIBLE(",\"api\":\"assistants\""), "providers.p.api"},
      {PROVIDER("\"kind\":\"ollama\",\"api\":\"chat\""), "providers.p.api"},
      {COMPATIBLE(",\"baseURL\":\"x\""), "providers.p.baseURL: unknown key"},
      {COMPATIBLE(",\"headers\":[]"), "providers.p.headers"},
      {COMPATIBLE(",\"headers\":{\"a\":5}"), "providers.p.headers"},
      {COMPATIBLE(",\"headers\":{\"\":\"x\"}"), "providers.p.headers"},
      {COMPATIBLE(",\"headers\":{\"a:\":\"x\"}"), "providers.p.headers"},
      {COMPATIBLE(",\"headers\":{\"a b\":\"x\"}"), "providers.p.headers"},
      {COMPATIBLE(",\"headers\":{\"a\":\"x\\r\\nHost: evil\"}"), "providers.p.headers"},
      {COMPATIBLE(",\"headers\":{\"a\\nb\":\"x\"}"), "providers.p.headers"},
      {COMPATIBLE(",\"maxConcurrent\":0"), "providers.p.maxConcurrent"},
      {COMPATIBLE(",\"timeouts\":5"), "providers.p.timeouts"},
      {COMPATIBLE(",\"timeouts\":{\"idle\":5}"), "providers.p.timeouts.idle: unknown key"},
      {COMPATIBLE(",\"timeouts\":{\"idleMs\":0}"), "providers.p.timeouts.idleMs"},
      {COMPATIBLE(",\"timeouts\":{\"totalMs\":86400001}"), "providers.p.timeouts.totalMs"},
      {COMPATIBLE(",\"maxResponseBytes\":1023"), "providers.p.maxResponseBytes"},
      {COMPATIBLE(",\"proxy\":5"), "providers.p.proxy"},
      {COMPATIBLE(",\"proxy\":\"gopher://x\""), "providers.p.proxy: must be an address like http://host:8080"},
      {COMPATIBLE(",\"proxy\":\"http://a b\""), "providers.p.proxy: must be an address"},
      {COMPATIBLE(",\"headers\":{\"Content-Length\":\"5\"}"), "providers.p.headers.Content-Length: is set for each request"},
      {COMPATIBLE(",\"headers\":{\"transfer-encoding\":\"chunked\"}"), "providers.p.headers.transfer-encoding: is set"},
      {COMPATIBLE(",\"apiKey\":\"a key\""), "providers.p.apiKey: must be an object or an array of objects, not a string"},
      {PROVIDER("\"kind\":\"gemini\""), "providers.p.apiKey: is required for kind gemini, like {\"env\": \"GEMINI_API_KEY\"}"},
      {WITH(",\"queues\":[]"), "queues: must name at least one queue; leave it out to serve all"},
      {WITH(",\"types\":{\"t\":{\"model\":\"nope\"}}"), "types.t.model: model \"nope\" is neither an alias"},
      {WITH(",\"types\":{\"t\":{\"maxToken\":5}}"), "types.t.maxToken: unknown key; known here are model, prompt, messages"},
      {WITH(",\"types\":{\"t\":{\"prompt\":5}}"), "types.t.prompt is 5, but must be a string"},
      {WITH(",\"types\":{\"t\":{\"temperature\":5}}"), "types.t.temperature is 5, but must be a number from 0 to 2"},
      {WITH(",\"types\":{\"t\":{\"stream\":\"no\"}}"), "types.t.stream is a string, but must be true or false"},
      {WITH(",\"types\":{\"t\":{\"responseFormat\":{\"schema\":{\"type\":\"strin\"}}}}"), "types.t: responseFormat.schema is malformed at /type"},
      {COMPATIBLE(",\"caFile\":\"\""), "providers.p.caFile"},
      {"{\"database\":\"app.db\",\"allowedAPIs\":[\"llm\",\"ipc\"],\"providers\":{\"p\":{\"kind\":\"ollama\",\"caFile\":\"/ca.pem\"}}}", "providers.p.caFile"},
      {WITH(",\"allowedAPIs\":[\"llm\",\"fs\"]"), "allowedAPIs[1]"},
      {WITH(",\"allowedAPIs\":\"llm\""), "allowedAPIs"},
      {WITH(",\"maxQueue\":0"), "maxQueue"},
      {WITH(",\"maxQueue\":1001"), "maxQueue"},
      {COMPATIBLE(",\"allowInsecure\":1"), "providers.p.allowInsecure"},
      {"{\"database\":\"d\",\"providers\":{\"p\":5}}", "providers.p"},
      {"{\"database\":\"d\",\"providers\":{\"\":{\"kind\":\"ollama\"}}}", "providers."},
      {"{\"database\":\"d\",\"providers\":{\"a/b\":{\"kind\":\"ollama\"}}}", "providers.a/b"},
      {"{\"database\":\"d\",\"providers\":{\"1234567890123456789012345678901234567890123456789012345678901\":{\"kind\":\"ollama\"}}}",
       "providers.1234"},
  };
  (void)state;
  for (size_t i = 0; i < COUNT_OF(bad); i++) {
    parsed all;
    int code = parse(bad[i].config, &all);
    if (code != LJ_BAD_CONFIG) fail_msg("%s: %s\n  gave %s", bad[i].path, bad[i].config, lj_code_name(code));
    assert_code(all.fault.code, LJ_BAD_CONFIG);
    if (strncmp(all.fault.message, bad[i].path, strlen(bad[i].path)) != 0)
      fail_msg("%s\n  should be refused for %s: %s", bad[i].config, bad[i].path, all.fault.message);
    assert_null(all.config.tree);
    assert_int_equal(all.config.provider_count, 0);
  }
}

static void addresses_that_leak_are_refused(void **state) {
  static const char *const bad[] = {
      URL("http://example.com"),
      URL("http://192.168.1.5"),
      URL("http://10.0.0.1:8080"),
      URL("http://127.evil.com"),
      URL("http://127.0.0.1.evil.com"),
      URL("http://localhost.evil.com"),
      URL("http://localhosts"),
      URL("http://notlocalhost"),
      URL("http://[::1].evil.com"),
      URL("http://[::1]x"),
      URL("http://[::11]"),
      URL("http://[::2]/"),
      URL("http://[::ffff:8.8.8.8]"),
      URL("http://0.0.0.0"),
      URL("http://localhost@evil.com"),
      URL("http://127.0.0.1@evil.com/v1"),
      URL("http://127.0.0.1:80@evil.com/v1"),
      URL("https://user:secret-word@host/v1"),
      URL("https://user@host"),
      URL("https://host/v1?key=secret-word"),
      URL("https://host/v1#x"),
      URL("https://host?x"),
      URL("https://"),
      URL("https:///v1"),
      URL("http://"),
      URL("ftp://host"),
      URL("HTTPS//host"),
      URL("file:///etc/passwd"),
      URL("host/v1"),
      URL("https://ho st"),
      URL("https://host\\n"),
      URL(" https://host"),
      INSECURE("ftp://host"),
      INSECURE("http://user:secret-word@host"),
  };
  (void)state;
  for (size_t i = 0; i < COUNT_OF(bad); i++) {
    parsed all;
    if (parse(bad[i], &all) != LJ_BAD_CONFIG) fail_msg("was taken: %s", bad[i]);
    assert_memory_equal(all.fault.message, "providers.p.baseUrl", 19);
    assert_null(strstr(all.fault.message, "secret-word"));
  }
}

static void key_in_the_configuration_is_not_repeated(void **state) {
  parsed all;
  (void)state;
  assert_code(parse(PROVIDER("\"kind\":\"openai\",\"apiKey\":\"sk-very-secret\""), &all), LJ_BAD_CONFIG);
  assert_null(strstr(all.fault.message, "sk-very-secret"));
}

static void too_many_providers_are_refused(void **state) {
  lj_buffer text;
  parsed all;
  (void)state;
  for (int count = LJ_MAX_PROVIDERS; count <= LJ_MAX_PROVIDERS + 1; count++) {
    lj_buffer_init(&text, 1 << 20);
    assert_code(lj_buffer_append_text(&text, "{\"database\":\"d\",\"providers\":{"), LJ_OK);
    for (int i = 0; i < count; i++)
      assert_code(lj_buffer_printf(&text, "%s\"p%d\":{\"kind\":\"ollama\"}", i > 0 ? "," : "", i), LJ_OK);
    assert_code(lj_buffer_append_text(&text, "}}"), LJ_OK);
    int code = parse(text.data, &all);
    if (count > LJ_MAX_PROVIDERS) {
      assert_code(code, LJ_BAD_CONFIG);
      assert_memory_equal(all.fault.message, "providers", 9);
    } else {
      assert_code(code, LJ_OK);
      assert_int_equal(all.config.provider_count, LJ_MAX_PROVIDERS);
      lj_config_free(&all.config);
    }
    lj_buffer_free(&text);
  }
}

static void text_above_the_ceiling_is_refused(void **state) {
  size_t length = LJ_MAX_CONFIG_BYTES + 1;
  char *text = malloc(length + 1);
  parsed all;
  (void)state;
  assert_non_null(text);
  memset(text, ' ', length);
  memcpy(text, WITH(""), strlen(WITH("")));
  text[length] = '\0';
  assert_code(parse(text, &all), LJ_BAD_CONFIG);
  text[length - 1] = '\0';
  parse_well(text, &all);
  lj_config_free(&all.config);
  free(text);
}

static void parsing_survives_every_failed_allocation(void **state) {
  static const char text[] =
      "{\"database\":\"d\",\"providers\":{\"p\":{\"kind\":\"openai\",\"baseUrl\":\"https://h\",\"apiKey\":{\"env\":\"LJ_TEST_KEY\"},"
      "\"headers\":{\"a\":\"b\"},\"timeouts\":{\"idleMs\":5}},\"q\":{\"kind\":\"ollama\"}},\"models\":{\"m\":[\"p/x\",\"q/y\"]},"
      "\"types\":{\"t\":{\"model\":\"m\"}}}";
  long live = lj_memory_live();
  int code = LJ_NOMEM;
  long nth = 0;
  parsed all;
  (void)state;
  (void)setenv("LJ_TEST_KEY", "sk-x", 1);
  while (code != LJ_OK) {
    assert_true(++nth < 1000);
    lj_memory_fail_at(nth, 0);
    code = parse(text, &all);
    lj_memory_fail_at(0, 0);
    if (code != LJ_OK) {
      assert_code(code, LJ_NOMEM);
      assert_code(all.fault.code, LJ_NOMEM);
      assert_int_equal(lj_memory_live(), live);
    }
  }
  assert_true(nth > 30);
  lj_config_free(&all.config);
  lj_config_free(&all.config); /* as after parse failed: nothing is held */
  (void)unsetenv("LJ_TEST_KEY");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      tidy_test(defaults_are_filled_in),
      tidy_test(allowed_apis_are_taken_one_by_one),
      tidy_test(everything_that_is_said_is_taken),
      tidy_test(null_is_as_if_the_key_were_not_there),
      tidy_test(unset_variable_leaves_the_key_empty),
      tidy_test(a_provider_may_have_a_choice_of_apis),
      tidy_test(limits_and_prices_of_a_provider_are_taken),
      tidy_test(targets_of_an_alias_may_say_their_context),
      tidy_test(addresses_that_stay_safe_are_taken),
      tidy_test(limits_of_numbers_are_inside),
      tidy_test(bad_values_are_refused_with_their_path),
      tidy_test(addresses_that_leak_are_refused),
      tidy_test(key_in_the_configuration_is_not_repeated),
      tidy_test(too_many_providers_are_refused),
      tidy_test(text_above_the_ceiling_is_refused),
      tidy_test(parsing_survives_every_failed_allocation),
  };
  lj_memory_init();
  return cmocka_run_group_tests_name("config", tests, NULL, NULL);
}
