/* SPDX-License-Identifier: MIT
 *
 * From a job's model to the targets that may serve it.
 */
#include "engine/config.h"
#include "policy/route.h"
#include "support/test.h"

#define PROVIDERS                                                                       \
  "\"database\":\"app.db\",\"providers\":{\"a\":{\"kind\":\"openai-compatible\",\"baseUrl\":\"http://127.0.0.1:1/v1\"}," \
  "\"local\":{\"kind\":\"ollama\"}}"

static const char config_text[] =
    "{" PROVIDERS ",\"models\":{\"fast\":[\"a/small\",\"local/llama3.2:1b\"],\"single\":\"local/x\",\"a/real\":\"local/shadow\"},"
    "\"types\":{\"typed\":{\"model\":\"fast\"},\"untyped\":{}}}";

/* The route as text: "a small, local llama", or the code's name. */
static const char *route_text(const char *text, const char *model, const char *name) {
  static char out[4096];
  lj_config config;
  lj_fault fault;
  lj_route route;
  size_t used = 0;
  assert_code(lj_config_parse(text, &config, &fault), LJ_OK);
  int code = lj_route_find(&config, model, name, &route, &fault);
  if (code == LJ_OK) {
    for (size_t i = 0; i < route.count; i++)
      used += (size_t)snprintf(out + used, sizeof out - used, "%s%s %s", i > 0 ? ", " : "", route.targets[i].provider->name,
                               route.targets[i].model);
  } else {
    assert_code(fault.code, code);
    assert_int_equal(route.count, 0);
    (void)snprintf(out, sizeof out, "%s: %s", lj_code_name(code), fault.message);
    assert_code(lj_route_find(&config, model, name, &route, NULL), code); /* the claim asks without a fault */
  }
  lj_config_free(&config);
  return out;
}

static bool begins(const char *text, const char *prefix) { return strncmp(text, prefix, strlen(prefix)) == 0; }

static void provider_and_model_are_one_target(void **state) {
  (void)state;
  assert_string_equal(route_text(config_text, "a/gpt", "n"), "a gpt");
  assert_string_equal(route_text(config_text, "a/org/model:free", "n"), "a org/model:free"); /* split at the first slash */
}

static void alias_gives_its_targets_in_order(void **state) {
  (void)state;
  assert_string_equal(route_text(config_text, "fast", "n"), "a small, local llama3.2:1b");
  assert_string_equal(route_text(config_text, "single", "n"), "local x");
  assert_string_equal(route_text(config_text, "a/real", "n"), "local shadow"); /* an alias wins over a provider */
}

static void job_without_a_model_takes_its_types(void **state) {
  (void)state;
  assert_string_equal(route_text(config_text, NULL, "typed"), "a small, local llama3.2:1b");
  assert_string_equal(route_text(config_text, "a/own", "typed"), "a own");
}

static void job_without_any_model_is_bad(void **state) {
  (void)state;
  assert_true(begins(route_text(config_text, NULL, "untyped"), "BAD_JOB: "));
  assert_true(begins(route_text(config_text, NULL, "unknown"), "BAD_JOB: "));
  assert_non_null(strstr(route_text(config_text, NULL, "unknown"), "types.unknown.model"));
}

static void unknown_provider_is_named_with_the_known_ones(void **state) {
  static const char *const unknown[] = {"b/gpt", "gpt", "", "/gpt", "a/", "aa/x", "FAST", "a", "locale/x"};
  (void)state;
  for (size_t i = 0; i < COUNT_OF(unknown); i++) {
    const char *text = route_text(config_text, unknown[i], "n");
    if (!begins(text, "NO_PROVIDER: ")) fail_msg("\"%s\" gave %s", unknown[i], text);
    assert_non_null(strstr(text, "(a, local)"));
  }
}

static void refused_models_are_not_served_even_if_allowed(void **state) {
  static const char text[] = "{" PROVIDERS ",\"models\":{\"fast\":\"a/small\",\"old\":\"a/x\"},\"allowedModels\":[\"a/*\",\"fast\",\"old\"],"
                             "\"refusedModels\":[\"a/secret*\",\"old\"]}";
  (void)state;
  assert_string_equal(route_text(text, "a/open", "n"), "a open");
  assert_string_equal(route_text(text, "fast", "n"), "a small");
  assert_true(begins(route_text(text, "a/secret", "n"), "MODEL_NOT_ALLOWED: "));
  assert_true(begins(route_text(text, "a/secret-2", "n"), "MODEL_NOT_ALLOWED: "));
  assert_true(begins(route_text(text, "old", "n"), "MODEL_NOT_ALLOWED: "));
  assert_true(begins(route_text(text, "local/x", "n"), "MODEL_NOT_ALLOWED: "));
}

static void only_allowed_models_are_served(void **state) {
  static const char text[] =
      "{" PROVIDERS ",\"models\":{\"fast\":\"a/small\"},\"allowedModels\":[\"fast\",\"local/x\"],\"types\":{\"t\":{\"model\":\"a/small\"}}}";
  (void)state;
  assert_string_equal(route_text(text, "fast", "n"), "a small"); /* what an alias stands for needs no permission of its own */
  assert_string_equal(route_text(text, "local/x", "n"), "local x");
  assert_true(begins(route_text(text, "a/small", "n"), "MODEL_NOT_ALLOWED: "));
  assert_true(begins(route_text(text, "local/xx", "n"), "MODEL_NOT_ALLOWED: "));
  assert_true(begins(route_text(text, NULL, "t"), "MODEL_NOT_ALLOWED: "));
  assert_true(begins(route_text(text, "nobody/x", "n"), "MODEL_NOT_ALLOWED: "));
}

static void empty_list_of_allowed_models_allows_none(void **state) {
  (void)state;
  assert_true(begins(route_text("{" PROVIDERS ",\"allowedModels\":[]}", "a/x", "n"), "MODEL_NOT_ALLOWED: "));
}

static void long_and_odd_names_are_cut_in_messages(void **state) {
  char name[5000];
  (void)state;
  memset(name, 'n', sizeof name);
  name[sizeof name - 1] = '\0';
  assert_true(strlen(route_text(config_text, name, name)) < 700);
  assert_true(strlen(route_text(config_text, NULL, name)) < 700);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      tidy_test(provider_and_model_are_one_target),
      tidy_test(alias_gives_its_targets_in_order),
      tidy_test(job_without_a_model_takes_its_types),
      tidy_test(job_without_any_model_is_bad),
      tidy_test(unknown_provider_is_named_with_the_known_ones),
      tidy_test(refused_models_are_not_served_even_if_allowed),
      tidy_test(only_allowed_models_are_served),
      tidy_test(empty_list_of_allowed_models_allows_none),
      tidy_test(long_and_odd_names_are_cut_in_messages),
  };
  lj_memory_init();
  return cmocka_run_group_tests_name("route", tests, NULL, NULL);
}
