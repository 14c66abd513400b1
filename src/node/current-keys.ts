/** Which of its keys a node works with: the newest of those that the manifest lists for it and allows now. */
import type { NodeConfig } from '../config/mod.ts';
import { encodeVerifierKey } from '../ledger/mod.ts';
import { validityObjection, type KeyProvider, type KeySet, type KeyValidity, type Member } from '../trust/mod.ts';
import { ledgerKeyOf, witnessKeyOf } from './keyring.ts';

/** For each use the key to work with; undefined where none of those held is listed. */
export type CurrentKeys = { readonly [Use in keyof KeySet]: KeySet[Use] | undefined };

/** The keys to work with. Where none that is listed is valid, an expired one has to do: peers decide what they make of it. */
export function currentKeys(config: NodeConfig, keys: KeyProvider, member: Member, nowMs: number): CurrentKeys {
  const always = { not_before: 0, not_after: Infinity };
  return {
    tls: newest(keys.tls, ({ kid }) => member.tls.spki_sha256.find(({ sha256 }) => sha256 === kid), nowMs),
    sign: newest(keys.sign, ({ kid }) => member.sign.find((key) => key.kid === kid), nowMs),
    encrypt: newest(keys.encrypt, ({ kid }) => member.encrypt.find((key) => key.kid === kid), nowMs),
    ledger: newest(
      keys.ledger,
      (key) => (encodeVerifierKey(ledgerKeyOf(config, key)) === member.ledger.vkey ? always : undefined),
      nowMs,
    ),
    witness: newest(
      keys.witness,
      (key) => (encodeVerifierKey(witnessKeyOf(config, key)) === member.witness.vkey ? always : undefined),
      nowMs,
    ),
  };
}

function newest<T>(keys: readonly T[], validityOf: (key: T) => KeyValidity | undefined, nowMs: number): T | undefined {
  const listed = keys.flatMap((key) => {
    const validity = validityOf(key);
    return validity === undefined ? [] : [{ key, validity }];
  });
  const valid = listed.filter(({ validity }) => validityObjection(validity, nowMs) === undefined);
  const begun = listed.filter(({ validity }) => validity.not_before <= nowMs);
  const choice = [valid, begun, listed].find((some) => some.length > 0) ?? [];
  return choice.reduce<(typeof listed)[number] | undefined>(
    (best, item) => (best === undefined || item.validity.not_before > best.validity.not_before ? item : best),
    undefined,
  )?.key;
}
