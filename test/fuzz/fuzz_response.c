/* SPDX-License-Identifier: MIT
 *
 * A whole answer of the provider kind, or of one of its other APIs, that LJ_FUZZ_KIND names: framing, format, errors. Of the
 * first byte of an input the low four bits cut the pieces, bit 4 says whether a stream was asked for, the upper three choose
 * status and type.
 */
#include "base/memory.h"
#include "pieces.h"
#include "provider/response.h"

static const struct {
  int status;
  const char *content_type;
} heads[] = {{200, "text/event-stream"}, {200, "application/json"}, {200, ""},   {200, "application/x-ndjson"},
             {400, "application/json"},  {429, "application/json"}, {500, "text/html"}, {529, "text/event-stream"}};

/* What a kind can be asked for beyond text by its first API. */
static const struct {
  const char *name;
  const char *kind;
  const char *api;
  size_t inputs;
} others[] = {{"openai-responses", "openai", "responses", 0},
              {"openai-embeddings", "openai", "chat", 2},
              {"gemini-embeddings", "gemini", "chat", 2},
              {"ollama-embeddings", "ollama", "chat", 2}};

static size_t inputs; /* 0: the answer is text */

static void on_text(void *owner, const char *text, size_t length) {
  if (lj_buffer_append(owner, text, length) != LJ_OK) abort();
}

static int feed(void *parser, const char *bytes, size_t length) { return lj_response_feed(parser, bytes, length); }

/* Tells the answer's JSON and how it ended. */
static int run(const lj_provider *provider, uint8_t head, const uint8_t *data, size_t size, size_t piece, lj_buffer *told) {
  lj_response_listener listener = {.owner = told, .on_text = on_text};
  lj_response *response = NULL;
  lj_fault fault;
  cJSON *result = NULL;
  lj_wire wire = {.stream = inputs == 0 && (head & 16) != 0, .ask = inputs > 0 ? LJ_ASK_EMBEDDINGS : LJ_ASK_TEXT, .inputs = inputs};
  lj_buffer_init(told, MAX_TOLD);
  if (lj_response_open(provider, &wire, CEILING, &listener, &response) != LJ_OK) abort();
  const char *type = heads[head >> 5].content_type;
  lj_response_status(response, heads[head >> 5].status);
  lj_response_header(response, "content-type", 12, type, strlen(type));
  int fed = feed_in_pieces(feed, response, data, size, piece);
  int code = lj_response_end(response, &fault);
  if (fed != LJ_OK && fed != LJ_CLOSED && code != fed) abort(); /* the fault that feed told is the one that end tells */
  if (code != fault.code || (code != LJ_OK && fault.message[0] == '\0')) abort();
  tell(told, fault.message, strlen(fault.message));
  if (lj_answer_json(lj_response_answer(response), 1, &result) != LJ_OK) abort();
  char *text = cJSON_PrintUnformatted(result);
  if (text == NULL) abort();
  tell(told, text, strlen(text));
  cJSON_free(text);
  cJSON_Delete(result);
  lj_response_free(response);
  return code;
}

/* Asked for "?", it names the kinds. */
int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerInitialize(int *argc, char ***argv) {
  const char *kind = getenv("LJ_FUZZ_KIND");
  (void)argc;
  (void)argv;
  if (kind == NULL || strcmp(kind, "?") != 0) return 0;
  (void)fputs(lj_provider_kinds(), stdout);
  for (size_t at = 0; at < sizeof others / sizeof others[0]; at++) (void)printf(", %s", others[at].name);
  (void)puts("");
  exit(0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const lj_provider *provider;
  lj_buffer whole;
  lj_buffer pieces;
  if (provider == NULL) {
    const char *kind = getenv("LJ_FUZZ_KIND");
    provider = lj_provider_find(kind != NULL ? kind : "openai");
    for (size_t at = 0; kind != NULL && at < sizeof others / sizeof others[0]; at++) {
      if (strcmp(kind, others[at].name) == 0) {
        provider = lj_provider_by_api(lj_provider_find(others[at].kind), others[at].api);
        inputs = others[at].inputs;
      }
    }
    if (provider == NULL) abort();
  }
  if (size == 0) return 0;
  int code = run(provider, data[0], data + 1, size - 1, 0, &whole);
  int code_of_pieces = run(provider, data[0], data + 1, size - 1, 1 + data[0] % 16, &pieces);
  /* A whole body over the ceiling is refused unread; in pieces its first ones are read, and may end the answer. */
  if (size - 1 <= CEILING) must_be_equal(&whole, &pieces, code, code_of_pieces);
  lj_buffer_free(&whole);
  lj_buffer_free(&pieces);
  return 0;
}
