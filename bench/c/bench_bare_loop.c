/* SPDX-License-Identifier: MIT
 *
 * The ceiling: a loop that claims rows of llm_jobs, calls, and settles, on one thread with one commit for all that has come
 * together, and has no policy at all: no lease, no retry, no limits, no flows, no events, no validation of the request.
 *
 *     bench_bare_loop DATABASE URL CONCURRENCY STREAM
 *
 * Reads the number of jobs to do next from standard input, a line each, and answers each with the line "done". STREAM 1 asks for
 * a stream and puts its deltas together. Results are as durable as the engine's (synchronous=FULL).
 */
#include <cjson/cJSON.h>
#include <curl/curl.h>
#include <sqlite3.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "queue/schema.h"

enum { MOST = 1024, LINE = 65536 };

typedef struct call {
  CURL *easy;
  int64_t row;
  char *body;         /* of the request, while it runs */
  char *bytes;        /* of the answer */
  size_t length, size;
  bool ended;
} call;

typedef struct bare {
  sqlite3 *db;
  sqlite3_stmt *claim, *settle, *begin, *commit;
  CURLM *multi;
  struct curl_slist *headers;
  const char *url;
  bool stream;
  size_t concurrency, running, ended;
  call calls[MOST];
} bare;

static void die(const char *what) {
  fprintf(stderr, "bench_bare_loop: %s\n", what);
  exit(1);
}

static void must_sql(bare *self, int code, int expected) {
  if (code != expected) die(sqlite3_errmsg(self->db));
}

static sqlite3_stmt *prepare(bare *self, const char *sql) {
  sqlite3_stmt *statement = NULL;
  must_sql(self, sqlite3_prepare_v3(self->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &statement, NULL), SQLITE_OK);
  return statement;
}

static void step(bare *self, sqlite3_stmt *statement) {
  must_sql(self, sqlite3_step(statement), SQLITE_DONE);
  must_sql(self, sqlite3_reset(statement), SQLITE_OK);
}

static void open_database(bare *self, const char *file) {
  must_sql(self, sqlite3_open_v2(file, &self->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL), SQLITE_OK);
  (void)sqlite3_busy_timeout(self->db, 5000);
  must_sql(self, sqlite3_exec(self->db, "PRAGMA synchronous=FULL", NULL, NULL, NULL), SQLITE_OK);
  self->begin = prepare(self, "BEGIN IMMEDIATE");
  self->commit = prepare(self, "COMMIT");
  self->claim = prepare(self,
                        "UPDATE llm_jobs SET status = 'active' WHERE rowid = (SELECT rowid FROM llm_jobs WHERE status = 'waiting'"
                        " AND queue = 'default' AND " LJ_ROUTE_KEY " = 'bench/m' ORDER BY priority DESC, rowid LIMIT 1)"
                        " RETURNING rowid, data ->> '$.prompt'");
  self->settle = prepare(self,
                         "UPDATE llm_jobs SET status = 'completed', progress = 100, result = ?1,"
                         " finished_on = CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER) WHERE rowid = ?2");
}

static size_t on_bytes(char *bytes, size_t one, size_t count, void *owner) {
  call *self = owner;
  size_t length = one * count;
  if (self->length + length + 1 > self->size) {
    self->size = (self->length + length + 1) * 2;
    self->bytes = realloc(self->bytes, self->size);
    if (self->bytes == NULL) die("memory is short");
  }
  memcpy(self->bytes + self->length, bytes, length);
  self->length += length;
  self->bytes[self->length] = '\0';
  return length;
}

static char *request_of(const bare *self, const char *prompt) {
  cJSON *body = cJSON_CreateObject();
  cJSON *messages = cJSON_AddArrayToObject(body, "messages");
  cJSON *message = cJSON_CreateObject();
  cJSON_AddStringToObject(body, "model", "m");
  cJSON_AddBoolToObject(body, "stream", self->stream);
  cJSON_AddStringToObject(message, "role", "user");
  cJSON_AddStringToObject(message, "content", prompt);
  cJSON_AddItemToArray(messages, message);
  char *text = cJSON_PrintUnformatted(body);
  cJSON_Delete(body);
  if (text == NULL) die("memory is short");
  return text;
}

static void start(bare *self, call *slot, int64_t row, const char *prompt) {
  slot->row = row;
  slot->length = 0;
  slot->body = request_of(self, prompt);
  if (slot->easy == NULL) {
    slot->easy = curl_easy_init();
    (void)curl_easy_setopt(slot->easy, CURLOPT_URL, self->url);
    (void)curl_easy_setopt(slot->easy, CURLOPT_HTTPHEADER, self->headers);
    (void)curl_easy_setopt(slot->easy, CURLOPT_WRITEFUNCTION, on_bytes);
    (void)curl_easy_setopt(slot->easy, CURLOPT_WRITEDATA, slot);
    (void)curl_easy_setopt(slot->easy, CURLOPT_PRIVATE, slot);
    (void)curl_easy_setopt(slot->easy, CURLOPT_NOSIGNAL, 1L);
  }
  (void)curl_easy_setopt(slot->easy, CURLOPT_POSTFIELDS, slot->body);
  if (curl_multi_add_handle(self->multi, slot->easy) != CURLM_OK) die("curl takes no transfer");
  self->running++;
}

/* The text of a chunk or of a whole answer appended to `text`; its place is kept in *length. */
static void append_content(const char *json, const char *holder, char *text, size_t *length) {
  cJSON *parsed = cJSON_Parse(json);
  const cJSON *choice = cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(parsed, "choices"), 0);
  const cJSON *content = cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(choice, holder), "content");
  if (cJSON_IsString(content)) {
    size_t more = strlen(content->valuestring);
    if (*length + more >= LINE) die("the answer is too long");
    memcpy(text + *length, content->valuestring, more + 1);
    *length += more;
  }
  cJSON_Delete(parsed);
}

static char *result_of(const bare *self, call *slot) {
  static char text[LINE];
  size_t length = 0;
  text[0] = '\0';
  if (!self->stream) append_content(slot->bytes, "message", text, &length);
  for (char *line = self->stream ? slot->bytes : NULL; line != NULL;) {
    char *end = strchr(line, '\n');
    if (end != NULL) *end = '\0';
    if (strncmp(line, "data: {", 7) == 0) append_content(line + 6, "delta", text, &length);
    line = end != NULL ? end + 1 : NULL;
  }
  cJSON *result = cJSON_CreateObject();
  cJSON_AddStringToObject(result, "text", text);
  char *json = cJSON_PrintUnformatted(result);
  cJSON_Delete(result);
  if (json == NULL) die("memory is short");
  return json;
}

static void settle(bare *self, call *slot) {
  char *json = result_of(self, slot);
  (void)sqlite3_bind_text(self->settle, 1, json, -1, SQLITE_STATIC);
  (void)sqlite3_bind_int64(self->settle, 2, slot->row);
  step(self, self->settle);
  free(json);
  free(slot->body);
  slot->ended = false;
}

/* One transaction: everything that has ended, and claims for all free slots. Returns how many ended. */
static size_t turn(bare *self) {
  size_t settled = 0;
  bool more = true;
  step(self, self->begin);
  for (size_t i = 0; i < self->concurrency; i++) {
    call *slot = &self->calls[i];
    if (slot->ended) {
      settle(self, slot);
      settled++;
    } else if (slot->body != NULL) {
      continue; /* it runs */
    }
    slot->body = NULL;
    if (!more) continue;
    int code = sqlite3_step(self->claim);
    if (code == SQLITE_ROW) start(self, slot, sqlite3_column_int64(self->claim, 0), (const char *)sqlite3_column_text(self->claim, 1));
    more = code == SQLITE_ROW;
    must_sql(self, sqlite3_reset(self->claim), SQLITE_OK);
  }
  step(self, self->commit);
  self->ended = 0;
  return settled;
}

static void collect(bare *self) {
  int left = 0;
  for (CURLMsg *news = curl_multi_info_read(self->multi, &left); news != NULL; news = curl_multi_info_read(self->multi, &left)) {
    CURL *easy = news->easy_handle;
    call *slot = NULL;
    long status = 0;
    (void)curl_easy_getinfo(easy, CURLINFO_PRIVATE, (char **)&slot);
    (void)curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    if (news->data.result != CURLE_OK || status != 200) die("a call failed");
    (void)curl_multi_remove_handle(self->multi, easy);
    slot->ended = true;
    self->running--;
    self->ended++;
  }
}

static void work(bare *self, size_t jobs) {
  size_t done = 0;
  int running = 0;
  bool idle = true;
  while (done < jobs) {
    if (self->ended > 0 || idle) done += turn(self);
    if (curl_multi_perform(self->multi, &running) != CURLM_OK) die("curl fails");
    collect(self);
    idle = self->running == 0 && self->ended == 0;
    if (self->ended == 0 && curl_multi_poll(self->multi, NULL, 0, idle ? 1 : 1000, NULL) != CURLM_OK) die("curl fails");
  }
}

int main(int count, char **arguments) {
  static bare self;
  char line[32];
  if (count != 5) die("usage: bench_bare_loop DATABASE URL CONCURRENCY STREAM");
  self.url = arguments[2];
  self.concurrency = strtoul(arguments[3], NULL, 10);
  self.stream = strcmp(arguments[4], "1") == 0;
  if (self.concurrency < 1 || self.concurrency > MOST) die("CONCURRENCY is out of range");
  if (curl_global_init(CURL_GLOBAL_ALL) != CURLE_OK) die("curl does not start");
  self.multi = curl_multi_init();
  self.headers = curl_slist_append(NULL, "content-type: application/json");
  (void)curl_multi_setopt(self.multi, CURLMOPT_MAXCONNECTS, (long)self.concurrency);
  open_database(&self, arguments[1]);
  while (fgets(line, sizeof line, stdin) != NULL) {
    work(&self, strtoul(line, NULL, 10));
    (void)puts("done");
    (void)fflush(stdout);
  }
  return 0;
}
