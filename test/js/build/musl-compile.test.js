// SPDX-License-Identifier: MIT
'use strict';

/**
 * The engine and the addon as a compiler reads them against musl, the C library of Alpine. What it catches is what only glibc
 * has; whether the result works is for the release workflow to say, which runs it there.
 */

const assert = require('node:assert/strict');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { spawnSync } = require('node:child_process');
const { engineSources, find } = require('../../../scripts/gyp');
const { which, headerFolders } = require('../../../scripts/setup/command');
const { librariesFolder } = require('../../../scripts/setup/origin');
const paths = require('../../../scripts/setup/paths');
const { makeSchema } = require('../../../scripts/windows/compile');

const flags = '-std=c11 -O2 -fsyntax-only -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror -Wno-error=format-truncation'.split(' ');
const defines = ['-D_POSIX_C_SOURCE=200809L', '-D_DEFAULT_SOURCE', '-D_GNU_SOURCE', '-DNAPI_VERSION=9'];

describe('the engine compiled for musl', function () {
  this.timeout(150_000);
  /** @type {string} */ let scratch;

  before(function () {
    if (process.platform !== 'linux' || which('musl-gcc') === null) return this.skip();
    scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'llm-jobs-musl-'));
    makeSchema(scratch);
    // Only OpenSSL's headers of the system's: beside them lie those of glibc. Debian keeps the generated ones apart.
    const machine = `/usr/include/${{ x64: 'x86_64', arm64: 'aarch64' }[process.arch]}-linux-gnu`;
    for (const folder of [...headerFolders, machine].map((one) => path.join(one, 'openssl')))
      if (fs.existsSync(folder)) fs.cpSync(folder, path.join(scratch, 'openssl'), { recursive: true });
  });
  after(() => scratch !== undefined && fs.rmSync(scratch, { recursive: true, force: true }));

  /** @param {string[]} files @returns {string[]} what the compiler says of those that it refuses */
  const refused = (files) => {
    const others = [path.join(librariesFolder(), 'include'), path.join(paths.nodeHeaders() ?? '', 'include', 'node'), scratch];
    const include = ['-Isrc', `-I${scratch}`, ...others.flatMap((folder) => ['-isystem', folder])];
    return files.flatMap((file) => {
      const { status, stderr } = spawnSync('musl-gcc', [...flags, ...defines, ...include, file], { cwd: paths.root, encoding: 'utf8' });
      return status === 0 ? [] : [stderr];
    });
  };

  it('takes every file', () => {
    const files = [...engineSources('linux'), ...find('native', '.c')];
    assert.ok(files.includes('src/base/child_posix.c') && files.includes('native/addon.c'));
    const complaints = refused(files);
    if (complaints.length > 0) assert.fail(complaints.join('\n'));
  });

  it('would refuse what only glibc has', () => {
    const file = path.join(scratch, 'only_glibc.c');
    fs.writeFileSync(file, '#include <features.h>\n#if __GLIBC_PREREQ(2, 34)\n#endif\nint lj_only_glibc(void);\n');
    assert.match(refused([file]).join(), /missing binary operator/);
  });
});
