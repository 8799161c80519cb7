/* SPDX-License-Identifier: MIT
 *
 * Gemini's batches, inline: created with all entries in one request, and answered by an operation that holds all results.
 */
#include <string.h>

#include "base/json.h"
#include "provider/batch.h"
#include "provider/gemini.h"

static const char display[] = "llm-jobs-"; /* the mark stands behind it */

static bool ends_with(const char *text, const char *end) {
  size_t length = text != NULL ? strlen(text) : 0;
  size_t rest = strlen(end);
  return length >= rest && strcmp(text + length - rest, end) == 0;
}

static int add(lj_buffer *entries, size_t count, const char *key, const lj_wire *request) {
  size_t before = entries->length;
  if (!ends_with(request->url.data, ":generateContent")) return LJ_INVALID; /* vectors have batches of their own */
  int code = lj_buffer_append_text(entries, count > 0 ? ",{\"request\":" : "{\"request\":");
  if (code == LJ_OK) code = lj_buffer_append(entries, request->body.data, request->body.length);
  if (code == LJ_OK) code = lj_buffer_printf(entries, ",\"metadata\":{\"key\":\"%s\"}}", key);
  if (code != LJ_OK) lj_buffer_truncate(entries, before);
  return code;
}

static int build_create(const lj_endpoint *endpoint, const char *model, const char *mark, const char *file, const lj_buffer *entries,
                        lj_wire *wire, lj_fault *fault) {
  (void)file;
  int code = lj_gemini_start(wire, endpoint, model, ":batchGenerateContent", false, fault);
  if (code == LJ_OK)
    code = lj_buffer_printf(&wire->body, "{\"batch\":{\"displayName\":\"%s%s\",\"inputConfig\":{\"requests\":{\"requests\":[", display, mark);
  if (code == LJ_OK) code = lj_buffer_append(&wire->body, entries->data, entries->length);
  return code == LJ_OK ? lj_buffer_append_text(&wire->body, "]}}}}") : code;
}

static int build_at(const lj_endpoint *endpoint, const char *id, const char *after, bool post, lj_wire *wire, lj_fault *fault) {
  lj_buffer path;
  lj_buffer_init(&path, LJ_BATCH_PAGE_SIZE + 512);
  int code = lj_buffer_printf(&path, "/%s%s", id, after);
  if (code == LJ_OK) code = lj_gemini_start_at(endpoint, path.data, post, wire, fault);
  lj_buffer_free(&path);
  return code;
}

static int build_list(const lj_endpoint *endpoint, const char *page, lj_wire *wire, lj_fault *fault) {
  return build_at(endpoint, page[0] != '\0' ? "batches?pageSize=100&pageToken=" : "batches?pageSize=100", page, false, wire, fault);
}

static int build_poll(const lj_endpoint *endpoint, const char *id, lj_wire *wire, lj_fault *fault) {
  return build_at(endpoint, id, "", false, wire, fault);
}

static int build_results(const lj_endpoint *endpoint, const char *id, const char *place, lj_wire *wire, lj_fault *fault) {
  (void)place;
  return build_at(endpoint, id, "", false, wire, fault);
}

static int build_cancel(const lj_endpoint *endpoint, const char *id, lj_wire *wire, lj_fault *fault) {
  return build_at(endpoint, id, ":cancel", true, wire, fault);
}

/* "batches/x" */
static int copy_name(char out[LJ_BATCH_ID_SIZE], const cJSON *operation) {
  const char *name = lj_json_string(operation, "name");
  if (name == NULL || strncmp(name, "batches/", 8) != 0 || strchr(name + 8, '/') != NULL) return LJ_PROTOCOL;
  return lj_batch_copy_id(out, name, "/");
}

static int read_batch(const cJSON *body, lj_batch_news *news) {
  const char *state = lj_json_string(lj_json_object(body, "metadata"), "state");
  const char *message = lj_json_string(lj_json_object(body, "error"), "message");
  memset(news, 0, sizeof *news);
  if (copy_name(news->id, body) != LJ_OK) return LJ_PROTOCOL;
  bool ended = ends_with(state, "_SUCCEEDED") || ends_with(state, "_CANCELLED") || ends_with(state, "_EXPIRED");
  bool failed = ends_with(state, "_FAILED") || (lj_json_bool(body, "done", false) && message != NULL);
  news->state = failed ? LJ_BATCH_FAILED : ended ? LJ_BATCH_ENDED : LJ_BATCH_WORKING;
  if (ended) memcpy(news->results[0], news->id, sizeof news->id);
  if (message != NULL) lj_text_copy(news->message, sizeof news->message, message, strlen(message));
  return LJ_OK;
}

static const cJSON *inlined(const cJSON *holder) {
  return lj_json_array(lj_json_object(holder, "inlinedResponses"), "inlinedResponses");
}

static const cJSON *results_of(const cJSON *body) {
  const cJSON *list = inlined(lj_json_object(body, "response"));
  return list != NULL ? list : inlined(lj_json_object(lj_json_object(body, "metadata"), "output"));
}

/* The status that a call would have had, of a code of google.rpc. */
static int status_of(int64_t code) {
  static const int statuses[] = {500, 499, 500, 400, 504, 404, 409, 403, 429, 400, 409, 400, 501, 500, 503, 500, 401};
  return code >= 0 && code < (int64_t)(sizeof statuses / sizeof statuses[0]) ? statuses[code] : 500;
}

static int read_result(const cJSON *line, lj_batch_result *result) {
  memset(result, 0, sizeof *result);
  result->key = lj_json_string(lj_json_object(line, "metadata"), "key");
  if (result->key == NULL) return LJ_PROTOCOL;
  result->body = lj_json_object(line, "response");
  result->status = 200;
  if (result->body != NULL) return LJ_OK;
  result->body = line; /* its `error` */
  result->status = status_of(lj_json_int(lj_json_object(line, "error"), "code", 13));
  return LJ_OK;
}

static int find(const cJSON *body, const lj_batch_search *search, char id[LJ_BATCH_ID_SIZE]) {
  const cJSON *item = NULL;
  id[0] = '\0';
  if (!cJSON_IsObject(body)) return LJ_PROTOCOL;
  cJSON_ArrayForEach(item, lj_json_array(body, "operations")) { /* absent when there are none */
    const char *name = lj_json_string(lj_json_object(item, "metadata"), "displayName");
    if (name != NULL && strncmp(name, display, sizeof display - 1) == 0 && strcmp(name + sizeof display - 1, search->mark) == 0)
      return copy_name(id, item);
  }
  return LJ_OK;
}

static int next_page(const cJSON *body, char page[LJ_BATCH_PAGE_SIZE]) {
  return lj_batch_copy_page(page, lj_json_string(body, "nextPageToken"));
}

const lj_batch_api lj_gemini_batch = {
    .max_bytes = 19000000, /* of the 20 MB that the API takes inline */
    .has_mark = true,
    .add = add,
    .build_upload = NULL,
    .build_create = build_create,
    .build_list = build_list,
    .build_poll = build_poll,
    .build_results = build_results,
    .build_cancel = build_cancel,
    .read_upload = NULL,
    .read_batch = read_batch,
    .results_of = results_of,
    .read_result = read_result,
    .find = find,
    .next_page = next_page,
};
