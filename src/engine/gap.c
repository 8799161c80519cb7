/* SPDX-License-Identifier: MIT */
#include "engine/gap.h"

#include <string.h>

/* SQLite's busy handler sleeps 1, 2, 5, 10, 15, 20, 25 … ms, so it looks at the lock 1, 3, 8 and 18 ms after its first look in vain. A
 * transaction of ours is over by its third look, because it holds the lock for 3 ms at most (pace.h), and mostly by its second. The
 * next one must not have begun by then: after the shortest gap it has not, also when the handler sleeps longer than it meant to.
 * The gap grows with the transaction, so that the lock is taken for a ninth of the time however long each holds it, and few of the
 * app's writes meet one of ours at all. Beside other workers it is the longest at once, because what each of them takes adds up, and
 * who has waited for one of us may meet another. A longer one would keep results from being stored.
 *
 * To others who are not seen to write the gap is as long as the transaction: with a shorter one the next transaction is there at the
 * third look of a lone write, too, and then the handler sleeps 5, 10 and 15 ms. */
enum {
  MAX_GAP_US = 5000,     /* the longest gap that we leave to others who do not write */
  SHORT_GAP_US = 3000,   /* the shortest while others write and we write densely */
  LONG_GAP_US = 10000,   /* the longest then */
  LONG_SHARE = 8,        /* between them, so many times what the transaction took */
  OTHERS_MS = 1000,      /* the time within which others must have been seen several times to count as writers */
  SHARED_MS = 3000,      /* the same beside other workers, whose transactions hide part of what others write */
  DENSE_MS = 100,        /* we write densely when our transactions took so much of such a time and the one before, 3 to 6 %: when … */
  DENSE_HELD_US = 6000,  /* … they take less, others seldom meet one, and hardly ever the next one too */
  MIN_BUSY_US = 1000,    /* first wait when another process holds the lock; doubles … */
  MAX_BUSY_US = 8000,    /* … up to here: how late we may notice that the lock is free */
  TROUBLE_US = 1000000   /* after an error of the database, memory shortage included */
};

static void count(lj_gap *gap, int64_t now_ms, int64_t took_us) {
  int64_t window = now_ms / DENSE_MS;
  if (window != gap->window) {
    gap->held_before_us = window == gap->window + 1 ? gap->held_now_us : 0;
    gap->held_now_us = 0;
    gap->window = window;
  }
  gap->held_now_us += took_us;
}

void lj_gap_wrote(lj_gap *gap, int64_t ended_us, int64_t took_us) {
  count(gap, ended_us / 1000, took_us);
  int64_t wait = took_us < MAX_GAP_US ? took_us : MAX_GAP_US;
  bool dense = gap->held_before_us + gap->held_now_us >= DENSE_HELD_US;
  bool crowded = lj_gap_crowded(gap, ended_us / 1000);
  if (dense && crowded) wait = !gap->shared && took_us < LONG_GAP_US / LONG_SHARE ? took_us * LONG_SHARE : LONG_GAP_US;
  if (dense && (crowded || gap->shared) && wait < SHORT_GAP_US) wait = SHORT_GAP_US;
  gap->busy_streak = 0;
  gap->write_at_us = ended_us + wait;
}

enum { SIGHTINGS = sizeof((lj_gap){0}.seen_ms) / sizeof(int64_t) };

void lj_gap_saw_others(lj_gap *gap, int64_t now_ms) {
  for (int i = 1; i < SIGHTINGS; i++) gap->seen_ms[i - 1] = gap->seen_ms[i];
  gap->seen_ms[SIGHTINGS - 1] = now_ms;
}

bool lj_gap_crowded(const lj_gap *gap, int64_t now_ms) {
  return gap->seen_ms[0] > 0 && now_ms < gap->seen_ms[0] + (gap->shared ? SHARED_MS : OTHERS_MS);
}

void lj_gap_share(lj_gap *gap, bool shared) {
  if (shared && !gap->shared) memset(gap->seen_ms, 0, sizeof gap->seen_ms);
  gap->shared = shared;
}

void lj_gap_busy(lj_gap *gap, int64_t now_us) {
  int64_t wait = MIN_BUSY_US;
  for (int i = 0; i < gap->busy_streak && wait < MAX_BUSY_US; i++) wait *= 2;
  gap->busy_streak++;
  for (int i = 0; i < SIGHTINGS && !gap->shared; i++) gap->seen_ms[i] = now_us / 1000;
  gap->write_at_us = now_us + (wait < MAX_BUSY_US ? wait : MAX_BUSY_US);
}

void lj_gap_trouble(lj_gap *gap, int64_t now_us) { gap->write_at_us = now_us + TROUBLE_US; }

void lj_gap_end(lj_gap *gap) { gap->write_at_us = 0; }
