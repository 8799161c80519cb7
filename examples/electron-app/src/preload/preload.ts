import { contextBridge, ipcRenderer } from 'electron';
import { expose } from 'llm-jobs/preload';
import { DESK_CHANNELS, type Desk } from '../shared/desk';

// window.llmJobs: add, cancel, get, watch, subscribe
expose({ key: 'llmJobs' });

const desk: Desk = {
  overview: () => ipcRenderer.invoke(DESK_CHANNELS.overview),
  open: () => ipcRenderer.invoke(DESK_CHANNELS.open),
  keep: (id, kept) => ipcRenderer.invoke(DESK_CHANNELS.keep, id, kept),
  clear: () => ipcRenderer.invoke(DESK_CHANNELS.clear),
  setKey: (name, key) => ipcRenderer.invoke(DESK_CHANNELS.setKey, name, key),
};
contextBridge.exposeInMainWorld('desk', desk);
