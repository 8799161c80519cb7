/* SPDX-License-Identifier: MIT
 *
 * When the next transaction may begin. Others need the write lock too, and SQLite's busy handler sleeps while a greedy writer
 * takes it again and again: so after each transaction of ours the lock stays free for a while. Knows no clock: whoever calls
 * says what time it is, monotonic. A zeroed lj_gap is ready for use.
 */
#ifndef LJ_ENGINE_GAP_H
#define LJ_ENGINE_GAP_H

#include <stdbool.h>
#include <stdint.h>

typedef struct lj_gap {
  int64_t write_at_us;     /* no transaction before: the gap that others get, or a wait for their lock */
  int64_t seen_ms[3];      /* when others were last seen to have written, the oldest first */
  int64_t window;          /* number of the span in which our transactions took held_now_us; held_before_us: in the one before */
  int64_t held_now_us;
  int64_t held_before_us;
  int busy_streak;         /* transactions in a row that found the lock taken */
  bool shared;             /* other workers use the database too */
} lj_gap;

/* A transaction of ours has ended. Beside other workers the gap is never among the shortest while we write densely: when all the
 * time is taken by workers, an app can neither write nor be seen to have written (lj_share_watch). */
void lj_gap_wrote(lj_gap *gap, int64_t ended_us, int64_t took_us);
/* Whether other workers use the database too, which are no writers in this sense. What was seen before may have been them. */
void lj_gap_share(lj_gap *gap, bool shared);
/* Another connection, not a worker's, has written. Once is an event, and nothing follows from it; three times within a second, or
 * beside other workers within three, is a writer, and it shall find the lock free when it looks. */
void lj_gap_saw_others(lj_gap *gap, int64_t now_ms);
/* Whether others count as writers. */
bool lj_gap_crowded(const lj_gap *gap, int64_t now_ms);
/* Another connection holds the lock, and so counts as a writer, unless it may be another worker: what it commits will tell. */
void lj_gap_busy(lj_gap *gap, int64_t now_us);
/* The database, or memory, fails. */
void lj_gap_trouble(lj_gap *gap, int64_t now_us);
/* What put the last transaction off is over, or nobody waits for a gap any more. */
void lj_gap_end(lj_gap *gap);

#endif
