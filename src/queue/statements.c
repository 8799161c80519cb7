/* SPDX-License-Identifier: MIT */
#include "queue/statements.h"

#include "schema_ddl.h"

#define END_LEASE "lease_owner = NULL, lease_token = NULL, lease_until = NULL"
/* The fence: an end is written only by the run that holds the row. */
#define FENCE "WHERE rowid = ?1 AND status = 'active' AND lease_token = ?2"
/* The states of a job that has not ended, and of those the ones that nobody holds. Index llm_jobs_children and the partial
 * indexes of keys serve these lists as they stand. */
#define UNFINISHED "('waiting', 'active', 'delayed', 'waiting-children')"
#define IDLE "('waiting', 'delayed', 'waiting-children')"
#define UNFINISHED_CHILDREN \
  "(SELECT count(*) FROM llm_jobs AS child WHERE child.parent_job_id = llm_jobs.id AND child.status IN " UNFINISHED ")"
/* Asked before a list of states is: for a search by such a list SQLite makes a table of it first. */
#define HAS_CHILDREN "EXISTS (SELECT 1 FROM llm_jobs AS child WHERE child.parent_job_id = llm_jobs.id)"
/* A member of opts, NULL when there is none. An older table may hold opts that are no JSON, which json_extract would refuse. */
#define OPTION_OF(table, name) "iif(json_valid(" table "opts), json_extract(" table "opts, '$." name "'), NULL)"
#define OPTION(name) OPTION_OF("", name)
/* A child that fails its parent when it fails or is cancelled. */
#define COUNTS "ifnull(" OPTION("onFailure") ", 'fail') <> 'ignore'"

/* likely(status = …) makes SQLite take our partial index of that state, and never an index that the app has on `status` alone, by
 * which a search would read every row of the state. */

/* A time in milliseconds. Values before LJ_SECONDS are seconds, whole or with a fraction: tables of the original schema hold them,
 * and its code may go on writing them. A range of such a column is two ranges of its index, one of each unit. */
#define SECONDS "100000000000"
#define MS(column) "CAST(iif(" column " < " SECONDS ", " column " * 1000 + 0.5, " column ") AS INTEGER)"
#define BEFORE(column, time) column " < min(" time " / 1000.0, " SECONDS ")"
/* A dead worker's job goes back with its attempt, or fails when it has taken workers down too often (?1: maxStalls,
 * ?2: now, ?3: the error's JSON, ?5: revision). A row that can't go back because a newer one has taken its supersede_key is
 * ignored here and ended by LJ_SQL_OUST. */
#define RECOVER                                                                                    \
  "UPDATE OR IGNORE llm_jobs SET "                                                                 \
  "status = iif(stalls + 1 > ?1, 'failed', 'waiting'), "                                           \
  "error = iif(stalls + 1 > ?1, ?3, error), "                                                      \
  "finished_on = iif(stalls + 1 > ?1, ?2, NULL), "                                                 \
  "stalls = stalls + 1, attempts = max(ifnull(attempts, 0) - 1, 0), progress = 0, partial = NULL, revision = ?5, " END_LEASE \
  " WHERE status = 'active' AND "
#define REMOVABLE                                                                                   \
  MS("finished_on") " + ifnull(" OPTION("keep.ageMs") ", 0) <= ?3 "                                 \
  "AND NOT EXISTS (SELECT 1 FROM llm_jobs AS parent WHERE parent.id = llm_jobs.parent_job_id AND parent.status IN " UNFINISHED ")"
#define RECOVERED " RETURNING id, name, status, attempts, rowid"

static const char *const texts[LJ_SQL_END] = {
    [LJ_SQL_BEGIN] = "BEGIN IMMEDIATE",
    [LJ_SQL_COMMIT] = "COMMIT",
    [LJ_SQL_ROLLBACK] = "ROLLBACK",
    [LJ_SQL_DATA_VERSION] = "PRAGMA data_version",

    /* The claim skips from one (queue, route) pair to the next along index llm_jobs_ready, so that a million rows of a
     * lane that can't run cost one look-up, not a scan. */
    [LJ_SQL_NEXT_QUEUE] = "SELECT queue FROM llm_jobs WHERE likely(status = 'waiting') AND queue >= ?1 ORDER BY queue LIMIT 1",
    [LJ_SQL_NEXT_ROUTE] = "SELECT " LJ_ROUTE_KEY ", model, name FROM llm_jobs WHERE likely(status = 'waiting') AND queue = ?1 AND " LJ_ROUTE_KEY
                          " >= ?2 ORDER BY " LJ_ROUTE_KEY " LIMIT 1",
    /* The last column is an lj_obstacle (claim.c): why a row must not start now. ?4 is now. */
    [LJ_SQL_CANDIDATES] =
        "SELECT rowid, priority, CASE "
        "WHEN id IS NULL THEN 8 "
        "WHEN cancel_requested <> 0 THEN 1 "
        "WHEN " MS("expires_at") " <= ?4 THEN 2 "
        "WHEN " MS("run_at") " > ?4 THEN 3 "
        "WHEN supersede_key IS NOT NULL AND EXISTS (SELECT 1 FROM llm_jobs AS newer WHERE newer.status = 'active' "
        "AND newer.supersede_key = llm_jobs.supersede_key AND newer.rowid > llm_jobs.rowid) THEN 4 "
        "WHEN " HAS_CHILDREN " AND EXISTS (SELECT 1 FROM llm_jobs AS child WHERE child.parent_job_id = llm_jobs.id AND child.status IN " UNFINISHED ") THEN 5 "
        "WHEN " HAS_CHILDREN " AND EXISTS (SELECT 1 FROM llm_jobs AS child WHERE child.parent_job_id = llm_jobs.id "
        "AND child.status IN ('failed', 'cancelled') AND ifnull(" OPTION_OF("child.", "onFailure") ", 'fail') <> 'ignore') THEN 6 "
        "WHEN ifnull(run_at, 0) = 0 AND " OPTION("repeat.cron") " IS NOT NULL THEN 7 "
        "WHEN batch IS NULL AND instr(opts, '\"batch\"') > 0 AND ifnull(" OPTION("batch") ", 0) <> 0 THEN 9 "
        "ELSE 0 END FROM llm_jobs WHERE status = 'waiting' AND queue = ?1 AND " LJ_ROUTE_KEY " = ?2 "
        /* Jobs of one supersede_key run one at a time, so that a burst of them costs few calls. */
        "AND (supersede_key IS NULL OR NOT EXISTS (SELECT 1 FROM llm_jobs AS older WHERE older.status = 'active' "
        "AND older.supersede_key = llm_jobs.supersede_key AND older.rowid < llm_jobs.rowid)) "
        /* Where the table has no waiting-children, a parent waits here. ?5: the table has it. */
        "AND (?5 OR NOT EXISTS (SELECT 1 FROM llm_jobs AS child WHERE child.parent_job_id = llm_jobs.id AND child.status IN " UNFINISHED ")) "
        "ORDER BY priority DESC, rowid LIMIT ?3",
    /* Plain SQL may insert a row with a future run_at as 'waiting'. */
    [LJ_SQL_POSTPONE] = "UPDATE llm_jobs SET status = 'delayed', run_at = ifnull(?2, run_at), revision = ?3 "
                        "WHERE rowid = ?1 AND status = 'waiting'",
    /* A key of text may be NULL in a table of the original schema. */
    [LJ_SQL_NAME_ROW] = "UPDATE llm_jobs SET id = lower(hex(randomblob(16))) WHERE rowid = ?1 AND id IS NULL",
    /* Read first and then changed, not by RETURNING, which builds a table of its own for each row. The write lock is held. */
    [LJ_SQL_READ_CLAIMED] =
        "SELECT id, queue, name, model, data, opts, history, ifnull(attempts, 0) + 1, ifnull(max_attempts, 3), " MS("created_at") ", " MS("run_at") ", "
        "supersede_key, " HAS_CHILDREN ", parent_job_id IS NOT NULL, remote "
        "FROM llm_jobs WHERE rowid = ?1",
    [LJ_SQL_CLAIM] = "UPDATE llm_jobs SET status = 'active', attempts = ifnull(attempts, 0) + 1, progress = 0, partial = NULL, "
                     "lease_owner = ?2, lease_token = ?3, lease_until = ?4, processed_on = ?5, lane = ?6, revision = ?7 "
                     "WHERE rowid = ?1 AND status = 'waiting'",
    /* Two look-ups, because "is null or at most" would read every delayed row. */
    /* One look-up for rows without a time (?3: they run now), and one for each unit. */
    [LJ_SQL_PROMOTE] = "UPDATE llm_jobs SET status = 'waiting', revision = ?2 WHERE rowid IN ("
                       "SELECT seq FROM (SELECT rowid AS seq FROM llm_jobs WHERE likely(status = 'delayed') AND run_at IS NULL AND ?3 LIMIT 200) "
                       "UNION ALL SELECT seq FROM (SELECT rowid AS seq FROM llm_jobs WHERE likely(status = 'delayed') AND run_at <= "
                       "min(?1 / 1000.0, " SECONDS ") ORDER BY run_at LIMIT 200) "
                       "UNION ALL SELECT seq FROM (SELECT rowid AS seq FROM llm_jobs WHERE likely(status = 'delayed') AND run_at <= ?1 "
                       "AND run_at >= " SECONDS " ORDER BY run_at LIMIT 200))",
    /* Only prepared for a table that has the original column `delay`. */
    [LJ_SQL_FIRST_RUN] = LJ_SCHEMA_FILL " AND rowid IN (SELECT rowid FROM llm_jobs WHERE likely(status = 'delayed') AND run_at IS NULL LIMIT 200)",
    [LJ_SQL_NEXT_DUE] = "SELECT min(due) FROM ("
                        "SELECT * FROM (SELECT ifnull(" MS("run_at") ", 0) AS due FROM llm_jobs WHERE likely(status = 'delayed') ORDER BY run_at LIMIT 1) "
                        "UNION ALL SELECT * FROM (SELECT run_at FROM llm_jobs WHERE likely(status = 'delayed') AND run_at >= " SECONDS " ORDER BY run_at LIMIT 1))",

    /* Ends: (1) rowid, (2) token, (3) history, (4) the JSON, (5) a time, (6) the lane, (7) revision, (8) what the
     * provider still works at. */
    [LJ_SQL_COMPLETE] = "UPDATE llm_jobs SET status = 'completed', progress = 100, partial = NULL, lane = ?6, revision = ?7, remote = ?8, history = ?3, result = ?4, "
                        "error = NULL, finished_on = ?5, " END_LEASE " " FENCE,
    [LJ_SQL_RETRY] = "UPDATE llm_jobs SET status = 'delayed', progress = 0, partial = NULL, lane = ?6, revision = ?7, remote = ?8, history = ?3, error = ?4, "
                     "run_at = ?5, " END_LEASE " " FENCE,
    [LJ_SQL_FAIL] = "UPDATE llm_jobs SET status = 'failed', partial = NULL, lane = ?6, revision = ?7, remote = ?8, history = ?3, error = ?4, finished_on = ?5, " END_LEASE
                    " " FENCE,
    [LJ_SQL_RELEASE] = "UPDATE llm_jobs SET status = 'waiting', progress = 0, partial = NULL, attempts = max(attempts - 1, 0), "
                       "lane = ?6, revision = ?7, remote = ?8, history = ?3, error = ifnull(?4, error), " END_LEASE " " FENCE,

    [LJ_SQL_CANCEL] = "UPDATE llm_jobs SET status = 'cancelled', partial = NULL, lane = ?6, revision = ?7, remote = ?8, history = ?3, error = ?4, "
                      "finished_on = ?5, " END_LEASE " " FENCE,

    [LJ_SQL_NOTE_REMOTE] = "UPDATE llm_jobs SET remote = ?3 " FENCE,
    [LJ_SQL_READ_REMOTE] = "SELECT remote FROM llm_jobs WHERE rowid = ?1 AND remote IS NOT NULL AND status IN " IDLE,

    /* Ends of jobs that nobody holds: (1) rowid, (2) the status, (3) the error, (4) now, (5) revision. */
    [LJ_SQL_END_IDLE] = "UPDATE llm_jobs SET status = ?2, error = ?3, finished_on = ?4, partial = NULL, remote = NULL, revision = ?5 "
                        "WHERE rowid = ?1 AND status IN " IDLE,
    [LJ_SQL_REQUEST_CANCEL] = "UPDATE llm_jobs SET cancel_requested = 1, revision = ?2 WHERE id = ?1 AND status IN " UNFINISHED,
    [LJ_SQL_CANCEL_REQUESTS] = "SELECT rowid, status, lease_token FROM llm_jobs WHERE cancel_requested <> 0 AND finished_on IS NULL LIMIT 500",
    [LJ_SQL_EXPIRE_LIST] = "SELECT rowid FROM llm_jobs WHERE expires_at <= min(?1 / 1000.0, " SECONDS ") AND expires_at IS NOT NULL AND likely(status IN " IDLE ")"
                           " UNION ALL SELECT rowid FROM llm_jobs WHERE expires_at <= ?1 AND expires_at >= " SECONDS " AND expires_at IS NOT NULL "
                           "AND likely(status IN " IDLE ") LIMIT 200",
    [LJ_SQL_NEXT_EXPIRY] = "SELECT min(expiry) FROM ("
                           "SELECT * FROM (SELECT " MS("expires_at") " AS expiry FROM llm_jobs WHERE expires_at IS NOT NULL AND likely(status IN " IDLE ")"
                           " ORDER BY expires_at LIMIT 1) "
                           "UNION ALL SELECT * FROM (SELECT expires_at FROM llm_jobs WHERE expires_at IS NOT NULL AND expires_at >= " SECONDS
                           " AND likely(status IN " IDLE ") ORDER BY expires_at LIMIT 1))",

    /* Flows. The truth is the rows; dependency_count is what is known of them, and 0 asks for an examination. */
    [LJ_SQL_READ_END] = "SELECT ifnull(id, ''), name, status, parent_job_id, opts, attempts, " MS("run_at") ", "
                        "iif(json_valid(error), json_extract(error, '$.code'), NULL) FROM llm_jobs WHERE rowid = ?1",
    [LJ_SQL_READ_PARENT] = "SELECT rowid FROM llm_jobs WHERE id = ?1 AND status = 'waiting-children'",
    [LJ_SQL_HAS_UNFINISHED] = "SELECT 1 FROM llm_jobs WHERE parent_job_id = ?1 AND status IN " UNFINISHED " LIMIT 1",
    [LJ_SQL_FAILED_CHILD] = "SELECT ifnull(id, ''), name, status FROM llm_jobs WHERE parent_job_id = ?1 AND status IN ('failed', 'cancelled') AND " COUNTS
                            " LIMIT 1",
    /* Writes nothing when the count is right already: the repair pass looks at every parent again and again. */
    [LJ_SQL_PARK] = "UPDATE llm_jobs SET status = 'waiting-children', dependency_count = " UNFINISHED_CHILDREN ", revision = ?2 "
                    "WHERE rowid = ?1 AND (status = 'waiting' OR (status = 'waiting-children' AND dependency_count <> " UNFINISHED_CHILDREN "))",
    [LJ_SQL_COUNT_DOWN] = "UPDATE llm_jobs SET dependency_count = max(dependency_count - 1, 1) WHERE rowid = ?1",
    [LJ_SQL_UNPARK] = "UPDATE llm_jobs SET status = iif(" MS("run_at") " > ?2, 'delayed', 'waiting'), dependency_count = 0, revision = ?3 "
                      "WHERE rowid = ?1 AND status = 'waiting-children'",
    [LJ_SQL_CANCEL_CHILDREN] = "UPDATE llm_jobs SET cancel_requested = 1, revision = ?2 WHERE parent_job_id = ?1 AND status IN " UNFINISHED
                               " AND cancel_requested = 0",
    [LJ_SQL_EXAMINE_LIST] = "SELECT rowid, id, dependency_count FROM llm_jobs WHERE likely(status = 'waiting-children') AND dependency_count <= 0 LIMIT 200",
    [LJ_SQL_BLOCKED_LIST] = "SELECT rowid, id, dependency_count FROM llm_jobs WHERE likely(status = 'waiting-children') "
                            "AND (dependency_count, rowid) > (?1, ?2) ORDER BY dependency_count, rowid LIMIT 200",
    [LJ_SQL_ANY_BLOCKED] = "SELECT 1 FROM llm_jobs WHERE status = 'waiting-children' LIMIT 1",
    [LJ_SQL_CHILDREN] = "SELECT id, name, status, result, error FROM llm_jobs WHERE parent_job_id = ?1 ORDER BY rowid",
    /* A job that ended before its cancellation was seen does not come again either. */
    [LJ_SQL_REPEAT] = "INSERT INTO llm_jobs (id, queue, name, model, data, opts, priority, status, max_attempts, run_at, dedup_key, created_at) "
                      "SELECT lower(hex(randomblob(16))), queue, name, model, data, opts, priority, 'delayed', max_attempts, ?2, dedup_key, ?3 "
                      "FROM llm_jobs WHERE rowid = ?1 AND cancel_requested = 0 ON CONFLICT DO NOTHING",

    [LJ_SQL_NTH_NEWEST] = "SELECT finished_on FROM llm_jobs WHERE status = ?1 AND finished_on IS NOT NULL ORDER BY finished_on DESC "
                          "LIMIT 1 OFFSET ?2",
    /* The same among ends of both units, which have to be sorted: only when there is an end in seconds. */
    [LJ_SQL_ANY_SECONDS] = "SELECT 1 FROM llm_jobs WHERE status = ?1 AND finished_on < " SECONDS " LIMIT 1",
    [LJ_SQL_NTH_NEWEST_MIXED] = "SELECT ended FROM ("
                                "SELECT * FROM (SELECT " MS("finished_on") " AS ended FROM llm_jobs WHERE status = ?1 AND finished_on < " SECONDS
                                " ORDER BY finished_on DESC LIMIT ?2 + 1) "
                                "UNION ALL SELECT * FROM (SELECT finished_on FROM llm_jobs WHERE status = ?1 AND finished_on >= " SECONDS
                                " ORDER BY finished_on DESC LIMIT ?2 + 1)) ORDER BY ended DESC LIMIT 1 OFFSET ?2",
    [LJ_SQL_ANY_END] = "SELECT 1 FROM llm_jobs WHERE status = ?1 AND " BEFORE("finished_on", "?2")
                       " UNION ALL SELECT 1 FROM llm_jobs WHERE status = ?1 AND finished_on < ?2 AND finished_on >= " SECONDS " LIMIT 1",
    [LJ_SQL_REMOVE] = "DELETE FROM llm_jobs WHERE rowid IN ("
                      "SELECT seq FROM (SELECT rowid AS seq FROM llm_jobs WHERE status = ?1 AND " BEFORE("finished_on", "?2") " AND " REMOVABLE
                      " ORDER BY finished_on LIMIT 100) "
                      "UNION ALL SELECT seq FROM (SELECT rowid AS seq FROM llm_jobs WHERE status = ?1 AND finished_on < ?2 "
                      "AND finished_on >= " SECONDS " AND " REMOVABLE " ORDER BY finished_on LIMIT 100) LIMIT 100)",
    [LJ_SQL_REVISION] = "SELECT max(revision) FROM llm_jobs WHERE revision > 0",
    [LJ_SQL_LAST_CHANGE] = "SELECT revision, status = 'completed' OR (status = 'active' AND cancel_requested = 0) FROM llm_jobs "
                           "WHERE revision > 0 ORDER BY revision DESC LIMIT 1",
    /* After the clock was set back (?1: now). A row that was changed at a time that has yet to come has a revision of that time;
     * one that was only added then, its created_at. error.at moves along, so that nothing is mended twice. */
    [LJ_SQL_AHEAD_RETRIES] =
        "UPDATE llm_jobs SET run_at = ?1 + max(run_at - json_extract(error, '$.at'), 0), error = json_set(error, '$.at', ?1), revision = ?2 "
        "WHERE revision > ?1 * 1000 AND revision > 0 AND status IN ('waiting', 'delayed', 'active') AND run_at > ?1 "
        "AND iif(json_valid(error), json_extract(error, '$.at'), 0) > ?1",
    [LJ_SQL_AHEAD_REPEATS] =
        "SELECT rowid, run_at, opts FROM llm_jobs WHERE rowid IN ("
        "SELECT rowid FROM llm_jobs WHERE revision > ?1 * 1000 AND revision > 0 AND status IN ('waiting', 'delayed', 'active') AND run_at > ?1 + 60000 "
        "UNION ALL SELECT rowid FROM llm_jobs WHERE likely(status = 'delayed') AND run_at > ?1 + 60000 AND created_at > ?1) "
        "AND rowid > ?2 AND " OPTION("repeat") " IS NOT NULL ORDER BY rowid LIMIT 200",
    [LJ_SQL_RESCHEDULE] = "UPDATE llm_jobs SET run_at = ?2, created_at = min(created_at, ?3), revision = ?4 "
                          "WHERE rowid = ?1 AND status IN ('waiting', 'delayed', 'active')",
    [LJ_SQL_NEWER] = "SELECT 1 FROM llm_jobs WHERE supersede_key = ?1 AND rowid > ?2 AND status IN " IDLE
                     " AND " OPTION("supersede") " = 'active'",
    /* ?6: one row only, NULL: all. */
    [LJ_SQL_OUST] = "UPDATE llm_jobs SET status = ?5, error = ?2, finished_on = ?1, partial = NULL, revision = ?3, " END_LEASE
                    " WHERE status = 'active' AND supersede_key IS NOT NULL AND (lease_until IS NULL OR lease_until < ?1 OR lease_owner = ?4) "
                    "AND (?6 IS NULL OR rowid = ?6) " RECOVERED,
    /* Progress of all running jobs at once: ?1 is an array of {s: rowid, t: token, p: progress, x: text or null}. */
    [LJ_SQL_PROGRESS] = "UPDATE llm_jobs SET progress = max(progress, ?1), partial = ifnull(?2, partial) "
                        "WHERE rowid = ?3 AND status = 'active' AND lease_token = ?4",
    [LJ_SQL_RENEW] = "UPDATE llm_jobs SET lease_until = ?2 WHERE status = 'active' AND lease_owner = ?1",
    [LJ_SQL_HELD] = "SELECT rowid, lease_token FROM llm_jobs WHERE status = 'active' AND lease_owner = ?1",
    [LJ_SQL_EXPIRED] = "SELECT 1 FROM llm_jobs WHERE status = 'active' AND (lease_until IS NULL OR lease_until < ?1) LIMIT 1",
    [LJ_SQL_OWNERS] = "SELECT DISTINCT lease_owner FROM llm_jobs WHERE status = 'active' AND lease_owner IS NOT NULL",
    [LJ_SQL_RECOVER_OWNER] = RECOVER "lease_owner = ?4" RECOVERED,
    /* What workers know of one another's calls. A text's length in bytes is in its row's head: the text itself is not read. */
    [LJ_SQL_OTHER_CALLS] = "SELECT lane, processed_on FROM llm_jobs WHERE likely(status = 'active') AND lease_until > 0 AND lease_owner <> ?1",
    [LJ_SQL_CHANGED_CALLS] = "SELECT rowid, revision, status = 'active', lease_owner = ?3, lane, name, processed_on, history, error, "
                             "iif(?4, octet_length(data), 0), iif(?4 AND json_valid(data), data ->> '$.maxTokens', NULL) FROM llm_jobs "
                             "WHERE (revision, rowid) > (?1, ?5) AND revision > 0 ORDER BY revision, rowid LIMIT ?2",
    [LJ_SQL_WEIGH] = "SELECT octet_length(data), iif(json_valid(data), data ->> '$.maxTokens', NULL) FROM llm_jobs WHERE rowid = ?1",
    [LJ_SQL_MOVE] = "UPDATE llm_jobs SET lane = ?4, history = ?3, processed_on = ?5, revision = ?6 "
                    "WHERE rowid = ?1 AND status = 'active' AND lease_token = ?2",
    [LJ_SQL_RECOVER_EXPIRED] = RECOVER "(lease_until IS NULL OR lease_until < ?2)" RECOVERED,
    /* One by one, when a row refuses. */
    [LJ_SQL_RECOVER_LIST] = "SELECT rowid FROM llm_jobs WHERE status = 'active' AND (lease_until IS NULL OR lease_until < ?1 OR lease_owner = ?2) "
                            "AND rowid > ?3 ORDER BY rowid LIMIT 200",
    [LJ_SQL_RECOVER_ROW] = RECOVER "rowid = ?4" RECOVERED,
    [LJ_SQL_FIND_HELD] = "SELECT rowid FROM llm_jobs WHERE status = 'active' AND lease_token = ?1",
    /* Batches. A gathered job is delayed until long after its batch: should nobody look after it, it runs by itself then. */
    [LJ_SQL_BATCH_GATHER] = "UPDATE llm_jobs SET status = 'delayed', batch = ?3, run_at = ?2, revision = ?4 WHERE rowid = ?1 AND status = 'waiting'",
    [LJ_SQL_BATCH_LIST] = "SELECT batch, count(*), min(run_at), min(remote), max(cancel_requested) FROM llm_jobs WHERE batch IS NOT NULL AND status = 'delayed' "
                          "AND batch > '' GROUP BY batch ORDER BY batch DESC LIMIT 256", /* those that are made before those that are gathered */
    [LJ_SQL_BATCH_PICK] = "SELECT rowid, octet_length(data) FROM llm_jobs WHERE batch = ?1 AND batch IS NOT NULL AND status = 'delayed' "
                          "AND cancel_requested = 0 ORDER BY priority DESC, rowid LIMIT ?2",
    [LJ_SQL_BATCH_SEAL] = "UPDATE llm_jobs SET batch = ?2, remote = ?3, revision = ?4 WHERE rowid = ?1 AND status = 'delayed'",
    /* Fenced by what the rows said before: whoever changes them first goes on with the batch. */
    [LJ_SQL_BATCH_NOTE] = "UPDATE llm_jobs SET remote = ?3 WHERE batch = ?1 AND batch IS NOT NULL AND status = 'delayed' AND remote = ?2",
    [LJ_SQL_BATCH_JOBS] = "SELECT rowid, id, queue, name, model, data, opts, history, ifnull(attempts, 0) + 1, ifnull(max_attempts, 3), " MS("created_at") ", "
                          "supersede_key, " HAS_CHILDREN ", parent_job_id IS NOT NULL "
                          "FROM llm_jobs WHERE batch = ?1 AND batch IS NOT NULL AND status = 'delayed' AND (?2 IS NULL OR rowid = ?2) LIMIT ?3",
    /* A job of a batch has its answer: claimed in the transaction that ends it. Also when that transaction is done again. */
    [LJ_SQL_BATCH_TAKE] = "UPDATE llm_jobs SET status = 'active', attempts = ifnull(attempts, 0) + (status = 'delayed'), lease_owner = ?3, lease_token = ?4, "
                          "lease_until = ?5, processed_on = ?6, revision = ?7, batch = '' WHERE rowid = ?1 AND ((status = 'delayed' AND batch = ?2) "
                          "OR (status = 'active' AND lease_token = ?4))",
    [LJ_SQL_BATCH_LEAVE] = "UPDATE llm_jobs SET status = 'waiting', batch = '', remote = NULL, run_at = NULL, revision = ?2 "
                           "WHERE batch = ?1 AND batch IS NOT NULL AND status = 'delayed'",
    [LJ_SQL_BATCH_ANY] = "SELECT 1 FROM llm_jobs WHERE batch = ?1 AND batch IS NOT NULL AND status = 'delayed' LIMIT 1",
    /* Jobs that come as messages. */
    [LJ_SQL_ADD] = "INSERT INTO llm_jobs (id, queue, name, model, data, opts, priority, status, max_attempts, created_at) "
                   "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, 'waiting', ?8, ?9)",
    [LJ_SQL_COMPARE_JOB] = "SELECT name IS ?2 AND model IS ?3 AND data IS ?4 FROM llm_jobs WHERE id = ?1",
    [LJ_SQL_READ_JOB] = "SELECT status, result, error FROM llm_jobs WHERE id = ?1",
    [LJ_SQL_SCHEMA_VERSION] = "PRAGMA schema_version",
};

const char *lj_statement_text(lj_sql which) { return texts[which]; }
