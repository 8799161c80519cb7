import { DatabaseSync, type SQLInputValue } from 'node:sqlite';
import { drizzle, type SqliteRemoteDatabase } from 'drizzle-orm/sqlite-proxy';
import { createTables } from './schema';

export interface AppDatabase {
  file: string;
  /** The connection, which `Queue` shares. */
  connection: DatabaseSync;
  /** Drizzle over the same connection. */
  orm: SqliteRemoteDatabase;
}

/** node:sqlite is part of Electron, so that this app has no native module but the worker's. */
export function openDatabase(file: string): AppDatabase {
  const connection = new DatabaseSync(file, { timeout: 5000 });
  // The worker reads and writes the same file from a process of its own.
  connection.exec('PRAGMA journal_mode = WAL');
  connection.exec(createTables);

  const orm = drizzle(async (sql, params, method) => {
    const statement = connection.prepare(sql);
    const values = params as SQLInputValue[];
    if (method === 'run') {
      statement.run(...values);
      return { rows: [] };
    }
    statement.setReturnArrays(true);
    return { rows: (method === 'get' ? statement.get(...values) : statement.all(...values)) as unknown as unknown[] };
  });
  return { file, connection, orm };
}
