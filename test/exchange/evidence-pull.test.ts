/** Files that come in: what one of them fails of does not hold up the others. */
import { expect, test } from 'vitest';
import type { JurisdictionCode } from '../../src/base/mod.ts';
import type { Receiving } from '../../src/evidence/mod.ts';
import type { ExchangeContext } from '../../src/exchange/context.ts';
import { EvidencePull } from '../../src/exchange/evidence-pull.ts';
import { evidenceKeys, fileToRecord, type EvidenceRecord } from '../../src/exchange/evidence-record.ts';
import type { PeerLink } from '../../src/exchange/link.ts';
import { encodeRecord } from '../../src/exchange/record.ts';
import { MemoryStore, type Put } from '../../src/store/mod.ts';
import type { EvidenceFile, Frame } from '../../src/wire/mod.ts';

const XB = 'XB' as JurisdictionCode;

function fileOf(n: number): EvidenceFile {
  return {
    file_id: `019b0000-0000-7000-8000-00000000000${n}`,
    name: 'a.bin',
    media_type: 'image/tiff',
    size: 4096,
    chunk_bytes: 4096,
    chunk_count: 1,
    sha256: new Uint8Array(32),
    root: new Uint8Array(32).fill(n),
    key: new Uint8Array(32),
  };
}

test('a file whose place was taken by others that are given up is fetched after them', async () => {
  const files = [1, 2, 3].map(fileOf);
  const store = new MemoryStore();
  const puts = files.flatMap((file): Put[] => {
    const record = { file: fileToRecord(file), status: 'AWAITED', peer: XB } as EvidenceRecord;
    return [
      [evidenceKeys.file(file.file_id), encodeRecord(record)],
      [evidenceKeys.awaited(XB, file.file_id), encodeRecord({})],
    ];
  });
  await store.commit({ puts });
  const asked = new Set<string>();
  const note = (frame: Frame): void => {
    if (frame.type === 'evidence_request') asked.add(frame.value.file_id);
  };
  const receive = (file: EvidenceFile): Promise<Receiving> =>
    Promise.resolve({
      file,
      next: 0,
      awaited: 0,
      isWhole: false,
      // Never what was announced.
      hand: () => Promise.resolve({ kept: Promise.resolve(false) }),
      close: () => Promise.resolve(),
    } as unknown as Receiving);
  const context = {
    store,
    committer: {
      // Given up: awaited no more.
      commit: (_plan: unknown) =>
        store.commit({ puts: [], deletes: [...asked].map((id) => evidenceKeys.awaited(XB, id)) }).then(() => []),
    },
    failpoint: () => undefined,
    emit: () => undefined,
    evidence: {
      vault: { holds: () => Promise.resolve(false), receive, abandon: () => Promise.resolve() },
      transfers: { note: () => undefined, end: () => undefined },
    },
  } as unknown as ExchangeContext;
  const link = { peer: XB, answer: note } as unknown as PeerLink;
  const onFailure = (error: unknown): never => {
    throw error;
  };
  const pull = new EvidencePull({ context, link, after: undefined, onFailure });
  pull.wake();
  const isAsked = (n: number): boolean => asked.has(fileOf(n).file_id);
  const settled = async (): Promise<void> => {
    for (let turn = 0; turn < 10; turn++) await new Promise(setImmediate);
  };
  await settled();
  expect([isAsked(1), isAsked(2), isAsked(3)]).toEqual([true, true, false]);
  for (const n of [1, 2])
    for (let time = 0; time < 3; time++)
      await pull.onChunk({ file_id: fileOf(n).file_id, index: 0, sealed: new Uint8Array(16) });
  await settled();
  expect(isAsked(3)).toBe(true);
  await pull.stop();
});

test('the word that a proof is held takes away what waits for it, and writes nothing where nothing does', async () => {
  const [waiting, other] = [1, 2].map((n) => fileOf(n).file_id) as [string, string];
  const kept = new Set([evidenceKeys.unsettled(XB, waiting)]);
  const deleted: string[] = [];
  const view = {
    get: (key: string) => Promise.resolve(kept.has(key) ? new Uint8Array(1) : undefined),
    delete: (key: string) => {
      deleted.push(key);
      kept.delete(key);
    },
  };
  const context = {
    committer: { commit: (plan: (step: typeof view) => Promise<void>) => plan(view) },
  } as unknown as ExchangeContext;
  const link = { peer: XB } as unknown as PeerLink;
  const pull = new EvidencePull({ context, link, after: undefined, onFailure: () => undefined });
  // Each of them would be a synced write of its own, for forty bytes.
  for (const id of [other, waiting, waiting, other]) await pull.onSettled(id);
  expect(deleted).toEqual([evidenceKeys.unsettled(XB, waiting)]);
  await pull.stop();
});
