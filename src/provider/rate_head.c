/* SPDX-License-Identifier: MIT */
#include "provider/rate_head.h"

#include <math.h>
#include <string.h>

#include "base/ascii.h"
#include "policy/calendar.h"

enum { MAX_NAME = 64, MAX_VALUE = 48 };

static const int64_t DAY_MS = 86400000;

void lj_rate_head_clear(lj_rate rates[LJ_RATE_KINDS]) {
  for (int i = 0; i < LJ_RATE_KINDS; i++) rates[i] = (lj_rate){.limit = -1, .remaining = -1, .reset_ms = -1};
}

/* A decimal number at *at, which moves behind it. Not strtod, whose decimal point depends on the host's locale. */
static bool read_number(const char **at, double *out) {
  const char *from = *at;
  double number = 0;
  double weight = 1;
  for (; **at >= '0' && **at <= '9'; (*at)++) number = number * 10 + (**at - '0');
  if (*at == from) return false;
  if (**at == '.')
    for ((*at)++; **at >= '0' && **at <= '9'; (*at)++) {
      weight /= 10;
      number += weight * (**at - '0');
    }
  *out = number;
  return true;
}

static int64_t within_a_day(double ms) {
  if (!(ms > 0)) return 0;
  return ms > (double)DAY_MS ? DAY_MS : (int64_t)ceil(ms);
}

static bool two_digits(const char *text, int *out) {
  if (text[0] < '0' || text[0] > '9' || text[1] < '0' || text[1] > '9') return false;
  *out = (text[0] - '0') * 10 + (text[1] - '0');
  return true;
}

/* "2026-11-21T06:07:32Z", also with a fraction of the second and an offset from UTC. */
static bool read_time(const char *text, int64_t *out_ms) {
  int century = 0;
  int part[6] = {0}; /* year of the century, month, day, hour, minute, second */
  static const char between[] = {'-', '-', 'T', ':', ':'};
  const char *at = text + 4;
  double fraction = 0;
  if (strlen(text) < 20 || !two_digits(text, &century) || !two_digits(text + 2, &part[0])) return false;
  for (int i = 1; i < 6; i++, at += 3) {
    bool same = *at == between[i - 1] || (between[i - 1] == 'T' && (*at == 't' || *at == ' '));
    if (!same || !two_digits(at + 1, &part[i])) return false;
  }
  if (part[1] < 1 || part[1] > 12 || part[2] < 1 || part[2] > 31 || part[3] > 23 || part[4] > 59 || part[5] > 60) return false;
  if (*at == '.') {
    double weight = 1;
    for (at++; *at >= '0' && *at <= '9'; at++) {
      weight /= 10;
      fraction += weight * (*at - '0');
    }
  }
  int64_t offset = 0;
  if (*at == '+' || *at == '-') {
    int hours = 0;
    int minutes = 0;
    if (strlen(at) != 6 || !two_digits(at + 1, &hours) || at[3] != ':' || !two_digits(at + 4, &minutes)) return false;
    offset = (*at == '+' ? 1 : -1) * (int64_t)(hours * 3600 + minutes * 60);
  } else if ((*at != 'Z' && *at != 'z') || at[1] != '\0') {
    return false;
  }
  int64_t days = lj_days_of(century * 100 + part[0], part[1], part[2]);
  *out_ms = (days * 86400 + part[3] * 3600 + part[4] * 60 + part[5] - offset) * 1000 + (int64_t)(fraction * 1000);
  return true;
}

/* "1h2m3.5s": sums of hours, minutes, seconds, milliseconds, microseconds. */
static bool read_duration(const char *text, double *out_ms) {
  static const struct {
    const char *unit;
    double ms;
  } units[] = {{"ms", 1}, {"us", 0.001}, {"\xC2\xB5s", 0.001}, {"h", 3600000}, {"m", 60000}, {"s", 1000}, {"d", 86400000}};
  const char *at = text;
  double total = 0;
  while (*at != '\0') {
    double number = 0;
    size_t found = 0;
    size_t count = sizeof units / sizeof units[0];
    if (!read_number(&at, &number)) return false;
    while (found < count && strncmp(at, units[found].unit, strlen(units[found].unit)) != 0) found++;
    if (found == count) return false;
    at += strlen(units[found].unit);
    total += number * units[found].ms;
  }
  *out_ms = total;
  return at != text;
}

static int64_t read_reset(const char *text, int64_t now_ms) {
  const char *at = text;
  double number = 0;
  int64_t time_ms = 0;
  if (read_time(text, &time_ms)) return within_a_day((double)(time_ms - now_ms));
  if (read_number(&at, &number) && *at == '\0') {
    if (number > 1e11) return within_a_day(number - (double)now_ms);
    if (number > 1e9) return within_a_day(number * 1000 - (double)now_ms);
    return within_a_day(number * 1000);
  }
  return read_duration(text, &number) ? within_a_day(number) : -1;
}

static int64_t read_count(const char *text) {
  const char *at = text;
  double number = 0;
  return read_number(&at, &number) && *at == '\0' && number < 1e15 ? (int64_t)number : -1;
}

/* Cuts `prefix` from the front of *text. */
static bool take(const char **text, const char *prefix) {
  size_t length = strlen(prefix);
  if (strncmp(*text, prefix, length) != 0) return false;
  *text += length;
  return true;
}

static const char openai_prefix[] = "x-ratelimit-";
static const char anthropic_prefix[] = "anthropic-ratelimit-";

static bool begins_with(const char *name, size_t length, const char *prefix) {
  size_t at = 0;
  while (at < length && prefix[at] != '\0' && lj_ascii_lower(name[at]) == prefix[at]) at++;
  return prefix[at] == '\0';
}

bool lj_rate_head_is_one(const char *name, size_t name_length) {
  return begins_with(name, name_length, openai_prefix) || begins_with(name, name_length, anthropic_prefix);
}

typedef enum rate_field { FIELD_LIMIT, FIELD_REMAINING, FIELD_RESET, FIELD_NONE } rate_field;

static rate_field take_field(const char **text) {
  if (take(text, "limit")) return FIELD_LIMIT;
  if (take(text, "remaining")) return FIELD_REMAINING;
  return take(text, "reset") ? FIELD_RESET : FIELD_NONE;
}

static lj_rate_kind take_kind(const char **text) {
  if (take(text, "requests")) return LJ_RATE_REQUESTS;
  if (take(text, "input-tokens")) return LJ_RATE_INPUT_TOKENS;
  if (take(text, "output-tokens")) return LJ_RATE_OUTPUT_TOKENS;
  return take(text, "tokens") ? LJ_RATE_TOKENS : LJ_RATE_KINDS;
}

void lj_rate_head_read(lj_rate rates[LJ_RATE_KINDS], const char *name, size_t name_length, const char *value, size_t value_length,
                       int64_t now_ms) {
  char lower[MAX_NAME];
  char text[MAX_VALUE];
  const char *at = lower;
  lj_rate_kind kind = LJ_RATE_KINDS;
  rate_field field = FIELD_NONE;
  if (name_length >= sizeof lower || value_length >= sizeof text) return;
  for (size_t i = 0; i < name_length; i++) lower[i] = lj_ascii_lower(name[i]);
  lower[name_length] = '\0';
  memcpy(text, value, value_length);
  text[value_length] = '\0';
  if (strlen(text) != value_length) return;
  if (take(&at, openai_prefix)) {
    field = take_field(&at);
    if (*at == '\0')
      kind = LJ_RATE_REQUESTS;
    else if (take(&at, "-"))
      kind = take_kind(&at);
  } else if (take(&at, anthropic_prefix)) {
    kind = take_kind(&at);
    if (take(&at, "-")) field = take_field(&at);
  }
  if (kind == LJ_RATE_KINDS || field == FIELD_NONE || *at != '\0') return;
  if (field == FIELD_LIMIT) rates[kind].limit = read_count(text);
  if (field == FIELD_REMAINING) rates[kind].remaining = read_count(text);
  if (field == FIELD_RESET) rates[kind].reset_ms = read_reset(text, now_ms);
}

int64_t lj_rate_head_wait_ms(const lj_rate rates[LJ_RATE_KINDS]) {
  int64_t wait = -1;
  for (int i = 0; i < LJ_RATE_KINDS; i++)
    if (rates[i].remaining == 0 && rates[i].reset_ms > wait) wait = rates[i].reset_ms;
  return wait;
}
