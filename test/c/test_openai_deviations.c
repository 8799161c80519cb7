/* SPDX-License-Identifier: MIT
 *
 * What servers that speak OpenAI's chat form do otherwise than OpenAI, one line each: streams, whole answers, errors, requests.
 * More about tool calls, usage and errors is in test_response_transcripts.c and test_error.c.
 */
#include "support/build.h"
#include "support/exchange.h"

#define CHUNK(delta) "data: {\"choices\":[{\"index\":0,\"delta\":" delta ",\"finish_reason\":null}]}\n\n"
#define FINISH(reason) "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"" reason "\"}]}\n\n"
#define DONE "data: [DONE]\n\n"
#define WHOLE(message, reason) "{\"choices\":[{\"index\":0,\"message\":" message ",\"finish_reason\":\"" reason "\"}]}"

typedef struct deviation {
  const char *server;
  const char *what;
  const char *kind;
  int status; /* 0: 200 */
  const char *body;
  const char *expected;
} deviation;

static void expect_all(const deviation *list, size_t count, bool stream) {
  size_t at;
  for (at = 0; at < count; at++) {
    size_t size;
    for (size = 0; size < COUNT_OF(piece_sizes); size++) {
      exchange run = {0};
      lj_buffer log;
      run.provider = lj_provider_find(list[at].kind);
      run.stream = stream;
      run.status = list[at].status;
      run.body = list[at].body;
      (void)run_exchange(&run, piece_sizes[size], &log, NULL);
      if (strcmp(log.data, list[at].expected) != 0) {
        fail_msg("%s: %s, in pieces of %zu:\n%sexpected:\n%s", list[at].server, list[at].what, piece_sizes[size], log.data,
                 list[at].expected);
      }
      lj_buffer_free(&log);
    }
  }
}

static void streams(void **state) {
  static const deviation list[] = {
      {"OpenAI", "logprobs, obfuscation and service_tier", "openai", 0,
       "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"},\"logprobs\":{\"content\":[{\"token\":\"a\",\"logprob\":-0.1}]},\"finish_reason\":null}],"
       "\"service_tier\":\"default\",\"obfuscation\":\"x\"}\n\n" FINISH("stop") DONE,
       "text a\nfinish stop\nOK\n"},
      {"OpenAI", "all tokens went into reasoning", "openai", 0,
       CHUNK("{\"role\":\"assistant\",\"content\":\"\"}") FINISH("length")
           "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":16,\"completion_tokens_details\":{\"reasoning_tokens\":16}}}\n\n" DONE,
       "finish length\nusage 1 16 - 16\nOK\n"},
      {"OpenAI", "a refusal in pieces", "openai", 0, CHUNK("{\"refusal\":\"I \"}") CHUNK("{\"refusal\":\"can't\"}") FINISH("stop") DONE,
       "text I can't\nfinish filter\nOK\n"},
      {"OpenAI", "audio and annotations are no text", "openai", 0,
       CHUNK("{\"content\":\"a\",\"annotations\":[{\"type\":\"url_citation\"}],\"audio\":{\"data\":\"AAAA\"}}") FINISH("stop") DONE, "text a\nfinish stop\nOK\n"},
      {"DeepSeek", "comments while it queues, then thoughts, then text", "deepseek", 0,
       ": keep-alive\n\n: keep-alive\n\n" CHUNK("{\"role\":\"assistant\",\"content\":null,\"reasoning_content\":\"\"}")
           CHUNK("{\"content\":null,\"reasoning_content\":\"Think\"}") CHUNK("{\"content\":\"Ja.\",\"reasoning_content\":null}")
               "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"\",\"reasoning_content\":null},\"finish_reason\":\"stop\"}],\"usage\":{\"prompt_tokens\":18,"
               "\"completion_tokens\":7,\"prompt_cache_hit_tokens\":10,\"prompt_cache_miss_tokens\":8}}\n\n" DONE,
       "text Ja.\nfinish stop\nusage 18 7 10 -\nOK\n"},
      {"llama-server", "empty comments between events, first content null", "openai-compatible", 0,
       ":\n\n" CHUNK("{\"role\":\"assistant\",\"content\":null}") ":\n\n" CHUNK("{\"content\":\"a\"}") ":\n\n" FINISH("stop") DONE, "text a\nfinish stop\nOK\n"},
      {"llama-server", "progress of the prompt, and timings", "openai-compatible", 0,
       "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":null}],\"prompt_progress\":{\"total\":9,\"cache\":0,\"processed\":4,\"time_ms\":1}}\n\n"
       CHUNK("{\"content\":\"a\"}") "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}],\"timings\":{\"cache_n\":0,\"prompt_n\":9}}\n\n" DONE,
       "text a\nfinish stop\nOK\n"},
      {"vLLM", "thoughts as `reasoning`", "openai-compatible", 0,
       CHUNK("{\"reasoning\":\"hm\"}") CHUNK("{\"reasoning_content\":\"hm\"}") CHUNK("{\"content\":\"a\"}") FINISH("stop") DONE, "text a\nfinish stop\nOK\n"},
      {"vLLM", "an error in the stream, then [DONE]", "openai-compatible", 0,
       CHUNK("{\"content\":\"a\"}") "data: {\"error\":{\"message\":\"m\",\"type\":\"BadRequestError\",\"param\":null,\"code\":400}}\n\n" DONE,
       "text a\nBAD_REQUEST The provider reported an error inside its answer (BadRequestError): m\n"},
      {"vLLM", "the form of an error of older versions", "openai-compatible", 0,
       "data: {\"object\":\"error\",\"message\":\"m\",\"type\":\"InternalServerError\",\"code\":500}\n\n" DONE,
       "SERVER_ERROR The provider reported an error inside its answer (InternalServerError): m\n"},
      {"OpenRouter", "comments before and between", "openai-compatible", 0,
       ": OPENROUTER PROCESSING\n\n" CHUNK("{\"content\":\"a\"}") ": OPENROUTER PROCESSING\n\n" FINISH("stop")
           "data: {\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"},\"finish_reason\":null}],\"usage\":{\"prompt_tokens\":3,"
           "\"completion_tokens\":1,\"cost\":0.01,\"cost_details\":{\"upstream\":null}}}\n\n" DONE,
       "text a\nfinish stop\nusage 3 1 - -\nOK\n"},
      {"OpenRouter", "thoughts as reasoning_details", "openai-compatible", 0,
       CHUNK("{\"content\":\"\",\"reasoning\":\"hm\",\"reasoning_details\":[{\"type\":\"reasoning.text\",\"text\":\"hm\"}]}") CHUNK("{\"content\":\"a\"}") FINISH("stop") DONE,
       "text a\nfinish stop\nOK\n"},
      {"OpenRouter", "an error with finish reason error", "openai-compatible", 0,
       CHUNK("{\"content\":\"a\"}") "data: {\"error\":{\"code\":502,\"message\":\"m\",\"metadata\":{\"error_type\":\"provider_unavailable\"}},\"choices\":[{\"index\":0,"
                                    "\"delta\":{\"content\":\"\"},\"finish_reason\":\"error\"}]}\n\n",
       "text a\nSERVER_ERROR The provider reported an error inside its answer (provider_unavailable): m\n"},
      {"Azure", "a first chunk without choices and names", "openai-compatible", 0,
       "data: {\"choices\":[],\"created\":0,\"id\":\"\",\"model\":\"\",\"object\":\"\",\"prompt_filter_results\":[{\"prompt_index\":0,\"content_filter_results\":{}}]}\n\n"
       CHUNK("{\"content\":\"a\"}") FINISH("stop") DONE,
       "text a\nfinish stop\nOK\n"},
      {"Azure", "a filter that ends the answer", "openai-compatible", 0,
       CHUNK("{\"content\":\"a\"}") "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"content_filter\",\"content_filter_results\":{\"hate\":{\"filtered\":true}}}]}"
                                    "\n\n" DONE,
       "text a\nfinish filter\nOK\n"},
      {"Claude behind an adapter", "calls counted from 1, pieces without arguments", "openai-compatible", 0,
       CHUNK("{\"content\":\"Reading.\"}") CHUNK("{\"tool_calls\":[{\"index\":1,\"id\":\"toolu\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"\"}}]}")
           CHUNK("{\"tool_calls\":[{\"index\":1,\"function\":{\"arguments\":\"\"}}]}") CHUNK("{\"tool_calls\":[{\"index\":1,\"function\":{\"arguments\":\"{}\"}}]}")
               FINISH("tool_calls") DONE,
       "text Reading.\ncall toolu f {}\nfinish tool\nOK\n"},
      {"others", "an empty list of calls in every chunk", "openai-compatible", 0,
       CHUNK("{\"content\":\"\",\"reasoning_content\":\"hm\",\"tool_calls\":[]}")
           "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\",\"reasoning_content\":\"\",\"tool_calls\":[]},\"finish_reason\":\"stop\"}]}\n\n",
       "text a\nfinish stop\nOK\n"},
      {"Mistral", "content as parts with thinking", "openai-compatible", 0,
       CHUNK("{\"content\":[{\"type\":\"thinking\",\"thinking\":[{\"type\":\"text\",\"text\":\"hm\"}]}]}") CHUNK("{\"content\":\"a\"}") FINISH("model_length") DONE,
       "text a\nfinish length\nOK\n"},
      {"others", "the finish reason stands alone in the last chunk", "openai-compatible", 0,
       CHUNK("{\"content\":\"a\"}") "data: {\"choices\":[{\"index\":0,\"finish_reason\":\"stop\"}]}\n\n", "text a\nfinish stop\nOK\n"},
      {"others", "finish reason \"\" with calls, then stop", "openai-compatible", 0,
       "data: {\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"id\":\"a\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}]},\"finish_reason\":\"\"}]}\n\n" FINISH("stop"),
       "call a f {}\nfinish tool\nOK\n"},
      {"others", "the whole answer although a stream was asked for", "openai-compatible", 0, WHOLE("{\"content\":\"a\"}", "stop"), "text a\nfinish stop\nOK\n"},
      {"others", "no usage at all", "openai-compatible", 0, CHUNK("{\"content\":\"a\"}") FINISH("stop") DONE, "text a\nfinish stop\nOK\n"},
  };
  (void)state;
  expect_all(list, COUNT_OF(list), true);
}

static void whole_answers(void **state) {
  static const deviation list[] = {
      {"OpenAI", "content null beside a refusal", "openai", 0, WHOLE("{\"content\":null,\"refusal\":\"No\"}", "stop"), "text No\nfinish filter\nOK\n"},
      {"OpenAI", "content null beside calls", "openai", 0,
       WHOLE("{\"content\":null,\"refusal\":null,\"tool_calls\":[{\"id\":\"a\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}]}", "tool_calls"),
       "call a f {}\nfinish tool\nOK\n"},
      {"OpenAI", "empty content, cut by length", "openai", 0, WHOLE("{\"content\":\"\"}", "length"), "finish length\nOK\n"},
      {"DeepSeek", "blank lines before the body", "deepseek", 0, "\n\n\n" WHOLE("{\"content\":\"a\",\"reasoning_content\":\"hm\"}", "stop"), "text a\nfinish stop\nOK\n"},
      {"DeepSeek", "out of resources", "deepseek", 0, WHOLE("{\"content\":\"a\"}", "insufficient_system_resource"),
       "text a\nOVERLOADED The provider broke the answer off for lack of resources (insufficient_system_resource)\n"},
      {"OpenRouter", "an error under status 200", "openai-compatible", 0, "{\"error\":{\"code\":429,\"message\":\"m\",\"metadata\":{}}}",
       "RATE_LIMITED The provider reported an error inside its answer: m\n"},
      {"OpenRouter", "an error beside choices under status 200", "openai-compatible", 0,
       "{\"error\":{\"code\":502,\"message\":\"m\"},\"choices\":[{\"index\":0,\"message\":{\"content\":\"a\"},\"finish_reason\":\"error\"}]}",
       "SERVER_ERROR The provider reported an error inside its answer: m\n"},
      {"others", "usage null, code and id missing", "openai-compatible", 0, "{\"choices\":[{\"message\":{\"content\":\"a\"},\"finish_reason\":null}],\"usage\":null}",
       "text a\nOK\n"},
  };
  (void)state;
  expect_all(list, COUNT_OF(list), false);
}

static void refusals(void **state) {
  static const deviation list[] = {
      {"DeepSeek", "no balance", "deepseek", 402, "{\"error\":{\"message\":\"m\",\"type\":\"unknown_error\",\"param\":null,\"code\":\"invalid_request_error\"}}",
       "QUOTA_EXCEEDED The provider answered with status 402 (invalid_request_error); check the account's balance and limits: m\n"},
      {"llama-server", "still loading", "openai-compatible", 503, "{\"error\":{\"code\":503,\"message\":\"Loading model\",\"type\":\"unavailable_error\"}}",
       "OVERLOADED The provider answered with status 503 (unavailable_error): Loading model\n"},
      {"llama-server", "too long a prompt", "openai-compatible", 400,
       "{\"error\":{\"code\":400,\"message\":\"m\",\"type\":\"exceed_context_size_error\",\"n_prompt_tokens\":9,\"n_ctx\":8}}",
       "CONTEXT_LENGTH The provider answered with status 400 (exceed_context_size_error); shorten the prompt, or use a model with a larger context: m\n"},
      {"llama-server", "what it can't", "openai-compatible", 501, "{\"error\":{\"code\":501,\"message\":\"m\",\"type\":\"not_supported_error\"}}",
       "BAD_REQUEST The provider answered with status 501 (not_supported_error): m\n"},
      {"llama-server", "a wrong key", "openai-compatible", 401, "{\"error\":{\"code\":401,\"message\":\"m\",\"type\":\"authentication_error\"}}",
       "AUTH The provider answered with status 401 (authentication_error); check the provider's apiKey: m\n"},
      {"llama-server", "no such path", "openai-compatible", 404, "{\"error\":{\"code\":404,\"message\":\"File Not Found\",\"type\":\"not_found_error\"}}",
       "MODEL_NOT_FOUND The provider answered with status 404 (not_found_error); check the model's name and baseUrl: File Not Found\n"},
      {"vLLM", "a wrong key, as a string", "openai-compatible", 401, "{\"error\":\"Unauthorized\"}",
       "AUTH The provider answered with status 401; check the provider's apiKey: Unauthorized\n"},
      {"vLLM", "a LoRA adapter that a restart has lost", "openai-compatible", 404,
       "{\"error\":{\"message\":\"The model `x` does not exist.\",\"type\":\"NotFoundError\",\"param\":null,\"code\":404}}",
       "MODEL_NOT_FOUND The provider answered with status 404 (NotFoundError); check the model's name and baseUrl: The model `x` does not exist.\n"},
      {"OpenRouter", "no credits", "openai-compatible", 402, "{\"error\":{\"code\":402,\"message\":\"Insufficient credits\"}}",
       "QUOTA_EXCEEDED The provider answered with status 402; check the account's balance and limits: Insufficient credits\n"},
      {"OpenRouter", "moderation", "openai-compatible", 403, "{\"error\":{\"code\":403,\"message\":\"The input was flagged\",\"metadata\":{\"reasons\":[\"x\"]}}}",
       "CONTENT_FILTERED The provider answered with status 403: The input was flagged\n"},
      {"OpenRouter", "an account that was flagged", "openai-compatible", 403, "{\"error\":{\"code\":403,\"message\":\"Your account was flagged\"}}",
       "AUTH The provider answered with status 403; check the provider's apiKey: Your account was flagged\n"},
      {"OpenRouter", "a guardrail", "openai-compatible", 403, "{\"error\":{\"code\":403,\"message\":\"m\",\"metadata\":{\"error_type\":\"guardrail_violation\"}}}",
       "CONTENT_FILTERED The provider answered with status 403 (guardrail_violation): m\n"},
      {"OpenRouter", "too slow", "openai-compatible", 408, "{\"error\":{\"code\":408,\"message\":\"m\"}}",
       "SERVER_ERROR The provider answered with status 408: m\n"},
      {"OpenRouter", "its provider is down", "openai-compatible", 502, "{\"error\":{\"code\":502,\"message\":\"m\",\"metadata\":{\"provider_name\":\"x\"}}}",
       "SERVER_ERROR The provider answered with status 502: m\n"},
      {"OpenRouter", "no provider", "openai-compatible", 503, "{\"error\":{\"code\":503,\"message\":\"m\"}}",
       "OVERLOADED The provider answered with status 503: m\n"},
      {"Azure", "a prompt that its filter refuses", "openai-compatible", 400,
       "{\"error\":{\"message\":\"m\",\"type\":null,\"param\":\"prompt\",\"code\":\"content_filter\",\"status\":400,\"innererror\":{\"code\":\"ResponsibleAIPolicyViolation\"}}}",
       "CONTENT_FILTERED The provider answered with status 400 (content_filter): m\n"},
      {"Groq", "a request larger than the limit of a minute", "openai-compatible", 413,
       "{\"error\":{\"message\":\"m\",\"type\":\"tokens\",\"code\":\"rate_limit_exceeded\"}}",
       "BAD_REQUEST The provider answered with status 413 (rate_limit_exceeded): m\n"},
      {"xAI", "an error as text with a code", "openai-compatible", 400, "{\"code\":\"Client specified an invalid argument\",\"error\":\"m\"}",
       "BAD_REQUEST The provider answered with status 400 (Client specified an invalid argument): m\n"},
      {"Mistral", "an error without an error object", "openai-compatible", 422, "{\"object\":\"error\",\"message\":\"m\",\"type\":\"invalid_request_error\",\"code\":null}",
       "BAD_REQUEST The provider answered with status 422 (invalid_request_error): m\n"},
      {"Ollama", "a full queue", "ollama", 503, "{\"error\":\"server busy, please try again.  maximum pending requests exceeded\"}",
       "OVERLOADED The provider answered with status 503: server busy, please try again.  maximum pending requests exceeded\n"},
      {"Ollama", "a cloud model without a login", "ollama", 401, "{\"error\":\"unauthorized\",\"signin_url\":\"https://h\"}",
       "AUTH The provider answered with status 401; check the provider's apiKey: unauthorized\n"},
      {"Ollama", "a model that is not installed", "ollama", 404, "{\"error\":\"model 'x' not found\"}",
       "MODEL_NOT_FOUND The provider answered with status 404; check the model's name and baseUrl: model 'x' not found\n"},
      {"Ollama", "no memory for the model", "ollama", 500, "{\"error\":\"model requires more system memory (9 GiB) than is available (8 GiB)\"}",
       "SERVER_ERROR The provider answered with status 500: model requires more system memory (9 GiB) than is available (8 GiB)\n"},
  };
  (void)state;
  expect_all(list, COUNT_OF(list), true);
  expect_all(list, COUNT_OF(list), false);
}

#define HI "\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}]"
#define END "\"stream\":true,\"stream_options\":{\"include_usage\":true}}"

/* Whatever a server has of its own goes through providerOptions, under the provider's name or its kind. */
static void requests(void **state) {
  static const build_case list[] = {
      /* OpenAI: reasoning models know only the new name of the limit, most others only the old one; Azure serves both. */
      {"openai", "{\"prompt\":\"Hi\",\"maxTokens\":5}", "{\"model\":\"m\"," HI ",\"max_completion_tokens\":5," END, NULL},
      {"openai-compatible", "{\"prompt\":\"Hi\",\"maxTokens\":5}", "{\"model\":\"m\"," HI ",\"max_tokens\":5," END, NULL},
      {"openai-compatible", "{\"prompt\":\"Hi\",\"maxTokens\":5,\"providerOptions\":{\"mine\":{\"max_tokens\":null,\"max_completion_tokens\":5}}}",
       "{\"model\":\"m\"," HI "," "\"stream\":true,\"stream_options\":{\"include_usage\":true},\"max_completion_tokens\":5}", NULL},
      {"openai-compatible", "{\"prompt\":\"Hi\",\"stop\":[\"1\",\"2\",\"3\",\"4\",\"5\"]}",
       "{\"model\":\"m\"," HI ",\"stop\":[\"1\",\"2\",\"3\",\"4\",\"5\"]," END, NULL},
      /* llama-server */
      {"openai-compatible", "{\"prompt\":\"Hi\",\"providerOptions\":{\"mine\":{\"lora\":[{\"id\":0,\"scale\":1}],\"cache_prompt\":true}}}",
       "{\"model\":\"m\"," HI ",\"stream\":true,\"stream_options\":{\"include_usage\":true},\"lora\":[{\"id\":0,\"scale\":1}],\"cache_prompt\":true}", NULL},
      /* vLLM, LM Studio, OpenRouter */
      {"openai-compatible", "{\"prompt\":\"Hi\",\"providerOptions\":{\"openai-compatible\":{\"chat_template_kwargs\":{\"x\":1},\"ttl\":60,\"models\":[\"a\",\"b\"]}}}",
       "{\"model\":\"m\"," HI ",\"stream\":true,\"stream_options\":{\"include_usage\":true},\"chat_template_kwargs\":{\"x\":1},\"ttl\":60,\"models\":[\"a\",\"b\"]}", NULL},
      /* DeepSeek: how much to think, and the thoughts that go back with the calls they led to */
      {"deepseek", "{\"prompt\":\"Hi\",\"reasoning\":{\"effort\":\"none\"}}", "{\"model\":\"m\"," HI ",\"thinking\":{\"type\":\"disabled\"}," END, NULL},
      {"deepseek", "{\"prompt\":\"Hi\",\"reasoning\":{\"effort\":\"minimal\"}}", "{\"model\":\"m\"," HI ",\"reasoning_effort\":\"low\"," END, NULL},
      {"deepseek", "{\"prompt\":\"Hi\",\"reasoning\":{\"effort\":\"medium\"}}", "{\"model\":\"m\"," HI ",\"reasoning_effort\":\"high\"," END, NULL},
      {"deepseek", "{\"prompt\":\"Hi\",\"reasoning\":{\"effort\":\"xhigh\"}}", "{\"model\":\"m\"," HI ",\"reasoning_effort\":\"high\"," END, NULL},
      {"deepseek", "{\"prompt\":\"Hi\",\"reasoning\":{\"effort\":\"max\"}}", "{\"model\":\"m\"," HI ",\"reasoning_effort\":\"max\"," END, NULL},
      {"deepseek", "{\"prompt\":\"Hi\",\"seed\":7}", NULL, "seed is not supported by deepseek; leave it out"},
      {"deepseek", "{\"prompt\":\"Hi\",\"reasoning\":{}}", "{\"model\":\"m\"," HI "," END, NULL},
      {"deepseek",
       "{\"messages\":[{\"role\":\"assistant\",\"toolCalls\":[{\"id\":\"c\",\"name\":\"f\",\"signature\":\"Thought\"},{\"id\":\"d\",\"name\":\"f\"}]},{\"role\":\"tool\","
       "\"toolCallId\":\"c\",\"content\":\"1\"}]}",
       "{\"model\":\"m\",\"messages\":[{\"role\":\"assistant\",\"content\":null,\"reasoning_content\":\"Thought\",\"tool_calls\":[{\"id\":\"c\",\"type\":\"function\",\"function\":"
       "{\"name\":\"f\",\"arguments\":\"{}\"}},{\"id\":\"d\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}]},{\"role\":\"tool\",\"content\":\"1\","
       "\"tool_call_id\":\"c\"}]," END,
       NULL},
      /* What another provider signed means nothing here. */
      {"openai", "{\"messages\":[{\"role\":\"assistant\",\"content\":\"x\",\"toolCalls\":[{\"id\":\"c\",\"name\":\"f\",\"signature\":\"s\"}]}]}",
       "{\"model\":\"m\",\"messages\":[{\"role\":\"assistant\",\"content\":\"x\",\"tool_calls\":[{\"id\":\"c\",\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":"
       "\"{}\"}}]}]," END,
       NULL},
      {"openai", "{\"messages\":[{\"role\":\"tool\",\"toolCallId\":\"c\",\"content\":[{\"type\":\"image\",\"url\":\"https://h/i\"}]}]}", NULL,
       "An image stands in a message of role tool, where OpenAI's chat form takes only text; put it into one of role user"},
      {"deepseek", "{\"prompt\":\"Hi\",\"stop\":[\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\",\"9\",\"10\",\"11\",\"12\",\"13\",\"14\",\"15\",\"16\",\"17\"]}", NULL,
       "stop has 17 entries, but deepseek takes at most 16"},
  };
  (void)state;
  expect_builds(list, COUNT_OF(list));
}

/* The thoughts of DeepSeek come back in the row as the signature of the first call. */
static void thoughts_go_into_the_row_with_the_calls(void **state) {
  static const struct {
    bool stream;
    const char *body;
  } cases[] = {
      {true, CHUNK("{\"content\":null,\"reasoning_content\":\"Need \"}") CHUNK("{\"reasoning_content\":\"it\"}")
                 CHUNK("{\"tool_calls\":[{\"index\":0,\"id\":\"a\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}]}") FINISH("tool_calls") DONE},
      {false, WHOLE("{\"content\":\"\",\"reasoning_content\":\"Need it\",\"tool_calls\":[{\"id\":\"a\",\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}]}", "tool_calls")},
  };
  size_t at;
  (void)state;
  for (at = 0; at < COUNT_OF(cases); at++) {
    lj_wire wire = {.stream = cases[at].stream};
    lj_response *response = NULL;
    lj_fault fault;
    cJSON *json = NULL;
    assert_code(lj_response_open(lj_provider_find("deepseek"), &wire, 10000, NULL, &response), LJ_OK);
    lj_response_status(response, 200);
    (void)!lj_response_feed(response, cases[at].body, strlen(cases[at].body));
    assert_code(lj_response_end(response, &fault), LJ_OK);
    assert_code(lj_answer_json(lj_response_answer(response), 0, &json), LJ_OK);
    assert_json(json, "{\"toolCalls\":[{\"id\":\"a\",\"name\":\"f\",\"arguments\":{},\"signature\":\"Need it\"}],\"finishReason\":\"tool\"}");
    cJSON_Delete(json);
    lj_response_free(response);
  }
}

static void the_model_that_answered_is_named(void **state) {
  static const char body[] = "data: {\"model\":\"asked\",\"choices\":[]}\n\ndata: {\"model\":\"other/used\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"a\"},"
                             "\"finish_reason\":\"stop\"}]}\n\n" DONE;
  lj_wire wire = {.stream = true};
  lj_response *response = NULL;
  lj_fault fault;
  (void)state;
  assert_code(lj_response_open(lj_provider_find("openai-compatible"), &wire, 10000, NULL, &response), LJ_OK);
  lj_response_status(response, 200);
  give_headers(response, "X-Generation-Id: gen-1\n"); /* OpenRouter */
  assert_code(lj_response_feed(response, body, strlen(body)), LJ_CLOSED);
  assert_code(lj_response_end(response, &fault), LJ_OK);
  assert_string_equal(lj_response_answer(response)->model, "other/used");
  assert_string_equal(lj_response_answer(response)->request_id, "gen-1");
  lj_response_free(response);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      tidy_test(streams),
      tidy_test(whole_answers),
      tidy_test(refusals),
      tidy_test(requests),
      tidy_test(thoughts_go_into_the_row_with_the_calls),
      tidy_test(the_model_that_answered_is_named),
  };
  lj_memory_init();
  return cmocka_run_group_tests(tests, NULL, NULL);
}
