/* SPDX-License-Identifier: MIT */
#include "queue/statements.h"

#define END_LEASE "lease_owner = NULL, lease_token = NULL, lease_until = NULL"
/* The fence: an end is written only by the run that holds the row. */
#define FENCE "WHERE seq = ?1 AND status = 'active' AND lease_token = ?2"

/* A dead worker's job goes back with its attempt, or fails when it has taken workers down too often (?1: maxStalls,
 * ?2: now, ?3: the error's JSON). */
#define RECOVER                                                                                    \
  "UPDATE llm_jobs SET "                                                                           \
  "status = iif(stalls + 1 > ?1, 'failed', 'waiting'), "                                           \
  "error = iif(stalls + 1 > ?1, ?3, error), "                                                      \
  "finished_on = iif(stalls + 1 > ?1, ?2, NULL), "                                                 \
  "stalls = stalls + 1, attempts = max(attempts - 1, 0), progress = 0, partial = NULL, " END_LEASE \
  " WHERE status = 'active' AND "
#define RECOVERED " RETURNING id, name, status, attempts"

static const char *const texts[LJ_SQL_END] = {
    [LJ_SQL_BEGIN] = "BEGIN IMMEDIATE",
    [LJ_SQL_COMMIT] = "COMMIT",
    [LJ_SQL_ROLLBACK] = "ROLLBACK",
    [LJ_SQL_DATA_VERSION] = "PRAGMA data_version",

    /* The claim skips from one (queue, route) pair to the next along index llm_jobs_ready, so that a million rows of a
     * lane that can't run cost one look-up, not a scan. */
    [LJ_SQL_NEXT_QUEUE] = "SELECT queue FROM llm_jobs WHERE status = 'waiting' AND queue >= ?1 ORDER BY queue LIMIT 1",
    [LJ_SQL_NEXT_ROUTE] = "SELECT " LJ_ROUTE_KEY ", model, name FROM llm_jobs WHERE status = 'waiting' AND queue = ?1 AND " LJ_ROUTE_KEY
                          " >= ?2 ORDER BY " LJ_ROUTE_KEY " LIMIT 1",
    [LJ_SQL_CANDIDATES] = "SELECT seq, priority, run_at FROM llm_jobs WHERE status = 'waiting' AND queue = ?1 AND " LJ_ROUTE_KEY
                          " = ?2 ORDER BY priority DESC, seq LIMIT ?3",
    /* Plain SQL may insert a row with a future run_at as 'waiting'. */
    [LJ_SQL_POSTPONE] = "UPDATE llm_jobs SET status = 'delayed' WHERE seq = ?1 AND status = 'waiting'",
    [LJ_SQL_CLAIM] = "UPDATE llm_jobs SET status = 'active', attempts = attempts + 1, progress = 0, partial = NULL, "
                     "lease_owner = ?2, lease_token = ?3, lease_until = ?4, processed_on = ?5, lane = ?6 "
                     "WHERE seq = ?1 AND status = 'waiting' "
                     "RETURNING id, queue, name, model, data, opts, history, attempts, max_attempts, created_at, run_at",
    /* Two look-ups, because "is null or at most" would read every delayed row. */
    [LJ_SQL_PROMOTE] = "UPDATE llm_jobs SET status = 'waiting' WHERE seq IN ("
                       "SELECT seq FROM (SELECT seq FROM llm_jobs WHERE status = 'delayed' AND run_at IS NULL LIMIT 200) "
                       "UNION ALL SELECT seq FROM (SELECT seq FROM llm_jobs WHERE status = 'delayed' AND run_at <= ?1 "
                       "ORDER BY run_at LIMIT 200))",
    [LJ_SQL_NEXT_DUE] = "SELECT ifnull(run_at, 0) FROM llm_jobs WHERE status = 'delayed' ORDER BY run_at LIMIT 1",

    /* Ends: (1) seq, (2) token, (3) history, (4) the JSON, (5) a time, (6) the lane. */
    [LJ_SQL_COMPLETE] = "UPDATE llm_jobs SET status = 'completed', progress = 100, partial = NULL, lane = ?6, history = ?3, result = ?4, "
                        "error = NULL, finished_on = ?5, " END_LEASE " " FENCE,
    [LJ_SQL_RETRY] = "UPDATE llm_jobs SET status = 'delayed', progress = 0, partial = NULL, lane = ?6, history = ?3, error = ?4, "
                     "run_at = ?5, " END_LEASE " " FENCE,
    [LJ_SQL_FAIL] = "UPDATE llm_jobs SET status = 'failed', partial = NULL, lane = ?6, history = ?3, error = ?4, finished_on = ?5, " END_LEASE
                    " " FENCE,
    [LJ_SQL_RELEASE] = "UPDATE llm_jobs SET status = 'waiting', progress = 0, partial = NULL, attempts = max(attempts - 1, 0), "
                       "lane = ?6, history = ?3, error = ifnull(?4, error), " END_LEASE " " FENCE,

    [LJ_SQL_RENEW] = "UPDATE llm_jobs SET lease_until = ?2 WHERE status = 'active' AND lease_owner = ?1",
    [LJ_SQL_HELD] = "SELECT seq, lease_token FROM llm_jobs WHERE status = 'active' AND lease_owner = ?1",
    [LJ_SQL_EXPIRED] = "SELECT 1 FROM llm_jobs WHERE status = 'active' AND (lease_until IS NULL OR lease_until < ?1) LIMIT 1",
    [LJ_SQL_OWNERS] = "SELECT DISTINCT lease_owner FROM llm_jobs WHERE status = 'active' AND lease_owner IS NOT NULL",
    [LJ_SQL_RECOVER_OWNER] = RECOVER "lease_owner = ?4" RECOVERED,
    [LJ_SQL_RECOVER_EXPIRED] = RECOVER "(lease_until IS NULL OR lease_until < ?2)" RECOVERED,
};

const char *lj_statement_text(lj_sql which) { return texts[which]; }
