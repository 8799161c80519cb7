import path from 'node:path';
import { app, BrowserWindow, dialog, session, type WebPreferences } from 'electron';
import { applySecurityPolicy, Queue, serveRenderers, startWorker } from 'llm-jobs';
import { TASKS } from '../shared/desk';
import { openDatabase } from './database';
import { serveDesk } from './desk';
import { Keys } from './keys';
import { developmentPolicy } from './policy';
import { readSettings, workerOptions } from './settings';
import { inDevelopment, isOwnPage, openWindow } from './window';

async function main(): Promise<void> {
  await app.whenReady();
  const folder = app.getPath('userData');
  const settings = readSettings(folder);
  const keys = new Keys(folder);
  const database = openDatabase(path.join(folder, 'desk.db'));
  const queue = new Queue(database.connection);
  const worker = await startWorker({
    ...workerOptions(settings, database.file),
    // The bundle of src/worker/main.ts, beside this one.
    entry: path.join(__dirname, 'worker.cjs'),
    secrets: (name) => keys.get(name),
    onLog: (level, line) => console.log(`[worker] ${level}: ${line}`),
  });

  // Headers for the page, and a window that has no more rights than a page needs.
  applySecurityPolicy(session.defaultSession, inDevelopment ? { csp: { directives: developmentPolicy } } : undefined);
  const webPreferences = applySecurityPolicy<WebPreferences>({});
  serveRenderers({ queue, worker, allow: [...TASKS], checkSender: isOwnPage });
  serveDesk({ database, queue, worker, settings, keys, isOwnPage });

  const open = () => void openWindow(webPreferences).catch(fail);
  app.on('activate', () => BrowserWindow.getAllWindows().length === 0 && open());
  open();
}

function fail(error: unknown): void {
  console.error(error);
  // A wrong settings.json, for one: llm-jobs says what is wrong with it.
  dialog.showErrorBox('Reading Desk could not start', error instanceof Error ? error.message : String(error));
  app.exit(1);
}

// One instance for each user: a second one would show the same desk. The queue itself does not need this.
if (app.requestSingleInstanceLock()) {
  app.on('second-instance', () => BrowserWindow.getAllWindows()[0]?.focus());
  app.on('window-all-closed', () => process.platform !== 'darwin' && app.quit());
  main().catch(fail);
} else {
  app.quit();
}
