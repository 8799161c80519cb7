/* SPDX-License-Identifier: MIT
 *
 * Every scenario is run with its first allocation failing, then its second, and so on until it succeeds: never a crash,
 * never a leak, and the result is a shortage of memory or the same success as without.
 */
#include "support/build.h"
#include "support/exchange.h"
#include "support/fixture.h"

typedef struct scenario {
  const char *name;
  const char *kind;
  const char *type;    /* prepare and build: the job type */
  const char *data;    /* prepare and build; NULL: read an answer */
  const char *fixture; /* the answer's bytes */
  int status;
  int code;            /* without a shortage */
} scenario;

static const scenario scenarios[] = {
    {"openai request", "openai",
     "{\"system\":\"About {{topic}} {{list}}\",\"maxTokens\":5}",
     "{\"topic\":\"x\",\"list\":[1],\"stop\":\"X\",\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"x\"},{\"type\":\"image\",\"data\":\"AAAA\","
     "\"mediaType\":\"image/png\"}]},{\"role\":\"assistant\",\"toolCalls\":[{\"id\":\"c\",\"name\":\"f\",\"arguments\":{\"x\":1}}]},{\"role\":\"tool\",\"toolCallId\":\"c\","
     "\"content\":\"42\"}],\"tools\":[{\"name\":\"f\"}],\"toolChoice\":{\"name\":\"f\"},\"responseFormat\":{\"schema\":{}},\"reasoning\":{\"effort\":\"low\"},"
     "\"providerOptions\":{\"openai\":{\"a\":1,\"seed\":null}}}",
     NULL, 0, LJ_OK},
    {"ollama request", "ollama",
     "{\"prompt\":\"About {{topic}}\"}",
     "{\"topic\":\"x\",\"tools\":[{\"name\":\"f\"}],\"responseFormat\":\"json\",\"reasoning\":{},\"maxTokens\":5,"
     "\"providerOptions\":{\"ollama\":{\"options\":{\"num_ctx\":1}}}}",
     NULL, 0, LJ_OK},
    {"ollama messages", "ollama", NULL,
     "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"x\"},{\"type\":\"image\",\"url\":\"data:image/png;base64,BBBB\"}]},{\"role\":\"assistant\","
     "\"toolCalls\":[{\"id\":\"c\",\"name\":\"f\",\"arguments\":\"{}\"}]},{\"role\":\"tool\",\"toolCallId\":\"c\",\"content\":\"42\"}]}",
     NULL, 0, LJ_OK},
    {"openai input", "openai", NULL, "{\"input\":[\"a\",\"b\"],\"providerOptions\":{\"openai\":{\"dimensions\":2}}}", NULL, 0, LJ_OK},
    {"ollama input", "ollama", NULL, "{\"input\":\"a\"}", NULL, 0, LJ_OK},
    {"gemini request", "gemini", "{\"system\":\"Be\"}",
     "{\"messages\":[{\"role\":\"developer\",\"content\":\"x\"},{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"x\"},{\"type\":\"image\",\"url\":"
     "\"data:image/png;base64,BBBB\"},{\"type\":\"image\",\"url\":\"https://h/i\"}]},{\"role\":\"assistant\",\"toolCalls\":[{\"id\":\"c\",\"name\":\"f\","
     "\"arguments\":\"{}\",\"signature\":\"s\"},{\"id\":\"d\",\"name\":\"f\"}]},{\"role\":\"tool\",\"toolCallId\":\"c\",\"content\":\"42\"},{\"role\":\"tool\","
     "\"toolCallId\":\"d\",\"content\":\"{}\"}],\"tools\":[{\"name\":\"f\",\"parameters\":{}}],\"toolChoice\":{\"name\":\"f\"},\"maxTokens\":5,\"stop\":\"X\","
     "\"responseFormat\":{\"schema\":{}},\"reasoning\":{\"effort\":\"none\"},\"providerOptions\":{\"gemini\":{\"generationConfig\":{\"topK\":1}}}}",
     NULL, 0, LJ_OK},
    {"gemini embeddings", "gemini", NULL, "{\"input\":[\"x\",\"y\"],\"providerOptions\":{\"gemini\":{\"taskType\":\"CLUSTERING\"}}}", NULL, 0, LJ_OK},
    {"gemini refuses", "gemini", NULL, "{\"prompt\":\"Hi\",\"system\":\"Be\",\"reasoning\":{\"effort\":\"low\",\"budgetTokens\":5}}", NULL, 0,
     LJ_BAD_REQUEST},
    {"anthropic request", "anthropic", NULL,
     "{\"system\":\"Be\",\"messages\":[{\"role\":\"system\",\"content\":\"brief\"},{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"x\"},"
     "{\"type\":\"image\",\"data\":\"AAAA\",\"mediaType\":\"image/png\"},{\"type\":\"image\",\"url\":\"data:image/png;base64,BBBB\"}]},{\"role\":\"assistant\","
     "\"content\":\"y\",\"toolCalls\":[{\"id\":\"c\",\"name\":\"f\",\"arguments\":\"{}\",\"signature\":\"[{\\\"type\\\":\\\"thinking\\\",\\\"thinking\\\":"
     "\\\"t\\\"}]\"},{\"id\":\"d\",\"name\":\"f\"}]},{\"role\":\"tool\",\"toolCallId\":\"c\",\"content\":\"42\"},{\"role\":\"tool\",\"toolCallId\":\"d\","
     "\"content\":[{\"type\":\"text\",\"text\":\"43\"}]}],\"tools\":[{\"name\":\"f\"}],\"toolChoice\":{\"name\":\"f\"},\"responseFormat\":{\"schema\":{}},"
     "\"reasoning\":{\"effort\":\"low\",\"budgetTokens\":2000},\"temperature\":1,\"providerOptions\":{\"anthropic\":{\"a\":1,\"output_config\":{\"b\":2}}}}",
     NULL, 0, LJ_OK},
    {"anthropic stream", "anthropic", NULL, NULL, "anthropic-messages.sse", 200, LJ_OK},
    {"anthropic error", "anthropic", NULL, NULL, "anthropic-overloaded-in-200.sse", 200, LJ_OVERLOADED},
    {"deepseek request", "deepseek", NULL,
     "{\"messages\":[{\"role\":\"assistant\",\"toolCalls\":[{\"id\":\"c\",\"name\":\"f\",\"signature\":\"s\"}]}],\"reasoning\":{\"effort\":\"none\"}}", NULL, 0, LJ_OK},
    {"deepseek stream", "deepseek", NULL, NULL, "deepseek-chat.sse", 200, LJ_OK},
    {"responses request", "openai responses",
     "{\"system\":\"Be\"}",
     "{\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":\"text\",\"text\":\"x\"},{\"type\":\"image\",\"data\":\"AAAA\",\"mediaType\":\"image/png\"}]},"
     "{\"role\":\"assistant\",\"toolCalls\":[{\"id\":\"c\",\"name\":\"f\",\"arguments\":{\"x\":1}}]},{\"role\":\"tool\",\"toolCallId\":\"c\",\"content\":\"42\"}],"
     "\"tools\":[{\"name\":\"f\"}],\"toolChoice\":{\"name\":\"f\"},\"responseFormat\":{\"schema\":{}},\"reasoning\":{\"effort\":\"low\"},"
     "\"providerOptions\":{\"openai\":{\"text\":{\"verbosity\":\"low\"}}}}",
     NULL, 0, LJ_OK},
    {"a refused request", "deepseek", NULL, "{\"prompt\":\"Hi\",\"responseFormat\":{\"schema\":{}}}", NULL, 0, LJ_BAD_REQUEST},
    {"openai stream", "openai", NULL, NULL, "openai-chat.sse", 200, LJ_OK},
    {"torture stream", "openai", NULL, NULL, "torture.sse", 200, LJ_OK},
    {"responses stream", "openai responses", NULL, NULL, "openai-responses.sse", 200, LJ_OK},
    {"failed response", "openai responses", NULL, NULL, "openai-responses-failed.sse", 200, LJ_QUOTA_EXCEEDED},
    {"truncated stream", "openai", NULL, NULL, "openai-chat-truncated.sse", 200, LJ_PROTOCOL},
    {"whole answer", "deepseek", NULL, NULL, "deepseek-chat-nonstream.body", 200, LJ_OK},
    {"ollama lines", "ollama", NULL, NULL, "ollama-chat.ndjson", 200, LJ_OK},
    {"gemini stream", "gemini", NULL, NULL, "gemini-stream.sse", 200, LJ_OK},
    {"an error behind the events", "gemini", NULL, NULL, "gemini-midstream-error.sse", 200, LJ_OVERLOADED},
    {"an error's body", "openai", NULL, NULL, "gemini-429.json", 429, LJ_RATE_LIMITED},
};

static int run_build(const scenario *plan, const cJSON *type, const cJSON *data) {
  lj_endpoint endpoint = {.provider = "p", .base_url = "http://h", .api_key = "k", .headers = NULL};
  cJSON *request = NULL;
  lj_wire wire;
  lj_fault fault;
  int rc;
  lj_wire_init(&wire);
  lj_fault_clear(&fault);
  rc = lj_request_prepare(type, data, &request, &fault);
  if (rc == LJ_OK) {
    rc = provider_of(plan->kind)->build(&endpoint, "m", request, &wire, &fault);
  }
  if (rc != LJ_OK && rc != LJ_NOMEM) {
    assert_code(fault.code, rc);
  }
  cJSON_Delete(request);
  lj_wire_free(&wire);
  return rc;
}

static int run_answer(const scenario *plan, const lj_buffer *bytes, cJSON **json) {
  lj_response *response = NULL;
  lj_fault fault;
  int rc = lj_response_open(provider_of(plan->kind), &(lj_wire){.stream = true}, LJ_MAX_RESPONSE_BYTES, NULL, &response);
  if (rc != LJ_OK) {
    assert_null(response);
    return rc;
  }
  lj_response_status(response, plan->status);
  rc = feed_pieces(feed_response, response, bytes->data, bytes->length, 31);
  assert_true(rc == LJ_OK || rc == LJ_CLOSED || rc == LJ_NOMEM || rc == plan->code);
  rc = lj_response_end(response, &fault);
  assert_code(fault.code, rc);
  assert_true(rc == LJ_OK || fault.message[0] != '\0');
  if (rc == LJ_OK) {
    rc = lj_answer_json(lj_response_answer(response), 1, json);
  }
  lj_response_free(response);
  return rc;
}

static void every_allocation_may_fail(void **state) {
  size_t at;
  (void)state;
  for (at = 0; at < COUNT_OF(scenarios); at++) {
    const scenario *plan = &scenarios[at];
    int sticky;
    for (sticky = 0; sticky <= 1; sticky++) {
      lj_buffer bytes;
      cJSON *type = plan->type != NULL ? json_of(plan->type) : NULL;
      cJSON *data = plan->data != NULL ? json_of(plan->data) : NULL;
      cJSON *whole = NULL; /* the answer when memory is not short */
      long before;
      long nth;
      int rc = LJ_NOMEM;
      lj_buffer_init(&bytes, 0);
      if (plan->fixture != NULL) {
        read_fixture(plan->fixture, &bytes);
        assert_code(run_answer(plan, &bytes, &whole), plan->code);
      }
      before = lj_memory_live();
      for (nth = 1; nth < 5000; nth++) {
        long used;
        cJSON *json = NULL;
        bool same;
        lj_memory_fail_at(nth, sticky);
        rc = plan->data != NULL ? run_build(plan, type, data) : run_answer(plan, &bytes, &json);
        used = lj_memory_count();
        lj_memory_fail_at(0, 0);
        same = plan->fixture != NULL && rc == plan->code && (whole == NULL || cJSON_Compare(json, whole, true) != 0);
        cJSON_Delete(json);
        if (lj_memory_live() != before) {
          fail_msg("%s with allocation %ld failing leaks %ld blocks", plan->name, nth, lj_memory_live() - before);
        }
        if (used < nth) { /* it did not come to the one that would have failed */
          break;
        }
        /* What only spares time may be left out (provider/twin.h), nothing of the answer. */
        if (rc != LJ_NOMEM && !same) {
          fail_msg("%s with allocation %ld of %ld failing: %s", plan->name, nth, used, lj_code_name(rc));
        }
      }
      assert_code(rc, plan->code);
      assert_true(nth > 3);
      cJSON_Delete(type);
      cJSON_Delete(data);
      cJSON_Delete(whole);
      lj_buffer_free(&bytes);
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {tidy_test(every_allocation_may_fail)};
  lj_memory_init();
  return cmocka_run_group_tests(tests, NULL, NULL);
}
