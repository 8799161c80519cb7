import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { BrowserWindow, shell, type IpcMainEvent, type IpcMainInvokeEvent, type WebPreferences } from 'electron';

/** Both are put in by Forge's Vite plugin: the development server's address, and the page's folder of a packaged app. */
declare const MAIN_WINDOW_VITE_DEV_SERVER_URL: string | undefined;
declare const MAIN_WINDOW_VITE_NAME: string;

/** `electron-forge start`, with the page from Vite's server. */
export const inDevelopment = Boolean(MAIN_WINDOW_VITE_DEV_SERVER_URL);

const page = path.join(__dirname, '..', 'renderer', MAIN_WINDOW_VITE_NAME, 'index.html');

export async function openWindow(webPreferences: WebPreferences): Promise<BrowserWindow> {
  const window = new BrowserWindow({
    width: 1180,
    height: 820,
    minWidth: 380,
    minHeight: 480,
    backgroundColor: '#f6f5f1',
    webPreferences: { ...webPreferences, preload: path.join(__dirname, 'preload.cjs') },
  });
  // The page has no links that lead away from it; what a model writes is shown as text.
  window.webContents.on('will-navigate', (event) => event.preventDefault());
  window.webContents.setWindowOpenHandler(({ url }) => {
    if (url.startsWith('https://')) void shell.openExternal(url);
    return { action: 'deny' };
  });
  if (MAIN_WINDOW_VITE_DEV_SERVER_URL) await window.loadURL(MAIN_WINDOW_VITE_DEV_SERVER_URL);
  else await window.loadFile(page);
  return window;
}

/** True for the app's own page in the window's own frame. Whatever else reaches ipcMain is not answered. */
export function isOwnPage({ senderFrame }: IpcMainEvent | IpcMainInvokeEvent): boolean {
  if (senderFrame === null || senderFrame.parent !== null) return false;
  const url = new URL(senderFrame.url);
  if (MAIN_WINDOW_VITE_DEV_SERVER_URL) return url.origin === new URL(MAIN_WINDOW_VITE_DEV_SERVER_URL).origin;
  return url.protocol === 'file:' && path.relative(page, fileURLToPath(url)) === '';
}
