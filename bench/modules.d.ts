/** better-sqlite3 brings no types of its own, and its calls here are few. */
declare module 'better-sqlite3' {
  const Database: any;
  namespace Database {
    type Database = any;
  }
  export = Database;
}
