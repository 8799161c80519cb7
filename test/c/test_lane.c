/* SPDX-License-Identifier: MIT
 *
 * Lanes: how many calls run in one, and when one that had trouble opens again. Time is a number here; nothing sleeps.
 */
#include "base/clock.h"
#include "policy/lane.h"
#include "support/test.h"

typedef struct lane_fixture {
  lj_lanes lanes;
  lj_provider_config limited;   /* two calls at a time */
  lj_provider_config unlimited;
  long live;
} lane_fixture;

static int lane_setup(void **state) {
  lane_fixture *fixture = calloc(1, sizeof *fixture);
  assert_non_null(fixture);
  fixture->limited = (lj_provider_config){.name = "limited", .index = 0, .max_concurrent = 2, .breaker_threshold = 5, .breaker_open_ms = 60000};
  fixture->unlimited = (lj_provider_config){.name = "unlimited", .index = 1, .breaker_threshold = 5, .breaker_open_ms = 60000};
  fixture->live = lj_memory_live();
  lj_lanes_init(&fixture->lanes);
  lj_clock_virtual(1700000000000, 50000000);
  *state = fixture;
  return 0;
}

static int lane_teardown(void **state) {
  lane_fixture *fixture = *state;
  lj_lanes_free(&fixture->lanes);
  lj_clock_real();
  bool tidy = lj_memory_live() == fixture->live;
  free(fixture);
  return tidy ? 0 : -1;
}

static lj_lane *get(lane_fixture *fixture, const lj_provider_config *provider, const char *model) {
  lj_target target = {.provider = provider, .model = model};
  lj_lane *lane = lj_lanes_get(&fixture->lanes, &target, lj_mono_ms());
  assert_non_null(lane);
  return lane;
}

static size_t room(lane_fixture *fixture, lj_lane *lane) { return lj_lane_capacity(&fixture->lanes, lane, lj_mono_ms()); }
static void enter(lane_fixture *fixture, lj_lane *lane) { lj_lane_enter(&fixture->lanes, lane, 0, lj_mono_ms()); }
static void leave(lane_fixture *fixture, lj_lane *lane) { lj_lane_leave(&fixture->lanes, lane, lj_mono_ms()); }
static void wait_ms(int64_t milliseconds) { lj_clock_advance(milliseconds, milliseconds * 1000); }

static void same_target_is_the_same_lane(void **state) {
  lane_fixture *fixture = *state;
  lj_lane *lane = get(fixture, &fixture->limited, "x");
  assert_string_equal(lane->name, "limited/x");
  assert_ptr_equal(get(fixture, &fixture->limited, "x"), lane);
  assert_ptr_not_equal(get(fixture, &fixture->limited, "y"), lane);
  assert_ptr_not_equal(get(fixture, &fixture->unlimited, "x"), lane);
  assert_int_equal(fixture->lanes.count, 3);
  assert_ptr_equal(lj_lane_of(lane->name), lane);
  assert_null(lj_lane_of(""));
}

static void lanes_of_one_provider_share_its_limit(void **state) {
  lane_fixture *fixture = *state;
  lj_lane *x = get(fixture, &fixture->limited, "x");
  lj_lane *y = get(fixture, &fixture->limited, "y");
  assert_int_equal(room(fixture, x), 2);
  enter(fixture, x);
  assert_int_equal(room(fixture, x), 1);
  assert_int_equal(room(fixture, y), 1);
  enter(fixture, y);
  assert_int_equal(room(fixture, x), 0);
  assert_int_equal(room(fixture, y), 0);
  leave(fixture, x);
  assert_int_equal(room(fixture, y), 1);
  leave(fixture, y);
  assert_int_equal(room(fixture, y), 2);
}

static void provider_without_a_limit_takes_all_that_may_run(void **state) {
  lane_fixture *fixture = *state;
  lj_lane *lane = get(fixture, &fixture->unlimited, "x");
  for (int i = 0; i < 3000; i++) enter(fixture, lane);
  assert_true(room(fixture, lane) >= LJ_MAX_CONCURRENCY);
}

static void pause_with_a_time_lasts_exactly_so_long(void **state) {
  lane_fixture *fixture = *state;
  lj_lane *lane = get(fixture, &fixture->unlimited, "x");
  assert_int_equal(lj_lane_pause(&fixture->lanes, lane, LJ_RATE_LIMITED, 7000, lj_mono_ms()), 7000);
  assert_int_equal(room(fixture, lane), 0);
  assert_int_equal(lj_lanes_next_open(&fixture->lanes, lj_mono_ms()), lj_mono_ms() + 7000);
  wait_ms(6999);
  assert_int_equal(room(fixture, lane), 0);
  assert_false(lj_lanes_opened(&fixture->lanes, lj_mono_ms()));
  wait_ms(1);
  assert_int_equal(room(fixture, lane), 1);
  assert_true(lj_lanes_next_open(&fixture->lanes, lj_mono_ms()) == INT64_MAX);
  assert_true(lj_lanes_opened(&fixture->lanes, lj_mono_ms()));
  assert_false(lj_lanes_opened(&fixture->lanes, lj_mono_ms())); /* told once */
}

static void after_a_pause_one_probe_runs_until_it_has_gone_well(void **state) {
  lane_fixture *fixture = *state;
  lj_lane *lane = get(fixture, &fixture->unlimited, "x");
  lj_lane *other = get(fixture, &fixture->unlimited, "y");
  (void)lj_lane_pause(&fixture->lanes, lane, LJ_RATE_LIMITED, 100, lj_mono_ms());
  assert_true(room(fixture, other) > 1); /* another lane of the provider goes on */
  wait_ms(100);
  assert_int_equal(room(fixture, lane), 1);
  enter(fixture, lane);
  assert_int_equal(room(fixture, lane), 0);
  leave(fixture, lane);
  assert_int_equal(room(fixture, lane), 1);
  assert_true(lj_lane_success(&fixture->lanes, lane, lj_mono_ms()));
  assert_true(room(fixture, lane) > 1);
}

static void pauses_in_a_row_double_and_a_success_begins_anew(void **state) {
  static const int64_t ceilings[] = {1000, 2000, 4000, 8000, 16000, 30000, 30000, 30000};
  lane_fixture *fixture = *state;
  lj_lane *lane = get(fixture, &fixture->unlimited, "x");
  for (int round = 0; round < 2; round++) {
    for (size_t i = 0; i < COUNT_OF(ceilings); i++) {
      int64_t wait = lj_lane_pause(&fixture->lanes, lane, LJ_RATE_LIMITED, -1, lj_mono_ms());
      assert_in_range(wait, ceilings[i] / 2, ceilings[i]);
      wait_ms(wait);
    }
    assert_true(lj_lane_success(&fixture->lanes, lane, lj_mono_ms()));
  }
}

static void failures_while_paused_only_make_it_longer(void **state) {
  lane_fixture *fixture = *state;
  lj_lane *lane = get(fixture, &fixture->unlimited, "x");
  assert_int_equal(lj_lane_pause(&fixture->lanes, lane, LJ_RATE_LIMITED, 5000, lj_mono_ms()), 5000);
  assert_int_equal(lj_lane_pause(&fixture->lanes, lane, LJ_RATE_LIMITED, -1, lj_mono_ms()), 5000);
  assert_int_equal(lj_lane_pause(&fixture->lanes, lane, LJ_RATE_LIMITED, 100, lj_mono_ms()), 5000);
  assert_int_equal(lj_lane_pause(&fixture->lanes, lane, LJ_RATE_LIMITED, 9000, lj_mono_ms()), 9000);
  assert_int_equal(lane->trouble, 1);
  assert_true(lj_lane_success(&fixture->lanes, lane, lj_mono_ms()));
  assert_int_equal(lane->trouble, 0);
  assert_true(room(fixture, lane) > 1);
}

static void next_to_open_is_the_earliest(void **state) {
  lane_fixture *fixture = *state;
  int64_t now = lj_mono_ms();
  assert_true(lj_lanes_next_open(&fixture->lanes, now) == INT64_MAX);
  (void)lj_lane_pause(&fixture->lanes, get(fixture, &fixture->unlimited, "x"), LJ_RATE_LIMITED, 900, now);
  (void)lj_lane_pause(&fixture->lanes, get(fixture, &fixture->unlimited, "y"), LJ_RATE_LIMITED, 300, now);
  (void)lj_lane_pause(&fixture->lanes, get(fixture, &fixture->unlimited, "z"), LJ_RATE_LIMITED, 600, now);
  assert_int_equal(lj_lanes_next_open(&fixture->lanes, now), now + 300);
  assert_int_equal(lj_lanes_next_open(&fixture->lanes, now + 300), now + 600);
}

static void idlest_lane_makes_room_and_busy_or_troubled_ones_stay(void **state) {
  lane_fixture *fixture = *state;
  char model[16];
  lj_lane *busy = get(fixture, &fixture->unlimited, "busy");
  lj_lane *troubled = get(fixture, &fixture->unlimited, "troubled");
  lj_lane *paused = get(fixture, &fixture->unlimited, "paused");
  enter(fixture, busy);
  (void)lj_lane_pause(&fixture->lanes, troubled, LJ_RATE_LIMITED, 1, lj_mono_ms());
  (void)lj_lane_pause(&fixture->lanes, paused, LJ_RATE_LIMITED, 100000000, lj_mono_ms());
  wait_ms(10);
  for (int i = 0; fixture->lanes.count < LJ_MAX_LANES; i++) {
    (void)snprintf(model, sizeof model, "m%d", i);
    (void)get(fixture, &fixture->unlimited, model);
    wait_ms(1);
  }
  (void)get(fixture, &fixture->unlimited, "m0"); /* used again: now m1 is the idlest */
  lj_lane *kept = get(fixture, &fixture->unlimited, "m2");
  (void)get(fixture, &fixture->unlimited, "new");
  assert_int_equal(fixture->lanes.count, LJ_MAX_LANES);
  for (size_t i = 0; i < fixture->lanes.count; i++) assert_string_not_equal(fixture->lanes.items[i]->name, "unlimited/m1");
  assert_ptr_equal(get(fixture, &fixture->unlimited, "m2"), kept);
  assert_ptr_equal(get(fixture, &fixture->unlimited, "busy"), busy);
  assert_ptr_equal(get(fixture, &fixture->unlimited, "troubled"), troubled);
  assert_ptr_equal(get(fixture, &fixture->unlimited, "paused"), paused);
  assert_int_equal(fixture->lanes.count, LJ_MAX_LANES);
}

static void no_lane_is_made_when_all_are_in_use_or_memory_is_short(void **state) {
  lane_fixture *fixture = *state;
  char model[16];
  lj_target target = {.provider = &fixture->unlimited, .model = "one more"};
  lj_memory_fail_at(1, 0);
  assert_null(lj_lanes_get(&fixture->lanes, &target, lj_mono_ms()));
  lj_memory_fail_at(0, 0);
  for (int i = 0; i < LJ_MAX_LANES; i++) {
    (void)snprintf(model, sizeof model, "m%d", i);
    enter(fixture, get(fixture, &fixture->unlimited, model));
  }
  assert_null(lj_lanes_get(&fixture->lanes, &target, lj_mono_ms()));
  leave(fixture, get(fixture, &fixture->unlimited, "m7"));
  assert_non_null(lj_lanes_get(&fixture->lanes, &target, lj_mono_ms()));
}

static void long_model_names_are_cut(void **state) {
  lane_fixture *fixture = *state;
  char first[400];
  char second[400];
  memset(first, 'm', sizeof first);
  memset(second, 'm', sizeof second);
  first[399] = second[399] = '\0';
  second[398] = 'n';
  /* A name is cut at LJ_LANE_NAME_SIZE: two such models share one lane, but nothing is written past its end. */
  lj_lane *lane = get(fixture, &fixture->unlimited, first);
  assert_int_equal(strlen(lane->name), LJ_LANE_NAME_SIZE - 1);
  (void)get(fixture, &fixture->unlimited, second);
  assert_int_equal(lane->active, 0);
}

static void failures_in_a_row_open_it_and_a_success_between_them_does_not(void **state) {
  lane_fixture *fixture = *state;
  lj_lane *lane = get(fixture, &fixture->unlimited, "x");
  for (int round = 0; round < 3; round++) {
    for (int i = 0; i < 4; i++) assert_int_equal(lj_lane_failure(&fixture->lanes, lane, LJ_SERVER_ERROR, lj_mono_ms(), lj_mono_ms()), 0);
    assert_false(lj_lane_success(&fixture->lanes, lane, lj_mono_ms()));
  }
  for (int i = 0; i < 4; i++) assert_int_equal(lj_lane_failure(&fixture->lanes, lane, LJ_SERVER_ERROR, lj_mono_ms(), lj_mono_ms()), 0);
  assert_int_equal(lj_lane_failure(&fixture->lanes, lane, LJ_OVERLOADED, lj_mono_ms(), lj_mono_ms()), 60000);
  assert_int_equal(room(fixture, lane), 0);
  wait_ms(60000);
  assert_int_equal(room(fixture, lane), 1);
  assert_int_equal(lj_lane_failure(&fixture->lanes, lane, LJ_SERVER_ERROR, lj_mono_ms(), lj_mono_ms()), 60000); /* the probe */
}

static void failure_after_another_pause_is_one_of_several(void **state) {
  static const int reasons[] = {LJ_RATE_LIMITED, LJ_UNREACHABLE};
  lane_fixture *fixture = *state;
  for (size_t i = 0; i < COUNT_OF(reasons); i++) {
    lj_lane *lane = get(fixture, &fixture->unlimited, i == 0 ? "x" : "y");
    assert_int_equal(lj_lane_failure(&fixture->lanes, lane, LJ_SERVER_ERROR, lj_mono_ms(), lj_mono_ms()), 0);
    (void)lj_lane_pause(&fixture->lanes, lane, reasons[i], 1000, lj_mono_ms());
    wait_ms(1000);
    assert_int_equal(room(fixture, lane), 1);
    for (int round = 0; round < 3; round++) /* no answer but 429 says anything against the limit */
      assert_int_equal(lj_lane_failure(&fixture->lanes, lane, LJ_SERVER_ERROR, lj_mono_ms(), lj_mono_ms()), 0);
    assert_true(room(fixture, lane) > 1);
    assert_int_equal(lj_lane_failure(&fixture->lanes, lane, LJ_SERVER_ERROR, lj_mono_ms(), lj_mono_ms()), 60000); /* the fifth */
  }
}

static void probe_without_an_answer_leaves_the_lane_as_it_was(void **state) {
  lane_fixture *fixture = *state;
  lj_lane *lane = get(fixture, &fixture->unlimited, "x");
  int code = LJ_OK;
  int64_t until = 0;
  (void)lj_lane_pause(&fixture->lanes, lane, LJ_UNREACHABLE, -1, lj_mono_ms());
  wait_ms(1000);
  assert_in_range(lj_lane_failure(&fixture->lanes, lane, LJ_TIMEOUT_CONNECT, lj_mono_ms(), lj_mono_ms()), 1000, 2000);
  assert_int_equal(lj_lane_state_of(&fixture->lanes, lane, lj_mono_ms(), &code, &until), LJ_LANE_OPEN);
  assert_code(code, LJ_UNREACHABLE);
  lj_lanes_nudge(&fixture->lanes, NULL, 0, lj_mono_ms());
  assert_int_equal(room(fixture, lane), 1);
}

static void call_from_before_a_pause_neither_ends_nor_extends_it(void **state) {
  lane_fixture *fixture = *state;
  lj_lane *lane = get(fixture, &fixture->unlimited, "x");
  int64_t before = lj_mono_ms();
  enter(fixture, lane); /* a long stream */
  wait_ms(10);
  (void)lj_lane_pause(&fixture->lanes, lane, LJ_RATE_LIMITED, 1000, lj_mono_ms());
  wait_ms(1000);
  assert_int_equal(room(fixture, lane), 1); /* it does not hold up the probe either */
  assert_false(lj_lane_success(&fixture->lanes, lane, before));
  assert_int_equal(room(fixture, lane), 1);
  assert_int_equal(lj_lane_failure(&fixture->lanes, lane, LJ_SERVER_ERROR, before, lj_mono_ms()), 0);
  assert_int_equal(room(fixture, lane), 1);
  enter(fixture, lane);
  assert_int_equal(room(fixture, lane), 0);
  lj_lane_leave(&fixture->lanes, lane, before);
  assert_int_equal(room(fixture, lane), 0);
  assert_true(lj_lane_success(&fixture->lanes, lane, lj_mono_ms()));
  assert_true(room(fixture, lane) > 1);
}

static void calls_of_other_workers_count_within_the_limit_and_as_probes(void **state) {
  lane_fixture *fixture = *state;
  lj_lane *lane = get(fixture, &fixture->limited, "x");
  lane->others = fixture->lanes.provider_others[0] = 1;
  assert_int_equal(room(fixture, lane), 1);
  enter(fixture, lane);
  assert_int_equal(room(fixture, lane), 0);
  leave(fixture, lane);
  (void)lj_lane_pause(&fixture->lanes, lane, LJ_RATE_LIMITED, 1000, lj_mono_ms());
  wait_ms(1000);
  assert_int_equal(room(fixture, lane), 1);
  lane->others_fresh = 1;
  assert_int_equal(room(fixture, lane), 0);
}

static void another_workers_pause_is_obeyed_unless_it_is_out_of_date(void **state) {
  lane_fixture *fixture = *state;
  lj_lane *lane = get(fixture, &fixture->unlimited, "x");
  int64_t ended = lj_wall_ms();
  lj_lane_hear_pause(&fixture->lanes, lane, LJ_RATE_LIMITED, ended, ended + 5000, lj_mono_ms());
  assert_int_equal(room(fixture, lane), 0);
  assert_int_equal(lj_lanes_next_open(&fixture->lanes, lj_mono_ms()), lj_mono_ms() + 5000);
  wait_ms(5000);
  assert_int_equal(room(fixture, lane), 1);
  assert_true(lj_lane_success(&fixture->lanes, lane, lj_mono_ms()));
  lj_lane_hear_pause(&fixture->lanes, lane, LJ_RATE_LIMITED, ended, lj_wall_ms() + 5000, lj_mono_ms()); /* read again */
  assert_true(room(fixture, lane) > 1);
  lj_lane_hear_pause(&fixture->lanes, lane, LJ_RATE_LIMITED, lj_wall_ms() + 1, lj_wall_ms(), lj_mono_ms()); /* over already */
  assert_true(room(fixture, lane) > 1);
  /* The other worker's clock, or ours since then, is ten hours off. */
  ended = lj_wall_ms() + 36000000;
  lj_lane_hear_pause(&fixture->lanes, lane, LJ_RATE_LIMITED, ended, ended + 5000, lj_mono_ms());
  assert_int_equal(lj_lanes_next_open(&fixture->lanes, lj_mono_ms()), lj_mono_ms() + 5000);
}

static void nudge_brings_forward_only_probes_of_what_could_not_be_reached(void **state) {
  lane_fixture *fixture = *state;
  lj_lane *gone = get(fixture, &fixture->unlimited, "gone");
  lj_lane *limited = get(fixture, &fixture->unlimited, "limited");
  (void)lj_lane_pause(&fixture->lanes, gone, LJ_UNREACHABLE, 30000, lj_mono_ms());
  (void)lj_lane_pause(&fixture->lanes, limited, LJ_RATE_LIMITED, 30000, lj_mono_ms());
  wait_ms(900);
  lj_lanes_nudge(&fixture->lanes, NULL, 1000, lj_mono_ms());
  assert_int_equal(room(fixture, gone), 0);
  wait_ms(100);
  lj_lanes_nudge(&fixture->lanes, &fixture->limited, 1000, lj_mono_ms()); /* another provider's */
  assert_int_equal(room(fixture, gone), 0);
  lj_lanes_nudge(&fixture->lanes, NULL, 1000, lj_mono_ms());
  assert_true(lj_lanes_opened(&fixture->lanes, lj_mono_ms()));
  assert_int_equal(room(fixture, gone), 1);
  assert_int_equal(room(fixture, limited), 0);
  enter(fixture, gone);
  assert_true(lj_lane_reached(&fixture->lanes, gone, lj_mono_ms())); /* its first byte */
  assert_true(room(fixture, gone) > 1);
  assert_false(lj_lane_reached(&fixture->lanes, limited, lj_mono_ms()));
  for (int i = 0; i < 6; i++) {
    (void)lj_lane_pause(&fixture->lanes, gone, LJ_UNREACHABLE, -1, lj_mono_ms());
    if (i < 5) wait_ms(30000);
  }
  lj_lanes_nudge(&fixture->lanes, NULL, 0, lj_mono_ms());
  wait_ms(1);
  assert_in_range(lj_lane_pause(&fixture->lanes, gone, LJ_UNREACHABLE, -1, lj_mono_ms()), 1000, 2000);
}

static void headers_cap_what_begins_until_their_reset(void **state) {
  lane_fixture *fixture = *state;
  lj_lane *lane = get(fixture, &fixture->unlimited, "x");
  lj_rate rates[LJ_RATE_KINDS];
  lj_rate_head_clear(rates);
  lj_lane_learn(lane, rates, lj_mono_ms());
  assert_true(room(fixture, lane) > 1000);
  for (int i = 0; i < 3; i++) enter(fixture, lane);
  rates[LJ_RATE_REQUESTS] = (lj_rate){.limit = 100, .remaining = 5, .reset_ms = 7000};
  lj_lane_learn(lane, rates, lj_mono_ms());
  assert_int_equal(room(fixture, lane), 3); /* the two that run beside it may not be counted yet */
  for (int i = 0; i < 3; i++) enter(fixture, lane);
  assert_int_equal(room(fixture, lane), 0);
  assert_int_equal(lj_lanes_next_open(&fixture->lanes, lj_mono_ms()), lj_mono_ms() + 7000);
  wait_ms(7000);
  assert_true(lj_lanes_opened(&fixture->lanes, lj_mono_ms()));
  assert_true(room(fixture, lane) > 1000);
}

static void tokens_are_weighed_only_when_few_are_left(void **state) {
  lane_fixture *fixture = *state;
  lj_lane *lane = get(fixture, &fixture->unlimited, "x");
  lj_rate rates[LJ_RATE_KINDS];
  lj_rate_head_clear(rates);
  rates[LJ_RATE_TOKENS] = (lj_rate){.limit = 1000, .remaining = 400, .reset_ms = 7000};
  lj_lane_learn(lane, rates, lj_mono_ms());
  assert_false(lj_lane_weighs(lane, lj_mono_ms()));
  rates[LJ_RATE_OUTPUT_TOKENS] = (lj_rate){.limit = 1000, .remaining = 200, .reset_ms = 9000};
  lj_lane_learn(lane, rates, lj_mono_ms());
  assert_true(lj_lane_weighs(lane, lj_mono_ms()));
  assert_false(lj_lane_fits(lane, 201, lj_mono_ms()));
  assert_true(lj_lane_fits(lane, 200, lj_mono_ms()));
  lj_lane_enter(&fixture->lanes, lane, 150, lj_mono_ms());
  assert_false(lj_lane_fits(lane, 51, lj_mono_ms()));
  lane->wanted = 51;
  assert_int_equal(room(fixture, lane), 0); /* nothing passes it by */
  wait_ms(9000);
  assert_true(lj_lane_fits(lane, 5000, lj_mono_ms()));
  assert_true(room(fixture, lane) > 1);
}

static void state_names_why_and_until_when(void **state) {
  lane_fixture *fixture = *state;
  lj_lane *lane = get(fixture, &fixture->unlimited, "x");
  int code = LJ_NOMEM;
  int64_t until = 1;
  assert_int_equal(lj_lane_state_of(&fixture->lanes, lane, lj_mono_ms(), &code, &until), LJ_LANE_CLOSED);
  assert_code(code, LJ_OK);
  assert_int_equal(until, 0);
  (void)lj_lane_pause(&fixture->lanes, lane, LJ_UNREACHABLE, 500, lj_mono_ms());
  assert_int_equal(lj_lane_state_of(&fixture->lanes, lane, lj_mono_ms(), &code, &until), LJ_LANE_OPEN);
  assert_code(code, LJ_UNREACHABLE);
  assert_int_equal(until, lj_mono_ms() + 500);
  wait_ms(500);
  assert_int_equal(lj_lane_state_of(&fixture->lanes, lane, lj_mono_ms(), &code, &until), LJ_LANE_HALF_OPEN);
  lj_lanes_park(&fixture->lanes, 1, lj_wall_ms() + 70);
  assert_int_equal(lj_lane_state_of(&fixture->lanes, lane, lj_mono_ms(), &code, &until), LJ_LANE_OPEN);
  assert_code(code, LJ_BUDGET_EXCEEDED);
}

static void provider_whose_budget_is_used_up_opens_at_its_time(void **state) {
  lane_fixture *fixture = *state;
  lj_lanes *lanes = &fixture->lanes;
  assert_int_equal(lj_lanes_next_open(lanes, lj_mono_ms()), INT64_MAX);
  lj_lanes_park(lanes, 1, lj_wall_ms() + 70);
  lj_lanes_park(lanes, 0, lj_wall_ms() + 90);
  assert_int_equal(lj_lanes_next_open(lanes, lj_mono_ms()), lj_mono_ms() + 70);
  assert_false(lj_lanes_opened(lanes, lj_mono_ms()));
  wait_ms(70);
  assert_true(lj_lanes_opened(lanes, lj_mono_ms()));
  assert_int_equal(lj_lanes_next_open(lanes, lj_mono_ms()), lj_mono_ms() + 20);
  wait_ms(20);
  assert_true(lj_lanes_opened(lanes, lj_mono_ms()));
  assert_false(lj_lanes_opened(lanes, lj_mono_ms()));
  assert_int_equal(lj_lanes_next_open(lanes, lj_mono_ms()), INT64_MAX);
}

#define lane_test(function) cmocka_unit_test_setup_teardown(function, lane_setup, lane_teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      lane_test(same_target_is_the_same_lane),
      lane_test(lanes_of_one_provider_share_its_limit),
      lane_test(provider_without_a_limit_takes_all_that_may_run),
      lane_test(pause_with_a_time_lasts_exactly_so_long),
      lane_test(after_a_pause_one_probe_runs_until_it_has_gone_well),
      lane_test(pauses_in_a_row_double_and_a_success_begins_anew),
      lane_test(failures_while_paused_only_make_it_longer),
      lane_test(next_to_open_is_the_earliest),
      lane_test(idlest_lane_makes_room_and_busy_or_troubled_ones_stay),
      lane_test(no_lane_is_made_when_all_are_in_use_or_memory_is_short),
      lane_test(long_model_names_are_cut),
      lane_test(failures_in_a_row_open_it_and_a_success_between_them_does_not),
      lane_test(failure_after_another_pause_is_one_of_several),
      lane_test(probe_without_an_answer_leaves_the_lane_as_it_was),
      lane_test(call_from_before_a_pause_neither_ends_nor_extends_it),
      lane_test(calls_of_other_workers_count_within_the_limit_and_as_probes),
      lane_test(another_workers_pause_is_obeyed_unless_it_is_out_of_date),
      lane_test(nudge_brings_forward_only_probes_of_what_could_not_be_reached),
      lane_test(headers_cap_what_begins_until_their_reset),
      lane_test(tokens_are_weighed_only_when_few_are_left),
      lane_test(state_names_why_and_until_when),
      lane_test(provider_whose_budget_is_used_up_opens_at_its_time),
  };
  return cmocka_run_group_tests_name("lane", tests, NULL, NULL);
}
