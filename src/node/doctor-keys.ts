import { codeOf, verifyEd25519 } from '../base/mod.ts';
import type { NodeConfig } from '../config/mod.ts';
import type { KeyProvider } from '../trust/mod.ts';
import type { Diagnosis } from './doctor.ts';
import { openingFault } from './key-probe.ts';

const PROBE = new Uint8Array(32);

/** Reading a key is not using it: each is tried. */
export function checkKeys({ code, pkcs11 }: NodeConfig, keys: KeyProvider): Diagnosis[] {
  const advice =
    pkcs11 === undefined ? 'Restore keys/ from its backup.' : 'Look at the token with the tools of its maker.';
  const faults: string[] = [];
  for (const use of ['sign', 'ledger', 'witness'] as const) {
    for (const key of keys[use]) {
      try {
        if (!verifyEd25519(key.sign(PROBE), PROBE, key.publicKey))
          faults.push(`the ${use} key ${key.kid} signs wrongly`);
      } catch (error) {
        faults.push(`the ${use} key ${key.kid} does not sign: ${codeOf(error)}`);
      }
    }
  }
  for (const key of keys.encrypt) {
    const fault = openingFault(code, key);
    if (fault !== undefined) faults.push(`the encrypt key ${key.kid} does not open: ${fault}`);
  }
  if (faults.length > 0) return faults.map((text) => ({ check: 'keys', level: 'fail', text, advice }));
  const where = pkcs11 === undefined ? 'files' : `the token “${pkcs11.token}”, and the TLS key in a file`;
  return [{ check: 'keys', level: 'ok', text: `every private key works; they are in ${where}` }];
}
