/* SPDX-License-Identifier: MIT */
#include "http/client.h"

#include <curl/curl.h>
#include <stddef.h>
#include <string.h>

#include "base/clock.h"
#include "base/memory.h"
#include "http/ca.h"
#include "http/curl_fault.h"
#include "http/sockets.h"

#define USER_AGENT "llm-jobs/0.1"

enum {
  LINGER_MS = 250,      /* for the end of a body after its last event: some servers never send it */
  DISTRUST_MS = 4000,   /* after a sleep: longer than a call from before it gets to show that it lives */
  MAX_SPARE_HANDLES = 64
};

typedef enum call_state {
  CALL_RUNNING,
  CALL_ENDED,    /* on_end is due */
  CALL_LINGERING /* told; only the connection is still of use */
} call_state;

struct lj_call {
  lj_call *next;
  lj_call *previous;
  lj_http *http;
  CURL *easy;
  struct curl_slist *headers; /* one block, see new_headers */
  lj_call_listener listener;
  lj_timeouts timeouts;
  const char *target;
  uint64_t bytes;
  call_state state;
  bool in_multi;
  bool answered;         /* a body byte or data event has arrived */
  bool transfer_done;
  int code;              /* of on_end */
  int64_t started_ms;
  int64_t last_data_ms;
  int64_t linger_until_ms;
  /* Long texts, mostly empty, so they are last and only their beginning is cleared. */
  lj_fault fault;
  char error[CURL_ERROR_SIZE];
};

struct lj_http {
  lj_sockets sockets;
  lj_call *calls; /* doubly linked, newest first */
  size_t call_count;
  CURL *spare[MAX_SPARE_HANDLES];
  size_t spare_count;
  size_t ended;           /* calls in state CALL_ENDED */
  int64_t next_deadline;  /* never later than the first timer of any call */
  int64_t turn_ms;        /* when this turn began: the time of all that comes in it, and what its timers are judged by */
  int64_t distrusted_ms;  /* what was opened before is not used for further calls; 0: nothing is distrusted */
  uint64_t bytes;
};

static void unlink_call(lj_http *http, lj_call *call) {
  if (call->previous != NULL)
    call->previous->next = call->next;
  else
    http->calls = call->next;
  if (call->next != NULL) call->next->previous = call->previous;
  http->call_count--;
}

static void leave_multi(lj_http *http, lj_call *call) {
  if (!call->in_multi) return;
  /* Fails only for a handle that is not in it. */
  (void)curl_multi_remove_handle(http->sockets.multi, call->easy);
  call->in_multi = false;
}

/* A spare handle keeps what is the same for all calls (set_always); what else it holds the next call replaces (set_options). Where
 * curl might write meanwhile is taken away from it. */
static void keep_handle(lj_http *http, CURL *easy) {
  if (http->spare_count < MAX_SPARE_HANDLES && curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, NULL) == CURLE_OK)
    http->spare[http->spare_count++] = easy;
  else
    curl_easy_cleanup(easy);
}

/* The call is in no list any more, and its handle and its connection are free for others. */
static void retire(lj_http *http, lj_call *call) {
  leave_multi(http, call);
  unlink_call(http, call);
  if (call->state == CALL_ENDED) http->ended--;
  if (call->easy != NULL) keep_handle(http, call->easy);
  call->easy = NULL;
}

static void call_free(lj_call *call) {
  lj_free(call->headers);
  lj_free(call);
}

static void drop_call(lj_http *http, lj_call *call) {
  retire(http, call);
  call_free(call);
}

/* The end of a call is noted here and told in lj_http_turn, because a listener may start or abort calls, which curl forbids
 * inside its callbacks. */
static void note_end(lj_call *call, int code) {
  if (call->state != CALL_RUNNING) return;
  call->state = CALL_ENDED;
  call->code = code;
  call->http->ended++;
}

static size_t on_curl_body(char *bytes, size_t size, size_t count, void *owner) {
  lj_call *call = owner;
  size_t length = size * count;
  call->http->bytes += length;
  call->bytes += length;
  if (call->state != CALL_RUNNING) return length;
  if (!call->answered) lj_http_touch(call);
  int code = call->listener.on_body(call->listener.owner, bytes, length);
  if (code == LJ_OK) return length;
  if (code == LJ_CLOSED) {
    note_end(call, LJ_OK);
    return length;
  }
  lj_fault_clear(&call->fault);
  call->fault.code = code;
  note_end(call, code);
  return CURL_WRITEFUNC_ERROR;
}

static size_t on_curl_header(char *line, size_t size, size_t count, void *owner) {
  lj_call *call = owner;
  size_t length = size * count;
  call->bytes += length;
  if (call->state != CALL_RUNNING) return length;
  while (length > 0 && (line[length - 1] == '\r' || line[length - 1] == '\n')) length--;
  if (length > 5 && memcmp(line, "HTTP/", 5) == 0) {
    const char *space = memchr(line, ' ', length);
    int status = 0;
    for (const char *at = space != NULL ? space + 1 : line + length;
         at < line + length && *at >= '0' && *at <= '9' && status < 1000; at++)
      status = status * 10 + (*at - '0');
    call->listener.on_status(call->listener.owner, status);
  } else {
    const char *colon = memchr(line, ':', length);
    if (colon != NULL) {
      const char *value = colon + 1;
      const char *end = line + length;
      while (value < end && (*value == ' ' || *value == '\t')) value++;
      while (end > value && (end[-1] == ' ' || end[-1] == '\t')) end--;
      call->listener.on_header(call->listener.owner, line, (size_t)(colon - line), value, (size_t)(end - value));
    }
  }
  return size * count;
}

static int64_t earliest(int64_t first, int64_t second) { return first < second ? first : second; }

/* When the call must be looked at, and what it means when nothing has happened by then. */
static int64_t call_deadline(const lj_call *call, int *code) {
  const lj_timeouts *limits = &call->timeouts;
  if (call->state == CALL_LINGERING) return call->linger_until_ms;
  int64_t deadline = INT64_MAX;
  *code = LJ_TIMEOUT_TOTAL;
  if (limits->total_ms > 0) deadline = call->started_ms + limits->total_ms;
  if (!call->answered && limits->first_byte_ms > 0 && call->started_ms + limits->first_byte_ms < deadline) {
    deadline = call->started_ms + limits->first_byte_ms;
    *code = LJ_TIMEOUT_FIRST_BYTE;
  }
  if (call->answered && limits->idle_ms > 0 && call->last_data_ms + limits->idle_ms < deadline) {
    deadline = call->last_data_ms + limits->idle_ms;
    *code = LJ_TIMEOUT_IDLE;
  }
  return deadline;
}

static void report_timeout(lj_call *call, int code) {
  const lj_timeouts *limits = &call->timeouts;
  int64_t limit = code == LJ_TIMEOUT_TOTAL ? limits->total_ms : code == LJ_TIMEOUT_IDLE ? limits->idle_ms : limits->first_byte_ms;
  const char *what = code == LJ_TIMEOUT_TOTAL  ? "the answer was not complete"
                     : code == LJ_TIMEOUT_IDLE ? "the stream was silent"
                                               : "no answer began";
  const char *key = code == LJ_TIMEOUT_TOTAL ? "totalMs" : code == LJ_TIMEOUT_IDLE ? "idleMs" : "firstByteMs";
  lj_fault_set(&call->fault, code, "%s: %s within %lld ms (timeouts.%s)", call->target, what, (long long)limit, key);
  note_end(call, code);
}

static void check_timers(lj_http *http) {
  int64_t now = http->turn_ms;
  if (now < http->next_deadline) return;
  int64_t next = INT64_MAX;
  for (lj_call *call = http->calls, *following; call != NULL; call = following) {
    following = call->next;
    int code = LJ_OK;
    if (call->state == CALL_ENDED) continue;
    int64_t deadline = call_deadline(call, &code);
    if (deadline > now)
      next = earliest(next, deadline);
    else if (call->state == CALL_LINGERING)
      drop_call(http, call);
    else
      report_timeout(call, code);
  }
  http->next_deadline = next;
}

static void read_messages(lj_http *http) {
  int left = 0;
  CURLMsg *message;
  while ((message = curl_multi_info_read(http->sockets.multi, &left)) != NULL) {
    if (message->msg != CURLMSG_DONE) continue;
    CURLcode result = message->data.result;
    char *private = NULL;
    if (curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &private) != CURLE_OK || private == NULL) continue;
    lj_call *call = (lj_call *)(void *)private;
    call->transfer_done = true;
    if (call->state == CALL_LINGERING) {
      drop_call(http, call);
    } else if (call->state == CALL_RUNNING) {
      int code = result == CURLE_OK ? LJ_OK : lj_curl_fault(call->easy, result, call->target, call->error, &call->fault);
      note_end(call, code);
    }
  }
}

/* Listeners may start and abort calls, so the list is searched anew after each. */
static void tell_ends(lj_http *http) {
  while (http->ended > 0) {
    lj_call *call = http->calls;
    while (call != NULL && call->state != CALL_ENDED) call = call->next;
    if (call == NULL) return;
    if (call->code == LJ_OK && !call->transfer_done) {
      static const lj_fault none = {.retry_after_ms = -1};
      http->ended--;
      call->state = CALL_LINGERING;
      call->linger_until_ms = lj_mono_ms() + LINGER_MS;
      http->next_deadline = earliest(http->next_deadline, call->linger_until_ms);
      call->listener.on_end(call->listener.owner, LJ_OK, &none);
    } else {
      retire(http, call);
      call->listener.on_end(call->listener.owner, call->code, &call->fault);
      call_free(call);
    }
  }
}

int lj_http_turn(lj_http *http) {
  http->turn_ms = lj_mono_ms();
  int code = lj_sockets_run(&http->sockets);
  if (code != LJ_OK) return code;
  read_messages(http);
  check_timers(http);
  tell_ends(http);
  return LJ_OK;
}

int64_t lj_http_deadline(const lj_http *http) { return http->next_deadline; }

int lj_http_poll(lj_http *http, int timeout_ms) { return lj_sockets_wait(&http->sockets, timeout_ms); }

void lj_http_wake(lj_http *http) { lj_sockets_wake(&http->sockets); }

uint64_t lj_http_bytes(const lj_http *http) { return http->bytes; }

int lj_http_open(size_t connections, lj_http **out) {
  *out = NULL;
  lj_http *http = lj_calloc(1, sizeof *http);
  if (http == NULL) return LJ_NOMEM;
  http->next_deadline = INT64_MAX;
  int code = lj_sockets_open(&http->sockets);
  if (code == LJ_OK && curl_multi_setopt(http->sockets.multi, CURLMOPT_MAXCONNECTS, (long)connections) != CURLM_OK) code = LJ_NOMEM;
  if (code != LJ_OK) {
    lj_http_close(http);
    return code;
  }
  *out = http;
  return LJ_OK;
}

void lj_http_close(lj_http *http) {
  if (http == NULL) return;
  while (http->calls != NULL) drop_call(http, http->calls);
  for (size_t i = 0; i < http->spare_count; i++) curl_easy_cleanup(http->spare[i]);
  lj_sockets_close(&http->sockets);
  lj_free(http);
}

size_t lj_http_flowing(const lj_http *http) {
  size_t count = 0;
  for (const lj_call *call = http->calls; call != NULL; call = call->next) count += call->answered && call->state == CALL_RUNNING;
  return count;
}

uint64_t lj_http_call_bytes(const lj_call *call) { return call->bytes; }

void lj_http_distrust(lj_http *http) { http->distrusted_ms = lj_mono_ms(); }

void lj_http_touch(lj_call *call) {
  call->answered = true;
  call->last_data_ms = call->http->turn_ms;
}

void lj_http_abort(lj_http *http, lj_call *call) { drop_call(http, call); }

/* The wire's header lines as curl's list: the nodes, and behind them the text that they point into. NULL: memory is short. */
static struct curl_slist *new_headers(const lj_wire *wire) {
  /* libcurl would send `Expect: 100-continue` with large bodies and wait a second for servers that do not know it. */
  static char no_expect[] = "Expect:";
  size_t length = wire->headers.length;
  const char *end = wire->headers.data + length;
  size_t count = 2; /* that one, and a last line without an end */
  for (const char *at = wire->headers.data; (at = memchr(at, '\n', (size_t)(end - at))) != NULL; at++) count++;
  struct curl_slist *nodes = lj_malloc(count * sizeof *nodes + length + 1);
  if (nodes == NULL) return NULL;
  char *line = (char *)(nodes + count);
  char *stop = line + length;
  memcpy(line, wire->headers.data, length);
  *stop = '\0';
  size_t used = 0;
  nodes[used].data = no_expect;
  while (line < stop) {
    char *next = memchr(line, '\n', (size_t)(stop - line));
    if (next == NULL) next = stop;
    *next = '\0';
    nodes[used].next = &nodes[used + 1];
    nodes[++used].data = line;
    line = next + 1;
  }
  nodes[used].next = NULL;
  return nodes;
}

/* Every option is checked: one that silently does not take (no key check, a followed redirect) would be a hole. */
#define SET(option, value)                                      \
  do {                                                          \
    CURLcode set_result = curl_easy_setopt(easy, option, value); \
    if (set_result != CURLE_OK) return set_result;              \
  } while (0)

/* Calls are linked newest first. */
static bool older_runs(const lj_call *call, int64_t mono_ms) {
  const lj_call *older = call->next;
  while (older != NULL && older->started_ms > mono_ms) older = older->next;
  return older != NULL;
}

/* curl closes an idle connection that is older than so many whole seconds instead of using it, and one second is the least. One on
 * which a call from before the sleep runs is not idle: while there is such a call, for some seconds, new calls open their own. */
static CURLcode set_trust(lj_call *call, bool fresh) {
  CURL *easy = call->easy;
  int64_t distrusted_ms = call->http->distrusted_ms;
  if (distrusted_ms != 0) {
    int64_t since_ms = lj_mono_ms() - distrusted_ms;
    if (since_ms < DISTRUST_MS && older_runs(call, distrusted_ms)) fresh = true;
    SET(CURLOPT_MAXLIFETIME_CONN, (long)(since_ms < 1000 ? 1 : since_ms / 1000));
  }
  SET(CURLOPT_FRESH_CONNECT, fresh ? 1L : 0L);
  return CURLE_OK;
}

/* Of a new handle: what is the same for every call. */
static CURLcode set_always(CURL *easy) {
  SET(CURLOPT_NOSIGNAL, 1L);
  SET(CURLOPT_USERAGENT, USER_AGENT);
  SET(CURLOPT_PROTOCOLS_STR, "http,https");
  SET(CURLOPT_FOLLOWLOCATION, 0L);
  SET(CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
#ifdef _WIN32
  /* Schannel asks for each certificate whether it has been revoked, and else refuses those of a company's own authority, which
   * name nobody to ask, and all of them where that somebody can't be reached. */
  SET(CURLOPT_SSL_OPTIONS, (long)CURLSSLOPT_REVOKE_BEST_EFFORT);
#endif
  SET(CURLOPT_TCP_KEEPALIVE, 1L);
  SET(CURLOPT_WRITEFUNCTION, on_curl_body);
  SET(CURLOPT_HEADERFUNCTION, on_curl_header);
  SET(CURLOPT_NOPROXY, ""); /* else curl reads no_proxy of the environment */
  return CURLE_OK;
}

/* All else. Each option is set by each call, so that nothing of another one is left in a handle that is used again. */
static CURLcode set_options(lj_call *call, const lj_call_options *options) {
  CURL *easy = call->easy;
  const lj_wire *wire = options->wire;
  bool tls = strncmp(wire->url.data, "https:", 6) == 0;
  SET(CURLOPT_URL, wire->url.data);
  SET(CURLOPT_PRIVATE, call);
  SET(CURLOPT_ERRORBUFFER, call->error);
  SET(CURLOPT_HTTPHEADER, call->headers);
  SET(CURLOPT_WRITEDATA, call);
  SET(CURLOPT_HEADERDATA, call);
  SET(CURLOPT_PROXY, options->proxy != NULL ? options->proxy : "");
  SET(CURLOPT_CONNECTTIMEOUT_MS, (long)options->timeouts.connect_ms);
  CURLcode trust = set_trust(call, options->fresh);
  if (trust != CURLE_OK) return trust;
  /* Wait for the first connection to tell whether it multiplexes instead of opening one per request. */
  SET(CURLOPT_PIPEWAIT, tls ? 1L : 0L);
  if (tls) SET(CURLOPT_CAINFO, options->ca_file != NULL ? options->ca_file : lj_ca_file());
  if (strcmp(wire->method, "POST") == 0) {
    SET(CURLOPT_POST, 1L);
    SET(CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)wire->body.length);
    SET(CURLOPT_POSTFIELDS, wire->body.data);
  } else {
    SET(CURLOPT_HTTPGET, 1L);
  }
  return CURLE_OK;
}

static CURLcode take_handle(lj_http *http, CURL **out) {
  *out = http->spare_count > 0 ? http->spare[--http->spare_count] : NULL;
  if (*out != NULL) return CURLE_OK;
  CURL *easy = curl_easy_init();
  CURLcode result = easy != NULL ? set_always(easy) : CURLE_OUT_OF_MEMORY;
  if (result == CURLE_OK)
    *out = easy;
  else
    curl_easy_cleanup(easy);
  return result;
}

int lj_http_start(lj_http *http, const lj_call_options *options, lj_call **out, lj_fault *fault) {
  *out = NULL;
  lj_call *call = lj_malloc(sizeof *call);
  if (call == NULL) return lj_fault_set(fault, LJ_NOMEM, "%s: memory is short", options->target);
  memset(call, 0, offsetof(lj_call, fault));
  lj_fault_clear(&call->fault);
  call->error[0] = '\0';
  call->http = http;
  call->listener = options->listener;
  call->timeouts = options->timeouts;
  call->target = options->target;
  call->next = http->calls;
  if (http->calls != NULL) http->calls->previous = call;
  http->calls = call;
  http->call_count++;
  call->headers = new_headers(options->wire);

  CURLMcode added = CURLM_OUT_OF_MEMORY;
  bool ready = call->headers != NULL && lj_sockets_reserve(&http->sockets, http->call_count) == LJ_OK;
  CURLcode result = ready ? take_handle(http, &call->easy) : CURLE_OUT_OF_MEMORY;
  if (result == CURLE_OK) result = set_options(call, options);
  if (result == CURLE_OK) added = curl_multi_add_handle(http->sockets.multi, call->easy);
  call->in_multi = added == CURLM_OK;
  if (!call->in_multi) {
    int code = LJ_NOMEM;
    if (result != CURLE_OK && result != CURLE_OUT_OF_MEMORY)
      code = lj_curl_fault(call->easy, result, call->target, call->error, fault);
    else
      lj_fault_set(fault, LJ_NOMEM, "%s: memory is short", options->target);
    drop_call(http, call);
    return code;
  }
  int ignored = LJ_OK;
  call->started_ms = lj_mono_ms();
  http->next_deadline = earliest(http->next_deadline, call_deadline(call, &ignored));
  *out = call;
  return LJ_OK;
}
