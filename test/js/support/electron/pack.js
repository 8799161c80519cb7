// SPDX-License-Identifier: MIT
'use strict';

/** Packs the app of packed/ as a packager does: an archive, with the native addon beside it. */

const fs = require('node:fs');
const path = require('node:path');
const { target } = require('../../../../js/addon.js');
const { isReal } = require('./run.js');

const root = path.join(__dirname, '..', '..', '..', '..');
const FILE = 'llm_jobs_native.node';

/**
 * @param {string} dir
 * @returns {Promise<string>} what the app is started by: the archive, or, where only Node can read it, the script in a folder of its name
 */
async function pack(dir) {
  // Here an archive is a file, to be written and removed.
  process.noAsar = true;
  const { createPackageWithOptions, extractAll } = await import('@electron/asar');
  const source = path.join(dir, 'source');
  const module = path.join(source, 'node_modules', 'llm-jobs');
  fs.cpSync(path.join(__dirname, 'packed'), source, { recursive: true });
  fs.cpSync(path.join(root, 'js'), path.join(module, 'js'), { recursive: true });
  fs.copyFileSync(path.join(root, 'package.json'), path.join(module, 'package.json'));
  fs.mkdirSync(path.join(module, 'prebuilds', target()), { recursive: true });
  fs.copyFileSync(path.join(root, 'build', 'Release', FILE), path.join(module, 'prebuilds', target(), FILE));
  // A sandboxed preload script is one file; a bundler makes the same of it.
  fs.writeFileSync(path.join(source, 'preload.js'), `${fs.readFileSync(path.join(root, 'js', 'preload.js'), 'utf8')}\nexpose();\n`);

  const archive = path.join(dir, 'resources', 'app.asar');
  await createPackageWithOptions(source, archive, { unpack: '**/*.node' });
  fs.rmSync(source, { recursive: true });
  if (isReal) return archive;
  const packed = `${archive}.packed`;
  fs.renameSync(archive, packed);
  fs.renameSync(`${archive}.unpacked`, `${packed}.unpacked`);
  extractAll(packed, archive);
  fs.renameSync(`${packed}.unpacked`, `${archive}.unpacked`);
  // In an archive there is no such file.
  fs.rmSync(path.join(archive, 'node_modules', 'llm-jobs', 'prebuilds'), { recursive: true });
  return path.join(archive, 'main.js');
}

module.exports = { pack };
