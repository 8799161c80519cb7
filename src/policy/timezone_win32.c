/* SPDX-License-Identifier: MIT
 *
 * Windows knows the names of the IANA list only in its ICU, a library of the system since Windows 10 1903. It is looked up at
 * run time, so that the engine also starts where it is missing. The changes of a zone are copied out once; nothing of ICU
 * stays open.
 */
#ifdef _WIN32

#ifndef WIN32_LEAN_AND_MEAN
#define WIN32_LEAN_AND_MEAN
#endif
#include <stdio.h>
#include <windows.h>

#include "policy/calendar.h"
#include "policy/timezone_data.h"

#ifndef LOAD_LIBRARY_SEARCH_SYSTEM32
#define LOAD_LIBRARY_SEARCH_SYSTEM32 0x00000800
#endif

enum {
  FIRST_YEAR = 1970,
  LAST_YEAR = 2100,
  MAX_CHANGES = 1024, /* some zones have had four a year */
  NAME_SIZE = 128,
  /* ucal.h */
  ICU_DEFAULT_KIND = 0,
  ICU_ZONE_OFFSET = 15,
  ICU_SUMMER_OFFSET = 16,
  ICU_NEXT_CHANGE = 0
};

/* ICU's types, as ucal.h and umachine.h have them. An error code above 0 is an error, below it a warning. */
typedef uint16_t icu_char;
typedef void icu_calendar;

typedef struct icu {
  HMODULE library;
  icu_calendar *(*open)(const icu_char *zone, int32_t length, const char *locale, int kind, int *error);
  void (*close)(icu_calendar *calendar);
  void (*set)(icu_calendar *calendar, double milliseconds, int *error);
  int32_t (*get)(const icu_calendar *calendar, int field, int *error);
  int8_t (*next_change)(const icu_calendar *calendar, int kind, double *milliseconds, int *error);
  int32_t (*canonical)(const icu_char *name, int32_t length, icu_char *out, int32_t size, int8_t *is_system, int *error);
} icu;

static FARPROC look_up(const icu *lib, const char *name) { return GetProcAddress(lib->library, name); }

/* The cast over a function without arguments tells the compiler that the change of type is meant. */
#define LOOK_UP(lib, member, type, name) ((lib)->member = (type)(void (*)(void))look_up(lib, name))

static bool open_icu(icu *lib) {
  lib->library = LoadLibraryExW(L"icu.dll", NULL, LOAD_LIBRARY_SEARCH_SYSTEM32);
  if (lib->library == NULL) return false;
  LOOK_UP(lib, open, icu_calendar * (*)(const icu_char *, int32_t, const char *, int, int *), "ucal_open");
  LOOK_UP(lib, close, void (*)(icu_calendar *), "ucal_close");
  LOOK_UP(lib, set, void (*)(icu_calendar *, double, int *), "ucal_setMillis");
  LOOK_UP(lib, get, int32_t (*)(const icu_calendar *, int, int *), "ucal_get");
  LOOK_UP(lib, next_change, int8_t (*)(const icu_calendar *, int, double *, int *), "ucal_getTimeZoneTransitionDate");
  LOOK_UP(lib, canonical, int32_t (*)(const icu_char *, int32_t, icu_char *, int32_t, int8_t *, int *),
          "ucal_getCanonicalTimeZoneID");
  if (lib->open != NULL && lib->close != NULL && lib->set != NULL && lib->get != NULL && lib->next_change != NULL &&
      lib->canonical != NULL)
    return true;
  FreeLibrary(lib->library);
  return false;
}

static int32_t offset_of(const icu *lib, const icu_calendar *calendar, int *error) {
  int32_t standard = lib->get(calendar, ICU_ZONE_OFFSET, error);
  int32_t summer = lib->get(calendar, ICU_SUMMER_OFFSET, error);
  return *error > 0 ? 0 : (standard + summer) / 1000;
}

static int copy_changes(const icu *lib, icu_calendar *calendar, lj_zone *zone) {
  double at = (double)lj_days_of(FIRST_YEAR, 1, 1) * (double)LJ_DAY_SECONDS * 1000;
  double end = (double)lj_days_of(LAST_YEAR, 1, 1) * (double)LJ_DAY_SECONDS * 1000;
  int error = 0;
  lib->set(calendar, at, &error);
  zone->offset = offset_of(lib, calendar, &error);
  while (error <= 0 && zone->count < MAX_CHANGES) {
    double next = at;
    if (!lib->next_change(calendar, ICU_NEXT_CHANGE, &next, &error) || error > 0 || !(next > at && next < end)) break;
    lib->set(calendar, next, &error);
    lj_zone_change *change = &zone->changes[zone->count++];
    change->at = lj_floor_div((int64_t)next, 1000);
    change->offset = offset_of(lib, calendar, &error);
    at = next;
  }
  return error > 0 ? LJ_IO : LJ_OK;
}

/* ICU takes an unknown name for UTC, so it is asked first whether it is one of its own. NULL: the system's zone. */
static bool is_known(const icu *lib, const icu_char *name, int32_t length) {
  icu_char canonical[NAME_SIZE];
  int8_t is_system = 0;
  int error = 0;
  if (name == NULL) return true;
  (void)lib->canonical(name, length, canonical, NAME_SIZE, &is_system, &error);
  return error <= 0 && is_system;
}

static int load(const icu *lib, const icu_char *name, int32_t length, lj_zone **zone) {
  int error = 0;
  if (!is_known(lib, name, length)) return LJ_NOT_FOUND;
  lj_zone *made = lj_zone_new(MAX_CHANGES);
  if (made == NULL) return LJ_NOMEM;
  icu_calendar *calendar = lib->open(name, length, "", ICU_DEFAULT_KIND, &error);
  int code = calendar == NULL || error > 0 ? LJ_IO : copy_changes(lib, calendar, made);
  if (calendar != NULL) lib->close(calendar);
  if (code == LJ_OK)
    *zone = made;
  else
    lj_zone_free(made);
  return code;
}

/* `name` is NULL for the system's own zone; `shown` stands for it in messages. */
static int load_by_icu(const char *name, const char *shown, lj_zone **zone, lj_fault *fault) {
  icu_char wide[LJ_ZONE_NAME_SIZE];
  int32_t length = 0;
  icu lib;
  if (!open_icu(&lib))
    return lj_fault_set(fault, LJ_BAD_JOB,
                        "time zone %s: names of time zones need Windows 10 1903 or newer; write \"UTC\" or an offset such as "
                        "\"+05:30\"",
                        shown);
  if (name != NULL) /* it is ASCII, and short enough: its form has been checked */
    for (; length < LJ_ZONE_NAME_SIZE && name[length] != '\0'; length++) wide[length] = (icu_char)name[length];
  int code = load(&lib, name != NULL ? wide : NULL, length, zone);
  FreeLibrary(lib.library);
  if (code == LJ_NOT_FOUND)
    return lj_fault_set(fault, LJ_BAD_JOB, "time zone %s: Windows knows no such name; write it as in \"Europe/Berlin\"", shown);
  if (code == LJ_IO) return lj_fault_set(fault, LJ_BAD_JOB, "time zone %s: Windows can't tell its rules", shown);
  return code;
}

int lj_zone_load_named(const char *name, lj_zone **zone, lj_fault *fault) {
  char shown[LJ_ZONE_NAME_SIZE + 2];
  (void)snprintf(shown, sizeof shown, "\"%s\"", name);
  return load_by_icu(name, shown, zone, fault);
}

int lj_zone_load_local(lj_zone **zone, lj_fault *fault) { return load_by_icu(NULL, "of the system", zone, fault); }

#else
typedef int lj_no_win32_timezone; /* ISO C wants a declaration in every file */
#endif
