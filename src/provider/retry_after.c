/* SPDX-License-Identifier: MIT */
#include "provider/retry_after.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

static const int64_t MAX_WAIT_MS = 86400000;

/* Digits with an optional fraction, and nothing else. Not strtod, whose decimal point depends on the host's locale. */
static bool parse_decimal(const char *text, double *out) {
  double number = 0;
  double weight = 1;
  const char *at = text;
  for (; *at >= '0' && *at <= '9'; at++) {
    number = number * 10 + (*at - '0');
  }
  if (at == text) {
    return false;
  }
  if (*at == '.') {
    for (at++; *at >= '0' && *at <= '9'; at++) {
      weight /= 10;
      number += weight * (*at - '0');
    }
  }
  while (*at == ' ') {
    at++;
  }
  *out = number;
  return *at == '\0';
}

/* Days from 1970-01-01 in the Gregorian calendar; the year is counted from March so that the leap day comes last. */
static int64_t days_since_epoch(int year, int month, int day) {
  int64_t y = month > 2 ? year : year - 1;
  int64_t day_of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;
  int64_t era = y / 400;
  int64_t year_of_era = y - era * 400;
  return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719468;
}

/* "Sun, 06 Nov 1994 08:49:37 GMT", the one form that HTTP allows to be sent. */
static bool parse_date(const char *text, int64_t *out_ms) {
  static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
  char name[4] = "";
  const char *found;
  int day = 0;
  int year = 0;
  int hour = 0;
  int minute = 0;
  int second = 0;
  int64_t seconds;
  if (sscanf(text, "%*3[A-Za-z], %2d %3[A-Za-z] %4d %2d:%2d:%2d GMT", &day, name, &year, &hour, &minute, &second) != 6) {
    return false;
  }
  found = strlen(name) == 3 ? strstr(months, name) : NULL;
  if (found == NULL || (found - months) % 3 != 0 || year < 1970 || day < 1 || day > 31 || hour < 0 || hour > 23 ||
      minute < 0 || minute > 59 || second < 0 || second > 60) {
    return false;
  }
  seconds = days_since_epoch(year, (int)((found - months) / 3) + 1, day) * 86400 + hour * 3600 + minute * 60 + second;
  *out_ms = seconds * 1000;
  return true;
}

static int64_t within_a_day(double ms) {
  if (ms < 0) {
    return 0;
  }
  return ms > (double)MAX_WAIT_MS ? MAX_WAIT_MS : (int64_t)ceil(ms);
}

int64_t lj_retry_after_ms(const lj_head *head, int64_t now_ms) {
  double number;
  int64_t date_ms;
  if (parse_decimal(head->retry_after_ms, &number)) {
    return within_a_day(number);
  }
  if (parse_decimal(head->retry_after, &number)) {
    return within_a_day(number * 1000);
  }
  if (parse_date(head->retry_after, &date_ms)) {
    return within_a_day((double)(date_ms - now_ms));
  }
  return -1;
}
