/* SPDX-License-Identifier: MIT
 *
 * The batch APIs: what is sent, and what is understood of the recorded answers.
 */
#include "provider/anthropic.h"
#include "provider/batch.h"
#include "provider/gemini.h"
#include "provider/openai.h"
#include "provider/request.h"
#include "support/test.h"

static const char mark[] = "0123456789abcdef0123456789abcdef";

static const lj_endpoint endpoint = {.provider = "p", .base_url = "http://h/v1", .api_key = "k", .headers = NULL};

static void add_prompt(const lj_provider *provider, const char *prompt, const char *key, size_t count, lj_buffer *entries, int expected) {
  lj_wire wire;
  lj_fault fault;
  cJSON *request = NULL;
  cJSON *data = json_of(prompt);
  lj_wire_init(&wire);
  assert_code(lj_request_prepare(NULL, data, &request, &fault), LJ_OK);
  assert_code(provider->build(&endpoint, "gpt-x", request, &wire, &fault), LJ_OK);
  assert_code(provider->batch->add(entries, count, key, &wire), expected);
  lj_wire_free(&wire);
  cJSON_Delete(request);
  cJSON_Delete(data);
}

static void expect_create(const lj_provider *provider, const lj_buffer *entries, const char *url, const char *body) {
  lj_wire wire;
  lj_fault fault;
  lj_wire_init(&wire);
  assert_code(provider->batch->build_create(&endpoint, "gpt-x", mark, "file-1", entries, &wire, &fault), LJ_OK);
  assert_string_equal(wire.method, "POST");
  assert_string_equal(wire.url.data, url);
  assert_string_equal(wire.body.data, body);
  lj_wire_free(&wire);
}

static void openai_uploads_lines_and_makes_a_batch_of_the_file(void **state) {
  lj_buffer entries;
  lj_wire wire;
  lj_fault fault;
  (void)state;
  lj_buffer_init(&entries, 100000);
  lj_wire_init(&wire);
  add_prompt(&lj_openai, "{\"prompt\":\"Eins?\",\"maxTokens\":50,\"stream\":false}", "job-1", 0, &entries, LJ_OK);
  add_prompt(&lj_openai, "{\"prompt\":\"Zwei?\",\"maxTokens\":50,\"stream\":false}", "job-2", 1, &entries, LJ_OK);
  add_prompt(&lj_openai, "{\"input\":\"vector\"}", "job-3", 2, &entries, LJ_INVALID);
  const char *lines =
      "{\"custom_id\":\"job-1\",\"method\":\"POST\",\"url\":\"/v1/chat/completions\",\"body\":{\"model\":\"gpt-x\",\"messages\":[{\"role\":\"user\","
      "\"content\":\"Eins?\"}],\"max_completion_tokens\":50,\"stream\":false}}\n"
      "{\"custom_id\":\"job-2\",\"method\":\"POST\",\"url\":\"/v1/chat/completions\",\"body\":{\"model\":\"gpt-x\",\"messages\":[{\"role\":\"user\","
      "\"content\":\"Zwei?\"}],\"max_completion_tokens\":50,\"stream\":false}}\n";
  assert_string_equal(entries.data, lines);
  assert_code(lj_openai_batch.build_upload(&endpoint, mark, &entries, &wire, &fault), LJ_OK);
  assert_string_equal(wire.url.data, "http://h/v1/files");
  assert_non_null(strstr(wire.headers.data, "Content-Type: multipart/form-data; boundary=llm-jobs-0123456789abcdef0123456789abcdef\n"));
  assert_non_null(strstr(wire.body.data, "name=\"purpose\"\r\n\r\nbatch\r\n--llm-jobs-"));
  assert_non_null(strstr(wire.body.data, lines));
  expect_create(&lj_openai, &entries, "http://h/v1/batches",
                "{\"input_file_id\":\"file-1\",\"endpoint\":\"/v1/chat/completions\",\"completion_window\":\"24h\","
                "\"metadata\":{\"llm_jobs\":\"0123456789abcdef0123456789abcdef\"}}");
  lj_wire_free(&wire);
  lj_buffer_free(&entries);
}

static void gemini_carries_the_mark_in_the_display_name(void **state) {
  lj_buffer entries;
  (void)state;
  lj_buffer_init(&entries, 100000);
  add_prompt(&lj_gemini, "{\"prompt\":\"A\",\"stream\":false}", "job-1", 0, &entries, LJ_OK);
  add_prompt(&lj_gemini, "{\"input\":\"vector\"}", "job-2", 1, &entries, LJ_INVALID);
  expect_create(&lj_gemini, &entries, "http://h/v1/models/gpt-x:batchGenerateContent",
                "{\"batch\":{\"displayName\":\"llm-jobs-0123456789abcdef0123456789abcdef\",\"inputConfig\":{\"requests\":{\"requests\":["
                "{\"request\":{\"contents\":[{\"role\":\"user\",\"parts\":[{\"text\":\"A\"}]}]},\"metadata\":{\"key\":\"job-1\"}}]}}}}");
  lj_buffer_free(&entries);
}

static void anthropic_takes_all_entries_in_one_request(void **state) {
  lj_buffer entries;
  (void)state;
  lj_buffer_init(&entries, 100000);
  add_prompt(&lj_anthropic, "{\"prompt\":\"A\",\"maxTokens\":9,\"stream\":false}", "job-1", 0, &entries, LJ_OK);
  add_prompt(&lj_anthropic, "{\"prompt\":\"B\",\"maxTokens\":9,\"stream\":false}", "job-2", 1, &entries, LJ_OK);
  expect_create(&lj_anthropic, &entries, "http://h/v1/v1/messages/batches",
                "{\"requests\":[{\"custom_id\":\"job-1\",\"params\":{\"model\":\"gpt-x\",\"max_tokens\":9,\"messages\":[{\"role\":\"user\",\"content\":\"A\"}]}},"
                "{\"custom_id\":\"job-2\",\"params\":{\"model\":\"gpt-x\",\"max_tokens\":9,\"messages\":[{\"role\":\"user\",\"content\":\"B\"}]}}]}");
  lj_buffer_free(&entries);
}

static void expect_state(const lj_batch_api *api, const char *text, int state, const char *first, const char *second) {
  lj_batch_news news;
  cJSON *json = json_of(text);
  assert_code(api->read_batch(json, &news), LJ_OK);
  assert_int_equal(news.state, state);
  assert_string_equal(news.results[0], first);
  assert_string_equal(news.results[1], second);
  cJSON_Delete(json);
}

static void states(void **state) {
  (void)state;
  expect_state(&lj_openai_batch, "{\"id\":\"batch_1\",\"status\":\"validating\"}", LJ_BATCH_WORKING, "", "");
  expect_state(&lj_openai_batch, "{\"id\":\"batch_1\",\"status\":\"cancelling\"}", LJ_BATCH_WORKING, "", "");
  expect_state(&lj_openai_batch, "{\"id\":\"batch_1\",\"status\":\"expired\",\"output_file_id\":\"f1\",\"error_file_id\":\"f2\"}", LJ_BATCH_ENDED, "f1", "f2");
  expect_state(&lj_openai_batch, "{\"id\":\"batch_1\",\"status\":\"failed\",\"errors\":{\"data\":[{\"message\":\"line 1\"}]}}", LJ_BATCH_FAILED, "", "");
  expect_state(&lj_anthropic_batch, "{\"id\":\"msgbatch_1\",\"processing_status\":\"canceling\"}", LJ_BATCH_WORKING, "", "");
  expect_state(&lj_anthropic_batch, "{\"id\":\"msgbatch_1\",\"processing_status\":\"ended\",\"results_url\":\"https://x\"}", LJ_BATCH_ENDED, "msgbatch_1", "");
  expect_state(&lj_gemini_batch, "{\"name\":\"batches/1\",\"metadata\":{\"state\":\"BATCH_STATE_PENDING\"}}", LJ_BATCH_WORKING, "", "");
  expect_state(&lj_gemini_batch, "{\"name\":\"batches/1\",\"metadata\":{\"state\":\"JOB_STATE_EXPIRED\"}}", LJ_BATCH_ENDED, "batches/1", "");
  expect_state(&lj_gemini_batch, "{\"name\":\"batches/1\",\"done\":true,\"error\":{\"message\":\"no\"}}", LJ_BATCH_FAILED, "", "");
}

static void ids_that_would_change_an_address_are_refused(void **state) {
  static const struct {
    const lj_batch_api *api;
    const char *text;
  } bad[] = {{&lj_openai_batch, "{\"id\":\"../files\",\"status\":\"completed\"}"},
             {&lj_openai_batch, "{\"id\":\"b\",\"status\":\"completed\",\"output_file_id\":\"a/b\"}"},
             {&lj_openai_batch, "{\"status\":\"completed\"}"},
             {&lj_anthropic_batch, "{\"id\":\"a?b\",\"processing_status\":\"ended\"}"},
             {&lj_gemini_batch, "{\"name\":\"files/1\"}"},
             {&lj_gemini_batch, "{\"name\":\"batches/1/2\"}"},
             {&lj_gemini_batch, "[]"}};
  (void)state;
  for (size_t i = 0; i < COUNT_OF(bad); i++) {
    lj_batch_news news;
    cJSON *json = json_of(bad[i].text);
    assert_code(bad[i].api->read_batch(json, &news), LJ_PROTOCOL);
    cJSON_Delete(json);
  }
}

static char *contents_of(const char *name) {
  char path[256];
  (void)snprintf(path, sizeof path, "test/fixtures/wire-examples/%s", name);
  FILE *file = fopen(path, "rb");
  assert_non_null(file);
  char *text = calloc(1, 65536);
  assert_non_null(text);
  assert_true(fread(text, 1, 65535, file) > 0);
  assert_int_equal(fclose(file), 0);
  return text;
}

static void tell(const lj_batch_api *api, const cJSON *line, lj_buffer *said) {
  static const char *const outcomes[] = {"answered", "expired", "cancelled"};
  lj_batch_result result;
  assert_code(api->read_result(line, &result), LJ_OK);
  assert_code(lj_buffer_printf(said, "%s %s %d%s\n", result.key, outcomes[result.outcome], result.status, result.body != NULL ? " body" : ""), LJ_OK);
}

static void expect_lines(const lj_batch_api *api, const char *file, const char *expected) {
  char *text = contents_of(file);
  lj_buffer said;
  lj_buffer_init(&said, 4096);
  for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n")) {
    cJSON *json = json_of(line);
    tell(api, json, &said);
    cJSON_Delete(json);
  }
  assert_string_equal(said.data, expected);
  lj_buffer_free(&said);
  free(text);
}

static void recorded_results(void **state) {
  const cJSON *item = NULL;
  lj_buffer said;
  (void)state;
  expect_lines(&lj_openai_batch, "openai-batch-output.jsonl", "job-2 answered 200 body\n");
  expect_lines(&lj_openai_batch, "openai-batch-errors.jsonl", "job-1 answered 400 body\njob-3 expired 0\n");
  expect_lines(&lj_anthropic_batch, "anthropic-batch-results.jsonl", "job-2 answered 200 body\njob-1 answered 400 body\njob-3 expired 0\n");
  char *text = contents_of("gemini-batch-done.json");
  cJSON *json = json_of(text);
  lj_buffer_init(&said, 4096);
  cJSON_ArrayForEach(item, lj_gemini_batch.results_of(json)) tell(&lj_gemini_batch, item, &said);
  assert_string_equal(said.data, "job-1 answered 200 body\njob-2 answered 400 body\n");
  expect_state(&lj_gemini_batch, text, LJ_BATCH_ENDED, "batches/ex1", "");
  lj_buffer_free(&said);
  cJSON_Delete(json);
  free(text);
}

static bool knows(void *owner, const char *id) { return strcmp(owner, id) == 0; }

static void expect_found(const lj_batch_api *api, const char *list, const char *expected) {
  lj_batch_search search = {.mark = mark, .least = 2, .most = 3, .is_known = knows, .owner = (void *)(uintptr_t)"msgbatch_other"};
  char id[LJ_BATCH_ID_SIZE];
  cJSON *json = json_of(list);
  assert_code(api->find(json, &search, id), LJ_OK);
  assert_string_equal(id, expected);
  cJSON_Delete(json);
}

static void expect_page(const lj_batch_api *api, const char *list, const char *url) {
  char page[LJ_BATCH_PAGE_SIZE];
  lj_wire wire;
  lj_fault fault;
  cJSON *json = json_of(list);
  assert_code(api->next_page(json, page), LJ_OK);
  lj_wire_init(&wire);
  lj_fault_clear(&fault);
  assert_code(api->build_list(&endpoint, page, &wire, &fault), LJ_OK);
  assert_string_equal(wire.url.data, url);
  assert_string_equal(wire.method, "GET");
  lj_wire_free(&wire);
  cJSON_Delete(json);
}

static void lists_have_pages(void **state) {
  (void)state;
  expect_page(&lj_openai_batch, "{\"has_more\":true,\"last_id\":\"b 1&x=/%\"}", "http://h/v1/batches?limit=100&after=b%201%26x%3D%2F%25");
  expect_page(&lj_openai_batch, "{\"has_more\":false,\"last_id\":\"b1\"}", "http://h/v1/batches?limit=100");
  expect_page(&lj_openai_batch, "{\"has_more\":true}", "http://h/v1/batches?limit=100");
  expect_page(&lj_anthropic_batch, "{\"has_more\":true,\"last_id\":\"msgbatch_1\"}", "http://h/v1/v1/messages/batches?limit=100&after_id=msgbatch_1");
  expect_page(&lj_anthropic_batch, "{}", "http://h/v1/v1/messages/batches?limit=100");
  expect_page(&lj_gemini_batch, "{\"nextPageToken\":\"Cg+=\"}", "http://h/v1/batches?pageSize=100&pageToken=Cg%2B%3D");
  expect_page(&lj_gemini_batch, "{\"nextPageToken\":\"\"}", "http://h/v1/batches?pageSize=100");
}

static void a_page_that_is_named_by_a_book_is_none(void **state) {
  char list[4096];
  char page[LJ_BATCH_PAGE_SIZE];
  (void)state;
  (void)snprintf(list, sizeof list, "{\"nextPageToken\":\"%02000d\"}", 0);
  cJSON *json = json_of(list);
  assert_code(lj_gemini_batch.next_page(json, page), LJ_PROTOCOL);
  assert_string_equal(page, "");
  cJSON_Delete(json);
}

/* Where nothing bears our mark, what is older than the batch is not it, whatever its size. */
static void a_batch_that_was_there_before_is_not_it(void **state) {
  lj_batch_search search = {.mark = mark, .least = 1, .most = 3, .since = "2026-11-20T10:00:00", .is_known = knows, .owner = (void *)(uintptr_t)""};
  char id[LJ_BATCH_ID_SIZE];
  cJSON *json = json_of("{\"data\":[{\"id\":\"old\",\"created_at\":\"2026-11-20T09:59:59.9Z\",\"request_counts\":{\"processing\":2}},"
                        "{\"id\":\"new\",\"created_at\":\"2026-11-20T10:00:00Z\",\"request_counts\":{\"processing\":2}}]}");
  (void)state;
  assert_code(lj_anthropic_batch.find(json, &search, id), LJ_OK);
  assert_string_equal(id, "new");
  search.since = "2026-11-20T10:00:01";
  assert_code(lj_anthropic_batch.find(json, &search, id), LJ_OK);
  assert_string_equal(id, "");
  search.since = NULL;
  assert_code(lj_anthropic_batch.find(json, &search, id), LJ_OK);
  assert_string_equal(id, "old");
  cJSON_Delete(json);
}

static void a_batch_is_found_by_its_mark_or_its_size(void **state) {
  (void)state;
  expect_found(&lj_openai_batch, "{\"data\":[{\"id\":\"b1\",\"metadata\":null},{\"id\":\"b2\",\"metadata\":{\"llm_jobs\":\"0123456789abcdef0123456789abcdef\"}}]}", "b2");
  expect_found(&lj_openai_batch, "{\"data\":[{\"id\":\"b1\",\"metadata\":{\"llm_jobs\":\"0\"}}]}", "");
  expect_found(&lj_gemini_batch, "{\"operations\":[{\"name\":\"batches/2\",\"metadata\":{\"displayName\":\"llm-jobs-0123456789abcdef0123456789abcdef\"}}]}", "batches/2");
  expect_found(&lj_gemini_batch, "{}", "");
  expect_found(&lj_anthropic_batch,
               "{\"data\":[{\"id\":\"msgbatch_big\",\"request_counts\":{\"processing\":4}},{\"id\":\"msgbatch_other\",\"request_counts\":{\"processing\":3}},"
               "{\"id\":\"msgbatch_3\",\"request_counts\":{\"processing\":1,\"succeeded\":1,\"expired\":1}}]}",
               "msgbatch_3");
}

/* A prompt that quotes another address does not change where the batch goes. */
static void the_address_is_that_of_the_requests_whatever_they_say(void **state) {
  lj_buffer entries;
  const lj_provider *responses = lj_provider_by_api(lj_provider_find("openai"), "responses");
  (void)state;
  assert_non_null(responses);
  lj_buffer_init(&entries, 1 << 20);
  add_prompt(responses, "{\"prompt\":\"/chat/completions\",\"stream\":false}", "k-1", 0, &entries, LJ_OK);
  add_prompt(responses, "{\"prompt\":\"/embeddings\",\"stream\":false}", "k-2", 1, &entries, LJ_OK);
  lj_wire wire;
  lj_fault fault;
  lj_wire_init(&wire);
  lj_fault_clear(&fault);
  assert_code(lj_openai_batch.build_create(&endpoint, "m", mark, "file_1", &entries, &wire, &fault), LJ_OK);
  assert_non_null(strstr(wire.body.data, "\"endpoint\":\"/v1/responses\""));
  lj_wire_free(&wire);
  lj_buffer_free(&entries);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(openai_uploads_lines_and_makes_a_batch_of_the_file),
      cmocka_unit_test(gemini_carries_the_mark_in_the_display_name),
      cmocka_unit_test(anthropic_takes_all_entries_in_one_request),
      cmocka_unit_test(the_address_is_that_of_the_requests_whatever_they_say),
      cmocka_unit_test(states),
      cmocka_unit_test(ids_that_would_change_an_address_are_refused),
      cmocka_unit_test(recorded_results),
      cmocka_unit_test(a_batch_is_found_by_its_mark_or_its_size),
      cmocka_unit_test(lists_have_pages),
      cmocka_unit_test(a_page_that_is_named_by_a_book_is_none),
      cmocka_unit_test(a_batch_that_was_there_before_is_not_it),
  };
  return cmocka_run_group_tests_name("batch apis", tests, NULL, NULL);
}
