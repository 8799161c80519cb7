/* SPDX-License-Identifier: MIT
 *
 * Answers to a request for embeddings: vectors in the order of the inputs, or what is wrong with them.
 */
#include "support/exchange.h"
#include "support/fixture.h"

typedef struct answer_case {
  const char *kind;
  size_t inputs;
  const char *body;
  const char *expected;
} answer_case;

static void expect_answers(const answer_case *list, size_t count) {
  size_t at;
  for (at = 0; at < count; at++) {
    exchange run = {0};
    run.provider = lj_provider_find(list[at].kind);
    run.ask = LJ_ASK_EMBEDDINGS;
    run.inputs = list[at].inputs;
    run.body = list[at].body;
    expect_exchange(&run, list[at].expected);
  }
}

static void vectors_stand_in_the_order_of_the_inputs(void **state) {
  static const answer_case list[] = {
      {"openai", 2,
       "{\"object\":\"list\",\"data\":[{\"object\":\"embedding\",\"index\":1,\"embedding\":\"AAAAPw==\"},{\"object\":\"embedding\",\"index\":0,"
       "\"embedding\":\"AACAvw==\"}],\"model\":\"text-embedding-x\",\"usage\":{\"prompt_tokens\":8,\"total_tokens\":8}}",
       "vectors [[-1],[0.5]]\nusage 8 - - -\nOK\n"},
      {"openai-compatible", 2, "{\"data\":[{\"index\":0,\"embedding\":[0.1,-2e-7]},{\"index\":1,\"embedding\":[3,4]}]}",
       "vectors [[0.1,-2e-7],[3,4]]\nOK\n"},
      {"openai-compatible", 1, "\r\n\xEF\xBB\xBF{\"data\":[{\"index\":0,\"embedding\":\"AAAAPw\"}],\"usage\":null}", "vectors [[0.5]]\nOK\n"},
      {"ollama", 2,
       "{\"model\":\"all-minilm\",\"embeddings\":[[0.25,1],[0.125,-1]],\"total_duration\":14143917,\"load_duration\":1019500,"
       "\"prompt_eval_count\":8}\n",
       "vectors [[0.25,1],[0.125,-1]]\nusage 8 - - -\nOK\n"},
  };
  (void)state;
  expect_answers(list, COUNT_OF(list));
}

static void an_answer_that_does_not_fit_the_inputs_is_refused(void **state) {
  static const answer_case list[] = {
      {"openai", 2, "{\"data\":[{\"index\":0,\"embedding\":[1]}]}",
       "vectors [[1],[]]\nPROTOCOL The provider's answer has no embedding for the input of index 1\n"},
      {"openai", 2, "{\"data\":[{\"index\":0,\"embedding\":[1]},{\"index\":0,\"embedding\":[1]}]}",
       "vectors [[1],[]]\nPROTOCOL The provider's answer has two embeddings for the input of index 0\n"},
      {"openai", 1, "{\"data\":[{\"index\":1,\"embedding\":[1]}]}",
       "vectors [[]]\nPROTOCOL The provider's answer has an embedding for an input that was not sent, of index 1\n"},
      {"openai", 1, "{\"data\":[{\"embedding\":[1]}]}",
       "vectors [[]]\nPROTOCOL The provider's answer has an embedding without the index of its input\n"},
      {"openai", 1, "{\"data\":[{\"index\":-1,\"embedding\":[1]}]}",
       "vectors [[]]\nPROTOCOL The provider's answer has an embedding without the index of its input\n"},
      {"openai", 1, "{\"data\":[{\"index\":0,\"embedding\":[1,\"x\"]}]}",
       "vectors [[]]\nPROTOCOL The provider's answer has an embedding that is neither numbers nor base64 of them for the input of index 0\n"},
      {"openai", 2, "{\"data\":[{\"index\":0,\"embedding\":[1,2]},{\"index\":1,\"embedding\":[1]}]}",
       "vectors [[1,2],[1]]\nPROTOCOL The provider's answer has an embedding of another length than the first for the input of index 1\n"},
      {"openai", 1, "{\"choices\":[]}", "PROTOCOL The provider's answer has no data; is baseUrl that of an embeddings API?\n"},
      {"openai", 1, "data: [DONE]\n\n", "PROTOCOL The provider's answer of 14 bytes is no JSON, or was cut off\n"},
      {"openai", 1, "{\"data\":[{\"index\":0,\"embedding\":[1]}", "PROTOCOL The provider's answer of 36 bytes is no JSON, or was cut off\n"},
      {"openai-compatible", 1, "{\"error\":{\"message\":\"No pooling\",\"type\":\"server_error\"}}",
       "SERVER_ERROR The provider reported an error inside its answer (server_error): No pooling\n"},
      {"ollama", 2, "{\"embeddings\":[[1]]}",
       "vectors [[1],[]]\nPROTOCOL The provider's answer has no embedding for the input of index 1\n"},
      {"ollama", 1, "{\"embeddings\":[[1],[2]]}",
       "vectors [[1]]\nPROTOCOL The provider's answer has an embedding for an input that was not sent, of index 1\n"},
      {"ollama", 1, "{\"message\":{\"content\":\"Hi\"},\"done\":true}",
       "PROTOCOL The provider's answer has no embeddings; is baseUrl that of Ollama?\n"},
      {"ollama", 1, "{\"error\":\"input length exceeds the context length\"}",
       "CONTEXT_LENGTH The provider reported an error inside its answer; shorten the prompt, or use a model with a larger context: "
       "input length exceeds the context length\n"},
  };
  (void)state;
  expect_answers(list, COUNT_OF(list));
}

static void text_is_not_taken_for_vectors_nor_vectors_for_text(void **state) {
  exchange run = {0};
  (void)state;
  run.provider = lj_provider_find("openai");
  run.body = "{\"data\":[{\"index\":0,\"embedding\":[1]}]}";
  expect_exchange(&run, "PROTOCOL The provider's answer has no choices; is baseUrl that of a chat API?\n");
  run.ask = LJ_ASK_EMBEDDINGS;
  run.inputs = 1;
  run.max_bytes = 20;
  expect_exchange(&run, "RESPONSE_TOO_LARGE The provider's answer is larger than 20 bytes; raise the provider's maxResponseBytes or ask for less\n");
}

static void recorded_answers(void **state) {
  static const struct {
    const char *kind;
    const char *file;
    const char *expected;
  } cases[] = {
      {"openai", "openai-embeddings.json", "vectors [[0.8,0.6],[0.6,-0.8]]\nusage 8 - - -\nOK\n"},
      {"ollama", "ollama-embed.json", "vectors [[0.010071029,-0.0017594862],[0.025,1e-7]]\nusage 8 - - -\nOK\n"},
  };
  size_t at;
  (void)state;
  for (at = 0; at < COUNT_OF(cases); at++) {
    exchange run = {0};
    lj_buffer bytes;
    read_fixture(cases[at].file, &bytes);
    run.provider = lj_provider_find(cases[at].kind);
    run.ask = LJ_ASK_EMBEDDINGS;
    run.inputs = 2;
    run.body = bytes.data;
    run.length = bytes.length;
    expect_exchange(&run, cases[at].expected);
    lj_buffer_free(&bytes);
  }
}

/* Cut anywhere it is refused: JSON says itself where it ends. */
static void a_cut_answer_is_never_taken(void **state) {
  static const char whole[] = "{\"data\":[{\"index\":0,\"embedding\":[0.5,1]}],\"usage\":{\"prompt_tokens\":1}}";
  size_t length;
  (void)state;
  for (length = 1; length < sizeof whole - 1; length++) {
    exchange run = {0};
    lj_buffer log;
    run.provider = lj_provider_find("openai");
    run.ask = LJ_ASK_EMBEDDINGS;
    run.inputs = 1;
    run.body = whole;
    run.length = length;
    assert_code(run_exchange(&run, 1, &log, NULL), LJ_PROTOCOL);
    lj_buffer_free(&log);
  }
}

static int read_all(const char *kind, const lj_wire *wire, const char *body) {
  lj_response *response = NULL;
  cJSON *json = NULL;
  lj_fault fault;
  int rc = lj_response_open(lj_provider_find(kind), wire, LJ_MAX_RESPONSE_BYTES, NULL, &response);
  if (rc != LJ_OK) {
    return rc;
  }
  lj_response_status(response, 200);
  rc = feed_pieces(feed_response, response, body, strlen(body), 31);
  assert_true(rc == LJ_OK || rc == LJ_NOMEM);
  rc = lj_response_end(response, &fault);
  if (rc == LJ_OK) {
    rc = lj_answer_json(lj_response_answer(response), 0, &json);
  }
  cJSON_Delete(json);
  lj_response_free(response);
  return rc;
}

static void every_allocation_may_fail(void **state) {
  static const struct {
    const char *kind;
    lj_wire wire;
    const char *body;
  } cases[] = {
      {"openai", {.ask = LJ_ASK_EMBEDDINGS, .inputs = 2},
       "{\"data\":[{\"index\":1,\"embedding\":\"AACAPw==\"},{\"index\":0,\"embedding\":[0.5]}],\"usage\":{\"prompt_tokens\":3}}"},
      {"ollama", {.ask = LJ_ASK_EMBEDDINGS, .inputs = 1}, "{\"model\":\"m\",\"embeddings\":[[0.5,1]]}"},
      {"openai", {.ask = LJ_ASK_MODELS}, "{\"data\":[{\"id\":\"a\"},{\"id\":\"b\"}]}"},
      {"ollama", {.ask = LJ_ASK_MODELS}, "{\"models\":[{\"name\":\"a\"}]}"},
  };
  size_t at;
  (void)state;
  for (at = 0; at < COUNT_OF(cases); at++) {
    long before = lj_memory_live();
    long nth;
    int rc = LJ_NOMEM;
    for (nth = 1; nth < 1000 && rc != LJ_OK; nth++) {
      lj_memory_fail_at(nth, 0);
      rc = read_all(cases[at].kind, &cases[at].wire, cases[at].body);
      lj_memory_fail_at(0, 0);
      assert_int_equal(lj_memory_live(), before);
      assert_true(rc == LJ_OK || rc == LJ_NOMEM);
    }
    assert_code(rc, LJ_OK);
    assert_true(nth > 5);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      tidy_test(vectors_stand_in_the_order_of_the_inputs),
      tidy_test(an_answer_that_does_not_fit_the_inputs_is_refused),
      tidy_test(text_is_not_taken_for_vectors_nor_vectors_for_text),
      tidy_test(recorded_answers),
      tidy_test(a_cut_answer_is_never_taken),
      tidy_test(every_allocation_may_fail),
  };
  lj_memory_init();
  return cmocka_run_group_tests(tests, NULL, NULL);
}
