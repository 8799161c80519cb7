/* SPDX-License-Identifier: MIT
 *
 * OpenAI's batches: a file of lines is uploaded, a batch is made of it, and the results are two files, of answers and of errors.
 */
#include <string.h>

#include "base/json.h"
#include "provider/batch.h"
#include "provider/wire.h"

static const char base[] = "https://api.openai.com/v1";
static const char mark_name[] = "llm_jobs";
static const char *const addresses[] = {"/chat/completions", "/responses", "/embeddings"};

static bool ends_with(const char *text, const char *end) {
  size_t length = strlen(text);
  size_t rest = strlen(end);
  return length >= rest && strcmp(text + length - rest, end) == 0;
}

/* The address of a request as the API names it: without the server. */
static const char *address_of(const char *url) {
  for (size_t i = 0; i < sizeof addresses / sizeof addresses[0]; i++)
    if (ends_with(url, addresses[i])) return addresses[i];
  return NULL;
}

#define BEFORE_ADDRESS ",\"method\":\"POST\",\"url\":\"/v1"

/* The address that the first line names, in front of the request itself, whose texts may quote anything. */
static const char *address_in(const lj_buffer *entries) {
  const char *comma = strchr(entries->data, ','); /* behind custom_id, which has none */
  if (comma == NULL || strncmp(comma, BEFORE_ADDRESS, sizeof BEFORE_ADDRESS - 1) != 0) return NULL;
  const char *url = comma + sizeof BEFORE_ADDRESS - 1;
  for (size_t i = 0; i < sizeof addresses / sizeof addresses[0]; i++) {
    size_t length = strlen(addresses[i]);
    if (strncmp(url, addresses[i], length) == 0 && url[length] == '"') return addresses[i];
  }
  return NULL;
}

static int add(lj_buffer *entries, size_t count, const char *key, const lj_wire *request) {
  const char *address = address_of(request->url.data);
  size_t before = entries->length;
  if (address == NULL || (count > 0 && address != address_in(entries))) return LJ_INVALID;
  int code = lj_buffer_printf(entries, "{\"custom_id\":\"%s\"" BEFORE_ADDRESS "%s\",\"body\":", key, address);
  if (code == LJ_OK) code = lj_buffer_append(entries, request->body.data, request->body.length);
  if (code == LJ_OK) code = lj_buffer_append_text(entries, "}\n");
  if (code != LJ_OK) lj_buffer_truncate(entries, before);
  return code;
}

static int build_upload(const lj_endpoint *endpoint, const char *mark, const lj_buffer *entries, lj_wire *wire, lj_fault *fault) {
  char type[96] = "multipart/form-data; boundary=llm-jobs-";
  memcpy(type + strlen(type), mark, strlen(mark) + 1); /* LJ_BATCH_MARK_SIZE at most */
  int code = lj_wire_start_get(wire, endpoint, base, "/files", fault);
  wire->method = "POST";
  if (code == LJ_OK) code = lj_wire_own_header(wire, endpoint, "Content-Type", type);
  if (code == LJ_OK)
    code = lj_buffer_printf(&wire->body,
                            "--llm-jobs-%s\r\nContent-Disposition: form-data; name=\"purpose\"\r\n\r\nbatch\r\n"
                            "--llm-jobs-%s\r\nContent-Disposition: form-data; name=\"file\"; filename=\"llm-jobs-%s.jsonl\"\r\n"
                            "Content-Type: application/jsonl\r\n\r\n",
                            mark, mark, mark);
  if (code == LJ_OK) code = lj_buffer_append(&wire->body, entries->data, entries->length);
  if (code == LJ_OK) code = lj_buffer_printf(&wire->body, "\r\n--llm-jobs-%s--\r\n", mark);
  return code;
}

static int build_create(const lj_endpoint *endpoint, const char *model, const char *mark, const char *file, const lj_buffer *entries,
                        lj_wire *wire, lj_fault *fault) {
  const char *address = address_in(entries);
  (void)model;
  int code = lj_wire_start(wire, endpoint, base, "/batches", false, NULL, fault);
  if (code == LJ_OK)
    code = lj_buffer_printf(&wire->body,
                            "{\"input_file_id\":\"%s\",\"endpoint\":\"/v1%s\",\"completion_window\":\"24h\",\"metadata\":{\"%s\":\"%s\"}}",
                            file, address != NULL ? address : addresses[0], mark_name, mark);
  return code;
}

static int build_at(const lj_endpoint *endpoint, const char *before, const char *id, const char *after, bool post, lj_wire *wire,
                    lj_fault *fault) {
  lj_buffer path;
  lj_buffer_init(&path, LJ_BATCH_PAGE_SIZE + 512);
  int code = lj_buffer_printf(&path, "%s%s%s", before, id, after);
  if (code == LJ_OK)
    code = post ? lj_wire_start(wire, endpoint, base, path.data, false, NULL, fault)
                : lj_wire_start_get(wire, endpoint, base, path.data, fault);
  lj_buffer_free(&path);
  return code;
}

static int build_list(const lj_endpoint *endpoint, const char *page, lj_wire *wire, lj_fault *fault) {
  return build_at(endpoint, page[0] != '\0' ? "/batches?limit=100&after=" : "/batches?limit=100", page, "", false, wire, fault);
}

static int build_poll(const lj_endpoint *endpoint, const char *id, lj_wire *wire, lj_fault *fault) {
  return build_at(endpoint, "/batches/", id, "", false, wire, fault);
}

static int build_results(const lj_endpoint *endpoint, const char *id, const char *place, lj_wire *wire, lj_fault *fault) {
  (void)id;
  return build_at(endpoint, "/files/", place, "/content", false, wire, fault);
}

static int build_cancel(const lj_endpoint *endpoint, const char *id, lj_wire *wire, lj_fault *fault) {
  return build_at(endpoint, "/batches/", id, "/cancel", true, wire, fault);
}

static int read_upload(const cJSON *body, char file[LJ_BATCH_ID_SIZE]) {
  return lj_batch_copy_id(file, lj_json_string(body, "id"), "");
}

static void copy_message(const cJSON *errors, char *out, size_t size) {
  const cJSON *first = lj_json_array(errors, "data");
  const char *message = first != NULL ? lj_json_string(first->child, "message") : NULL;
  if (message != NULL) lj_text_copy(out, size, message, strlen(message));
}

static int read_batch(const cJSON *body, lj_batch_news *news) {
  static const char *const places[] = {"output_file_id", "error_file_id"};
  const char *status = lj_json_string(body, "status");
  memset(news, 0, sizeof *news);
  if (status == NULL || lj_batch_copy_id(news->id, lj_json_string(body, "id"), "") != LJ_OK) return LJ_PROTOCOL;
  bool ended = strcmp(status, "completed") == 0 || strcmp(status, "expired") == 0 || strcmp(status, "cancelled") == 0;
  news->state = strcmp(status, "failed") == 0 ? LJ_BATCH_FAILED : ended ? LJ_BATCH_ENDED : LJ_BATCH_WORKING;
  for (size_t i = 0; i < 2; i++) {
    const char *place = lj_json_string(body, places[i]);
    if (place != NULL && lj_batch_copy_id(news->results[i], place, "") != LJ_OK) return LJ_PROTOCOL;
  }
  copy_message(lj_json_object(body, "errors"), news->message, sizeof news->message);
  return LJ_OK;
}

static int read_result(const cJSON *line, lj_batch_result *result) {
  const cJSON *response = lj_json_object(line, "response");
  const char *code = lj_json_string(lj_json_object(line, "error"), "code");
  memset(result, 0, sizeof *result);
  result->key = lj_json_string(line, "custom_id");
  if (result->key == NULL) return LJ_PROTOCOL;
  if (code != NULL && strcmp(code, "batch_expired") == 0) {
    result->outcome = LJ_BATCH_EXPIRED;
  } else if (code != NULL && strcmp(code, "batch_cancelled") == 0) {
    result->outcome = LJ_BATCH_CANCELLED;
  } else if (response != NULL) {
    result->status = (int)lj_json_int(response, "status_code", 0);
    result->body = lj_json_get(response, "body");
  } else {
    result->status = 500;
    result->body = line; /* its `error` */
  }
  return LJ_OK;
}

static int find(const cJSON *body, const lj_batch_search *search, char id[LJ_BATCH_ID_SIZE]) {
  const cJSON *item = NULL;
  const cJSON *data = lj_json_array(body, "data");
  id[0] = '\0';
  if (data == NULL) return LJ_PROTOCOL;
  cJSON_ArrayForEach(item, data) {
    const char *mark = lj_json_string(lj_json_object(item, "metadata"), mark_name);
    if (mark != NULL && strcmp(mark, search->mark) == 0) return lj_batch_copy_id(id, lj_json_string(item, "id"), "");
  }
  return LJ_OK;
}

const lj_batch_api lj_openai_batch = {
    .max_bytes = 60000000, /* of the 200 MB that the API takes, what one request of ours may hold */
    .has_mark = true,
    .add = add,
    .build_upload = build_upload,
    .build_create = build_create,
    .build_list = build_list,
    .build_poll = build_poll,
    .build_results = build_results,
    .build_cancel = build_cancel,
    .read_upload = read_upload,
    .read_batch = read_batch,
    .read_result = read_result,
    .find = find,
    .next_page = lj_batch_page_behind_last,
};
