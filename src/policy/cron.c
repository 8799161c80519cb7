/* SPDX-License-Identifier: MIT */
#include "policy/cron.h"

#include <stddef.h>
#include <string.h>

#include "base/ascii.h"
#include "policy/calendar.h"

enum {
  FIELDS = 5,
  MAX_NAME = 3,         /* letters of "jan" */
  MAX_NUMBER = 999,     /* more than any field allows */
  MINUTE_SECONDS = 60,
  HOURS = 24,
  MINUTES = 60,
  SEARCH_DAYS = 8 * 365 + 2 + 1, /* eight years, with two leap days or one, and a day */
  /* How far back a wall time may lie that happens a second time: further than any two offsets differ. */
  REACH_DAYS = 3
};

typedef struct field {
  const char *name;
  int low;
  int high;       /* of what may be written */
  int last;       /* where a star and a step end */
  int steps;      /* the largest step that makes sense */
  int first_name; /* the value of the first name */
  const char *names;
  const char *allowed;
} field;

static const field fields[FIELDS] = {
    {"minute", 0, 59, 59, 60, 0, "", "0 to 59"},
    {"hour", 0, 23, 23, 24, 0, "", "0 to 23"},
    {"day of month", 1, 31, 31, 31, 0, "", "1 to 31"},
    {"month", 1, 12, 12, 12, 1, "janfebmaraprmayjunjulaugsepoctnovdec", "1 to 12 or jan to dec"},
    {"day of week", 0, 7, 6, 7, 0, "sunmontuewedthufrisat", "0 to 7 (0 and 7 are Sunday) or sun to sat"},
};

static const struct {
  const char *name;
  const char *means;
} nicknames[] = {
    {"@hourly", "0 * * * *"},  {"@daily", "0 0 * * *"},  {"@midnight", "0 0 * * *"}, {"@weekly", "0 0 * * 0"},
    {"@monthly", "0 0 1 * *"}, {"@yearly", "0 0 1 1 *"}, {"@annually", "0 0 1 1 *"},
};

/* A stretch of the text. */
typedef struct part {
  const char *at;
  const char *end;
} part;

static bool is_blank(char byte) { return byte == ' ' || byte == '\t'; }
static bool is_star(char byte) { return byte == '*' || byte == '?'; }
static int refuse(const field *of, part piece, lj_fault *fault) {
  return lj_fault_set(fault, LJ_BAD_JOB,
                      "%s \"%.*s\": must be %s, *, or a list (1,2), a range (1-3) or a step (*/2) of these; a range runs upwards, "
                      "a step is 1 to %d",
                      of->name, (int)(piece.end - piece.at), piece.at, of->allowed, of->steps);
}

static bool take(part *text, char byte) {
  if (text->at == text->end || *text->at != byte) return false;
  text->at++;
  return true;
}

static bool take_number(part *text, int low, int high, int *number) {
  const char *start = text->at;
  *number = 0;
  for (; text->at < text->end && lj_ascii_is_digit(*text->at); text->at++)
    if (*number <= MAX_NUMBER) *number = *number * 10 + (*text->at - '0');
  return text->at > start && *number >= low && *number <= high;
}

static bool take_value(part *text, const field *of, int *value) {
  if (text->at < text->end && lj_ascii_is_digit(*text->at)) return take_number(text, of->low, of->high, value);
  if (text->end - text->at < MAX_NAME) return false;
  for (const char *name = of->names; *name != '\0'; name += MAX_NAME) {
    if (lj_ascii_lower(text->at[0]) != name[0] || lj_ascii_lower(text->at[1]) != name[1] ||
        lj_ascii_lower(text->at[2]) != name[2])
      continue;
    *value = of->first_name + (int)(name - of->names) / MAX_NAME;
    text->at += MAX_NAME;
    return true;
  }
  return false;
}

/* One element of a list. */
static bool parse_piece(part text, const field *of, uint64_t *values) {
  int first = of->low;
  int last = of->last;
  int step = 1;
  if (!take(&text, '*') && !take(&text, '?')) {
    if (!take_value(&text, of, &first)) return false;
    bool is_range = take(&text, '-');
    bool is_open = text.at < text.end && *text.at == '/' && first <= of->last;
    if (is_range && !take_value(&text, of, &last)) return false;
    if (!is_range && !is_open) last = first;
  }
  if (take(&text, '/') && !take_number(&text, 1, of->steps, &step)) return false;
  if (text.at != text.end || first > last) return false;
  for (int value = first; value <= last; value += step) *values |= UINT64_C(1) << value;
  return true;
}

static int parse_field(part text, const field *of, uint64_t *values, lj_fault *fault) {
  part piece = text;
  *values = 0;
  for (;;) {
    const char *comma = memchr(piece.at, ',', (size_t)(text.end - piece.at));
    piece.end = comma != NULL ? comma : text.end;
    if (!parse_piece(piece, of, values)) return refuse(of, text, fault);
    if (comma == NULL) return LJ_OK;
    piece.at = comma + 1;
  }
}

static size_t split(const char *text, part *parts, size_t size) {
  size_t count = 0;
  const char *at = text;
  for (;;) {
    while (is_blank(*at)) at++;
    if (*at == '\0') return count;
    const char *start = at;
    while (*at != '\0' && !is_blank(*at)) at++;
    if (count < size) parts[count] = (part){start, at};
    count++;
  }
}

static const char *meaning_of(part nickname) {
  for (size_t i = 0; i < sizeof nicknames / sizeof nicknames[0]; i++) {
    size_t length = strlen(nicknames[i].name);
    size_t same = 0;
    if ((size_t)(nickname.end - nickname.at) != length) continue;
    while (same < length && lj_ascii_lower(nickname.at[same]) == nicknames[i].name[same]) same++;
    if (same == length) return nicknames[i].means;
  }
  return NULL;
}

int lj_cron_parse(const char *text, lj_cron *cron, lj_fault *fault) {
  uint64_t *const values[FIELDS] = {&cron->minutes, &cron->hours, &cron->days, &cron->months, &cron->weekdays};
  part parts[FIELDS];
  memset(cron, 0, sizeof *cron);
  if (text == NULL || strlen(text) > LJ_MAX_CRON_TEXT)
    return lj_fault_set(fault, LJ_BAD_JOB, "must be a text of at most %d bytes", LJ_MAX_CRON_TEXT);
  size_t count = split(text, parts, FIELDS);
  if (count == 1 && parts[0].at[0] == '@') {
    const char *meaning = meaning_of(parts[0]);
    if (meaning == NULL)
      return lj_fault_set(fault, LJ_BAD_JOB,
                          "\"%.40s\": must be @hourly, @daily, @midnight, @weekly, @monthly, @yearly, @annually or five fields",
                          text);
    count = split(meaning, parts, FIELDS);
  }
  if (count != FIELDS)
    return lj_fault_set(fault, LJ_BAD_JOB,
                        "\"%.80s\": has %d fields, must have five: minute, hour, day of month, month, day of week", text,
                        (int)count);
  for (size_t i = 0; i < FIELDS; i++) {
    int code = parse_field(parts[i], &fields[i], values[i], fault);
    if (code != LJ_OK) return code;
  }
  if ((cron->weekdays >> 7 & 1) != 0) cron->weekdays = (cron->weekdays | 1) & 0x7F;
  cron->follows_real_time = is_star(*parts[0].at) || is_star(*parts[1].at);
  cron->both_days = is_star(*parts[2].at) || is_star(*parts[4].at);
  return LJ_OK;
}

static bool has(uint64_t values, int value) { return (values >> value & 1) != 0; }

static bool matches_day(const lj_cron *cron, const lj_date *date) {
  bool day = has(cron->days, date->day);
  bool weekday = has(cron->weekdays, date->weekday);
  return has(cron->months, date->month) && (cron->both_days ? day && weekday : day || weekday);
}

/* The first matching minute of a day, `from` on; −1 when there is none. */
static int find_minute(const lj_cron *cron, int from) {
  for (int hour = from / MINUTES; hour < HOURS; hour++) {
    if (!has(cron->hours, hour)) continue;
    for (int minute = hour == from / MINUTES ? from % MINUTES : 0; minute < MINUTES; minute++)
      if (has(cron->minutes, minute)) return hour * MINUTES + minute;
  }
  return -1;
}

/* The first matching wall time from `from` on and before `end`, both in seconds. */
static bool find(const lj_cron *cron, int64_t from, int64_t end, int64_t *found) {
  int64_t minutes = lj_floor_div(from + MINUTE_SECONDS - 1, MINUTE_SECONDS);
  int64_t day = lj_floor_div(minutes, HOURS * MINUTES);
  int minute = (int)(minutes - day * HOURS * MINUTES);
  while (day * LJ_DAY_SECONDS < end) {
    lj_date date;
    lj_date_of(day, &date);
    int match = matches_day(cron, &date) ? find_minute(cron, minute) : -1;
    if (match >= 0) {
      *found = day * LJ_DAY_SECONDS + (int64_t)match * MINUTE_SECONDS;
      return *found < end;
    }
    if (has(cron->months, date.month))
      day++;
    else
      day = date.month == 12 ? lj_days_of(date.year + 1, 1, 1) : lj_days_of(date.year, date.month + 1, 1);
    minute = 0;
  }
  return false;
}

static int64_t later(int64_t a, int64_t b) { return a > b ? a : b; }
static int64_t earlier(int64_t a, int64_t b) { return a < b ? a : b; }

int lj_cron_next(const lj_cron *cron, const lj_zone *zone, int64_t after_ms, int64_t *next_ms) {
  lj_zone_period period;
  int64_t wall;
  if (after_ms < -LJ_MAX_TIME_MS || after_ms > LJ_MAX_TIME_MS) return LJ_NOT_FOUND;
  int64_t after = lj_floor_div(after_ms, 1000);
  int64_t last = earlier(after + SEARCH_DAYS * LJ_DAY_SECONDS, LJ_MAX_TIME_MS / 1000);
  /* From one period of equal offset to the next. All wall times before `shown` have happened already or were left out. */
  int64_t at = after - REACH_DAYS * LJ_DAY_SECONDS;
  lj_zone_period_at(zone, at, &period);
  int64_t shown = at + period.offset;
  while (at <= last) {
    int64_t start = at + period.offset;
    if (at > after && start > shown && !cron->follows_real_time && find(cron, shown, start, &wall)) {
      *next_ms = at * 1000;
      return LJ_OK;
    }
    int64_t from = later(at, after + 1) + period.offset;
    int64_t end = earlier(period.until, last + 1) + period.offset;
    if (!cron->follows_real_time) from = later(from, shown);
    if (find(cron, from, end, &wall)) {
      *next_ms = (wall - period.offset) * 1000;
      return LJ_OK;
    }
    shown = later(shown, end);
    at = period.until;
    if (at <= last) lj_zone_period_at(zone, at, &period);
  }
  return LJ_NOT_FOUND;
}
