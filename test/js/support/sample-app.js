// SPDX-License-Identifier: MIT
'use strict';

/** The database of an app that is more than a queue, and what it takes to see that nobody else has touched it. */

const { createHash } = require('node:crypto');

const SQL = `
  PRAGMA user_version = 42;
  PRAGMA application_id = 1195461702;
  PRAGMA foreign_keys = ON;
  CREATE TABLE people (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, born REAL, photo BLOB);
  CREATE TABLE notes (
    id INTEGER PRIMARY KEY, person INTEGER NOT NULL REFERENCES people (id) ON DELETE CASCADE, text TEXT NOT NULL,
    length INTEGER GENERATED ALWAYS AS (length(text)) STORED, changed INTEGER NOT NULL DEFAULT 0
  );
  CREATE INDEX notes_by_person ON notes (person, changed DESC) WHERE length > 0;
  CREATE TABLE settings (key TEXT PRIMARY KEY COLLATE NOCASE, value ANY) WITHOUT ROWID;
  CREATE TABLE "llm jobs archive" (id TEXT, "order" INTEGER);
  CREATE VIRTUAL TABLE notes_text USING fts5 (text, content = 'notes', content_rowid = 'id');
  CREATE TRIGGER notes_indexed AFTER INSERT ON notes
    BEGIN INSERT INTO notes_text (rowid, text) VALUES (new.id, new.text); END;
  CREATE TRIGGER notes_changed AFTER UPDATE OF text ON notes
    BEGIN UPDATE notes SET changed = changed + 1 WHERE id = new.id; END;
  CREATE VIEW long_notes AS SELECT people.name, notes.text FROM notes JOIN people ON people.id = notes.person WHERE length > 40;
  CREATE TRIGGER long_notes_added INSTEAD OF INSERT ON long_notes
    BEGIN INSERT INTO notes (person, text) SELECT id, new.text FROM people WHERE name = new.name; END;
  WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 50)
    INSERT INTO people (name, born, photo) SELECT 'person ' || i, 1900.5 + i, zeroblob(i * 100) FROM n;
  WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500)
    INSERT INTO notes (person, text) SELECT 1 + i % 50, 'note ' || i || ' grüße 漢字 ' || hex(zeroblob(i % 60)) FROM n;
  DELETE FROM people WHERE id = 50;
  INSERT INTO settings VALUES ('theme', 'dark'), ('Zoom', 1.25), ('nothing', NULL), ('bytes', x'00ff');
  INSERT INTO "llm jobs archive" VALUES ('a', 1), ('b', 2);
  INSERT INTO long_notes (name, text) VALUES ('person 7', 'a note that is added by way of the view and its trigger');
  ANALYZE;`;

/**
 * A hash of each table that is not llm_jobs, and of what else there is in the file: views, triggers, indexes, the app's numbers.
 * @param {import('better-sqlite3').Database} db
 * @param {string[]} without tables that the app itself writes meanwhile
 * @returns {Record<string, string>}
 */
function hashes(db, without) {
  const hash = (/** @type {unknown} */ value) => createHash('sha256').update(JSON.stringify(value)).digest('hex');
  const schema = db.prepare("SELECT type, name, tbl_name, sql FROM sqlite_schema WHERE tbl_name <> 'llm_jobs' ORDER BY type, name").all();
  /** @type {Record<string, string>} */
  const found = {
    schema: hash(schema),
    pragmas: hash(['user_version', 'application_id', 'journal_mode', 'page_size', 'encoding', 'auto_vacuum'].map((name) => db.pragma(name))),
  };
  for (const { type, name } of schema) {
    if ((type !== 'table' && type !== 'view') || without.includes(name)) continue;
    const rows = db.prepare(`SELECT * FROM "${name}"`).raw().all();
    found[name] = hash(rows.map((row) => JSON.stringify(row)).sort());
  }
  return found;
}

module.exports = { SQL, hashes };
