// SPDX-License-Identifier: MIT

/** As much of better-sqlite3, which has no types of its own, as the pages use. */

declare module 'better-sqlite3' {
  interface Statement {
    run(...values: unknown[]): { changes: number; lastInsertRowid: number | bigint };
    get(...values: unknown[]): unknown;
    all(...values: unknown[]): unknown[];
  }
  class Database {
    constructor(file: string, options?: { readonly?: boolean; fileMustExist?: boolean; timeout?: number });
    pragma(source: string): unknown;
    exec(source: string): this;
    prepare(source: string): Statement;
    transaction<Arguments extends any[], Result>(fn: (...values: Arguments) => Result): (...values: Arguments) => Result;
    close(): void;
  }
  namespace Database {
    export { Database };
  }
  export = Database;
}
