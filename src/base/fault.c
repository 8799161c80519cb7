/* SPDX-License-Identifier: MIT */
#include "base/fault.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"

void lj_fault_clear(lj_fault *fault) {
  if (fault != NULL) {
    fault->code = LJ_OK;
    fault->http_status = 0;
    fault->retry_after_ms = -1;
    fault->message[0] = '\0';
  }
}

int lj_fault_set(lj_fault *fault, int code, const char *format, ...) {
  /* One character longer than the message, so that lj_text_copy sees that it cuts and where. An argument may be the old
   * message itself, which is why it is not formatted in place. */
  char text[sizeof fault->message + 4];
  va_list arguments;
  if (fault == NULL) {
    return code;
  }
  va_start(arguments, format);
  if (vsnprintf(text, sizeof text, format, arguments) < 0) {
    text[0] = '\0';
  }
  va_end(arguments);
  lj_fault_clear(fault);
  fault->code = code;
  lj_text_copy(fault->message, sizeof fault->message, text, strlen(text));
  return code;
}

void lj_text_copy(char *out, size_t size, const char *text, size_t length) {
  size_t from = 0;
  size_t to = 0;
  if (size == 0) {
    return;
  }
  while (from < length) {
    size_t character = lj_utf8_character(text + from, length - from);
    size_t width = character == 0 ? 1 : character;
    unsigned char byte = (unsigned char)text[from];
    if (width > size - 1 - to) {
      break;
    }
    if (character == 0 || (byte < 0x20 && byte != '\n' && byte != '\t') || byte == 0x7F) {
      out[to] = '?';
    } else {
      memcpy(out + to, text + from, width);
    }
    from += width;
    to += width;
  }
  out[to] = '\0';
}

size_t lj_text_add(char *out, size_t size, size_t at, const char *text) {
  size_t length = strlen(text);
  if (length > size - 1 - at) length = size - 1 - at;
  memcpy(out + at, text, length);
  out[at + length] = '\0';
  return at + length;
}

void lj_fault_hide(lj_fault *fault, const char *secret) {
  static const char instead[] = "[key]";
  size_t length = secret != NULL ? strlen(secret) : 0;
  if (length < sizeof instead) {
    return; /* a key as short as what would replace it is no secret, and the text must not grow */
  }
  char *found = strstr(fault->message, secret);
  while (found != NULL) {
    memcpy(found, instead, sizeof instead - 1);
    found += sizeof instead - 1;
    memmove(found, found + length - (sizeof instead - 1), strlen(found + length - (sizeof instead - 1)) + 1);
    found = strstr(found, secret);
  }
}
