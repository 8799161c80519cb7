// SPDX-License-Identifier: MIT

/** A page of the app, with what its preload script has put on `window`. Blocks with this prelude know the browser's names. */

declare global {
  interface Window {
    llmJobs: any;
  }
}

export {};
