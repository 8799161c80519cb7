// SPDX-License-Identifier: MIT
'use strict';

/**
 * The engine and the addon as a compiler for Windows sees them. What it catches is code that only POSIX has, and numbers
 * whose size differs there; whether the result works is for a Windows machine to say.
 */

const assert = require('node:assert');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const { which } = require('../../../scripts/setup/command');
const { libraries } = require('../../../scripts/setup/libraries');
const { gcc, units, makeSchema, readAsGcc, readAsMicrosoft } = require('../../../scripts/windows/compile');

/** Compilers' messages are shown whole: mocha would cut the difference of two texts. */
const assertTaken = (/** @type {{file: string, output: string}[]} */ refused) => {
  if (refused.length > 0) assert.fail(`${refused.map(({ file }) => file).join(', ')}\n${shown(refused)}`);
};

const shown = (/** @type {{file: string, output: string}[]} */ refused) => refused.map(({ output }) => output).join('\n');

describe('the engine compiled for Windows', function () {
  this.timeout(150_000);
  /** @type {string} */
  let scratch;
  /** @type {import('../../../scripts/windows/compile').Unit[]} */
  let work;

  before(() => {
    scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'llm-jobs-windows-'));
    makeSchema(scratch);
    work = units(libraries().folder, scratch);
  });

  after(() => fs.rmSync(scratch, { recursive: true, force: true }));

  /** A file of C with this text, to see that the compiler refuses it. */
  const withText = (/** @type {string} */ name, /** @type {string} */ text) => {
    const file = path.join(scratch, name);
    fs.writeFileSync(file, text);
    return [{ file, flags: work[0].flags }];
  };

  it('holds the Windows side of each file that has two, and not the other', () => {
    const files = work.map(({ file }) => file);
    assert.ok(files.includes('src/base/thread_win32.c'));
    assert.ok(files.includes('native/addon.c'));
    assert.deepStrictEqual(
      files.filter((file) => file.endsWith('_posix.c')),
      [],
    );
  });

  describe('by MinGW-w64', () => {
    before(function () {
      if (which(gcc) === null) this.skip();
    });

    it('has no error and no warning', async () => {
      assertTaken(await readAsGcc(work));
    });

    it('would not take a function of POSIX', async () => {
      const refused = await readAsGcc(withText('posix.c', '#include <time.h>\nvoid f(void) { nanosleep(0, 0); fork(); }\n'));
      assert.match(shown(refused), /implicit declaration of function .fork/);
    });

    it('would not take a 64-bit number where a long is meant', async () => {
      const refused = await readAsGcc(withText('long.c', '#include <stdint.h>\nlong f(int64_t n) { return n; }\n'));
      assert.match(shown(refused), /conversion from .int64_t/);
    });
  });

  describe("as Microsoft's compiler reads it", () => {
    before(function () {
      if (which('clang') === null || which(gcc) === null) this.skip();
    });

    it('has no error and no warning', async () => {
      assertTaken(await readAsMicrosoft(work, path.join(scratch, 'foreign')));
    });

    it('would not take a header that it lacks', async () => {
      const refused = await readAsMicrosoft(withText('header.c', '#include <strings.h>\nint f(void);\n'), path.join(scratch, 'foreign'));
      assert.match(shown(refused), /has no strings\.h/);
    });

    it('would not take a type that it lacks', async () => {
      const refused = await readAsMicrosoft(withText('type.c', '#include <stdio.h>\nssize_t f(void);\n'), path.join(scratch, 'foreign'));
      assert.match(shown(refused), /ssize_t/);
    });

    it('would not take what is gcc’s own', async () => {
      for (const text of ['int f(int n) { int a[n]; return a[0] = n; }\n', 'int f(int n) { return ({ n; }); }\n', 'int f(int n) { return n ?: 1; }\n']) {
        const refused = await readAsMicrosoft(withText('gnu.c', text), path.join(scratch, 'foreign'));
        assert.match(shown(refused), /\[-Werror,-W(vla|gnu)/, text);
      }
    });
  });
});
