/** A node's keys as an operator sees them. */
import { isoTime } from '../base/mod.ts';
import type { NodeConfig } from '../config/mod.ts';
import {
  KEY_USES,
  memberByCode,
  validityObjection,
  type KeyProvider,
  type KeySet,
  type KeyUse,
  type Manifest,
} from '../trust/mod.ts';
import { listedKeys } from './current-keys.ts';

/** One private key that the node holds. */
export interface HeldKey {
  readonly use: KeyUse;
  readonly kid: string;
  /** `unlisted` until the manifest in force lists it. */
  readonly state: 'current' | 'next' | 'former' | 'ended' | 'revoked' | 'unlisted';
  /** ISO 8601, as the manifest lists it. */
  readonly not_before?: string;
  readonly not_after?: string;
}

/** Every private key of a node, by use, the one in use first. */
export function heldKeys(
  config: NodeConfig,
  keys: KeyProvider,
  manifest: Manifest,
  current: KeySet,
  nowMs: number,
): HeldKey[] {
  const member = memberByCode(manifest, config.code);
  return KEY_USES.flatMap((use) => {
    const listed = member === undefined ? [] : listedKeys(config, keys, member, use);
    return [...keys[use]]
      .sort((a, b) => Number(b.kid === current[use].kid) - Number(a.kid === current[use].kid))
      .map(({ kid }): HeldKey => {
        const validity = listed.find(({ key }) => key.kid === kid)?.validity;
        if (validity === undefined) return { use, kid, state: 'unlisted' };
        const times = { not_before: isoTime(validity.not_before), ...endOf(validity.not_after) };
        if (kid === current[use].kid) return { use, kid, state: 'current', ...times };
        switch (validityObjection(validity, nowMs)) {
          case 'KEY_NOT_YET_VALID':
            return { use, kid, state: 'next', ...times };
          case 'KEY_REVOKED':
            return { use, kid, state: 'revoked', ...times };
          case 'KEY_EXPIRED':
            return { use, kid, state: 'ended', ...times };
          case 'KEY_UNKNOWN':
          case undefined:
            return { use, kid, state: 'former', ...times };
        }
      });
  });
}

/** A key that was listed without a time has no end. */
function endOf(notAfter: number): { readonly not_after?: string } {
  return notAfter === Number.MAX_SAFE_INTEGER ? {} : { not_after: isoTime(notAfter) };
}
