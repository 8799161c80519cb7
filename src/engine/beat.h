/* SPDX-License-Identifier: MIT
 *
 * How this worker does: what worker:heartbeat answers, and worker:health-status after it. Nothing here has a timer: whoever wants to
 * know asks, and what is told of a span of time is told of the span since the last question.
 */
#ifndef LJ_ENGINE_BEAT_H
#define LJ_ENGINE_BEAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct lj_engine;

typedef struct lj_beat {
  int64_t at_ms;           /* monotonic, of the last reckoning of cpu_percent */
  int64_t cpu_ms;          /* of the process, then; −1: unknown */
  double cpu_percent;      /* of one core, in the span before it */
  int64_t longest_turn_ms; /* since the last beat: for so long the loop saw no message and no socket */
  double response_ms;      /* weighted mean of what calls that were answered have taken; negative: there was none */
} lj_beat;

void lj_beat_init(lj_beat *beat, int64_t now_ms);
/* A turn of the loop took so long. */
void lj_beat_turn(lj_beat *beat, int64_t took_ms);
/* A call was answered after so long. */
void lj_beat_response(lj_beat *beat, int64_t took_ms);

/* How many jobs may run at a time: the configuration's concurrency, or fewer while the worker is throttled. */
size_t lj_beat_slots(const struct lj_engine *engine);

#endif
