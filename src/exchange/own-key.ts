/** Recording which of its own keys a node works with: every change is an entry of its ledger. */
import { equalBytes } from '../base/mod.ts';
import { epochKeysOf, type LedgerSigner, type VerifierKey } from '../ledger/mod.ts';
import type { KeyUse } from '../trust/mod.ts';
import type { KeyRotated } from '../wire/mod.ts';
import type { ExchangeContext } from './context.ts';
import { decodeRecord, keys } from './record.ts';

/** A key that the node works with, as its ledger names it. */
export interface OwnKey {
  /** RFC 7638 thumbprint, or the pinned digest of a TLS key. */
  readonly kid: string;
  readonly entry: KeyRotated;
}

type OwnKeyRecord = Readonly<Record<KeyUse, string>>;

/** The kids that the node worked with last; undefined before its first start. */
export async function recordedKeys(context: Pick<ExchangeContext, 'store'>): Promise<OwnKeyRecord | undefined> {
  const bytes = await context.store.get(keys.ownKeys);
  return bytes === undefined ? undefined : decodeRecord<OwnKeyRecord>(bytes);
}

/** The keys that a note or proof of this node's own ledger claims to be under, in whichever epoch, whenever that was. */
export function ownLedgerKeysOf(
  { code, ledger, directory }: Pick<ExchangeContext, 'code' | 'ledger' | 'directory'>,
  note: string,
  listedToo: readonly VerifierKey[] = [],
): ReturnType<typeof epochKeysOf> {
  return epochKeysOf(note, [...ledger.listedKeys, ...directory.everyLedgerKey(code), ...listedToo]);
}

/**
 * Writes down the keys that the node works with from now on. Those that differ from the ones before have a KEY entry each; the first of all
 * have none, because the manifest of that time names them.
 * @param ledgerSigner the ledger key among them
 * @returns the uses that changed
 */
export async function recordOwnKeys(
  context: ExchangeContext,
  own: Readonly<Record<KeyUse, OwnKey>>,
  ledgerSigner: LedgerSigner,
): Promise<KeyUse[]> {
  const uses = Object.keys(own) as KeyUse[];
  return context.committer.commit(async (view) => {
    const before = await view.getRecord<OwnKeyRecord>(keys.ownKeys);
    // A ledger key that was replaced before the first start has signed the empty ledger, so the ledger has to say who comes after it.
    const isFirstSigner = equalBytes(context.ledger.key.publicKey, ledgerSigner.key.publicKey);
    const changed = uses.filter((use) =>
      before === undefined ? use === 'ledger' && !isFirstSigner : before[use] !== own[use].kid,
    );
    if (before !== undefined && changed.length === 0) return changed;
    for (const use of changed) view.append({ kind: 'KEY', seq: 0, detail: { type: 'key', value: own[use].entry } });
    if (changed.includes('ledger')) view.succeed(ledgerSigner);
    view.putRecord(keys.ownKeys, Object.fromEntries(uses.map((use) => [use, own[use].kid])));
    return changed;
  });
}
