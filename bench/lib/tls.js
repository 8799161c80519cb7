// SPDX-License-Identifier: MIT
'use strict';

const fs = require('node:fs');
const path = require('node:path');
const { execFileSync } = require('node:child_process');

/** Where systems keep the certificates that they trust. */
const BUNDLES = ['/etc/ssl/certs/ca-certificates.crt', '/etc/pki/tls/certs/ca-bundle.crt', '/etc/ssl/cert.pem'];

/**
 * An authority and a certificate of it for 127.0.0.1, made by the openssl command-line tool.
 *
 * `caFile` holds the system's authorities too, because a real worker has all of them in memory: a bundle with nothing but our
 * own would make the figures look better than they are.
 * @param {string} dir
 * @returns {{tls: {key: string, cert: string}, caFile: string, authorities: number}}
 */
function makeCertificates(dir) {
  const file = (/** @type {string} */ name) => path.join(dir, name);
  const openssl = (/** @type {string[]} */ ...args) => execFileSync('openssl', args, { cwd: dir, stdio: 'pipe', timeout: 30000 });
  const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  fs.writeFileSync(file('leaf.ext'), 'subjectAltName = IP:127.0.0.1\nbasicConstraints = CA:FALSE\n');
  openssl('req', '-x509', ...newKey, '-keyout', 'ca.key', '-out', 'ca.pem', '-days', '2', '-subj', '/CN=llm-jobs benchmark authority');
  openssl('req', ...newKey, '-keyout', 'leaf.key', '-out', 'leaf.csr', '-subj', '/CN=127.0.0.1');
  openssl('x509', '-req', '-in', 'leaf.csr', '-CA', 'ca.pem', '-CAkey', 'ca.key', '-set_serial', '1', '-days', '2', '-extfile', 'leaf.ext', '-out', 'leaf.pem');

  const bundle = BUNDLES.find((one) => fs.existsSync(one));
  const text = `${bundle === undefined ? '' : fs.readFileSync(bundle, 'utf8')}\n${fs.readFileSync(file('ca.pem'), 'utf8')}`;
  fs.writeFileSync(file('authorities.pem'), text);
  return {
    tls: { key: fs.readFileSync(file('leaf.key'), 'utf8'), cert: fs.readFileSync(file('leaf.pem'), 'utf8') },
    caFile: file('authorities.pem'),
    authorities: text.match(/BEGIN CERTIFICATE/g)?.length ?? 0,
  };
}

module.exports = { makeCertificates };
