/** A file as large as a disk between two nodes in processes of their own: it arrives, once, and neither end needs memory for it. */
import { createHash, randomBytes } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import type { EvidenceList, SentAnswer } from '../../src/api/mod.ts';
import { auditBundles } from '../../src/audit/mod.ts';
import type { EvidenceAnswer } from '../../src/exchange/mod.ts';
import { caseOverApi, exhibit } from '../kit/evidence.ts';
import { copyTestFederation, until } from '../kit/federation.ts';
import { serveNode } from '../kit/process.ts';

const deep = process.env['SLOW'] === '1';
const MIB = 2 ** 20;
const PIECE_BYTES = MIB;
// Three times as much has to be free: what is taken in and what arrives both rest sealed.
const LARGE_BYTES = Number(process.env['ROGATORY_LARGE_MIB'] ?? 20 * 1024) * MIB;
// By then every part of both processes has been at work, and what they keep for good is there.
const FIRST_BYTES = 256 * MIB;
const MOST_GROWTH_BYTES = 64 * MIB;
// As slow as a loaded machine may be.
const MS_PER_MIB = 400;

/** The most memory that a process has had at a time, in bytes, as the kernel counts it. */
function peakOf(pid: number): number {
  return Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))![1]) * 1024;
}

/** The same noise over and over, each time with its place in it. */
async function* content(size: number, onPiece: (piece: Uint8Array) => void): AsyncIterable<Uint8Array> {
  const noise = randomBytes(PIECE_BYTES);
  for (let at = 0; at < size; at += PIECE_BYTES) {
    const piece = Buffer.from(noise);
    piece.writeBigUInt64BE(BigInt(at));
    onPiece(piece);
    yield piece;
  }
}

test.runIf(deep && process.platform === 'linux')(
  `${LARGE_BYTES / MIB} MiB arrive whole, in memory that does not depend on it`,
  async () => {
    const federation = await copyTestFederation(['XA', 'XB']);
    const [a, b] = [await serveNode(federation, 'XA'), await serveNode(federation, 'XB')];
    const caseId = await caseOverApi(a.api, b.api);
    const fileAt = async (node: typeof a, id: string): Promise<EvidenceAnswer | undefined> =>
      (await node.api.get<EvidenceList>('evidence')).files.find(({ file_id: known }) => known === id);

    const carry = async (item: string, size: number): Promise<void> => {
      await b.api.post('items', { case_id: caseId, item: exhibit(item) });
      const hash = createHash('sha256');
      const query = new URLSearchParams({ case: caseId, name: `${item}.dd`, item });
      const source = content(size, (piece) => hash.update(piece));
      const added = await b.api.postStream<EvidenceAnswer>(`evidence?${query.toString()}`, source);
      expect(added).toMatchObject({ size, sha256: hash.digest('hex') });
      const transfer = { measure_ids: ['m1'], more_to_follow: true };
      await b.api.post<SentAnswer>('transfers', { to: 'XA', case_id: caseId, items: [item], transfer, wait_ms: 0 });
      // Whole, compared with what was announced, and proved to its sender.
      await until(
        async () => (await fileAt(a, added.file_id))?.verified_at !== undefined,
        (size / MIB) * MS_PER_MIB + 120_000,
      );
      await until(async () => (await fileAt(b, added.file_id))?.offers[0]?.status === 'COMPLETE', 120_000);
      expect(await fileAt(a, added.file_id)).toMatchObject({ status: 'STORED', sha256: added.sha256 });
    };

    const peaks = (): number[] => [a, b].map(({ child }) => peakOf(child.pid!));
    await carry('e1', FIRST_BYTES);
    const before = peaks();
    await carry('e2', LARGE_BYTES);
    const growth = peaks().map((peak, i) => peak - before[i]!);
    process.stderr.write(
      `memory of both ends grew by ${growth.map((bytes) => Math.ceil(bytes / MIB)).join(' and ')} MiB\n`,
    );
    for (const bytes of growth) expect(bytes).toBeLessThan(MOST_GROWTH_BYTES);

    const bundles = await Promise.all(
      [a, b].map(async ({ api }, i) => ({ name: ['XA', 'XB'][i]!, bytes: await api.getBytes('bundle') })),
    );
    const report = await auditBundles(bundles);
    expect(report.findings).toEqual([]);
    expect(report.ledgers.map(({ kinds }) => kinds['EVIDENCE_COMPLETE'])).toEqual([2, 2]);
  },
  ((LARGE_BYTES + FIRST_BYTES) / MIB) * MS_PER_MIB * 2 + 600_000,
);
