// SPDX-License-Identifier: MIT
'use strict';

/**
 * Answers the questions of binding.gyp, so that no list of files or folders is kept by hand.
 *
 *     node scripts/gyp.js root              this clone
 *     node scripts/gyp.js libraries         the folder of the static libraries (made by set-up)
 *     node scripts/gyp.js archives FOLDER   the files in it that are linked, in the linker's order
 *     node scripts/gyp.js gcc               whether the C compiler is gcc: yes or no
 *     node scripts/gyp.js engine OS         the engine's C files for this system
 *     node scripts/gyp.js addon             the addon's C files
 */

const fs = require('node:fs');
const path = require('node:path');
const { root } = require('./setup/paths');

/** @returns {string[]} the files below a folder with this ending, relative to the clone; none when there is no folder */
function find(/** @type {string} */ folder, /** @type {string} */ ending) {
  const at = path.join(root, folder);
  if (!fs.existsSync(at)) return [];
  return fs
    .readdirSync(at, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(ending))
    .map((entry) =>
      path
        .relative(root, path.join(entry.parentPath ?? /** @type {any} */ (entry).path, entry.name))
        .split(path.sep)
        .join('/'),
    )
    .sort();
}

/** Files whose names end in _posix or _win32 belong to one kind of system. */
function engineSources(/** @type {string} */ system) {
  const foreign = system === 'win' ? '_posix.c' : '_win32.c';
  return find('src', '.c').filter((name) => !name.endsWith(foreign));
}

function librariesFolder() {
  const folder = require('./setup/origin').librariesFolder();
  if (!fs.existsSync(folder)) {
    process.stderr.write(`The static libraries are not in ${folder}. Run "npm run build": it makes them first.\n`);
    process.exit(1);
  }
  return folder.split(path.sep).join('/');
}

/** clang calls itself gcc in most ways; its own macro tells them apart. */
function isGcc() {
  const { ask, compiler } = require('./setup/command');
  const macros = ask(compiler(), ['-dM', '-E', '-x', 'c', '/dev/null']) ?? '';
  return /#define __GNUC__ /.test(macros) && !/#define __clang__ /.test(macros);
}

function answer(/** @type {string[]} */ [question, argument]) {
  if (question === 'root') return [root];
  if (question === 'libraries') return [librariesFolder()];
  if (question === 'archives') return require('./setup/origin').archives(argument);
  if (question === 'gcc') return [isGcc() ? 'yes' : 'no'];
  if (question === 'engine') return engineSources(argument);
  if (question === 'addon') return find('native', '.c');
  throw new Error(`binding.gyp asks for "${question}", which scripts/gyp.js does not know.`);
}

module.exports = { find, engineSources };

if (require.main === module) process.stdout.write(answer(process.argv.slice(2)).join('\n') + '\n');
