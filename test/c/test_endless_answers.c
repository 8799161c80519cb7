/* SPDX-License-Identifier: MIT
 *
 * Answers without end: each ends in a clear error at the ceiling that it was given, for every kind of provider.
 */
#include "provider/response.h"
#include "support/test.h"

enum { BLOCK = 65536, CEILING = 1 << 20 };

static const size_t GIBIBYTE = (size_t)1 << 30;

/* Feeds `opening` and then `more` again and again, a gibibyte at most; returns how many bytes were taken. */
static size_t feed_on(const char *kind, bool stream, const char *opening, const char *more, lj_fault *fault, int *code) {
  static char block[BLOCK];
  lj_response *response = NULL;
  size_t unit = strlen(more);
  size_t whole = BLOCK / unit * unit;
  size_t taken = strlen(opening);
  for (size_t at = 0; at < whole; at += unit) memcpy(block + at, more, unit);
  assert_code(lj_response_open(lj_provider_find(kind), &(lj_wire){.stream = stream}, CEILING, NULL, &response), LJ_OK);
  lj_response_status(response, 200);
  int fed = taken > 0 ? lj_response_feed(response, opening, taken) : LJ_OK;
  while (fed == LJ_OK && taken < GIBIBYTE) {
    fed = lj_response_feed(response, block, whole);
    taken += whole;
  }
  *code = lj_response_end(response, fault);
  lj_response_free(response);
  return taken;
}

/* The kinds, one after the other. */
static const char *next_kind(char *names, const char *kind) { return strtok(kind == NULL ? names : NULL, ", "); }

static void an_answer_without_end_is_too_large(void **state) {
  static const struct {
    const char *opening;
    const char *more;
  } answers[] = {
      {"data: {\"text\":\"", "x"},            /* one line of an event stream */
      {"{\"text\":\"", "x"},                  /* one line of JSON, or a body */
      {"", ": still here\n\n"},               /* comments */
      {"", "event: ping\ndata: {\"type\": \"ping\"}\n\n"},
      {"", "data: {}\n"},                     /* one event of many lines */
      {"", "{\"done\":false}\n"},
      {"", "\r\n"},
      {"<html>", "<p>"},
      {"", "["},
  };
  char names[256];
  (void)state;
  (void)snprintf(names, sizeof names, "%s", lj_provider_kinds());
  for (const char *kind = next_kind(names, NULL); kind != NULL; kind = next_kind(NULL, kind))
    for (size_t at = 0; at < COUNT_OF(answers); at++)
      for (int stream = 0; stream < 2; stream++) {
        lj_fault fault;
        int code = LJ_OK;
        size_t taken = feed_on(kind, stream != 0, answers[at].opening, answers[at].more, &fault, &code);
        assert_true(taken <= CEILING + BLOCK);
        assert_true(code == LJ_RESPONSE_TOO_LARGE || code == LJ_PROTOCOL);
        assert_true(fault.message[0] != '\0');
      }
}

static void deep_json_is_no_json(void **state) {
  enum { DEPTH = 10000 };
  static const char *const frames[] = {"", "data: "};
  char names[256];
  char *bytes = malloc(2 * DEPTH + 64);
  (void)state;
  assert_non_null(bytes);
  (void)snprintf(names, sizeof names, "%s", lj_provider_kinds());
  for (const char *kind = next_kind(names, NULL); kind != NULL; kind = next_kind(NULL, kind))
    for (size_t frame = 0; frame < COUNT_OF(frames); frame++)
      for (int stream = 0; stream < 2; stream++) {
        lj_response *response = NULL;
        lj_fault fault;
        size_t used = strlen(frames[frame]);
        memcpy(bytes, frames[frame], used);
        memset(bytes + used, '[', DEPTH);
        memset(bytes + used + DEPTH, ']', DEPTH);
        memcpy(bytes + used + 2 * DEPTH, "\n\n", 2);
        assert_code(lj_response_open(lj_provider_find(kind), &(lj_wire){.stream = stream != 0}, CEILING, NULL, &response), LJ_OK);
        lj_response_status(response, 200);
        (void)!lj_response_feed(response, bytes, used + 2 * DEPTH + 2);
        assert_code(lj_response_end(response, &fault), LJ_PROTOCOL);
        assert_true(fault.message[0] != '\0');
        lj_response_free(response);
      }
  free(bytes);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      tidy_test(an_answer_without_end_is_too_large),
      tidy_test(deep_json_is_no_json),
  };
  lj_memory_init();
  return cmocka_run_group_tests(tests, NULL, NULL);
}
