// SPDX-License-Identifier: MIT
'use strict';

/** An app that says which events its end raises. Its argument says how it is ended, and how often a quit is prevented. */

const path = require('node:path');
const { app, utilityProcess } = require('electron');

const { by, prevented = 0 } = JSON.parse(process.argv.at(-1) ?? '{}');
const say = (/** @type {unknown} */ what) => console.log(`@${JSON.stringify(what)}`);
let left = prevented;

app.on('before-quit', (event) => {
  say('before-quit');
  if (left === 0) return;
  left -= 1;
  event.preventDefault();
  setTimeout(() => app.quit(), 10);
});
app.on('will-quit', () => say('will-quit'));
app.on('quit', (_event, code) => say(`quit ${code}`));
say(app.isReady() ? 'ready too early' : 'not ready');
try {
  utilityProcess.fork(path.join(__dirname, '..', 'children', 'echo.js'));
} catch (/** @type {any} */ error) {
  say(error.message);
}
void app.whenReady().then(() => {
  const child = utilityProcess.fork(path.join(__dirname, '..', 'children', 'echo.js'), [], { serviceName: 'child of the app' });
  child.on('spawn', () => {
    say({ child: child.pid, metrics: app.getAppMetrics().map(({ type, name }) => [type, name]) });
    if (by === 'quit') app.quit();
    else if (by === 'exit') app.exit(7);
    else if (by === 'abort') process.kill(process.pid, 'SIGKILL');
  });
});
