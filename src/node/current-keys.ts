/** Which of its keys a node works with: the newest of those that the manifest lists for it and allows now. */
import type { NodeConfig } from '../config/mod.ts';
import { encodeVerifierKey } from '../ledger/mod.ts';
import {
  KEY_USES,
  ledgerKeysOf,
  validityObjection,
  witnessKeysOf,
  type KeyProvider,
  type KeySet,
  type KeyUse,
  type KeyValidity,
  type Member,
} from '../trust/mod.ts';
import { ledgerKeyOf, witnessKeyOf } from './keyring.ts';

/** For each use the key to work with; undefined where none of those held is listed. */
export type CurrentKeys = { readonly [Use in keyof KeySet]: KeySet[Use] | undefined };

/** A key that is held, and what the manifest says of it. */
interface ListedKey<T> {
  readonly key: T;
  readonly validity: KeyValidity;
}

/** The keys to work with. Where none that is listed is valid, an expired one has to do: peers decide what they make of it. */
export function currentKeys(config: NodeConfig, keys: KeyProvider, member: Member, nowMs: number): CurrentKeys {
  const of = <Use extends KeyUse>(use: Use): KeySet[Use] | undefined =>
    newest(listedKeys(config, keys, member, use), nowMs);
  return { tls: of('tls'), sign: of('sign'), encrypt: of('encrypt'), ledger: of('ledger'), witness: of('witness') };
}

/** Those held for a use that the manifest lists, with their time. */
export function listedKeys<Use extends KeyUse>(
  config: NodeConfig,
  keys: KeyProvider,
  member: Member,
  use: Use,
): ListedKey<KeySet[Use]>[] {
  return (keys[use] as readonly KeySet[Use][]).flatMap((key) => {
    const validity = validityOf(config, member, use, key);
    return validity === undefined ? [] : [{ key, validity }];
  });
}

/** When the next of the node's keys begins; Unix milliseconds. */
export function nextBeginning(
  config: NodeConfig,
  keys: KeyProvider,
  member: Member | undefined,
  nowMs: number,
): number | undefined {
  if (member === undefined) return undefined;
  const begins = KEY_USES.flatMap((use) => listedKeys(config, keys, member, use))
    .map(({ validity }) => validity.not_before)
    .filter((time) => time > nowMs);
  return begins.length === 0 ? undefined : Math.min(...begins);
}

function validityOf(config: NodeConfig, member: Member, use: KeyUse, key: KeySet[KeyUse]): KeyValidity | undefined {
  switch (use) {
    case 'tls':
      return member.tls.spki_sha256.find(({ sha256 }) => sha256 === key.kid);
    case 'sign':
    case 'encrypt':
      return member[use].find(({ kid }) => kid === key.kid);
    case 'ledger': {
      const vkey = encodeVerifierKey(ledgerKeyOf(config, key as KeySet['ledger']));
      return ledgerKeysOf(member).find((listed) => listed.vkey === vkey);
    }
    case 'witness': {
      const vkey = encodeVerifierKey(witnessKeyOf(config, key as KeySet['witness']));
      return witnessKeysOf(member).find((listed) => listed.vkey === vkey);
    }
    default:
      return use satisfies never;
  }
}

function newest<T>(listed: readonly ListedKey<T>[], nowMs: number): T | undefined {
  const valid = listed.filter(({ validity }) => validityObjection(validity, nowMs) === undefined);
  const begun = listed.filter(({ validity }) => validity.not_before <= nowMs);
  const choice = [valid, begun, listed].find((some) => some.length > 0) ?? [];
  return choice.reduce<ListedKey<T> | undefined>(
    (best, item) => (best === undefined || item.validity.not_before > best.validity.not_before ? item : best),
    undefined,
  )?.key;
}
