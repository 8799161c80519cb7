/* SPDX-License-Identifier: MIT
 *
 * What a day's calls have cost, by provider: tokens, and money where there are prices. A try is known by its job and the time at
 * which it began, so that reading of it twice counts it once.
 */
#ifndef LJ_POLICY_SPENDING_H
#define LJ_POLICY_SPENDING_H

#include <stddef.h>
#include <stdint.h>

#include "base/limits.h"
#include "base/result.h"

/* Zeros are an empty one. Times are Unix milliseconds. */
typedef struct lj_spending {
  int64_t from;  /* the day that is counted */
  int64_t until;
  int64_t tokens[LJ_MAX_PROVIDERS];
  double cost[LJ_MAX_PROVIDERS];
  uint64_t *known; /* open addressing; 0: free */
  size_t size;     /* a power of two, or 0 */
  size_t count;
} lj_spending;

void lj_spending_free(lj_spending *spending);

/* Another day begins: nothing has been spent. */
void lj_spending_begin(lj_spending *spending, int64_t from, int64_t until);

/* Counts a try that has ended within the day. LJ_OK or LJ_NOMEM. Above LJ_MAX_SPENDING tries all are forgotten: those of jobs that
 * change once more are then counted twice, which errs on the safe side. */
int lj_spending_add(lj_spending *spending, size_t provider, int64_t job, int64_t begun, int64_t ended, int64_t tokens,
                    double cost) LJ_MUST_CHECK;

#endif
