// SPDX-License-Identifier: MIT
'use strict';

/**
 * The engine inside a host that carries BoringSSL, as Electron does. Electron's own executable is not at hand in a build
 * machine; Debian's package of BoringSSL is. The host program runs one job over https and HTTP/2.
 */

const assert = require('node:assert');
const { execFileSync, spawn } = require('node:child_process');
const fs = require('node:fs');
const http2 = require('node:http2');
const os = require('node:os');
const path = require('node:path');
const Database = require('better-sqlite3');
const { Queue } = require('../../../js/queue');

const root = path.resolve(__dirname, '../../..');
const engine = path.join(root, 'build', 'Release', 'libllmjobs.so');

/** @returns {string | null} the folder of BoringSSL's libraries */
function boringssl() {
  if (!fs.existsSync('/usr/include/android/openssl/ssl.h')) return null;
  const folders = fs.readdirSync('/usr/lib').map((name) => path.join('/usr/lib', name, 'android'));
  return folders.find((folder) => fs.existsSync(path.join(folder, 'libssl.so'))) ?? null;
}

/** A certificate authority of this test's own, and a certificate for localhost by it. */
function makeCertificates(/** @type {string} */ folder) {
  const openssl = (/** @type {string[]} */ ...args) => execFileSync('openssl', args, { cwd: folder, stdio: 'pipe' });
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  openssl(
    'req',
    '-x509',
    ...key,
    '-keyout',
    'ca.key',
    '-out',
    'ca.pem',
    '-days',
    '2',
    '-subj',
    '/CN=llm-jobs test CA',
    '-addext',
    'basicConstraints=critical,CA:TRUE',
  );
  openssl('req', ...key, '-keyout', 'server.key', '-out', 'server.csr', '-subj', '/CN=localhost');
  fs.writeFileSync(path.join(folder, 'names'), 'subjectAltName=DNS:localhost,IP:127.0.0.1\n');
  openssl(
    'x509',
    '-req',
    '-in',
    'server.csr',
    '-CA',
    'ca.pem',
    '-CAkey',
    'ca.key',
    '-CAcreateserial',
    '-days',
    '2',
    '-extfile',
    'names',
    '-out',
    'server.pem',
  );
  return {
    ca: path.join(folder, 'ca.pem'),
    key: fs.readFileSync(path.join(folder, 'server.key')),
    cert: fs.readFileSync(path.join(folder, 'server.pem')),
  };
}

/** Answers every request with one chat completion, and notes how it was asked. */
function startServer(/** @type {{key: Buffer, cert: Buffer}} */ { key, cert }) {
  /** @type {{http: string, tls: string}[]} */
  const requests = [];
  const server = http2.createSecureServer({ key, cert, allowHTTP1: true }, (request, response) => {
    const { socket } = request.stream?.session ?? request;
    requests.push({
      http: request.httpVersion,
      tls: /** @type {import('node:tls').TLSSocket} */ (socket).getProtocol() ?? '',
    });
    request.resume();
    request.on('end', () => {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(
        JSON.stringify({
          id: 'answer-1',
          object: 'chat.completion',
          model: 'small',
          choices: [
            { index: 0, message: { role: 'assistant', content: 'Hello from the other side.' }, finish_reason: 'stop' },
          ],
          usage: { prompt_tokens: 5, completion_tokens: 6, total_tokens: 11 },
        }),
      );
    });
  });
  return new Promise((resolve) =>
    server.listen(0, '127.0.0.1', () =>
      resolve({ server, requests, port: /** @type {any} */ (server.address()).port }),
    ),
  );
}

describe('the engine in a host with BoringSSL', function () {
  this.timeout(60_000);
  /** @type {string} */
  let folder;
  /** @type {string} */
  let host;

  before(function () {
    const libraries = boringssl();
    if (libraries === null) return this.skip();
    folder = fs.mkdtempSync(path.join(os.tmpdir(), 'llm-jobs-boringssl-'));
    host = path.join(folder, 'host');
    const source = path.join(root, 'test', 'c', 'host_boringssl.c');
    const flags = [
      '-std=c11',
      '-D_POSIX_C_SOURCE=200809L',
      '-Wall',
      '-Wextra',
      '-Werror',
      '-isystem',
      '/usr/include/android',
      `-I${path.join(root, 'src')}`,
    ];
    execFileSync(process.env.CC || 'cc', [
      ...flags,
      source,
      '-o',
      host,
      `-L${libraries}`,
      '-Wl,--no-as-needed',
      '-lssl',
      '-lcrypto',
      `-Wl,-rpath,${libraries}`,
      '-ldl',
      '-pthread',
    ]);
  });

  after(() => folder && fs.rmSync(folder, { recursive: true, force: true }));

  it('shows only the functions of llmjobs.h', () => {
    const shown = execFileSync('nm', ['-D', '--defined-only', engine], { encoding: 'utf8' });
    const names = shown
      .trim()
      .split('\n')
      .map((line) => line.split(' ').at(-1) ?? '');
    const declared = [
      ...fs.readFileSync(path.join(root, 'src', 'llmjobs.h'), 'utf8').matchAll(/\b(lj_engine_\w+)\(/g),
    ].map((match) => match[1]);
    assert.deepStrictEqual(names.sort(), [...new Set(declared)].sort());
  });

  it('runs a job over https and HTTP/2', async () => {
    const certificates = makeCertificates(folder);
    const { server, requests, port } = await startServer(certificates);
    const database = path.join(folder, 'app.db');
    const db = new Database(database);
    db.pragma('journal_mode = WAL');
    const queue = new Queue(db);
    const id = queue.add('greet', { prompt: 'Say hello.', stream: false }, { model: 'local/small' });
    const config = {
      database,
      providers: {
        local: { kind: 'openai-compatible', baseUrl: `https://localhost:${port}/v1`, caFile: certificates.ca },
      },
    };
    const child = spawn(host, [engine, JSON.stringify(config)], { stdio: ['pipe', 'pipe', 'pipe'] });
    let output = '';
    child.stdout.on('data', (chunk) => (output += chunk));
    child.stderr.on('data', (chunk) => (output += chunk));
    const ended = new Promise((resolve) => child.on('close', (code, signal) => resolve(signal ?? code)));
    try {
      const deadline = Date.now() + 20_000;
      let job = queue.get(id);
      while (
        job?.status !== 'completed' &&
        job?.status !== 'failed' &&
        child.exitCode === null &&
        child.signalCode === null &&
        Date.now() < deadline
      ) {
        await new Promise((resolve) => setTimeout(resolve, 20));
        job = queue.get(id);
      }
      child.stdin.end();
      assert.strictEqual(await ended, 0, output);
      assert.strictEqual(job?.status, 'completed', output);
      assert.strictEqual(job?.result?.text, 'Hello from the other side.');
      assert.deepStrictEqual(requests, [{ http: '2.0', tls: 'TLSv1.3' }]);
      const versions = JSON.parse(output.split('\n')[0]);
      assert.match(versions.host, /BoringSSL/);
      assert.match(versions.engine.tls, /OpenSSL/);
    } finally {
      child.kill('SIGKILL');
      db.close();
      server.close();
    }
  });
});
