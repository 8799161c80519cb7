/* SPDX-License-Identifier: MIT
 *
 * Messages from the engine: their JSON, their order, what is dropped when nobody reads, and reading from another thread.
 */
#include <stdatomic.h>

#include "base/limits.h"
#include "engine/outbox.h"
#include "support/test.h"

typedef struct outbox_fixture {
  lj_outbox outbox;
  atomic_int calls; /* of on_events */
  long live;
} outbox_fixture;

static void on_events(void *owner) { atomic_fetch_add(&((outbox_fixture *)owner)->calls, 1); }

static int outbox_setup(void **state) {
  outbox_fixture *fixture = calloc(1, sizeof *fixture);
  assert_non_null(fixture);
  fixture->live = lj_memory_live();
  assert_code(lj_outbox_init(&fixture->outbox, on_events, fixture), LJ_OK);
  *state = fixture;
  return 0;
}

static int outbox_teardown(void **state) {
  outbox_fixture *fixture = *state;
  lj_memory_fail_at(0, 0);
  lj_outbox_destroy(&fixture->outbox);
  bool tidy = lj_memory_live() == fixture->live;
  free(fixture);
  return tidy ? 0 : -1;
}

static void assert_taken(outbox_fixture *fixture, const char *expected) {
  char *events = NULL;
  assert_code(lj_outbox_take(&fixture->outbox, &events), LJ_OK);
  if (expected == NULL) {
    assert_null(events);
    return;
  }
  assert_non_null(events);
  assert_string_equal(events, expected);
  lj_free(events);
}

static void post_number(lj_outbox *outbox, const char *id, const char *channel, int number) {
  char text[32];
  (void)snprintf(text, sizeof text, "{\"n\":%d}", number);
  lj_outbox_post(outbox, id, channel, json_of(text));
}

static void nothing_is_visible_before_the_turn_is_published(void **state) {
  outbox_fixture *fixture = *state;
  assert_taken(fixture, NULL);
  post_number(&fixture->outbox, "1", "worker:x", 5);
  assert_taken(fixture, NULL);
  assert_int_equal(fixture->calls, 0);
  lj_outbox_publish(&fixture->outbox);
  assert_int_equal(fixture->calls, 1);
  assert_taken(fixture, "[{\"id\":\"1\",\"channel\":\"worker:x\",\"payload\":{\"n\":5}}]");
  assert_taken(fixture, NULL);
}

static void all_kinds_of_messages_have_their_shape(void **state) {
  outbox_fixture *fixture = *state;
  post_number(&fixture->outbox, NULL, "worker:log", 1);
  lj_outbox_refuse(&fixture->outbox, "7", "worker:y", LJ_NOT_FOUND, "a \"quoted\" word");
  lj_outbox_job(&fixture->outbox, "a", "n", LJ_STATUS_ACTIVE, LJ_OK, 1);
  lj_outbox_job(&fixture->outbox, "b", "n\n", LJ_STATUS_FAILED, LJ_AUTH, 2);
  lj_outbox_token(&fixture->outbox, "a", "Hel", false);
  lj_outbox_token(&fixture->outbox, "c", "lo", true);
  lj_outbox_publish(&fixture->outbox);
  assert_taken(fixture,
               "[{\"channel\":\"worker:log\",\"payload\":{\"n\":1}},"
               "{\"id\":\"7\",\"channel\":\"worker:y\",\"error\":{\"code\":\"NOT_FOUND\",\"message\":\"a \\\"quoted\\\" word\"}},"
               /* The text of a job comes before its end. */
               "{\"channel\":\"worker:token\",\"payload\":{\"tokens\":[{\"id\":\"a\",\"text\":\"Hel\"},"
               "{\"id\":\"c\",\"text\":\"lo\",\"restart\":true}]}},"
               "{\"channel\":\"worker:job\",\"payload\":{\"jobs\":[{\"id\":\"a\",\"name\":\"n\",\"status\":\"active\",\"attempt\":1},"
               "{\"id\":\"b\",\"name\":\"n\\n\",\"status\":\"failed\",\"code\":\"AUTH\",\"attempt\":2}]}}]");
}

static void listener_is_called_once_until_the_events_are_taken(void **state) {
  outbox_fixture *fixture = *state;
  for (int i = 1; i <= 3; i++) {
    post_number(&fixture->outbox, NULL, "c", i);
    lj_outbox_publish(&fixture->outbox);
    lj_outbox_publish(&fixture->outbox); /* an empty turn says nothing */
  }
  assert_int_equal(fixture->calls, 1);
  assert_taken(fixture, "[{\"channel\":\"c\",\"payload\":{\"n\":1}},{\"channel\":\"c\",\"payload\":{\"n\":2}},{\"channel\":\"c\",\"payload\":{\"n\":3}}]");
  post_number(&fixture->outbox, NULL, "c", 4);
  lj_outbox_publish(&fixture->outbox);
  assert_int_equal(fixture->calls, 2);
}

static void missing_payload_is_counted_as_dropped(void **state) {
  outbox_fixture *fixture = *state;
  lj_outbox_post(&fixture->outbox, "1", "c", NULL);
  lj_outbox_publish(&fixture->outbox);
  assert_taken(fixture, NULL);
  assert_int_equal(fixture->outbox.dropped, 1);
  assert_int_equal(fixture->calls, 0);
}

/* A text of that many bytes. */
static char *long_text(size_t length) {
  char *text = malloc(length + 1);
  assert_non_null(text);
  memset(text, 't', length);
  text[length] = '\0';
  return text;
}

static size_t take_length(outbox_fixture *fixture) {
  char *events = NULL;
  assert_code(lj_outbox_take(&fixture->outbox, &events), LJ_OK);
  size_t length = events != NULL ? strlen(events) : 0;
  if (events != NULL) {
    cJSON *array = json_of(events);
    assert_true(cJSON_IsArray(array));
    cJSON_Delete(array);
  }
  lj_free(events);
  return length;
}

static void tokens_are_dropped_first_and_counted(void **state) {
  outbox_fixture *fixture = *state;
  char *text = long_text(1 << 20);
  for (int i = 0; i < 12; i++) {
    lj_outbox_token(&fixture->outbox, "a", text, false);
    lj_outbox_publish(&fixture->outbox);
  }
  assert_true(fixture->outbox.dropped_tokens >= 8);
  assert_int_equal(fixture->outbox.dropped, 0);
  /* There is still room for what is not a token. */
  lj_outbox_job(&fixture->outbox, "a", "n", LJ_STATUS_COMPLETED, LJ_OK, 1);
  lj_outbox_publish(&fixture->outbox);
  assert_int_equal(fixture->outbox.dropped, 0);
  assert_in_range(take_length(fixture), 1 << 20, LJ_MAX_EVENT_BYTES / 2 + 1000);
  lj_outbox_token(&fixture->outbox, "a", "small", false);
  lj_outbox_publish(&fixture->outbox);
  assert_taken(fixture, "[{\"channel\":\"worker:token\",\"payload\":{\"tokens\":[{\"id\":\"a\",\"text\":\"small\"}]}}]");
  free(text);
}

static void events_that_nobody_takes_stay_below_the_ceiling_and_are_whole(void **state) {
  outbox_fixture *fixture = *state;
  char *text = long_text(1 << 20);
  for (int i = 0; i < 12; i++) {
    lj_outbox_refuse(&fixture->outbox, "a", "c", LJ_BUSY, text);
    lj_outbox_publish(&fixture->outbox);
  }
  assert_true(fixture->outbox.dropped >= 4);
  assert_true(fixture->outbox.dropped <= 5);
  assert_in_range(take_length(fixture), 7 << 20, LJ_MAX_EVENT_BYTES + 2);
  lj_outbox_job(&fixture->outbox, "a", "n", LJ_STATUS_COMPLETED, LJ_OK, 1);
  lj_outbox_publish(&fixture->outbox);
  assert_taken(fixture, "[{\"channel\":\"worker:job\",\"payload\":{\"jobs\":[{\"id\":\"a\",\"name\":\"n\",\"status\":\"completed\",\"attempt\":1}]}}]");
  free(text);
}

static void one_turn_above_the_ceiling_loses_only_what_found_no_room(void **state) {
  outbox_fixture *fixture = *state;
  char *text = long_text(1 << 20);
  for (int i = 0; i < 12; i++) lj_outbox_refuse(&fixture->outbox, "a", "c", LJ_BUSY, text);
  lj_outbox_publish(&fixture->outbox);
  assert_int_equal(fixture->outbox.dropped, 5);
  assert_in_range(take_length(fixture), 7 << 20, LJ_MAX_EVENT_BYTES + 2);
  free(text);
}

static void shortage_of_memory_drops_and_counts_but_never_breaks_the_json(void **state) {
  outbox_fixture *fixture = *state;
  uint64_t dropped = 0;
  uint64_t dropped_tokens = 0;
  for (long nth = 1; nth < 60; nth++) {
    cJSON *payload = json_of("{\"n\":1}");
    /* What has once found memory keeps it, so each round has an outbox of its own. */
    lj_outbox_destroy(&fixture->outbox);
    assert_code(lj_outbox_init(&fixture->outbox, on_events, fixture), LJ_OK);
    lj_memory_fail_at(nth, 0);
    lj_outbox_post(&fixture->outbox, "1", "c", payload);
    lj_outbox_refuse(&fixture->outbox, "2", "c", LJ_BUSY, "x");
    lj_outbox_job(&fixture->outbox, "a", "n", LJ_STATUS_FAILED, LJ_AUTH, 1);
    lj_outbox_token(&fixture->outbox, "a", "t", false);
    lj_outbox_publish(&fixture->outbox);
    char *events = NULL;
    int code = lj_outbox_take(&fixture->outbox, &events);
    lj_memory_fail_at(0, 0);
    if (code == LJ_NOMEM) { /* the events stay */
      assert_null(events);
      assert_code(lj_outbox_take(&fixture->outbox, &events), LJ_OK);
    }
    if (events != NULL) {
      cJSON *array = json_of(events);
      assert_true(cJSON_IsArray(array));
      cJSON_Delete(array);
    }
    lj_free(events);
    dropped += fixture->outbox.dropped;
    dropped_tokens += fixture->outbox.dropped_tokens;
  }
  assert_true(dropped > 10);
  assert_in_range(dropped_tokens, 1, 10);
  post_number(&fixture->outbox, NULL, "c", 1);
  lj_outbox_publish(&fixture->outbox);
  assert_taken(fixture, "[{\"channel\":\"c\",\"payload\":{\"n\":1}}]");
}

enum { MESSAGES = 3000 };

static void publish_many(void *argument) {
  outbox_fixture *fixture = argument;
  for (int i = 0; i < MESSAGES; i++) {
    post_number(&fixture->outbox, NULL, "c", i);
    lj_outbox_token(&fixture->outbox, "a", "t", false);
    lj_outbox_publish(&fixture->outbox);
  }
}

static void another_thread_takes_every_message_once_and_in_order(void **state) {
  outbox_fixture *fixture = *state;
  lj_thread thread;
  int next = 0;
  int tokens = 0;
  assert_code(lj_thread_start(&thread, "engine", publish_many, fixture), LJ_OK);
  while (next < MESSAGES || tokens < MESSAGES) {
    char *events = NULL;
    assert_code(lj_outbox_take(&fixture->outbox, &events), LJ_OK);
    if (events == NULL) continue;
    cJSON *array = json_of(events);
    const cJSON *item = NULL;
    cJSON_ArrayForEach(item, array) {
      const cJSON *payload = lj_json_object(item, "payload");
      if (lj_json_get(payload, "tokens") != NULL)
        tokens++;
      else
        assert_int_equal(lj_json_int(payload, "n", -1), next++);
    }
    cJSON_Delete(array);
    lj_free(events);
  }
  lj_thread_join(&thread);
  assert_true(atomic_load(&fixture->calls) >= 1);
  assert_int_equal(fixture->outbox.dropped, 0);
}

#define outbox_test(function) cmocka_unit_test_setup_teardown(function, outbox_setup, outbox_teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      outbox_test(nothing_is_visible_before_the_turn_is_published),
      outbox_test(all_kinds_of_messages_have_their_shape),
      outbox_test(listener_is_called_once_until_the_events_are_taken),
      outbox_test(missing_payload_is_counted_as_dropped),
      outbox_test(tokens_are_dropped_first_and_counted),
      outbox_test(events_that_nobody_takes_stay_below_the_ceiling_and_are_whole),
      outbox_test(one_turn_above_the_ceiling_loses_only_what_found_no_room),
      outbox_test(shortage_of_memory_drops_and_counts_but_never_breaks_the_json),
      outbox_test(another_thread_takes_every_message_once_and_in_order),
  };
  lj_memory_init();
  return cmocka_run_group_tests_name("outbox", tests, NULL, NULL);
}
