/* SPDX-License-Identifier: MIT */
#include "engine/pace.h"

enum {
  MAX_COMMIT_US = 2000, /* a slower commit gets no faster by holding less, so it leaves some of the time all the same */
  SHARE = 8             /* of a rise counts one part in so many */
};

/* A fall counts at once, a rise little by little: a thread that was not scheduled for a while looks as if it had worked, and holding
 * less would not get it scheduled. */
static int64_t learn(int64_t known, int64_t now) {
  if (known == 0 || now <= known) return now;
  return known + (now - known + SHARE - 1) / SHARE;
}

void lj_pace_note(lj_pace *pace, size_t ends, int64_t ends_us, size_t claims, int64_t claims_us, int64_t commit_us) {
  if (ends > 0) pace->end_us = learn(pace->end_us, ends_us / (int64_t)ends);
  if (claims > 0) pace->claim_us = learn(pace->claim_us, claims_us / (int64_t)claims);
  pace->commit_us = learn(pace->commit_us, commit_us);
}

void lj_pace_limit(const lj_pace *pace, size_t *ends, size_t *claims) {
  int64_t commit_us = pace->commit_us < MAX_COMMIT_US ? pace->commit_us : MAX_COMMIT_US;
  int64_t each_us = (*ends > 0 ? pace->end_us : 0) + pace->claim_us;
  if (each_us <= 0) return;
  size_t most = (size_t)((LJ_PACE_HELD_US - commit_us) / each_us);
  if (most < 1) most = 1;
  if (*ends > most) *ends = most;
  if (*claims > most) *claims = most;
}
