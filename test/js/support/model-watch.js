// SPDX-License-Identifier: MIT
'use strict';

/**
 * What must never happen to a row, as SQL. The triggers see every write of every process and note what must not be in table
 * `violations`; what concerns several rows is asked by a query after each step.
 *
 * Table `tally` counts what has happened to each job. `claims`, `stalls` and `given_back` count since its last retry, the others
 * since it was added: `runs` (claims), `lost` (runs whose worker died or lost its lease), `aborted` (runs that were cancelled),
 * `retries` (by the app).
 */

const UNFINISHED = "('waiting', 'delayed', 'waiting-children', 'active')";
const ENDED = "('completed', 'failed', 'cancelled')";
const RETRIED = "old.status IN ('failed', 'cancelled') AND new.status IN ('waiting', 'waiting-children') AND (SELECT retrying FROM app)";

/** Made before anything is added. */
const WATCH = `
  CREATE TABLE violations (job TEXT, what TEXT);
  CREATE TABLE app (retrying INTEGER NOT NULL);
  INSERT INTO app VALUES (0);
  CREATE TABLE retried (job TEXT);
  CREATE TABLE tally (
    job TEXT PRIMARY KEY, claims INTEGER NOT NULL DEFAULT 0, stalls INTEGER NOT NULL DEFAULT 0, given_back INTEGER NOT NULL DEFAULT 0,
    runs INTEGER NOT NULL DEFAULT 0, lost INTEGER NOT NULL DEFAULT 0, aborted INTEGER NOT NULL DEFAULT 0, retries INTEGER NOT NULL DEFAULT 0
  );

  CREATE TRIGGER count_added AFTER INSERT ON llm_jobs BEGIN INSERT INTO tally (job) VALUES (new.id); END;
  CREATE TRIGGER count_claim AFTER UPDATE OF status ON llm_jobs WHEN old.status <> 'active' AND new.status = 'active'
    BEGIN UPDATE tally SET claims = claims + 1, runs = runs + 1 WHERE job = new.id; END;
  CREATE TRIGGER count_stall AFTER UPDATE OF stalls ON llm_jobs WHEN new.stalls > old.stalls
    BEGIN UPDATE tally SET stalls = stalls + 1, lost = lost + 1 WHERE job = new.id; END;
  CREATE TRIGGER count_given_back AFTER UPDATE OF status ON llm_jobs
    WHEN old.status = 'active' AND new.status = 'waiting' AND new.stalls = old.stalls
    BEGIN UPDATE tally SET given_back = given_back + 1 WHERE job = new.id; END;
  CREATE TRIGGER count_aborted AFTER UPDATE OF status ON llm_jobs WHEN old.status = 'active' AND new.status = 'cancelled'
    BEGIN UPDATE tally SET aborted = aborted + 1 WHERE job = new.id; END;
  CREATE TRIGGER count_retry AFTER UPDATE OF status ON llm_jobs WHEN ${RETRIED}
    BEGIN
      UPDATE tally SET claims = 0, stalls = 0, given_back = 0, retries = retries + 1 WHERE job = new.id;
      INSERT INTO retried VALUES (new.id);
    END;

  CREATE TRIGGER see_ended AFTER UPDATE ON llm_jobs WHEN old.status IN ${ENDED} AND NOT (${RETRIED})
    BEGIN INSERT INTO violations VALUES (new.id, 'changed after its end: ' || old.status || ' to ' || new.status); END;
  CREATE TRIGGER see_deleted AFTER DELETE ON llm_jobs BEGIN INSERT INTO violations VALUES (old.id, 'deleted'); END;
  CREATE TRIGGER see_lease AFTER UPDATE OF lease_token ON llm_jobs
    WHEN old.status = 'active' AND new.status = 'active' AND new.lease_token IS NOT old.lease_token
    BEGIN INSERT INTO violations VALUES (new.id, 'taken over while active'); END;
  CREATE TRIGGER see_early_start AFTER UPDATE OF status ON llm_jobs WHEN new.status = 'active'
    AND EXISTS (SELECT 1 FROM llm_jobs AS c WHERE c.parent_job_id = new.id AND c.status IN ${UNFINISHED})
    BEGIN INSERT INTO violations VALUES (new.id, 'started before its children have ended'); END;
  -- A child that may fail can be retried while its parent runs.
  CREATE TRIGGER see_early_end AFTER UPDATE OF status ON llm_jobs WHEN new.status = 'completed'
    AND EXISTS (SELECT 1 FROM llm_jobs AS c JOIN tally ON tally.job = c.id
                WHERE c.parent_job_id = new.id AND c.status IN ${UNFINISHED} AND tally.retries = 0)
    BEGIN INSERT INTO violations VALUES (new.id, 'completed before its children have ended'); END;
  CREATE TRIGGER see_columns AFTER UPDATE ON llm_jobs WHEN
      (new.status = 'active') <> (new.lease_token IS NOT NULL) OR (new.lease_token IS NULL) <> (new.lease_owner IS NULL)
      OR (new.lease_token IS NULL) <> (new.lease_until IS NULL)
      OR new.attempts NOT BETWEEN 0 AND new.max_attempts
      OR (new.status IN ${ENDED}) <> (new.finished_on IS NOT NULL)
      OR (new.status = 'completed') <> (new.result IS NOT NULL) OR (new.progress = 100) <> (new.status = 'completed')
      OR (new.status = 'completed' AND new.error IS NOT NULL) OR (new.status IN ('failed', 'cancelled') AND new.error IS NULL)
    BEGIN INSERT INTO violations VALUES (new.id, 'columns that do not fit together: ' || new.status || ', ' || new.attempts ||
      ' of ' || new.max_attempts || ', lease ' || ifnull(new.lease_token, 'none') || ', progress ' || new.progress); END;`;

const COUNTERS = 'attempts <> claims - tally.stalls - given_back OR llm_jobs.stalls <> tally.stalls';

/** Rows that must not be, among the unfinished ones: the others do not change any more. */
const WRONG = `
  SELECT 'two rows of one lease token' AS what, lease_token AS id FROM llm_jobs WHERE status = 'active' GROUP BY lease_token HAVING count(*) > 1
  UNION ALL SELECT 'two runs of one supersede_key', supersede_key FROM llm_jobs WHERE status = 'active' AND supersede_key IS NOT NULL
    GROUP BY supersede_key HAVING count(*) > 1
  UNION ALL SELECT 'counters', id FROM llm_jobs JOIN tally ON tally.job = id WHERE status IN ${UNFINISHED} AND (${COUNTERS})
  UNION ALL SELECT 'waits for no child', id FROM llm_jobs WHERE status = 'waiting-children' AND dependency_count > 0
    AND NOT EXISTS (SELECT 1 FROM llm_jobs AS c WHERE c.parent_job_id = llm_jobs.id AND c.status IN ${UNFINISHED})`;

/** The same for the rows that have ended, at the end. */
const WRONG_ENDED = `SELECT 'counters' AS what, id FROM llm_jobs JOIN tally ON tally.job = id WHERE ${COUNTERS}`;

module.exports = { UNFINISHED, WATCH, WRONG, WRONG_ENDED };
