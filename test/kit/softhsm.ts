/** Tokens of SoftHSM, which is what there is of hardware security modules on any machine. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { folderOfRun } from './folder.ts';

const MODULES = ['/usr/lib/softhsm/libsofthsm2.so', '/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so'];

/** The library; undefined where SoftHSM, or the package that speaks to it, is not installed. */
export const SOFTHSM: string | undefined = findModule();

/** The PIN of every token here. */
export const TOKEN_PIN = 'seven dwarfs';

function findModule(): string | undefined {
  const path = MODULES.find((candidate) => existsSync(candidate));
  try {
    createRequire(import.meta.url)('pkcs11js');
    execFileSync('softhsm2-util', ['--version'], { stdio: 'ignore' });
    if (path !== undefined) return path;
  } catch {
    // Said below.
  }
  const message = 'softhsm2 or pkcs11js is not installed: no key is kept in a token';
  if (process.env['ROGATORY_SOFTHSM'] === 'require') throw new Error(message);
  process.stderr.write(`skipped: ${message}\n`);
  return undefined;
}

/**
 * Makes empty tokens in a folder that goes away with this test file, and has SoftHSM look there, in this process and those it starts. Call it
 * once, before the library is loaded.
 */
export function makeTokens(labels: readonly string[]): void {
  const folder = folderOfRun('softhsm');
  mkdirSync(join(folder, 'tokens'));
  const conf = join(folder, 'softhsm2.conf');
  writeFileSync(conf, `directories.tokendir = ${folder}/tokens\nobjectstore.backend = file\nlog.level = ERROR\n`);
  process.env['SOFTHSM2_CONF'] = conf;
  for (const label of labels) {
    const pins = ['--pin', TOKEN_PIN, '--so-pin', 'an officer’s PIN'];
    execFileSync('softhsm2-util', ['--init-token', '--free', '--label', label, ...pins], { stdio: 'ignore' });
  }
}

/** Ends every session of a token behind its users’ backs, as when it is unplugged for a moment. */
export function unplug(module: string, label: string): void {
  const { PKCS11 } = createRequire(import.meta.url)('pkcs11js') as {
    readonly PKCS11: new () => {
      load(path: string): void;
      C_GetSlotList(withToken: boolean): Buffer[];
      C_GetTokenInfo(slot: Buffer): { readonly label: string };
      C_CloseAllSessions(slot: Buffer): void;
    };
  };
  const cryptoki = new PKCS11();
  cryptoki.load(module);
  const slot = cryptoki.C_GetSlotList(true).find((one) => cryptoki.C_GetTokenInfo(one).label.trim() === label);
  cryptoki.C_CloseAllSessions(slot!);
}
