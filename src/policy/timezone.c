/* SPDX-License-Identifier: MIT */
#include "policy/timezone.h"

#include <stdio.h>
#include <string.h>

#include "base/ascii.h"
#include "base/clock.h"
#include "base/memory.h"
#include "policy/timezone_data.h"

enum { NAMED_STAYS_MS = 24 * 60 * 60 * 1000, LOCAL_STAYS_MS = 60 * 1000 };

/* What these mean is known without any file. */
static const char *const utc_names[] = {"UTC", "Etc/UTC", "GMT", "Etc/GMT", "Z"};

static bool is_utc(const char *name) {
  for (size_t i = 0; i < sizeof utc_names / sizeof utc_names[0]; i++)
    if (strcmp(name, utc_names[i]) == 0) return true;
  return false;
}

static int two_digits(const char *text) { return (text[0] - '0') * 10 + (text[1] - '0'); }

/* "+HH", "+HHMM" and "+HH:MM", as ISO 8601 and JavaScript write offsets: east is positive. */
static bool parse_offset(const char *name, int32_t *offset) {
  size_t length = strlen(name);
  if ((name[0] != '+' && name[0] != '-') || (length != 3 && length != 5 && length != 6)) return false;
  if (!lj_ascii_is_digit(name[1]) || !lj_ascii_is_digit(name[2]) || two_digits(name + 1) > 23) return false;
  *offset = two_digits(name + 1) * 60 * 60;
  if (length > 3) {
    const char *minutes = name + length - 2;
    if (length == 6 && name[3] != ':') return false;
    if (!lj_ascii_is_digit(minutes[0]) || !lj_ascii_is_digit(minutes[1]) || two_digits(minutes) > 59) return false;
    *offset += two_digits(minutes) * 60;
  }
  if (name[0] == '-') *offset = -*offset;
  return true;
}

static bool has_form_of_name(const char *name) {
  if (!lj_ascii_is_letter(name[0])) return false;
  for (const char *at = name; *at != '\0'; at++)
    if (!lj_ascii_is_letter(*at) && !lj_ascii_is_digit(*at) && strchr("_-+/", *at) == NULL) return false;
  return strlen(name) < LJ_ZONE_NAME_SIZE;
}

int lj_zone_check_name(const char *name, lj_fault *fault) {
  int32_t offset;
  if (name == NULL || name[0] == '\0' || parse_offset(name, &offset) || has_form_of_name(name)) return LJ_OK;
  return lj_fault_set(fault, LJ_BAD_JOB,
                      "time zone \"%.80s\": must be a name such as \"Europe/Berlin\", \"UTC\", an offset such as \"+05:30\", or "
                      "be left out for the system's own",
                      name);
}

lj_zone *lj_zone_new(size_t changes) { return lj_calloc(1, sizeof(lj_zone) + changes * sizeof(lj_zone_change)); }

void lj_zone_free(lj_zone *zone) { lj_free(zone); }

static int load_fixed(int32_t offset, lj_zone **zone) {
  *zone = lj_zone_new(0);
  if (*zone == NULL) return LJ_NOMEM;
  (*zone)->offset = offset;
  return LJ_OK;
}

int lj_zone_load(const char *name, lj_zone **zone, lj_fault *fault) {
  int32_t offset = 0;
  *zone = NULL;
  int code = lj_zone_check_name(name, fault);
  if (code != LJ_OK) return code;
  if (name == NULL || name[0] == '\0') {
    code = lj_zone_load_local(zone, fault);
  } else if (is_utc(name) || parse_offset(name, &offset)) {
    code = load_fixed(offset, zone);
  } else {
    code = lj_zone_load_named(name, zone, fault);
  }
  return code == LJ_NOMEM ? lj_fault_set(fault, code, "not enough memory for a time zone") : code;
}

void lj_zone_period_at(const lj_zone *zone, int64_t utc, lj_zone_period *period) {
  size_t low = 0;            /* changes before it are not after `utc`, … */
  size_t high = zone->count; /* … those from here on are */
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (zone->changes[middle].at <= utc)
      low = middle + 1;
    else
      high = middle;
  }
  period->offset = low > 0 ? zone->changes[low - 1].offset : zone->offset;
  period->until = low < zone->count ? zone->changes[low].at : INT64_MAX;
  if (low == zone->count && zone->has_rule) lj_zone_rule_period_at(&zone->rule, utc, period);
}

int32_t lj_zone_offset(const lj_zone *zone, int64_t utc) {
  lj_zone_period period;
  lj_zone_period_at(zone, utc, &period);
  return period.offset;
}

void lj_zones_init(lj_zones *zones) { memset(zones, 0, sizeof *zones); }

void lj_zones_free(lj_zones *zones) {
  for (size_t i = 0; i < zones->count; i++) lj_zone_free(zones->items[i].zone);
  lj_zones_init(zones);
}

/* Where a zone that is not held yet goes. */
static size_t place_for_new(lj_zones *zones) {
  size_t idlest = 0;
  if (zones->count < LJ_MAX_ZONES) return zones->count++;
  for (size_t i = 1; i < zones->count; i++)
    if (zones->items[i].used < zones->items[idlest].used) idlest = i;
  lj_zone_free(zones->items[idlest].zone);
  return idlest;
}

int lj_zones_get(lj_zones *zones, const char *name, const lj_zone **zone, lj_fault *fault) {
  int64_t now = lj_mono_ms();
  lj_zone *fresh = NULL;
  size_t place = 0;
  if (name == NULL) name = "";
  *zone = NULL;
  while (place < zones->count && strcmp(zones->items[place].name, name) != 0) place++;
  bool known = place < zones->count;
  if (!known || now - zones->items[place].loaded_ms >= (name[0] == '\0' ? LOCAL_STAYS_MS : NAMED_STAYS_MS)) {
    int code = lj_zone_load(name, &fresh, known ? NULL : fault);
    if (code != LJ_OK && !known) return code;
    if (!known) {
      place = place_for_new(zones);
      (void)snprintf(zones->items[place].name, sizeof zones->items[place].name, "%s", name);
    } else if (fresh != NULL) {
      lj_zone_free(zones->items[place].zone);
    }
    if (fresh != NULL) zones->items[place].zone = fresh;
    zones->items[place].loaded_ms = now;
  }
  zones->items[place].used = ++zones->requests;
  *zone = zones->items[place].zone;
  return LJ_OK;
}
