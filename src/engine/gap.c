/* SPDX-License-Identifier: MIT */
#include "engine/gap.h"

enum {
  MAX_GAP_US = 5000,     /* the longest gap that we leave to others who do not write */
  LONG_GAP_US = 10000,   /* the gap while others write and we write densely: SQLite's busy handler looks at the lock after 1, 2 and
                            5 ms, and must find it free by then */
  OTHERS_MS = 1000,      /* the time within which others must have been seen several times to count as writers */
  DENSE_MS = 100,        /* so many transactions of ours in such a time are dense */
  DENSE_WRITES = 6,
  MIN_BUSY_US = 1000,    /* first wait when another process holds the lock; doubles … */
  MAX_BUSY_US = 8000,    /* … up to here: how late we may notice that the lock is free */
  TROUBLE_US = 1000000   /* after an error of the database, memory shortage included */
};

static void count(lj_gap *gap, int64_t now_ms) {
  int64_t window = now_ms / DENSE_MS;
  if (window != gap->window) {
    gap->writes_before = window == gap->window + 1 ? gap->writes_now : 0;
    gap->writes_now = 0;
    gap->window = window;
  }
  gap->writes_now++;
}

void lj_gap_wrote(lj_gap *gap, int64_t ended_us, int64_t took_us) {
  count(gap, ended_us / 1000);
  int64_t wait = took_us < MAX_GAP_US ? took_us : MAX_GAP_US;
  bool dense = gap->writes_before + gap->writes_now >= DENSE_WRITES;
  if (dense && lj_gap_crowded(gap, ended_us / 1000)) wait = LONG_GAP_US;
  gap->busy_streak = 0;
  gap->write_at_us = ended_us + wait;
}

enum { SIGHTINGS = sizeof((lj_gap){0}.seen_ms) / sizeof(int64_t) };

void lj_gap_saw_others(lj_gap *gap, int64_t now_ms) {
  for (int i = 1; i < SIGHTINGS; i++) gap->seen_ms[i - 1] = gap->seen_ms[i];
  gap->seen_ms[SIGHTINGS - 1] = now_ms;
}

bool lj_gap_crowded(const lj_gap *gap, int64_t now_ms) { return gap->seen_ms[0] > 0 && now_ms < gap->seen_ms[0] + OTHERS_MS; }

void lj_gap_busy(lj_gap *gap, int64_t now_us) {
  int64_t wait = MIN_BUSY_US;
  for (int i = 0; i < gap->busy_streak && wait < MAX_BUSY_US; i++) wait *= 2;
  gap->busy_streak++;
  for (int i = 0; i < SIGHTINGS; i++) gap->seen_ms[i] = now_us / 1000;
  gap->write_at_us = now_us + (wait < MAX_BUSY_US ? wait : MAX_BUSY_US);
}

void lj_gap_trouble(lj_gap *gap, int64_t now_us) { gap->write_at_us = now_us + TROUBLE_US; }

void lj_gap_end(lj_gap *gap) { gap->write_at_us = 0; }
