/* SPDX-License-Identifier: MIT
 *
 * POSIX TZ rules, as they stand behind the table of a TZif file: RFC 9636, section 3.3.
 */
#include <string.h>

#include "base/ascii.h"
#include "policy/calendar.h"
#include "policy/timezone_data.h"

enum {
  MAX_OFFSET_HOURS = 24,
  MAX_RULE_HOURS = 167, /* RFC 9636, 3.3.1: a rule's time may lie a week away from its day */
  YEARS_AROUND = 2      /* so far from an instant's year may the rule's year be whose change is next to it */
};

/* The rest of the text; every reader takes from its front. */
typedef struct rest {
  const char *at;
  const char *end;
} rest;

static bool take(rest *text, char byte) {
  if (text->at == text->end || *text->at != byte) return false;
  text->at++;
  return true;
}

/* "CET", or "<+0330>" for what is not all letters. */
static bool take_name(rest *text) {
  bool quoted = take(text, '<');
  const char *start = text->at;
  while (text->at < text->end &&
         (lj_ascii_is_letter(*text->at) || (quoted && (lj_ascii_is_digit(*text->at) || *text->at == '+' || *text->at == '-'))))
    text->at++;
  return text->at - start >= 3 && (!quoted || take(text, '>'));
}

static bool take_number(rest *text, int low, int high, int *number) {
  const char *start = text->at;
  *number = 0;
  while (text->at < text->end && lj_ascii_is_digit(*text->at) && text->at - start < 3) *number = *number * 10 + (*text->at++ - '0');
  return text->at > start && *number >= low && *number <= high;
}

/* "[+-]hh[:mm[:ss]]" in seconds. */
static bool take_time(rest *text, int max_hours, int32_t *seconds) {
  int hour = 0;
  int minute = 0;
  int second = 0;
  bool negative = take(text, '-');
  if (!negative) (void)take(text, '+');
  if (!take_number(text, 0, max_hours, &hour)) return false;
  if (take(text, ':')) {
    if (!take_number(text, 0, 59, &minute)) return false;
    if (take(text, ':') && !take_number(text, 0, 59, &second)) return false;
  }
  *seconds = (hour * 60 + minute) * 60 + second;
  if (negative) *seconds = -*seconds;
  return true;
}

/* POSIX counts offsets to the west. */
static bool take_offset(rest *text, int32_t *offset) {
  if (!take_time(text, MAX_OFFSET_HOURS, offset)) return false;
  *offset = -*offset;
  return true;
}

static bool take_day(rest *text, lj_zone_day *day) {
  bool taken;
  if (take(text, 'M')) {
    day->kind = 'M';
    taken = take_number(text, 1, 12, &day->month) && take(text, '.') && take_number(text, 1, 5, &day->week) && take(text, '.') &&
            take_number(text, 0, 6, &day->day);
  } else if (take(text, 'J')) {
    day->kind = 'J';
    taken = take_number(text, 1, 365, &day->day);
  } else {
    day->kind = 'n';
    taken = take_number(text, 0, 365, &day->day);
  }
  day->time = 2 * 60 * 60;
  return taken && (!take(text, '/') || take_time(text, MAX_RULE_HOURS, &day->time));
}

static bool take_rule(rest *text, lj_zone_rule *rule) {
  if (!take_name(text) || !take_offset(text, &rule->standard)) return false;
  if (text->at == text->end) return true;
  rule->has_summer = true;
  rule->summer = rule->standard + 60 * 60;
  if (!take_name(text)) return false;
  if (text->at < text->end && *text->at != ',' && !take_offset(text, &rule->summer)) return false;
  if (text->at == text->end) { /* "EST5EDT": every C library takes this to mean the rule of the United States */
    rule->start = (lj_zone_day){.kind = 'M', .month = 3, .week = 2, .day = 0, .time = 2 * 60 * 60};
    rule->end = (lj_zone_day){.kind = 'M', .month = 11, .week = 1, .day = 0, .time = 2 * 60 * 60};
    return true;
  }
  return take(text, ',') && take_day(text, &rule->start) && take(text, ',') && take_day(text, &rule->end);
}

int lj_zone_rule_parse(const char *text, size_t length, lj_zone_rule *rule) {
  rest left = {text, text + length};
  memset(rule, 0, sizeof *rule);
  return take_rule(&left, rule) && left.at == left.end ? LJ_OK : LJ_INVALID;
}

static int64_t day_of_year(const lj_zone_day *day, int64_t year) {
  if (day->kind == 'n') return lj_days_of(year, 1, 1) + day->day;
  if (day->kind == 'J') return lj_days_of(year, 1, 1) + day->day - 1 + (day->day >= 60 && lj_is_leap_year(year) ? 1 : 0);
  lj_date first;
  int64_t days = lj_days_of(year, day->month, 1);
  int64_t next_month = day->month == 12 ? lj_days_of(year + 1, 1, 1) : lj_days_of(year, day->month + 1, 1);
  lj_date_of(days, &first);
  days += (day->day - first.weekday + 7) % 7 + (day->week - 1) * 7;
  return days < next_month ? days : days - 7; /* the fifth is the last */
}

/* Keeps the order of instants; of two that are equal the one put in later stays behind, so that summer time which ends when
 * the next year's begins never ends. */
static void put_in(lj_zone_change *changes, size_t *count, lj_zone_change change) {
  size_t place = (*count)++;
  for (; place > 0 && changes[place - 1].at > change.at; place--) changes[place] = changes[place - 1];
  changes[place] = change;
}

void lj_zone_rule_period_at(const lj_zone_rule *rule, int64_t utc, lj_zone_period *period) {
  lj_zone_change changes[2 * (2 * YEARS_AROUND + 1)];
  size_t count = 0;
  lj_date date;
  period->offset = rule->standard;
  period->until = INT64_MAX;
  if (!rule->has_summer) return;
  lj_date_of(lj_floor_div(utc, LJ_DAY_SECONDS), &date);
  for (int64_t year = date.year - YEARS_AROUND; year <= date.year + YEARS_AROUND; year++) {
    int64_t start = day_of_year(&rule->start, year) * LJ_DAY_SECONDS + rule->start.time - rule->standard;
    int64_t end = day_of_year(&rule->end, year) * LJ_DAY_SECONDS + rule->end.time - rule->summer;
    put_in(changes, &count, (lj_zone_change){start, rule->summer});
    put_in(changes, &count, (lj_zone_change){end, rule->standard});
  }
  for (size_t i = 0; i < count; i++) {
    if (changes[i].at > utc) {
      period->until = changes[i].at;
      break;
    }
    period->offset = changes[i].offset;
  }
}
