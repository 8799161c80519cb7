/* SPDX-License-Identifier: MIT
 *
 * Anthropic's Message Batches: created with all entries in one request, which has no place for a mark of ours.
 */
#include <string.h>

#include "base/json.h"
#include "provider/anthropic.h"
#include "provider/batch.h"
#include "provider/wire.h"

/* The body of a message, in which a batch has no place for `stream`. */
static int add(lj_buffer *entries, size_t count, const char *key, const lj_wire *request) {
  size_t before = entries->length;
  cJSON *body = NULL;
  int code = lj_json_parse(request->body.data, request->body.length, &body);
  if (code == LJ_OK) code = lj_buffer_printf(entries, "%s{\"custom_id\":\"%s\",\"params\":", count > 0 ? "," : "", key);
  cJSON_DeleteItemFromObjectCaseSensitive(body, "stream");
  if (code == LJ_OK) code = lj_json_print(body, entries);
  if (code == LJ_OK) code = lj_buffer_append_char(entries, '}');
  if (code != LJ_OK) lj_buffer_truncate(entries, before);
  cJSON_Delete(body);
  return code;
}

static int build_create(const lj_endpoint *endpoint, const char *model, const char *mark, const char *file, const lj_buffer *entries,
                        lj_wire *wire, lj_fault *fault) {
  (void)model, (void)mark, (void)file;
  int code = lj_anthropic_start(endpoint, "/v1/messages/batches", true, wire, fault);
  if (code == LJ_OK) code = lj_buffer_append_text(&wire->body, "{\"requests\":[");
  if (code == LJ_OK) code = lj_buffer_append(&wire->body, entries->data, entries->length);
  return code == LJ_OK ? lj_buffer_append_text(&wire->body, "]}") : code;
}

static int build_at(const lj_endpoint *endpoint, const char *id, const char *after, bool post, lj_wire *wire, lj_fault *fault) {
  lj_buffer path;
  lj_buffer_init(&path, LJ_BATCH_PAGE_SIZE + 512);
  int code = lj_buffer_printf(&path, "/v1/messages/batches%s%s", id, after);
  if (code == LJ_OK) code = lj_anthropic_start(endpoint, path.data, post, wire, fault);
  lj_buffer_free(&path);
  return code;
}

static int build_list(const lj_endpoint *endpoint, const char *page, lj_wire *wire, lj_fault *fault) {
  return build_at(endpoint, page[0] != '\0' ? "?limit=100&after_id=" : "?limit=100", page, false, wire, fault);
}

static int build_of(const lj_endpoint *endpoint, const char *id, const char *after, bool post, lj_wire *wire, lj_fault *fault) {
  lj_buffer rest;
  lj_buffer_init(&rest, LJ_BATCH_ID_SIZE + 64);
  int code = lj_buffer_printf(&rest, "%s%s", id, after);
  if (code == LJ_OK) code = build_at(endpoint, "/", rest.data, post, wire, fault);
  lj_buffer_free(&rest);
  return code;
}

static int build_poll(const lj_endpoint *endpoint, const char *id, lj_wire *wire, lj_fault *fault) {
  return build_of(endpoint, id, "", false, wire, fault);
}

/* Where the results are is known by the batch's id; its results_url, which a server could point anywhere, would be sent the key. */
static int build_results(const lj_endpoint *endpoint, const char *id, const char *place, lj_wire *wire, lj_fault *fault) {
  (void)place;
  return build_of(endpoint, id, "/results", false, wire, fault);
}

static int build_cancel(const lj_endpoint *endpoint, const char *id, lj_wire *wire, lj_fault *fault) {
  return build_of(endpoint, id, "/cancel", true, wire, fault);
}

static int read_batch(const cJSON *body, lj_batch_news *news) {
  const char *status = lj_json_string(body, "processing_status");
  memset(news, 0, sizeof *news);
  if (status == NULL || lj_batch_copy_id(news->id, lj_json_string(body, "id"), "") != LJ_OK) return LJ_PROTOCOL;
  news->state = strcmp(status, "ended") == 0 ? LJ_BATCH_ENDED : LJ_BATCH_WORKING;
  if (news->state == LJ_BATCH_ENDED) memcpy(news->results[0], news->id, sizeof news->id);
  return LJ_OK;
}

static int status_of(const char *type) {
  static const struct {
    const char *type;
    int status;
  } errors[] = {{"invalid_request_error", 400}, {"authentication_error", 401}, {"billing_error", 402}, {"permission_error", 403},
                {"not_found_error", 404},       {"request_too_large", 413},    {"rate_limit_error", 429}, {"timeout_error", 504},
                {"overloaded_error", 529}};
  for (size_t i = 0; type != NULL && i < sizeof errors / sizeof errors[0]; i++)
    if (strcmp(type, errors[i].type) == 0) return errors[i].status;
  return 500;
}

static int read_result(const cJSON *line, lj_batch_result *result) {
  const cJSON *said = lj_json_object(line, "result");
  const char *type = lj_json_string(said, "type");
  memset(result, 0, sizeof *result);
  result->key = lj_json_string(line, "custom_id");
  if (result->key == NULL || type == NULL) return LJ_PROTOCOL;
  if (strcmp(type, "expired") == 0) {
    result->outcome = LJ_BATCH_EXPIRED;
  } else if (strcmp(type, "canceled") == 0) {
    result->outcome = LJ_BATCH_CANCELLED;
  } else if (strcmp(type, "succeeded") == 0) {
    result->status = 200;
    result->body = lj_json_object(said, "message");
  } else {
    result->body = lj_json_object(said, "error");
    result->status = status_of(lj_json_string(lj_json_object(result->body, "error"), "type"));
  }
  return LJ_OK;
}

static size_t entries_of(const cJSON *batch) {
  static const char *const parts[] = {"processing", "succeeded", "errored", "canceled", "expired"};
  const cJSON *counts = lj_json_object(batch, "request_counts");
  int64_t total = 0;
  for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) total += lj_json_int(counts, parts[i], 0);
  return total > 0 ? (size_t)total : 0;
}

/* The seconds of two times in UTC, "2026-11-20T10:00:00", in the order of time. A batch that does not say when it was made may be it. */
static bool is_older(const cJSON *batch, const char *since) {
  enum { SECONDS = 19 };
  const char *made = lj_json_string(batch, "created_at");
  return since != NULL && made != NULL && strlen(made) >= SECONDS && strncmp(made, since, SECONDS) < 0;
}

static int find(const cJSON *body, const lj_batch_search *search, char id[LJ_BATCH_ID_SIZE]) {
  const cJSON *item = NULL;
  const cJSON *data = lj_json_array(body, "data");
  id[0] = '\0';
  if (data == NULL) return LJ_PROTOCOL;
  cJSON_ArrayForEach(item, data) {
    const char *named = lj_json_string(item, "id");
    if (named == NULL || entries_of(item) < search->least || entries_of(item) > search->most ||
        is_older(item, search->since) || search->is_known(search->owner, named))
      continue;
    return lj_batch_copy_id(id, named, "");
  }
  return LJ_OK;
}

const lj_batch_api lj_anthropic_batch = {
    .max_bytes = 60000000, /* of the 256 MB that the API takes, what one request of ours may hold */
    .has_mark = false,
    .add = add,
    .build_upload = NULL,
    .build_create = build_create,
    .build_list = build_list,
    .build_poll = build_poll,
    .build_results = build_results,
    .build_cancel = build_cancel,
    .read_upload = NULL,
    .read_batch = read_batch,
    .read_result = read_result,
    .find = find,
    .next_page = lj_batch_page_behind_last,
};
