/* SPDX-License-Identifier: MIT */
#include "provider/response.h"

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/limits.h"
#include "base/memory.h"
#include "http/ndjson.h"
#include "http/sse.h"
#include "provider/error.h"
#include "provider/head.h"
#include "provider/json_repair.h"
#include "provider/retry_after.h"
#include "provider/twin.h"

/* What the body is being read as. The first byte that is not blank decides (design: never Content-Type alone). */
typedef enum mode {
  MODE_SNIFF,  /* nothing but blanks, and perhaps a byte order mark, so far */
  MODE_SSE,
  MODE_NDJSON,
  MODE_BODY,   /* collected, read at the end */
  MODE_ERROR   /* not 2xx: the first LJ_MAX_ERROR_BODY bytes are collected, classified at the end */
} mode;

struct lj_response {
  const lj_provider *provider;
  bool stream;
  lj_ask ask;
  size_t max_bytes;
  lj_response_listener listener;
  mode mode;
  size_t received;
  size_t told;      /* bytes of the text that the listener has had */
  int state;        /* LJ_OK: go on; LJ_CLOSED: enough has been read; else the fault's code */
  bool ending;      /* no more bytes come: what is parsed now may have been cut off */
  lj_sse sse;
  lj_ndjson ndjson;
  lj_twin twin;
  lj_buffer body;
  cJSON *models;    /* array of strings, of LJ_ASK_MODELS */
  /* Last, because they hold long texts, of which only the first byte is cleared. */
  lj_head head;
  lj_answer answer;
  lj_reading reading;
};

static int on_event(void *owner, const char *event, const char *data, size_t length);
static int on_stray(void *owner, const char *event, const char *data, size_t length);

static int on_line(void *owner, const char *line, size_t length) { return on_event(owner, "", line, length); }

int lj_response_open(const lj_provider *provider, const lj_wire *wire, size_t max_bytes, const lj_response_listener *listener,
                     lj_response **out) {
  lj_response *response = lj_malloc(sizeof *response);
  *out = response;
  if (response == NULL) {
    return LJ_NOMEM;
  }
  memset(response, 0, offsetof(lj_response, head));
  memset(&response->reading, 0, offsetof(lj_reading, fault));
  lj_fault_clear(&response->reading.fault);
  lj_head_clear(&response->head, 0);
  response->provider = provider;
  response->stream = wire->stream;
  response->ask = wire->ask;
  response->reading.inputs = wire->inputs;
  response->reading.background = wire->background;
  max_bytes = max_bytes < SIZE_MAX / 4 ? max_bytes : SIZE_MAX / 4; /* sums with it must not overflow */
  response->max_bytes = max_bytes;
  if (listener != NULL) {
    response->listener = *listener;
  }
  response->mode = MODE_SNIFF;
  response->state = LJ_OK;
  lj_sse_init(&response->sse, max_bytes, on_event, response);
  response->sse.on_stray = on_stray;
  lj_ndjson_init(&response->ndjson, max_bytes, on_line, response);
  lj_buffer_init(&response->body, max_bytes > LJ_MAX_ERROR_BODY ? max_bytes : LJ_MAX_ERROR_BODY);
  lj_answer_init(&response->answer);
  lj_twin_init(&response->twin);
  response->reading.answer = &response->answer;
  return LJ_OK;
}

void lj_response_free(lj_response *response) {
  if (response != NULL) {
    lj_sse_free(&response->sse);
    lj_ndjson_free(&response->ndjson);
    lj_buffer_free(&response->body);
    lj_answer_free(&response->answer);
    lj_twin_free(&response->twin);
    cJSON_Delete(response->models);
    lj_free(response);
  }
}

void lj_response_status(lj_response *response, int status) {
  lj_head_clear(&response->head, status);
  response->answer.request_id[0] = '\0';
}

void lj_response_header(lj_response *response, const char *name, size_t name_length, const char *value,
                        size_t value_length) {
  lj_head_read(&response->head, name, name_length, value, value_length);
  if (response->head.request_id[0] != '\0') { /* else the body may have said one before its trailers */
    memcpy(response->answer.request_id, response->head.request_id, sizeof response->head.request_id);
  }
}

int lj_response_http_status(const lj_response *response) { return response->head.status; }

static bool is_success(const lj_response *response) { return response->head.status >= 200 && response->head.status <= 299; }

static void tell_text(lj_response *response) {
  const lj_buffer *text = &response->answer.text;
  if (text->length > response->told && response->listener.on_text != NULL) {
    response->listener.on_text(response->listener.owner, text->data + response->told, text->length - response->told);
  }
  response->told = text->length;
}

static void tell_data(const lj_response *response) {
  if (response->listener.on_data != NULL) {
    response->listener.on_data(response->listener.owner);
  }
}

static bool is_blank(const char *data, size_t length) {
  while (length > 0 && (unsigned char)data[length - 1] <= ' ') {
    length--;
  }
  return length == 0;
}

/* An event of no JSON. Under the name "error" its text is the error; else it is up to the format. */
static int read_text(lj_response *response, const char *event, const char *data, size_t length) {
  lj_reading *reading = &response->reading;
  cJSON *text;
  int rc;
  if (strcmp(event, "error") == 0 && response->ending && data[0] == '{') { /* what was to be said is not known */
    return LJ_OK;
  }
  if (strcmp(event, "error") == 0) {
    text = cJSON_CreateStringReference(data);
    rc = text == NULL ? LJ_NOMEM : response->provider->read_event(reading, event, text);
    cJSON_Delete(text);
    return rc;
  }
  if (response->provider->read_text != NULL) {
    return response->provider->read_text(reading, data, length);
  }
  return lj_fault_set(&reading->fault, LJ_PROTOCOL, "The provider sent a line of %zu bytes that is no JSON", length);
}

/* Reads an event as JSON, and learns it when it did nothing but add a piece of text. */
static int read_event(lj_response *response, const char *event, const char *data, size_t length) {
  const lj_answer *answer = &response->answer;
  size_t before = answer->text.length;
  size_t pieces = answer->text_pieces;
  size_t rest = lj_answer_rest(answer);
  cJSON *json = NULL;
  int rc = lj_json_parse_repaired(data, length, &json);
  lj_twin_forget(&response->twin);
  if (rc == LJ_INVALID) {
    return read_text(response, event, data, length);
  }
  if (rc == LJ_OK) {
    rc = response->provider->read_event(&response->reading, event, json);
  }
  if (rc == LJ_OK && !response->reading.finished && answer->text_pieces == pieces + 1 && lj_answer_rest(answer) == rest) {
    lj_twin_learn(&response->twin, event, data, length, answer->text.data + before, answer->text.length - before);
  }
  cJSON_Delete(json);
  return rc;
}

static int on_event(void *owner, const char *event, const char *data, size_t length) {
  lj_response *response = owner;
  int rc;
  if (is_blank(data, length)) {
    return LJ_OK;
  }
  if (strcmp(event, "ping") != 0) {
    tell_data(response);
  }
  if (lj_twin_match(&response->twin, event, data, length)) {
    rc = lj_answer_add_text(&response->answer, response->twin.text.data, response->twin.text.length);
  } else {
    rc = read_event(response, event, data, length);
  }
  tell_text(response); /* what came before the trouble too: it was said */
  return rc == LJ_OK && response->reading.finished ? LJ_CLOSED : rc;
}

/* Only an error counts; what else stands between the events means as little as any unknown field. */
static int on_stray(void *owner, const char *event, const char *data, size_t length) {
  lj_response *response = owner;
  lj_provider_error error;
  cJSON *json = NULL;
  int rc = lj_json_parse_repaired(data, length, &json);
  if (rc == LJ_INVALID) {
    return LJ_OK;
  }
  if (rc == LJ_OK && lj_error_find(json, false, &error)) {
    rc = response->provider->read_event(&response->reading, event, json);
  }
  cJSON_Delete(json);
  return rc;
}

static bool says_json(const lj_response *response) {
  static const char json[] = "application/json";
  return strncmp(response->head.content_type, json, sizeof json - 1) == 0;
}

/* `first` is the first byte that is not blank. JSON under an event stream's name, or instead of one, is read as JSON. Whole
 * JSON that calls itself so may be printed over many lines, which lines of JSON can't be. */
static mode mode_of(const lj_response *response, char first) {
  bool opens_json = first == '{' || first == '[' || first == '"';
  if (!is_success(response)) {
    return MODE_ERROR;
  }
  if (first == '<' || response->ask != LJ_ASK_TEXT) {
    return MODE_BODY;
  }
  if (response->provider->framing == LJ_FRAMING_NDJSON) {
    return response->stream && opens_json && !says_json(response) ? MODE_NDJSON : MODE_BODY;
  }
  return opens_json ? MODE_BODY : MODE_SSE;
}

/* The bytes from the first that decides; blanks and a byte order mark before it carry no meaning in any framing. */
static size_t sniff(lj_response *response, const char *bytes, size_t length) {
  size_t at = 0;
  while (at < length) {
    unsigned char byte = (unsigned char)bytes[at];
    if (byte > ' ' && byte != 0xEF && byte != 0xBB && byte != 0xBF) {
      response->mode = mode_of(response, bytes[at]);
      break;
    }
    at++;
  }
  return at;
}

/* Once the kept part of an error is full the rest is of no use, and a hostile server may send it for ever. */
static int keep_error(lj_response *response, const char *bytes, size_t length) {
  size_t room = LJ_MAX_ERROR_BODY - response->body.length;
  int rc = lj_buffer_append(&response->body, bytes, length < room ? length : room);
  return rc == LJ_OK && length >= room ? LJ_CLOSED : rc;
}

static int too_large(lj_response *response) {
  return lj_fault_set(&response->reading.fault, LJ_RESPONSE_TOO_LARGE,
                      "The provider's answer is larger than %zu bytes; raise the provider's maxResponseBytes or ask for less",
                      response->max_bytes);
}

static int read_bytes(lj_response *response, const char *bytes, size_t length) {
  switch (response->mode) {
    case MODE_SSE: return lj_sse_feed(&response->sse, bytes, length);
    case MODE_NDJSON: return lj_ndjson_feed(&response->ndjson, bytes, length);
    case MODE_ERROR: return keep_error(response, bytes, length);
    case MODE_BODY:
      if (!is_blank(bytes, length)) {
        tell_data(response);
      }
      return lj_buffer_append(&response->body, bytes, length);
    case MODE_SNIFF: break;
  }
  return LJ_OK;
}

/* Codes without a fault of their own get one here, so that end() always has one to give. */
static int settle(lj_response *response, int rc) {
  lj_fault *fault = &response->reading.fault;
  if (rc == LJ_TOO_BIG) {
    if (response->received <= response->max_bytes && response->answer.embeddings.count > 0) {
      rc = lj_fault_set(fault, LJ_RESPONSE_TOO_LARGE,
                        "The vectors of the answer have more than %d numbers together; give the job fewer inputs",
                        LJ_MAX_EMBEDDING_VALUES);
    } else if (response->received > response->max_bytes || response->answer.call_count < LJ_MAX_TOOL_CALLS) {
      rc = too_large(response);
    } else {
      rc = lj_fault_set(fault, LJ_RESPONSE_TOO_LARGE, "The model called more than %d tools in one answer", LJ_MAX_TOOL_CALLS);
    }
  } else if (rc == LJ_NOMEM) {
    (void)lj_fault_set(fault, LJ_NOMEM, "There was not enough memory to read the provider's answer");
  }
  response->state = rc;
  return rc;
}

int lj_response_feed(lj_response *response, const char *bytes, size_t length) {
  if (response->state != LJ_OK) {
    return response->state;
  }
  if (response->mode == MODE_SNIFF) {
    size_t skipped = sniff(response, bytes, length);
    response->received += skipped;
    bytes += skipped;
    length -= skipped;
  }
  /* received ≤ max_bytes + what one call brought, so the sum can't overflow. */
  response->received += length;
  if (is_success(response) && response->received > response->max_bytes) {
    return settle(response, LJ_TOO_BIG);
  }
  return settle(response, read_bytes(response, bytes, length));
}

static int read_models(lj_response *response, const cJSON *body) {
  if (response->models == NULL) {
    response->models = cJSON_CreateArray();
  }
  return response->models == NULL ? LJ_NOMEM
                                  : response->provider->read_models(body, response->models, &response->reading.fault);
}

static int read_whole(lj_response *response) {
  lj_reading *reading = &response->reading;
  lj_buffer *body = &response->body;
  cJSON *json = NULL;
  int rc = lj_json_parse_repaired(body->data, body->length, &json);
  if (rc == LJ_OK) {
    rc = response->ask == LJ_ASK_MODELS ? read_models(response, json) : response->provider->read_body(reading, json);
    tell_text(response);
  } else if (rc == LJ_INVALID && response->ask == LJ_ASK_TEXT && response->provider->framing == LJ_FRAMING_NDJSON &&
             body->data[0] == '{') {
    response->mode = MODE_NDJSON; /* a stream that called itself application/json */
    rc = lj_ndjson_feed(&response->ndjson, body->data, body->length);
  } else if (rc == LJ_INVALID && lj_error_is_html(body->data, body->length)) {
    rc = lj_fault_set(&reading->fault, LJ_PROTOCOL,
                      "The provider answered with an HTML page (status %d): a proxy's, or baseUrl is wrong",
                      response->head.status);
  } else if (rc == LJ_INVALID) {
    rc = lj_fault_set(&reading->fault, LJ_PROTOCOL, "The provider's answer of %zu bytes is no JSON, or was cut off",
                      body->length);
  }
  cJSON_Delete(json);
  return rc;
}

/* What the parsers still hold, then the format's own judgement whether the answer is complete. */
static int finish_stream(lj_response *response) {
  int rc = LJ_OK;
  response->ending = true;
  if (!response->reading.finished) {
    rc = response->mode == MODE_SSE ? lj_sse_end(&response->sse) : lj_ndjson_end(&response->ndjson);
  }
  return rc == LJ_OK || rc == LJ_CLOSED ? response->provider->read_end(&response->reading) : rc;
}

static int classify(lj_response *response) {
  lj_fault *fault = &response->reading.fault;
  const lj_buffer *body = &response->body;
  cJSON *json = NULL;
  int rc = lj_json_parse_repaired(body->data, body->length, &json);
  if (rc == LJ_NOMEM) {
    return rc;
  }
  response->provider->classify(&response->head, json, body->data, body->length, fault);
  cJSON_Delete(json);
  return fault->code;
}

static int finish(lj_response *response) {
  int rc;
  if (!is_success(response)) {
    return classify(response);
  }
  switch (response->mode) {
    case MODE_BODY:
      rc = read_whole(response);
      return response->mode == MODE_NDJSON && (rc == LJ_OK || rc == LJ_CLOSED) ? finish_stream(response) : rc;
    case MODE_SSE:
    case MODE_NDJSON:
      return finish_stream(response);
    case MODE_SNIFF:
    case MODE_ERROR:
      break;
  }
  return lj_fault_set(&response->reading.fault, LJ_PROTOCOL, "The provider answered with status %d and an empty body",
                      response->head.status);
}

int lj_response_end(lj_response *response, lj_fault *fault) {
  int rc = response->state;
  if (rc == LJ_OK || rc == LJ_CLOSED) {
    rc = settle(response, finish(response));
  }
  lj_fault_clear(fault);
  if (rc != LJ_OK) {
    *fault = response->reading.fault;
    fault->http_status = response->head.status;
    if (fault->retry_after_ms < 0) {
      fault->retry_after_ms = lj_retry_after_ms(&response->head, lj_wall_ms());
    }
    if (fault->retry_after_ms < 0 && rc == LJ_RATE_LIMITED) {
      fault->retry_after_ms = lj_rate_head_wait_ms(response->head.rates);
    }
  }
  return rc;
}

const lj_rate *lj_response_rates(const lj_response *response) { return response->head.rates; }

const lj_answer *lj_response_answer(const lj_response *response) { return &response->answer; }

const cJSON *lj_response_models(const lj_response *response) { return response->models; }
