/* SPDX-License-Identifier: MIT
 *
 * Messages to the engine: order, ceilings, and many threads that post at once.
 */
#include "base/limits.h"
#include "engine/mailbox.h"
#include "support/test.h"

enum { POSTERS = 4, PER_POSTER = 2000 };

static long blocks_before;

static int mailbox_setup(void **state) {
  blocks_before = lj_memory_live();
  lj_mailbox *mailbox = malloc(sizeof *mailbox);
  assert_non_null(mailbox);
  assert_code(lj_mailbox_init(mailbox), LJ_OK);
  *state = mailbox;
  return 0;
}

static int mailbox_teardown(void **state) {
  lj_mailbox_destroy(*state);
  free(*state);
  lj_memory_fail_at(0, 0);
  return lj_memory_live() == blocks_before ? 0 : -1;
}

/* All letters, separated by spaces. */
static const char *take_all(lj_mailbox *mailbox) {
  static char out[4096];
  size_t used = 0;
  out[0] = '\0';
  for (lj_letter *letter = lj_mailbox_take(mailbox), *next; letter != NULL; letter = next) {
    next = letter->next;
    used += (size_t)snprintf(out + used, sizeof out - used, "%s%s", used > 0 ? " " : "", letter->text);
    lj_free(letter);
  }
  return out;
}

static void letters_come_in_order_of_arrival_and_once(void **state) {
  lj_mailbox *mailbox = *state;
  assert_null(lj_mailbox_take(mailbox));
  assert_code(lj_mailbox_post(mailbox, "a"), LJ_OK);
  assert_code(lj_mailbox_post(mailbox, "b"), LJ_OK);
  assert_string_equal(take_all(mailbox), "a b");
  assert_null(lj_mailbox_take(mailbox));
  assert_code(lj_mailbox_post(mailbox, "c"), LJ_OK);
  assert_string_equal(take_all(mailbox), "c");
}

static void letters_are_copies(void **state) {
  lj_mailbox *mailbox = *state;
  char text[] = "before";
  assert_code(lj_mailbox_post(mailbox, text), LJ_OK);
  memcpy(text, "behind", sizeof text);
  assert_string_equal(take_all(mailbox), "before");
}

static void only_so_many_letters_wait(void **state) {
  lj_mailbox *mailbox = *state;
  for (int i = 0; i < LJ_MAX_COMMANDS; i++) assert_code(lj_mailbox_post(mailbox, "x"), LJ_OK);
  long live = lj_memory_live();
  assert_code(lj_mailbox_post(mailbox, "y"), LJ_BUSY);
  assert_int_equal(lj_memory_live(), live);
  size_t count = 0;
  for (lj_letter *letter = lj_mailbox_take(mailbox), *next; letter != NULL; letter = next, count++) {
    next = letter->next;
    assert_string_equal(letter->text, "x");
    lj_free(letter);
  }
  assert_int_equal(count, LJ_MAX_COMMANDS);
  assert_code(lj_mailbox_post(mailbox, "y"), LJ_OK);
  assert_string_equal(take_all(mailbox), "y");
}

static void letter_above_the_ceiling_is_refused(void **state) {
  lj_mailbox *mailbox = *state;
  char *text = malloc(LJ_MAX_COMMAND_BYTES + 2);
  assert_non_null(text);
  memset(text, 'x', LJ_MAX_COMMAND_BYTES + 1);
  text[LJ_MAX_COMMAND_BYTES + 1] = '\0';
  assert_code(lj_mailbox_post(mailbox, text), LJ_TOO_BIG);
  text[LJ_MAX_COMMAND_BYTES] = '\0';
  assert_code(lj_mailbox_post(mailbox, text), LJ_OK);
  free(text);
  lj_letter *letter = lj_mailbox_take(mailbox);
  assert_int_equal(strlen(letter->text), LJ_MAX_COMMAND_BYTES);
  lj_free(letter);
}

static void shortage_of_memory_is_told_and_nothing_is_lost(void **state) {
  lj_mailbox *mailbox = *state;
  assert_code(lj_mailbox_post(mailbox, "a"), LJ_OK);
  lj_memory_fail_at(1, 0);
  assert_code(lj_mailbox_post(mailbox, "b"), LJ_NOMEM);
  lj_memory_fail_at(0, 0);
  assert_code(lj_mailbox_post(mailbox, "c"), LJ_OK);
  assert_string_equal(take_all(mailbox), "a c");
}

static void letters_that_nobody_took_are_freed(void **state) {
  lj_mailbox *mailbox = *state;
  assert_code(lj_mailbox_post(mailbox, "a"), LJ_OK); /* mailbox_teardown looks */
  assert_code(lj_mailbox_post(mailbox, "b"), LJ_OK);
}

static void many_notes_count_as_one(void **state) {
  lj_mailbox *mailbox = *state;
  assert_false(lj_mailbox_notified(mailbox));
  assert_true(lj_mailbox_notify(mailbox));
  assert_false(lj_mailbox_notify(mailbox));
  assert_false(lj_mailbox_notify(mailbox));
  assert_true(lj_mailbox_notified(mailbox));
  assert_false(lj_mailbox_notified(mailbox));
  assert_true(lj_mailbox_notify(mailbox));
}

typedef struct poster {
  lj_mailbox *mailbox;
  int number;
  int full; /* how often there was no room */
  lj_thread thread;
} poster;

static void post_many(void *argument) {
  poster *own = argument;
  char text[32];
  for (int i = 0; i < PER_POSTER;) {
    (void)snprintf(text, sizeof text, "%d %d", own->number, i);
    int code = lj_mailbox_post(own->mailbox, text);
    if (code == LJ_OK)
      i++;
    else if (code == LJ_BUSY)
      own->full++;
    else
      break; /* the missing letters fail the test */
    (void)lj_mailbox_notify(own->mailbox);
  }
}

static void each_thread_sees_its_letters_in_order(void **state) {
  lj_mailbox *mailbox = *state;
  poster posters[POSTERS];
  int next[POSTERS] = {0};
  int left = POSTERS * PER_POSTER;
  for (int i = 0; i < POSTERS; i++) {
    posters[i] = (poster){.mailbox = mailbox, .number = i};
    assert_code(lj_thread_start(&posters[i].thread, "poster", post_many, &posters[i]), LJ_OK);
  }
  while (left > 0) {
    (void)lj_mailbox_notified(mailbox);
    for (lj_letter *letter = lj_mailbox_take(mailbox), *following; letter != NULL; letter = following, left--) {
      int from = -1;
      int number = -1;
      following = letter->next;
      assert_int_equal(sscanf(letter->text, "%d %d", &from, &number), 2);
      assert_in_range(from, 0, POSTERS - 1);
      assert_int_equal(number, next[from]);
      next[from]++;
      lj_free(letter);
    }
  }
  for (int i = 0; i < POSTERS; i++) lj_thread_join(&posters[i].thread);
  assert_null(lj_mailbox_take(mailbox));
}

#define mailbox_test(function) cmocka_unit_test_setup_teardown(function, mailbox_setup, mailbox_teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      mailbox_test(letters_come_in_order_of_arrival_and_once),
      mailbox_test(letters_are_copies),
      mailbox_test(only_so_many_letters_wait),
      mailbox_test(letter_above_the_ceiling_is_refused),
      mailbox_test(shortage_of_memory_is_told_and_nothing_is_lost),
      mailbox_test(letters_that_nobody_took_are_freed),
      mailbox_test(many_notes_count_as_one),
      mailbox_test(each_thread_sees_its_letters_in_order),
  };
  return cmocka_run_group_tests_name("mailbox", tests, NULL, NULL);
}
