/* SPDX-License-Identifier: MIT */
#include "base/result.h"

static const struct {
  const char *name;
  lj_class class_of;
} codes[] = {
    {"OK", LJ_CLASS_INTERNAL},
#define LJ_CODE_ENTRY(symbol, class) {#symbol, class},
    LJ_CODES(LJ_CODE_ENTRY)
#undef LJ_CODE_ENTRY
};

static bool is_code(int code) { return code <= LJ_OK && code > LJ_CODE_END; }

const char *lj_code_name(int code) { return is_code(code) ? codes[-code].name : "UNKNOWN"; }

lj_class lj_code_class(int code) { return is_code(code) ? codes[-code].class_of : LJ_CLASS_INTERNAL; }
