import fs from 'node:fs';
import path from 'node:path';
import { safeStorage } from 'electron';

/**
 * The keys of providers, encrypted by the operating system's key store. They reach the worker over its port when a job first needs
 * them, and nothing else: neither the database nor an environment variable nor the page ever has one.
 */
export class Keys {
  readonly #file: string;

  constructor(folder: string) {
    this.#file = path.join(folder, 'keys.json');
  }

  has(name: string): boolean {
    return this.#read()[name] !== undefined;
  }

  get(name: string): string | null {
    const text = this.#read()[name];
    return text === undefined ? null : safeStorage.decryptString(Buffer.from(text, 'base64'));
  }

  set(name: string, key: string): void {
    // Without a key store Linux would encrypt with a password that everybody knows.
    const open = process.platform === 'linux' && safeStorage.getSelectedStorageBackend() === 'basic_text';
    if (open || !safeStorage.isEncryptionAvailable()) throw new Error('This system has no key store that could encrypt the key.');
    const text = safeStorage.encryptString(key).toString('base64');
    const next = `${this.#file}.new`;
    fs.writeFileSync(next, JSON.stringify({ ...this.#read(), [name]: text }), { mode: 0o600 });
    fs.renameSync(next, this.#file);
  }

  #read(): Record<string, string> {
    return fs.existsSync(this.#file) ? (JSON.parse(fs.readFileSync(this.#file, 'utf8')) as Record<string, string>) : {};
  }
}
