/* SPDX-License-Identifier: MIT */
#include "provider/float_text.h"

#include <float.h>
#include <limits.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
  LEAST_DIGITS = 6, /* a decimal of up to so many digits survives the way through a float, so fewer are these without zeros */
  MOST_DIGITS = 9,  /* enough for every float */
  EXACT_POWER = 22  /* the largest power of ten that is exact as a double */
};

static const double powers[EXACT_POWER + 1] = {1e0,  1e1,  1e2,  1e3,  1e4,  1e5,  1e6,  1e7,  1e8,  1e9,  1e10, 1e11,
                                               1e12, 1e13, 1e14, 1e15, 1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

typedef struct decimal {
  char digits[24];
  int count;    /* without trailing zeros */
  int exponent; /* of the first digit: 0 for 1 to 9 */
} decimal;

/* number × 10^−shift; written out by hand, because an answer may have millions of them. */
static void set_decimal(decimal *out, int64_t number, int shift) {
  char reversed[sizeof out->digits];
  int length = 0;
  int at;
  for (; number > 0; number /= 10) {
    reversed[length++] = (char)('0' + number % 10);
  }
  for (at = 0; at < length; at++) {
    out->digits[at] = reversed[length - 1 - at];
  }
  out->exponent = length - 1 - shift;
  while (length > 1 && out->digits[length - 1] == '0') {
    length--;
  }
  out->count = length;
}

/* What rounds to a float: all between the points halfway to its neighbours, and those points themselves when it is even. */
typedef struct interval {
  double low;
  double high;
  bool even;
} interval;

/* Whether number × 10^−shift rounds to the float. One operation on two exact numbers is the double nearest to the decimal: when
 * that is strictly between two doubles, so is the decimal itself. */
static bool rounds_back(double number, int shift, const interval *within) {
  double nearest = shift >= 0 ? number / powers[shift] : number * powers[-shift];
  if (nearest > within->low && nearest < within->high) {
    return true;
  }
  if (!within->even || nearest < within->low || nearest > within->high) {
    return false;
  }
  return !(fabs(shift >= 0 ? fma(nearest, powers[shift], -number) : fma(number, powers[-shift], -nearest)) > 0);
}

/* The power of ten of the first digit, when it is among `powers` in either direction, else INT_MIN. */
static int exponent_of(double value) {
  int two;
  int ten;
  (void)frexp(value, &two);
  ten = (int)floor((two - 1) * 0.30102999566398120); /* log10(2): right, or one too small */
  if (ten < -EXACT_POWER || ten >= EXACT_POWER) {
    return INT_MIN;
  }
  return (ten + 1 >= 0 ? value >= powers[ten + 1] : value * powers[-ten - 1] >= 1) ? ten + 1 : ten;
}

/* Whether `digits` digits are enough; if so, *number × 10^−*shift are they. */
static bool fits(double value, int exponent, int digits, const interval *within, double *number, int *shift) {
  double scaled;
  *shift = digits - 1 - exponent;
  if (*shift > EXACT_POWER || *shift < -EXACT_POWER) {
    return false;
  }
  scaled = *shift >= 0 ? value * powers[*shift] : value / powers[-*shift];
  *number = floor(scaled + 0.5);
  if (rounds_back(*number, *shift, within)) {
    return true;
  }
  *number += *number > scaled ? -1 : 1; /* below a power of two lie closer neighbours than above it */
  return rounds_back(*number, *shift, within);
}

/* For all floats from 1e-13 to 1e22; false for the others. Most need eight or nine digits. */
static bool find_fast(double value, const interval *within, decimal *out) {
  int exponent = exponent_of(value);
  int digits = MOST_DIGITS - 1;
  double number;
  double shorter;
  int shift;
  int less;
  if (exponent == INT_MIN) {
    return false;
  }
  if (!fits(value, exponent, digits, within, &number, &shift)) {
    digits = MOST_DIGITS;
    if (!fits(value, exponent, digits, within, &number, &shift)) {
      return false;
    }
  } else {
    while (digits > LEAST_DIGITS && fits(value, exponent, digits - 1, within, &shorter, &less)) {
      digits--;
      number = shorter;
      shift = less;
    }
  }
  set_decimal(out, (int64_t)number, shift);
  return true;
}

/* By trying. Between the digits may stand the decimal point of any locale. */
static void find_slow(float value, decimal *out) {
  char text[64];
  int digits = 0;
  const char *at;
  do {
    digits++;
    (void)snprintf(text, sizeof text, "%.*e", digits - 1, (double)value);
  } while (digits < MOST_DIGITS && (strtof(text, NULL) < value || strtof(text, NULL) > value));
  out->count = 0;
  for (at = text; *at != 'e'; at++) {
    if (*at >= '0' && *at <= '9') {
      out->digits[out->count++] = *at;
    }
  }
  out->exponent = (int)strtol(at + 1, NULL, 10);
}

static size_t scientific_length(const decimal *number) {
  size_t length = (size_t)number->count + (number->count > 1 ? 1 : 0) + (number->exponent < 0 ? 3 : 2); /* d.ddde-d */
  int exponent = number->exponent / 10;
  for (; exponent != 0; exponent /= 10) {
    length++;
  }
  return length;
}

static size_t plain_length(const decimal *number) {
  if (number->exponent < 0) {
    return (size_t)(1 - number->exponent) + (size_t)number->count;
  }
  return number->count <= number->exponent + 1 ? (size_t)number->exponent + 1 : (size_t)number->count + 1;
}

static void write_scientific(const decimal *number, char *out) {
  (void)snprintf(out, LJ_FLOAT_TEXT - 1, "%c%s%.*se%d", number->digits[0], number->count > 1 ? "." : "", number->count - 1,
                 number->digits + 1, number->exponent);
}

static void write_plain(const decimal *number, char *out) {
  int at;
  if (number->exponent < 0) {
    *out++ = '0';
    *out++ = '.';
    for (at = number->exponent + 1; at < 0; at++) {
      *out++ = '0';
    }
  }
  for (at = 0; at < number->count || at <= number->exponent; at++) {
    if (at > 0 && at == number->exponent + 1) {
      *out++ = '.';
    }
    *out++ = at < number->count ? number->digits[at] : '0';
  }
  *out = '\0';
}

size_t lj_float_text(float value, char out[LJ_FLOAT_TEXT]) {
  float size = fabsf(value);
  double exact = (double)size;
  double below = (double)nextafterf(size, 0);
  double above = (double)nextafterf(size, HUGE_VALF);
  size_t sign = signbit(value) ? 1 : 0;
  interval within;
  uint32_t bits;
  decimal number;
  out[0] = '-';
  if (!(exact > 0)) {
    memcpy(out + sign, "0", 2);
    return sign + 1;
  }
  above = above <= FLT_MAX ? above : exact + (exact - below);
  memcpy(&bits, &value, sizeof bits);
  within.low = exact - (exact - below) / 2;
  within.high = exact + (above - exact) / 2;
  within.even = (bits & 1U) == 0;
  if (!find_fast(exact, &within, &number)) {
    find_slow(size, &number);
  }
  if (plain_length(&number) <= scientific_length(&number)) {
    write_plain(&number, out + sign);
  } else {
    write_scientific(&number, out + sign);
  }
  return strlen(out);
}
