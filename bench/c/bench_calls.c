/* SPDX-License-Identifier: MIT
 *
 * The engine's HTTP client alone: no queue, no policy, no reading of the answer's JSON.
 *
 *     bench_calls BASE_URL CALLS CONCURRENCY
 *
 * Makes CALLS chat completions, CONCURRENCY at a time, over kept connections, and prints {"seconds", "calls", "bytes"}.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/json.h"
#include "http/client.h"

enum { MOST = 1024 };

typedef struct caller {
  lj_http *http;
  lj_wire wire;
  long left;    /* not started yet */
  long running;
  long ended;
} caller;

static void die(const char *what) {
  fprintf(stderr, "bench_calls: %s\n", what);
  exit(1);
}

static void on_status(void *owner, int status) {
  (void)owner;
  if (status != 200) die("the server does not answer with 200");
}

static void on_header(void *owner, const char *name, size_t name_length, const char *value, size_t value_length) {
  (void)owner;
  (void)name;
  (void)name_length;
  (void)value;
  (void)value_length;
}

static int on_body(void *owner, const char *bytes, size_t length) {
  (void)owner;
  (void)bytes;
  (void)length;
  return LJ_OK;
}

static void on_end(void *owner, int code, const lj_fault *fault) {
  caller *self = owner;
  if (code != LJ_OK) die(fault->message);
  self->running--;
  self->ended++;
}

static void start(caller *self) {
  lj_call *call = NULL;
  lj_fault fault;
  const lj_call_options options = {
      .wire = &self->wire,
      .timeouts = {.connect_ms = 10000, .total_ms = 60000},
      .target = "bench",
      .listener = {.owner = self, .on_status = on_status, .on_header = on_header, .on_body = on_body, .on_end = on_end},
  };
  if (lj_http_start(self->http, &options, &call, &fault) != LJ_OK) die(fault.message);
  self->left--;
  self->running++;
}

int main(int count, char **arguments) {
  static const char body[] = "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":\"A question of some length.\"}],\"stream\":false}";
  static caller self;
  cJSON *request = NULL;
  lj_fault fault;
  if (count != 4) die("usage: bench_calls BASE_URL CALLS CONCURRENCY");
  long calls = strtol(arguments[2], NULL, 10);
  long concurrency = strtol(arguments[3], NULL, 10);
  if (calls < 1 || concurrency < 1 || concurrency > MOST) die("CALLS or CONCURRENCY is out of range");
  lj_wire_init(&self.wire);
  lj_endpoint endpoint = {.provider = "bench", .base_url = arguments[1]};
  if (lj_json_parse(body, sizeof body - 1, &request) != LJ_OK) die("memory is short");
  if (lj_provider_find("openai-compatible")->build(&endpoint, "m", request, &self.wire, &fault) != LJ_OK) die(fault.message);
  if (lj_http_global_init() != LJ_OK || lj_http_open((size_t)concurrency, &self.http) != LJ_OK) die("curl does not start");
  self.left = calls;
  int64_t begun = lj_mono_us();
  while (self.ended < calls) {
    while (self.left > 0 && self.running < concurrency) start(&self);
    if (lj_http_turn(self.http) != LJ_OK) die("curl fails");
    if (self.running == concurrency || self.left == 0)
      if (self.running > 0 && lj_http_poll(self.http, 1000) != LJ_OK) die("curl fails");
  }
  printf("{\"seconds\":%.6f,\"calls\":%ld,\"bytes\":%.0f}\n", (double)(lj_mono_us() - begun) / 1e6, calls,
         (double)lj_http_bytes(self.http));
  lj_http_close(self.http);
  lj_wire_free(&self.wire);
  cJSON_Delete(request);
  lj_http_global_cleanup();
  return 0;
}
