/* SPDX-License-Identifier: MIT
 *
 * Whole HTTP answers of servers as they are, sloppy ones and hostile ones: bytes in, one told answer out.
 */
#include "support/exchange.h"

#define CHUNK(delta) "data: {\"choices\":[{\"index\":0,\"delta\":" delta "}]}\n\n"
#define FINISH(reason) "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"" reason "\"}]}\n\n"
#define DONE "data: [DONE]\n\n"

typedef struct transcript {
  const char *name;
  const char *kind;
  const char *headers;
  const char *body;
  const char *expected;
} transcript;

static void expect_transcripts(const transcript *list, size_t count, bool stream) {
  size_t at;
  for (at = 0; at < count; at++) {
    exchange run = {0};
    size_t size;
    run.provider = lj_provider_find(list[at].kind);
    run.stream = stream;
    run.headers = list[at].headers;
    run.body = list[at].body;
    for (size = 0; size < COUNT_OF(piece_sizes); size++) {
      lj_buffer log;
      (void)run_exchange(&run, piece_sizes[size], &log, NULL);
      if (strcmp(log.data, list[at].expected) != 0) {
        fail_msg("\"%s\" in pieces of %zu:\n%sexpected:\n%s", list[at].name, piece_sizes[size], log.data, list[at].expected);
      }
      lj_buffer_free(&log);
    }
  }
}

static void streams_of_tool_calls(void **state) {
  static const transcript list[] = {
      {"indexes from 1", "openai-compatible", NULL,
       CHUNK("{\"tool_calls\":[{\"index\":1,\"id\":\"a\",\"function\":{\"name\":\"f\",\"arguments\":\"\"}}]}")
       CHUNK("{\"tool_calls\":[{\"index\":1,\"function\":{\"arguments\":\"{}\"}}]}") FINISH("tool_calls") DONE,
       "call a f {}\nfinish tool\nOK\n"},
      {"two calls interleaved", "openai", NULL,
       CHUNK("{\"tool_calls\":[{\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"f\",\"arguments\":\"[\"}}]}")
       CHUNK("{\"tool_calls\":[{\"index\":1,\"id\":\"b\",\"function\":{\"name\":\"g\",\"arguments\":\"(\"}}]}")
       CHUNK("{\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"]\"}},{\"index\":1,\"function\":{\"arguments\":\")\"}}]}")
       FINISH("tool_calls") DONE,
       "call a f []\ncall b g ()\nfinish tool\nOK\n"},
      {"id and name repeated in each piece", "openai-compatible", NULL,
       CHUNK("{\"tool_calls\":[{\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"f\",\"arguments\":\"{\"}}]}")
       CHUNK("{\"tool_calls\":[{\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"f\",\"arguments\":\"}\"}}]}")
       FINISH("tool_calls"),
       "call a f {}\nfinish tool\nOK\n"},
      {"no index, ids repeated", "openai-compatible", NULL,
       CHUNK("{\"tool_calls\":[{\"id\":\"a\",\"function\":{\"name\":\"f\",\"arguments\":\"{\"}}]}")
       CHUNK("{\"tool_calls\":[{\"id\":\"b\",\"function\":{\"name\":\"f\",\"arguments\":\"1\"}}]}")
       CHUNK("{\"tool_calls\":[{\"id\":\"a\",\"function\":{\"arguments\":\"}\"}}]}") FINISH("tool_calls"),
       "call a f {}\ncall b f 1\nfinish tool\nOK\n"},
      {"no index, no id in later pieces", "openai-compatible", NULL,
       CHUNK("{\"tool_calls\":[{\"id\":\"a\",\"function\":{\"name\":\"f\",\"arguments\":\"{\"}}]}")
       CHUNK("{\"tool_calls\":[{\"function\":{\"arguments\":\"}\"}}]}") FINISH("tool_calls"),
       "call a f {}\nfinish tool\nOK\n"},
      {"no index, whole calls without ids", "openai-compatible", NULL,
       CHUNK("{\"tool_calls\":[{\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}},{\"function\":{\"name\":\"g\",\"arguments\":\"{}\"}}]}")
       FINISH("stop"),
       "call call_0 f {}\ncall call_1 g {}\nfinish tool\nOK\n"},
      {"all index 0, told apart by id", "openai-compatible", NULL,
       CHUNK("{\"tool_calls\":[{\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"f\",\"arguments\":\"1\"}}]}")
       CHUNK("{\"tool_calls\":[{\"index\":0,\"id\":\"b\",\"function\":{\"name\":\"f\",\"arguments\":\"2\"}}]}") FINISH("stop"),
       "call a f 1\ncall b f 2\nfinish tool\nOK\n"},
      {"empty id", "openai-compatible", NULL,
       CHUNK("{\"tool_calls\":[{\"index\":0,\"id\":\"\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}]}") FINISH("tool_calls"),
       "call call_0 f {}\nfinish tool\nOK\n"},
      {"id in a later piece", "openai-compatible", NULL,
       CHUNK("{\"tool_calls\":[{\"index\":0,\"function\":{\"name\":\"f\"}}]}")
       CHUNK("{\"tool_calls\":[{\"index\":0,\"id\":\"late\",\"function\":{\"arguments\":\"{}\"}}]}") FINISH("tool_calls"),
       "call late f {}\nfinish tool\nOK\n"},
      {"arguments as an object", "openai-compatible", NULL,
       CHUNK("{\"tool_calls\":[{\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"f\",\"arguments\":{\"x\":[1,2]}}}]}") FINISH("stop"),
       "call a f {\"x\":[1,2]}\nfinish tool\nOK\n"},
      {"arguments as an object, repeated", "openai-compatible", NULL,
       CHUNK("{\"tool_calls\":[{\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"f\",\"arguments\":{\"x\":1}}}]}")
       CHUNK("{\"tool_calls\":[{\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"f\",\"arguments\":{\"x\":1}}}]}") FINISH("stop"),
       "call a f {\"x\":1}\nfinish tool\nOK\n"},
      {"the form before tools", "openai", NULL,
       CHUNK("{\"function_call\":{\"name\":\"f\",\"arguments\":\"{\"}}") CHUNK("{\"function_call\":{\"arguments\":\"}\"}}")
       FINISH("function_call") DONE,
       "call call_0 f {}\nfinish tool\nOK\n"},
  };
  (void)state;
  expect_transcripts(list, COUNT_OF(list), true);
}

static void streams_of_text(void **state) {
  static const transcript list[] = {
      {"[DONE] without space", "openai", NULL, CHUNK("{\"content\":\"a\"}") FINISH("stop") "data:[DONE]\n\n",
       "text a\nfinish stop\nOK\n"},
      {"[DONE] with trailing blanks", "openai", NULL, CHUNK("{\"content\":\"a\"}") FINISH("stop") "data: [DONE]  \n\n",
       "text a\nfinish stop\nOK\n"},
      {"[DONE] as the last bytes", "openai", NULL, CHUNK("{\"content\":\"a\"}") FINISH("stop") "data: [DONE]",
       "text a\nfinish stop\nOK\n"},
      {"[DONE] without finish reason", "openai", NULL, CHUNK("{\"content\":\"a\"}") DONE,
       "text a\nPROTOCOL The stream ended before the answer was complete: no finish_reason came\n"},
      {"after [DONE] nothing counts", "openai", NULL,
       CHUNK("{\"content\":\"a\"}") FINISH("stop") DONE CHUNK("{\"content\":\"b\"}") "data: {\"error\":\"x\"}\n\ngarbage",
       "text a\nfinish stop\nOK\n"},
      {"content as parts", "openai-compatible", NULL,
       CHUNK("{\"content\":[{\"type\":\"thinking\",\"thinking\":[{\"type\":\"text\",\"text\":\"no\"}]},{\"type\":\"text\",\"text\":\"a\"},"
             "{\"type\":\"text\",\"text\":\"b\"}]}") FINISH("stop"),
       "text ab\nfinish stop\nOK\n"},
      {"reasoning is no text", "openai-compatible", NULL,
       CHUNK("{\"reasoning\":\"hm\",\"reasoning_content\":\"hm\",\"content\":\"a\"}") FINISH("stop"), "text a\nfinish stop\nOK\n"},
      {"role in every piece, first with empty choices", "openai-compatible", NULL,
       "data: {\"choices\":[],\"id\":\"\",\"model\":\"\",\"prompt_filter_results\":[]}\n\n"
       CHUNK("{\"role\":\"assistant\",\"content\":\"a\"}") CHUNK("{\"role\":\"assistant\",\"content\":\"b\"}") FINISH("stop"),
       "text ab\nfinish stop\nOK\n"},
      {"only the first choice", "openai", NULL,
       "data: {\"choices\":[{\"index\":1,\"delta\":{\"content\":\"no\"},\"finish_reason\":\"length\"},"
       "{\"index\":0,\"delta\":{\"content\":\"a\"}}]}\n\n" FINISH("stop") DONE,
       "text a\nfinish stop\nOK\n"},
      {"a refusal", "openai", NULL, CHUNK("{\"refusal\":\"I can't\"}") FINISH("stop") DONE, "text I can't\nfinish filter\nOK\n"},
      {"content filter", "openai", NULL, CHUNK("{\"content\":\"a\"}") FINISH("content_filter") DONE,
       "text a\nfinish filter\nOK\n"},
      {"length", "openai", NULL, CHUNK("{\"content\":\"a\"}") FINISH("length") DONE, "text a\nfinish length\nOK\n"},
      {"max_tokens", "openai-compatible", NULL, CHUNK("{\"content\":\"a\"}") FINISH("max_tokens"), "text a\nfinish length\nOK\n"},
      {"an unknown reason", "openai-compatible", NULL, CHUNK("{\"content\":\"a\"}") FINISH("eos"), "text a\nfinish stop\nOK\n"},
      {"an empty reason is none", "openai-compatible", NULL, CHUNK("{\"content\":\"a\"}") FINISH(""),
       "text a\nPROTOCOL The stream ended before the answer was complete: no finish_reason came\n"},
      {"out of resources", "deepseek", NULL, CHUNK("{\"content\":\"a\"}") FINISH("insufficient_system_resource") DONE,
       "text a\nOVERLOADED The provider broke the answer off for lack of resources (insufficient_system_resource)\n"},
      {"finish reason error", "openai-compatible", NULL, CHUNK("{\"content\":\"a\"}") FINISH("error") DONE,
       "text a\nSERVER_ERROR The provider broke the answer off with finish reason \"error\"\n"},
      {"a lone surrogate and a NUL", "openai", NULL,
       CHUNK("{\"content\":\"a\\ud83d\"}") CHUNK("{\"content\":\"\\ude00b\\u0000\\\\u0000\\ud83d\\ude00\"}") FINISH("stop") DONE,
       "text a\xEF\xBF\xBD\xEF\xBF\xBD" "b\xEF\xBF\xBD\\u0000\xF0\x9F\x98\x80\nfinish stop\nOK\n"},
      {"only comments", "openai", NULL, ": a\n\n: b\n\n",
       "PROTOCOL The stream ended before the answer was complete: no finish_reason came\n"},
      {"text that is no event", "openai", NULL, "upstream connect error",
       "PROTOCOL The stream ended before the answer was complete: no finish_reason came\n"},
      {"an event that is no JSON", "openai", NULL, "data: hello\n\n",
       "PROTOCOL The provider sent an event that is neither JSON nor [DONE]\n"},
      {"an event that is no object", "openai", NULL, "data: 7\n\n", "PROTOCOL The provider sent an event that is no JSON object\n"},
      {"blanks", "openai", NULL, "\n \n\n", "PROTOCOL The provider answered with status 200 and an empty body\n"},
  };
  (void)state;
  expect_transcripts(list, COUNT_OF(list), true);
}

static void usage_in_all_its_places(void **state) {
  static const transcript list[] = {
      {"in the choice", "openai-compatible", NULL,
       "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"},\"finish_reason\":\"stop\",\"usage\":{\"prompt_tokens\":1,"
       "\"completion_tokens\":2}}]}\n\n",
       "text a\nfinish stop\nusage 1 2 - -\nOK\n"},
      {"Groq", "openai-compatible", NULL,
       CHUNK("{\"content\":\"a\"}")
       "data: {\"x_groq\":{\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":4}},\"choices\":[{\"index\":0,\"delta\":{},"
       "\"finish_reason\":\"stop\"}]}\n\n",
       "text a\nfinish stop\nusage 3 4 - -\nOK\n"},
      {"in every chunk: the last counts", "openai-compatible", NULL,
       "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"}}],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":1}}\n\n"
       "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":9,"
       "\"completion_tokens\":5}}\n\n",
       "text a\nfinish stop\nusage 9 5 - -\nOK\n"},
      {"xAI", "openai-compatible", NULL,
       FINISH("stop") "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":12,\"completion_tokens\":2,\"total_tokens\":354,"
       "\"completion_tokens_details\":{\"reasoning_tokens\":340}}}\n\n" DONE,
       "finish stop\nusage 12 342 - 340\nOK\n"},
      {"DeepSeek's cache", "deepseek", NULL,
       FINISH("stop") "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":18,\"prompt_cache_hit_tokens\":10,"
       "\"prompt_cache_miss_tokens\":8}}\n\n" DONE,
       "finish stop\nusage 18 - 10 -\nOK\n"},
      {"null and nonsense are unknown, zero is known", "openai", NULL,
       FINISH("stop") "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":null,\"completion_tokens\":0,"
       "\"prompt_tokens_details\":{\"cached_tokens\":-3},\"completion_tokens_details\":{\"reasoning_tokens\":\"x\"}}}\n\n" DONE,
       "finish stop\nusage - 0 - -\nOK\n"},
  };
  (void)state;
  expect_transcripts(list, COUNT_OF(list), true);
}

#define INSIDE "The provider reported an error inside its answer"

static void errors_inside_a_stream(void **state) {
  static const transcript list[] = {
      {"as an object", "openai", NULL, "data: {\"error\":{\"message\":\"m\",\"type\":\"server_error\",\"code\":null}}\n\n",
       "SERVER_ERROR " INSIDE " (server_error): m\n"},
      {"as text", "openai", NULL, "data: {\"error\":\"m\"}\n\n", "SERVER_ERROR " INSIDE ": m\n"},
      {"object: error", "openai-compatible", NULL, "data: {\"object\":\"error\",\"message\":\"m\",\"type\":\"BadRequestError\",\"code\":400}\n\n",
       "BAD_REQUEST " INSIDE " (BadRequestError): m\n"},
      {"event error with an object", "openai", NULL, "event: error\ndata: {\"message\":\"m\",\"code\":\"rate_limit_exceeded\"}\n\n",
       "RATE_LIMITED " INSIDE " (rate_limit_exceeded): m\n"},
      {"event error with text", "openai", NULL, "event: error\ndata: out of order\n\n", "SERVER_ERROR " INSIDE ": out of order\n"},
      {"in the choice", "openai-compatible", NULL,
       "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"\"},\"error\":{\"code\":429,\"message\":\"m\"}}]}\n\n",
       "RATE_LIMITED " INSIDE ": m\n"},
      {"quota", "openai", NULL, "data: {\"error\":{\"message\":\"m\",\"type\":\"insufficient_quota\",\"code\":\"insufficient_quota\"}}\n\n",
       "QUOTA_EXCEEDED " INSIDE " (insufficient_quota); check the account's balance and limits: m\n"},
      {"overloaded", "openai-compatible", NULL, "data: {\"error\":{\"message\":\"m\",\"type\":\"overloaded_error\"}}\n\n",
       "OVERLOADED " INSIDE " (overloaded_error): m\n"},
      {"context", "openai", NULL,
       "data: {\"error\":{\"message\":\"m\",\"type\":\"invalid_request_error\",\"code\":\"context_length_exceeded\"}}\n\n",
       "CONTEXT_LENGTH " INSIDE " (context_length_exceeded); shorten the prompt, or use a model with a larger context: m\n"},
      {"context in words", "openai-compatible", NULL,
       "data: {\"error\":{\"message\":\"This model's maximum context length is 8\",\"type\":\"invalid_request_error\"}}\n\n",
       "CONTEXT_LENGTH " INSIDE " (invalid_request_error); shorten the prompt, or use a model with a larger context: This model's maximum context length is 8\n"},
      {"model", "openai", NULL, "data: {\"error\":{\"message\":\"m\",\"code\":\"model_not_found\"}}\n\n",
       "MODEL_NOT_FOUND " INSIDE " (model_not_found); check the model's name and baseUrl: m\n"},
      {"key", "openai", NULL, "data: {\"error\":{\"message\":\"Incorrect API key provided: sk-abcdef123456.\",\"code\":\"invalid_api_key\"}}\n\n",
       "AUTH " INSIDE " (invalid_api_key); check the provider's apiKey: Incorrect API key provided: [key]\n"},
      {"filter", "openai", NULL, "data: {\"error\":{\"message\":\"m\",\"code\":\"content_filter\"}}\n\n",
       "CONTENT_FILTERED " INSIDE " (content_filter): m\n"},
      {"status only", "openai-compatible", NULL, "data: {\"error\":{\"message\":\"m\",\"code\":503}}\n\n",
       "OVERLOADED " INSIDE ": m\n"},
      {"no words at all", "openai-compatible", NULL, "data: {\"error\":{}}\n\n", "SERVER_ERROR " INSIDE "\n"},
      {"error null is none", "openai", NULL,
       "data: {\"error\":null,\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"},\"finish_reason\":\"stop\"}]}\n\n" DONE,
       "text a\nfinish stop\nOK\n"},
      {"JSON under an event stream's name", "openai", "content-type: text/event-stream\n",
       "{\"error\":{\"message\":\"m\",\"code\":\"server_error\"}}", "SERVER_ERROR " INSIDE " (server_error): m\n"},
      {"an array", "openai-compatible", NULL, "[{\"error\":{\"code\":503,\"message\":\"m\",\"status\":\"UNAVAILABLE\"}}]",
       "OVERLOADED " INSIDE " (UNAVAILABLE): m\n"},
      {"a bare string", "openai", NULL, "\"overloaded\"", "OVERLOADED " INSIDE ": overloaded\n"},
      {"FastAPI", "openai-compatible", NULL, "{\"detail\":\"m\"}", "SERVER_ERROR " INSIDE ": m\n"},
      {"HTML", "openai", "content-type: text/html\n", "<!DOCTYPE html><html>bad gateway</html>",
       "PROTOCOL The provider answered with an HTML page (status 200): a proxy's, or baseUrl is wrong\n"},
      {"Ollama: a line", "ollama", NULL, "{\"error\":\"model 'x' not found\"}\n", "MODEL_NOT_FOUND " INSIDE "; check the model's name and baseUrl: model 'x' not found\n"},
      {"Ollama: HTML", "ollama", NULL, "<html></html>",
       "PROTOCOL The provider answered with an HTML page (status 200): a proxy's, or baseUrl is wrong\n"},
      {"Ollama: no JSON", "ollama", NULL, "{\"message\":{\"content\":\"a\"}}\nx\n", "text a\nPROTOCOL The provider sent a line of 1 bytes that is no JSON\n"},
  };
  (void)state;
  expect_transcripts(list, COUNT_OF(list), true);
}

static const transcript whole_answers[] = {
    {"plain", "openai", "content-type: application/json\n",
     "{\"model\":\"m\",\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"a\"},\"finish_reason\":\"stop\"}],"
     "\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":2}}",
     "text a\nfinish stop\nusage 1 2 - -\nOK\n"},
    {"pretty and behind a byte order mark", "openai", NULL,
     "\xEF\xBB\xBF\n{\n \"choices\": [\n {\"message\": {\"content\": \"a\"},\n \"finish_reason\": \"stop\"}\n]\n}\n",
     "text a\nfinish stop\nOK\n"},
    {"tool calls", "openai", NULL,
     "{\"choices\":[{\"message\":{\"content\":null,\"tool_calls\":[{\"id\":\"a\",\"type\":\"function\",\"function\":{\"name\":\"f\","
     "\"arguments\":\"{}\"}},{\"id\":\"b\",\"type\":\"function\",\"function\":{\"name\":\"g\",\"arguments\":\"{}\"}}]},"
     "\"finish_reason\":\"stop\"}]}",
     "call a f {}\ncall b g {}\nfinish tool\nOK\n"},
    {"no choices", "openai", NULL, "{\"object\":\"list\"}",
     "PROTOCOL The provider's answer has no choices; is baseUrl that of a chat API?\n"},
    {"cut off", "openai", NULL, "{\"choices\":[{\"message\":{\"content\":\"a\"}", "PROTOCOL The provider's answer of 38 bytes is no JSON, or was cut off\n"},
    {"an error in a 200", "openai-compatible", NULL, "{\"error\":\"m\"}", "SERVER_ERROR " INSIDE ": m\n"},
    {"Ollama", "ollama", "content-type: application/json; charset=utf-8\n",
     "{\"model\":\"m\",\"message\":{\"role\":\"assistant\",\"content\":\"a\"},\"done\":true,\"done_reason\":\"length\",\"eval_count\":3}",
     "text a\nfinish length\nusage - 3 - -\nOK\n"},
    {"Ollama, not done", "ollama", "content-type: application/json\n",
     "{\"model\":\"m\",\"message\":{\"role\":\"assistant\",\"content\":\"a\"},\"done\":false}",
     "text a\nPROTOCOL The stream ended before the answer was complete: no line with \"done\": true came\n"},
    {"Ollama, an error", "ollama", "content-type: application/json\n", "{\"error\":\"m\"}", "SERVER_ERROR " INSIDE ": m\n"},
    {"Ollama, pretty", "ollama", "content-type: application/json\n",
     "{\n\"message\": {\"content\": \"a\"},\n\"done\": true\n}\n", "text a\nfinish stop\nOK\n"},
    {"Ollama, lines that call themselves JSON", "ollama", "content-type: application/json\n",
     "{\"message\":{\"content\":\"a\"},\"done\":false}\n{\"message\":{\"content\":\"b\"},\"done\":true}\n", "text ab\nfinish stop\nOK\n"},
};

static void whole_answers_are_read_whether_a_stream_was_asked_for_or_not(void **state) {
  (void)state;
  expect_transcripts(whole_answers, COUNT_OF(whole_answers), false);
  expect_transcripts(whole_answers, COUNT_OF(whole_answers), true);
}

static void a_stream_that_nobody_asked_for_is_read_too(void **state) {
  static const transcript list[] = {
      {"events", "openai", NULL, CHUNK("{\"content\":\"a\"}") FINISH("stop") DONE, "text a\nfinish stop\nOK\n"},
      {"lines", "ollama", "content-type: application/x-ndjson\n",
       "{\"message\":{\"content\":\"a\"},\"done\":false}\n{\"message\":{\"content\":\"b\"},\"done\":true}\n", "text ab\nfinish stop\nOK\n"},
  };
  (void)state;
  expect_transcripts(list, COUNT_OF(list), false);
}

static void an_answer_over_the_ceiling_is_refused(void **state) {
  static const char *const bodies[] = {
      CHUNK("{\"content\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}") CHUNK("{\"content\":\"bbbbbbbbbbbbbbbbbbbbb\"}") FINISH("stop") DONE,
      "{\"choices\":[{\"message\":{\"content\":\"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"}}]}",
      ":aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
      "\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n"
      "\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n",
  };
  size_t at;
  size_t size;
  (void)state;
  for (at = 0; at < COUNT_OF(bodies); at++) {
    for (size = 0; size < COUNT_OF(piece_sizes); size++) {
      exchange run = {0};
      lj_buffer log;
      run.provider = lj_provider_find("openai");
      run.stream = true;
      run.max_bytes = 100;
      run.body = bodies[at];
      assert_code(run_exchange(&run, piece_sizes[size], &log, NULL), LJ_RESPONSE_TOO_LARGE);
      lj_buffer_free(&log);
    }
  }
}

static void too_many_tool_calls_are_refused(void **state) {
  lj_buffer body;
  lj_buffer log;
  exchange run = {0};
  int at;
  (void)state;
  lj_buffer_init(&body, 1 << 20);
  assert_code(lj_buffer_append_text(&body, "{\"choices\":[{\"message\":{\"tool_calls\":["), LJ_OK);
  for (at = 0; at < LJ_MAX_TOOL_CALLS + 1; at++) {
    assert_code(lj_buffer_printf(&body, "%s{\"id\":\"c%d\",\"function\":{\"name\":\"f\"}}", at > 0 ? "," : "", at), LJ_OK);
  }
  assert_code(lj_buffer_append_text(&body, "]}}]}"), LJ_OK);
  run.provider = lj_provider_find("openai");
  run.body = body.data;
  assert_code(run_exchange(&run, 0, &log, NULL), LJ_RESPONSE_TOO_LARGE);
  assert_non_null(strstr(log.data, "called more than 128 tools"));
  lj_buffer_free(&log);
  lj_buffer_free(&body);
}

static void deep_nesting_is_refused(void **state) {
  char body[700] = "data: ";
  exchange run = {0};
  (void)state;
  memset(body + 6, '[', 600);
  run.provider = lj_provider_find("openai");
  run.stream = true;
  run.body = body;
  expect_exchange(&run, "PROTOCOL The provider sent an event that is neither JSON nor [DONE]\n");
}

static void feed_says_closed_at_the_end_and_ignores_what_follows(void **state) {
  static const char whole[] = FINISH("stop") DONE;
  lj_response *response = NULL;
  lj_fault fault;
  (void)state;
  assert_code(lj_response_open(lj_provider_find("openai"), &(lj_wire){.stream = true}, 1000, NULL, &response), LJ_OK);
  lj_response_status(response, 200);
  assert_code(lj_response_feed(response, whole, strlen(whole)), LJ_CLOSED);
  assert_code(lj_response_feed(response, whole, strlen(whole)), LJ_CLOSED);
  assert_code(lj_response_end(response, &fault), LJ_OK);
  assert_code(fault.code, LJ_OK);
  lj_response_free(response);
}

static void only_the_last_head_counts(void **state) {
  static const char body[] = "{\"choices\":[{\"message\":{\"content\":\"a\"},\"finish_reason\":\"stop\"}]}";
  lj_response *response = NULL;
  lj_fault fault;
  (void)state;
  assert_code(lj_response_open(lj_provider_find("openai"), &(lj_wire){.stream = false}, 1000, NULL, &response), LJ_OK);
  lj_response_status(response, 407);
  give_headers(response, "X-Request-Id: proxy\nRetry-After: 5\n");
  lj_response_status(response, 200);
  give_headers(response, "X-REQUEST-ID:   req_1 \r\n");
  assert_int_equal(lj_response_http_status(response), 200);
  assert_code(lj_response_feed(response, body, strlen(body)), LJ_OK);
  assert_code(lj_response_end(response, &fault), LJ_OK);
  assert_string_equal(lj_response_answer(response)->request_id, "req_1");
  lj_response_free(response);
}

static void trailers_leave_the_id_that_the_body_said(void **state) {
  static const char body[] = "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"a\"}]},\"finishReason\":\"STOP\"}],\"responseId\":\"r1\"}";
  lj_response *response = NULL;
  lj_fault fault;
  (void)state;
  assert_code(lj_response_open(lj_provider_find("gemini"), &(lj_wire){.stream = true}, 1000, NULL, &response), LJ_OK);
  lj_response_status(response, 200);
  assert_true(lj_response_feed(response, "data: ", 6) == LJ_OK && lj_response_feed(response, body, strlen(body)) == LJ_OK &&
              lj_response_feed(response, "\n\n", 2) == LJ_OK);
  lj_response_header(response, "server-timing", 13, "total", 5);
  assert_code(lj_response_end(response, &fault), LJ_OK);
  assert_string_equal(lj_response_answer(response)->request_id, "r1");
  lj_response_free(response);
}

static void only_data_counts_as_a_sign_of_life(void **state) {
  static const char alive[] = CHUNK("{\"content\":\"a\"}");
  static const char pings[] = ": keep-alive\n\n:\n\ndata:\n\n";
  lj_response_listener listener = {NULL, NULL, hear_data};
  lj_response *response = NULL;
  lj_fault fault;
  heard ears;
  (void)state;
  ears.events = 0;
  listener.owner = &ears;
  assert_code(lj_response_open(lj_provider_find("openai"), &(lj_wire){.stream = true}, 1000, &listener, &response), LJ_OK);
  lj_response_status(response, 200);
  assert_code(lj_response_feed(response, pings, strlen(pings)), LJ_OK);
  assert_int_equal(ears.events, 0);
  assert_code(lj_response_feed(response, alive, strlen(alive)), LJ_OK);
  assert_int_equal(ears.events, 1);
  assert_code(lj_response_end(response, &fault), LJ_PROTOCOL);
  lj_response_free(response);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      tidy_test(streams_of_tool_calls),
      tidy_test(streams_of_text),
      tidy_test(usage_in_all_its_places),
      tidy_test(errors_inside_a_stream),
      tidy_test(whole_answers_are_read_whether_a_stream_was_asked_for_or_not),
      tidy_test(a_stream_that_nobody_asked_for_is_read_too),
      tidy_test(an_answer_over_the_ceiling_is_refused),
      tidy_test(too_many_tool_calls_are_refused),
      tidy_test(deep_nesting_is_refused),
      tidy_test(feed_says_closed_at_the_end_and_ignores_what_follows),
      tidy_test(only_the_last_head_counts),
      tidy_test(trailers_leave_the_id_that_the_body_said),
      tidy_test(only_data_counts_as_a_sign_of_life),
  };
  lj_memory_init();
  return cmocka_run_group_tests(tests, NULL, NULL);
}
