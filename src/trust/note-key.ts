/** The ledger and witness keys of a member: one, or several of which each has its time. */
import { parseVerifierKey, type VerifierKey } from '../ledger/mod.ts';
import type { KeyValidity, Member, MemberStatement, NoteKey } from './manifest.ts';
import { isValidAround, validityObjection } from './member-key.ts';

/** A ledger or witness key with its time. */
export interface ListedKey extends KeyValidity {
  readonly vkey: string;
  readonly key: VerifierKey;
}

// A member that never rotated lists one key without a time: it is good for as long as the member is listed.
const ALWAYS = { not_before: 0, not_after: Number.MAX_SAFE_INTEGER };

/** The keys that sign the member's checkpoints, oldest first. */
export function ledgerKeysOf({ ledger }: Pick<MemberStatement, 'ledger'>): ListedKey[] {
  return (ledger.keys ?? [{ vkey: ledger.vkey, ...ALWAYS }]).map(listed);
}

/** The keys that cosign for the member, oldest first. */
export function witnessKeysOf({ witness }: Pick<MemberStatement, 'witness'>): ListedKey[] {
  return (witness.keys ?? [{ vkey: witness.vkey, ...ALWAYS }]).map(listed);
}

/** Those that are to be believed at a time on this side's clock, newest first. */
export function keysAround(keys: readonly ListedKey[], timeMs: number): VerifierKey[] {
  return keys
    .filter((key) => isValidAround(key, timeMs))
    .map(({ key }) => key)
    .reverse();
}

/** Those that were valid at a time that the other side's own clock gave, newest first. */
export function keysAt(keys: readonly ListedKey[], timeMs: number): VerifierKey[] {
  return keys
    .filter((key) => validityObjection(key, timeMs) === undefined)
    .map(({ key }) => key)
    .reverse();
}

/** Every ledger key that the member has ever had, newest first: for statements whose time does not matter. */
export function allLedgerKeys(member: Member): VerifierKey[] {
  return ledgerKeysOf(member)
    .map(({ key }) => key)
    .reverse();
}

/** The entry of a key in the manifest. */
export function noteKeyOf({ vkey, not_before, not_after, revoked_at, reason }: NoteKey): NoteKey {
  return {
    vkey,
    not_before,
    not_after,
    ...(revoked_at === undefined ? {} : { revoked_at }),
    ...(reason === undefined ? {} : { reason }),
  };
}

function listed(entry: KeyValidity & { readonly vkey: string }): ListedKey {
  return { ...entry, key: parseVerifierKey(entry.vkey) };
}
