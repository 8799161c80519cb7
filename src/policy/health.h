/* SPDX-License-Identifier: MIT
 *
 * How a provider is doing, from the calls that are made anyway and from probes where those say too little. Knows no clock and
 * no network: it is told what happened and says when to probe and when to restart. Times are monotonic milliseconds.
 */
#ifndef LJ_POLICY_HEALTH_H
#define LJ_POLICY_HEALTH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
  LJ_HEALTH_OUTCOMES = 100,       /* calls that the error rate looks back on */
  LJ_HEALTH_INTERVAL_MS = 30000,  /* between two probes of a provider that is idle, and at most so long while it fails */
  LJ_HEALTH_FAILURES = 3          /* in a row, before a restart */
};

typedef enum lj_health_status { LJ_HEALTHY, LJ_DEGRADED, LJ_UNHEALTHY } lj_health_status;

typedef struct lj_health_rules {
  int64_t interval_ms; /* between probes; 0: there are none */
  bool idle;           /* probed while nobody calls it, and not only while it fails */
  int failures;        /* in a row, before a restart */
} lj_health_rules;

typedef struct lj_health {
  lj_health_rules rules;
  bool known;            /* something has been heard */
  bool reachable;        /* it answered at all the last time */
  int code;              /* of the last failure; LJ_OK: the last call or probe went well */
  int failures;          /* in a row */
  double response_ms;    /* moving average of what went well; −1: nothing has yet */
  bool outcomes[LJ_HEALTH_OUTCOMES]; /* a ring, true: failed */
  size_t outcome_count;
  size_t outcome_at;
  int64_t heard_ms;      /* when something was heard last */
  int64_t probe_at_ms;   /* INT64_MAX: no probe is wanted */
  int waits;             /* for a probe, in a row */
  int restarts;          /* in a row, without anything going well between them */
  int64_t restart_at_ms; /* no restart before */
} lj_health;

void lj_health_init(lj_health *health, lj_health_rules rules, int64_t now_ms);

/* A call or a probe has ended with `code` after `took_ms`. What the provider answers by itself, however it refuses (AUTH,
 * BAD_REQUEST, RATE_LIMITED), is no failure of its health. */
void lj_health_hear(lj_health *health, int code, int64_t took_ms, bool probe, int64_t now_ms);

/* Whether it is time for a restart; true once, then not again until the next failure after a wait that doubles, from 3 s to
 * 5 min. A probe follows 3 s later. */
bool lj_health_restarts(lj_health *health, int64_t now_ms);

/* unhealthy: so many failures in a row as cause a restart, or it can't be reached; degraded: some failures in a row, or more
 * than a tenth of the last calls failed, of ten at least. */
lj_health_status lj_health_status_of(const lj_health *health);
const char *lj_health_status_name(lj_health_status status);
/* 0 to 1. */
double lj_health_error_rate(const lj_health *health);

#endif
