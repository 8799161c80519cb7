/* SPDX-License-Identifier: MIT */
#include "base/json_text.h"

static int begin(lj_buffer *out, const char *key) {
  char last = out->length > 0 ? out->data[out->length - 1] : '[';
  int code = last == '[' || last == '{' ? LJ_OK : lj_buffer_append_char(out, ',');
  if (code != LJ_OK || key == NULL) return code;
  code = lj_buffer_append_char(out, '"');
  if (code == LJ_OK) code = lj_buffer_append_text(out, key);
  return code == LJ_OK ? lj_buffer_append(out, "\":", 2) : code;
}

int lj_json_text_open(lj_buffer *out, const char *key, char bracket) {
  int code = begin(out, key);
  return code == LJ_OK ? lj_buffer_append_char(out, bracket) : code;
}

int lj_json_text_close(lj_buffer *out, char bracket) { return lj_buffer_append_char(out, bracket); }

int lj_json_text_value(lj_buffer *out, const char *key, const cJSON *value) {
  int code = begin(out, key);
  return code == LJ_OK ? lj_json_print(value, out) : code;
}

int lj_json_text_string(lj_buffer *out, const char *key, const char *text) {
  int code = begin(out, key);
  return code == LJ_OK ? lj_json_print_text(text, out) : code;
}

int lj_json_text_number(lj_buffer *out, const char *key, int64_t number) {
  int code = begin(out, key);
  return code == LJ_OK ? lj_json_print_number((double)number, out) : code;
}

int lj_json_text_bool(lj_buffer *out, const char *key, bool flag) {
  int code = begin(out, key);
  return code == LJ_OK ? lj_buffer_append_text(out, flag ? "true" : "false") : code;
}
