/* SPDX-License-Identifier: MIT
 *
 * What an app that writes meanwhile waits for, on a clock that the test keeps: the engine works at full speed, and SQLite's busy
 * handler of the app looks at the lock after 1, 2, 5, 10 … ms.
 */
#include "engine/gap.h"
#include "engine/pace.h"
#include "support/test.h"

enum { ENDS = 128, CLAIMS = 128, TRANSACTIONS = 200, WARM_UP = 40, STEP_US = 37 };

typedef struct costs {
  int64_t end;
  int64_t claim;
  int64_t commit;
} costs;

typedef struct span {
  int64_t from;
  int64_t to;
} span;

/* The spans of time in which the engine holds the lock, with more jobs to end and to claim than fit. */
static void work(const costs *of, span spans[TRANSACTIONS]) {
  lj_gap gap = {0};
  lj_pace pace = {0};
  int64_t now = 1000;
  for (int i = 0; i < 3; i++) lj_gap_saw_others(&gap, now / 1000);
  for (int i = 0; i < TRANSACTIONS; i++) {
    size_t ends = ENDS;
    size_t claims = CLAIMS;
    lj_gap_saw_others(&gap, now / 1000);
    if (now < gap.write_at_us) now = gap.write_at_us;
    assert_true(lj_gap_crowded(&gap, now / 1000));
    lj_pace_limit(&pace, &ends, &claims);
    assert_true(ends >= 1 && claims >= 1);
    int64_t ends_us = (int64_t)ends * of->end;
    int64_t claims_us = (int64_t)claims * of->claim;
    spans[i].from = now;
    now += ends_us + claims_us + of->commit;
    spans[i].to = now;
    lj_pace_note(&pace, ends, ends_us, claims, claims_us, of->commit);
    lj_gap_wrote(&gap, now, now - spans[i].from);
  }
}

static bool held_at(const span spans[TRANSACTIONS], int64_t at) {
  for (int i = 0; i < TRANSACTIONS; i++)
    if (at >= spans[i].from && at < spans[i].to) return true;
  return false;
}

/* How long an app waits that first looks at `at`, when each sleep takes `late` longer than it should. */
static int64_t wait_of(const span spans[TRANSACTIONS], int64_t at, int64_t late) {
  static const int64_t sleeps[] = {1000, 2000, 5000, 10000, 15000, 20000};
  int64_t now = at;
  for (size_t i = 0; held_at(spans, now); i++) {
    assert_true(i < COUNT_OF(sleeps));
    now += sleeps[i] + late;
  }
  return now - at;
}

static void app_never_looks_a_third_time_in_vain(void **state) {
  static const costs cases[] = {{30, 40, 300}, {100, 100, 1000}, {5, 5, 50}, {400, 300, 1500}, {1, 900, 1900}, {20, 20, 2000}};
  static const int64_t lates[] = {0, 60, 500, 1000};
  static span spans[TRANSACTIONS];
  (void)state;
  for (size_t i = 0; i < COUNT_OF(cases); i++) {
    work(&cases[i], spans);
    for (size_t late = 0; late < COUNT_OF(lates); late++)
      for (int64_t at = spans[WARM_UP].from; at < spans[TRANSACTIONS - 10].to; at += STEP_US)
        assert_true(wait_of(spans, at, lates[late]) <= 3000 + 2 * lates[late]);
  }
}

static void transaction_holds_the_lock_for_three_milliseconds_at_most(void **state) {
  static span spans[TRANSACTIONS];
  (void)state;
  for (int64_t end = 10; end <= 500; end += 70)
    for (int64_t claim = 10; claim <= 500; claim += 70)
      for (int64_t commit = 0; commit <= 2000; commit += 400) {
        const costs of = {end, claim, commit};
        work(&of, spans);
        for (int i = 1; i < TRANSACTIONS; i++) assert_true(spans[i].to - spans[i].from <= LJ_PACE_HELD_US);
      }
}

static void nothing_is_limited_before_anything_is_known(void **state) {
  lj_pace pace = {0};
  size_t ends = ENDS;
  size_t claims = CLAIMS;
  (void)state;
  lj_pace_limit(&pace, &ends, &claims);
  assert_int_equal(ends, ENDS);
  assert_int_equal(claims, CLAIMS);
}

static void slow_disk_and_large_rows_still_get_one_of_each(void **state) {
  lj_pace pace = {0};
  size_t ends = ENDS;
  size_t claims = CLAIMS;
  (void)state;
  lj_pace_note(&pace, 1, 9000, 1, 9000, 50000);
  lj_pace_limit(&pace, &ends, &claims);
  assert_int_equal(ends, 1);
  assert_int_equal(claims, 1);
}

static void claims_alone_get_all_the_time(void **state) {
  lj_pace pace = {0};
  size_t ends = 0;
  size_t claims = CLAIMS;
  (void)state;
  lj_pace_note(&pace, 10, 3000, 10, 1000, 1000);
  lj_pace_limit(&pace, &ends, &claims);
  assert_int_equal(ends, 0);
  assert_int_equal(claims, 20);
}

static void one_slow_commit_is_forgotten(void **state) {
  lj_pace pace = {0};
  size_t before = ENDS;
  size_t after = ENDS;
  size_t later = ENDS;
  size_t claims = CLAIMS;
  (void)state;
  lj_pace_note(&pace, 10, 1000, 10, 1000, 200);
  lj_pace_limit(&pace, &before, &claims);
  lj_pace_note(&pace, 10, 1000, 10, 1000, 20000);
  lj_pace_limit(&pace, &after, &claims);
  lj_pace_note(&pace, 10, 1000, 10, 1000, 200);
  lj_pace_limit(&pace, &later, &claims);
  assert_true(after < before);
  assert_int_equal(later, before);
}

static void rise_that_lasts_is_learned(void **state) {
  lj_pace pace = {0};
  size_t ends = ENDS;
  size_t claims = CLAIMS;
  (void)state;
  lj_pace_note(&pace, 1, 10, 1, 10, 100);
  for (int i = 0; i < 60; i++) lj_pace_note(&pace, 1, 300, 1, 300, 1200);
  lj_pace_limit(&pace, &ends, &claims);
  assert_int_equal(ends, 3);
  assert_int_equal(claims, 3);
}

static void one_write_of_others_is_an_event_and_three_within_a_second_are_a_writer(void **state) {
  lj_gap gap = {0};
  (void)state;
  assert_false(lj_gap_crowded(&gap, 5000));
  lj_gap_saw_others(&gap, 5000);
  assert_false(lj_gap_crowded(&gap, 5000));
  lj_gap_saw_others(&gap, 5600);
  lj_gap_saw_others(&gap, 5700);
  assert_true(lj_gap_crowded(&gap, 5700));
  assert_true(lj_gap_crowded(&gap, 5999));
  assert_false(lj_gap_crowded(&gap, 6000));
  lj_gap_saw_others(&gap, 6500);
  assert_true(lj_gap_crowded(&gap, 6599));
  assert_false(lj_gap_crowded(&gap, 6600));
}

static void who_holds_the_lock_is_a_writer_at_once(void **state) {
  lj_gap gap = {0};
  (void)state;
  lj_gap_busy(&gap, 5000000);
  assert_true(lj_gap_crowded(&gap, 5999));
  assert_false(lj_gap_crowded(&gap, 6000));
}

/* What the last of many transactions, one after another, leaves behind. */
static int64_t gap_after(lj_gap *gap, int64_t took_us, bool seen) {
  int64_t now = 5000000;
  for (int i = 0; i < 100; i++) {
    if (seen) lj_gap_saw_others(gap, now / 1000);
    lj_gap_wrote(gap, now, took_us);
    assert_true(gap->write_at_us > now);
    if (i < 99) now = gap->write_at_us + took_us;
  }
  return gap->write_at_us - now;
}

static void gap_grows_with_the_transaction_while_others_write(void **state) {
  static const struct {
    int64_t took_us;
    int64_t gap_us;
  } cases[] = {{300, 3000}, {375, 3000}, {600, 4800}, {1000, 8000}, {1250, 10000}, {3000, 10000}};
  (void)state;
  for (size_t i = 0; i < COUNT_OF(cases); i++) {
    lj_gap seen = {0};
    lj_gap unseen = {0};
    assert_int_equal(gap_after(&seen, cases[i].took_us, true), cases[i].gap_us);
    assert_int_equal(gap_after(&unseen, cases[i].took_us, false), cases[i].took_us);
  }
}

static void few_transactions_leave_short_gaps_also_while_others_write(void **state) {
  lj_gap gap = {0};
  (void)state;
  for (int64_t now = 5000000; now < 7000000; now += 50000) {
    lj_gap_saw_others(&gap, now / 1000 - 1);
    lj_gap_saw_others(&gap, now / 1000);
    lj_gap_wrote(&gap, now, 1200);
    assert_int_equal(gap.write_at_us, now + 1200);
  }
  assert_true(lj_gap_crowded(&gap, 7000));
}

static void workers_leave_each_other_the_shortest_gap_that_shows_an_app(void **state) {
  lj_gap shared = {.shared = true};
  lj_gap seen = {.shared = true};
  (void)state;
  assert_int_equal(gap_after(&shared, 700, false), 3000);
  assert_int_equal(gap_after(&seen, 700, true), 10000);
}

static void lock_that_another_worker_may_hold_shows_no_writer(void **state) {
  lj_gap gap = {.shared = true};
  (void)state;
  for (int i = 0; i < 20; i++) lj_gap_busy(&gap, 5000000 + i);
  assert_false(lj_gap_crowded(&gap, 5000));
  assert_true(gap.write_at_us > 5000000);
}

static void lone_write_of_others_leaves_short_gaps(void **state) {
  lj_gap gap = {0};
  int64_t now = 5000000;
  (void)state;
  lj_gap_saw_others(&gap, now / 1000);
  for (int i = 0; i < 50; i++) {
    lj_gap_wrote(&gap, now, 1200);
    assert_int_equal(gap.write_at_us, now + 1200);
    now += 2400;
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(app_never_looks_a_third_time_in_vain),
      cmocka_unit_test(transaction_holds_the_lock_for_three_milliseconds_at_most),
      cmocka_unit_test(nothing_is_limited_before_anything_is_known),
      cmocka_unit_test(slow_disk_and_large_rows_still_get_one_of_each),
      cmocka_unit_test(claims_alone_get_all_the_time),
      cmocka_unit_test(one_slow_commit_is_forgotten),
      cmocka_unit_test(rise_that_lasts_is_learned),
      cmocka_unit_test(one_write_of_others_is_an_event_and_three_within_a_second_are_a_writer),
      cmocka_unit_test(who_holds_the_lock_is_a_writer_at_once),
      cmocka_unit_test(gap_grows_with_the_transaction_while_others_write),
      cmocka_unit_test(few_transactions_leave_short_gaps_also_while_others_write),
      cmocka_unit_test(workers_leave_each_other_the_shortest_gap_that_shows_an_app),
      cmocka_unit_test(lock_that_another_worker_may_hold_shows_no_writer),
      cmocka_unit_test(lone_write_of_others_leaves_short_gaps),
  };
  return cmocka_run_group_tests_name("pace", tests, NULL, NULL);
}
