/** What a peer says of its earlier losses, otherwise than its ledger proves it. */
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { verifyEd25519, type JurisdictionCode } from '../../src/base/mod.ts';
import type { ExchangeContext } from '../../src/exchange/context.ts';
import { verifyLineage } from '../../src/exchange/lineage.ts';
import { Ledger, type LedgerOptions } from '../../src/ledger/mod.ts';
import { MemoryStore } from '../../src/store/mod.ts';
import { encodeLedgerEntry, type Receipt, type Resume } from '../../src/wire/mod.ts';
import { temporaryFolder } from '../kit/folder.ts';
import { logKeyOf } from '../kit/keys.ts';

const XA = 'XA' as JurisdictionCode;
const own = logKeyOf('xa.example/ledger', '11'.repeat(32));
const other = logKeyOf('xb.example/ledger', '22'.repeat(32));
const NOTHING = { puts: [], deletes: [] };

const context = {
  directory: {
    member: () => ({ code: XA }),
    listedLedgerKeys: () => [own.key],
    everyLedgerKey: () => [own.key],
  },
  clock: { nowMs: () => 0 },
  verifyCheckpoint: verifyEd25519,
} as unknown as Pick<ExchangeContext, 'directory' | 'clock' | 'verifyCheckpoint'>;

function plainEntry(): Uint8Array {
  const value = { digest: new Uint8Array(32) };
  return encodeLedgerEntry({ version: 1, kind: 'INCIDENT', time: 1, seq: 0, detail: { type: 'incident', value } });
}

/** A ledger that lost entries twice: what it says to a peer that has not heard of either. */
async function resumeOf(log: typeof own): Promise<Resume> {
  const [storage, folder] = [new MemoryStore(), temporaryFolder()];
  const files = { headFile: join(folder, 'head'), folder: join(folder, 'ledger') };
  const options: LedgerOptions = { storage, ...log, ...files, onPublishError: () => undefined };
  let ledger = await Ledger.create(options);
  await ledger.append([plainEntry(), plainEntry()], NOTHING);
  for (let loss = 0; loss < 2; loss++) {
    await ledger.close();
    ledger = await Ledger.beginEpoch(
      options,
      undefined,
      (number, kept) => {
        const value = { number, kept: kept.note };
        return encodeLedgerEntry({ version: 1, kind: 'EPOCH', time: 1, seq: 0, detail: { type: 'epoch', value } });
      },
      NOTHING,
    );
    await ledger.append([plainEntry()], NOTHING);
  }
  const [first, second] = await Promise.all(ledger.epochEntries.map((index) => ledger.receipt(index)));
  await ledger.close();
  return { epoch: second!, before: [first!] };
}

test('two losses, as the ledger proves them', async () => {
  const told = await resumeOf(own);
  const lineage = verifyLineage(context, XA, told);
  expect(lineage?.all.map(({ number, parent, start }) => [number, parent, start])).toEqual([
    [2, 1, 2],
    [3, 2, 4],
  ]);
  expect([lineage?.keptOf(1), lineage?.keptOf(2), lineage?.leastKept]).toEqual([2, 4, 2]);
});

describe('is not believed:', () => {
  const broken = (receipt: Receipt, at: number): Receipt => {
    const entry = receipt.entry.slice();
    entry[at % entry.length]! ^= 1;
    return { ...receipt, entry };
  };
  test.each<[string, (told: Resume, ofAnother: Resume) => Resume]>([
    ['the last first', (told) => ({ epoch: told.before[0]!, before: [told.epoch] })],
    ['an earlier epoch as the present one', (told) => ({ epoch: told.before[0]!, before: [] })],
    ['one twice', (told) => ({ epoch: told.epoch, before: [told.before[0]!, told.before[0]!] })],
    ['the present one as one before', (told) => ({ epoch: told.epoch, before: [told.epoch] })],
    ['one of another ledger', (told, ofAnother) => ({ epoch: told.epoch, before: ofAnother.before })],
    ['all of another ledger', (_, ofAnother) => ofAnother],
    ['the proof of another entry', (told) => ({ ...told, before: [{ ...told.before[0]!, proof: told.epoch.proof }] })],
    ['no proof', (told) => ({ ...told, before: [{ ...told.before[0]!, proof: 'x' }] })],
  ])('%s', async (_name, spoil) => {
    const resume = spoil(await resumeOf(own), await resumeOf(other));
    expect(verifyLineage(context, XA, resume)).toBeUndefined();
  });

  test('an entry with any byte changed', async () => {
    const told = await resumeOf(own);
    for (let at = 0; at < told.before[0]!.entry.length; at++)
      expect(verifyLineage(context, XA, { ...told, before: [broken(told.before[0]!, at)] })).toBeUndefined();
  });
});

test('what is left out is not kept: everything of that epoch is given back', async () => {
  const told = await resumeOf(own);
  const lineage = verifyLineage(context, XA, { epoch: told.epoch, before: [] });
  expect([lineage?.keptOf(1), lineage?.keptOf(2)]).toEqual([0, 4]);
});
