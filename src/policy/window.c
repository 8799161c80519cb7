/* SPDX-License-Identifier: MIT */
#include "policy/window.h"

#include <string.h>

#include "base/limits.h"
#include "base/memory.h"

enum { FIRST_SIZE = 16 };

void lj_window_free(lj_window *window) {
  lj_free(window->calls);
  memset(window, 0, sizeof *window);
}

/* The first place whose call began at `at` or later. */
static size_t place_of(const lj_window *window, int64_t at) {
  size_t low = 0;
  size_t high = window->count;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    if (window->calls[middle].at < at)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

/* window->count when it is not known. */
static size_t find(const lj_window *window, int64_t job, int64_t at) {
  for (size_t i = place_of(window, at); i < window->count && window->calls[i].at == at; i++)
    if (window->calls[i].job == job) return i;
  return window->count;
}

static int grow(lj_window *window) {
  size_t size = window->size > 0 ? window->size * 2 : FIRST_SIZE;
  if (window->count == LJ_MAX_WINDOW_CALLS) return LJ_TOO_BIG;
  if (size > LJ_MAX_WINDOW_CALLS) size = LJ_MAX_WINDOW_CALLS;
  lj_window_call *calls = lj_realloc(window->calls, size * sizeof *calls);
  if (calls == NULL) return LJ_NOMEM;
  window->calls = calls;
  window->size = size;
  return LJ_OK;
}

int lj_window_note(lj_window *window, int64_t job, int64_t at, int64_t tokens, int64_t now) {
  if (at > now) at = now;
  if (at + LJ_WINDOW_MS <= now) return LJ_OK;
  size_t place = find(window, job, at);
  if (place < window->count) {
    window->tokens += tokens - window->calls[place].tokens;
    window->calls[place].tokens = tokens;
    return LJ_OK;
  }
  int code = window->count == window->size ? grow(window) : LJ_OK;
  if (code != LJ_OK) return code;
  place = place_of(window, at + 1);
  memmove(&window->calls[place + 1], &window->calls[place], (window->count - place) * sizeof *window->calls);
  window->calls[place] = (lj_window_call){.job = job, .at = at, .tokens = tokens};
  window->count++;
  window->tokens += tokens;
  return LJ_OK;
}

void lj_window_drop(lj_window *window, int64_t job, int64_t at) {
  size_t place = find(window, job, at);
  if (place == window->count) return;
  window->tokens -= window->calls[place].tokens;
  window->count--;
  memmove(&window->calls[place], &window->calls[place + 1], (window->count - place) * sizeof *window->calls);
}

void lj_window_slide(lj_window *window, int64_t now) {
  size_t past = 0;
  while (past < window->count && window->calls[past].at + LJ_WINDOW_MS <= now) window->tokens -= window->calls[past++].tokens;
  window->count -= past;
  if (past > 0) memmove(window->calls, &window->calls[past], window->count * sizeof *window->calls);
  for (size_t i = window->count; i > 0 && window->calls[i - 1].at > now; i--) window->calls[i - 1].at = now;
}

size_t lj_window_room(const lj_window *window, int64_t requests) {
  size_t most = requests > 0 && requests < LJ_MAX_WINDOW_CALLS ? (size_t)requests : LJ_MAX_WINDOW_CALLS;
  return window->count < most ? most - window->count : 0;
}

bool lj_window_fits(const lj_window *window, int64_t limit, int64_t tokens) {
  return limit == 0 || window->tokens + tokens <= limit || window->count == 0;
}

int64_t lj_window_opens(const lj_window *window, int64_t requests, int64_t limit, int64_t tokens, int64_t now) {
  lj_window rest = *window; /* its calls are borrowed */
  int64_t opens = now;
  while (rest.count > 0 && (lj_window_room(&rest, requests) == 0 || !lj_window_fits(&rest, limit, tokens))) {
    opens = rest.calls[0].at + LJ_WINDOW_MS;
    rest.tokens -= rest.calls[0].tokens;
    rest.calls++;
    rest.count--;
  }
  return opens > now ? opens : now;
}
