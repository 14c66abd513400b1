/**
 * F03: the end of the store's journal is gone, from any byte on. Whatever was acknowledged is either there, or the node sees that something is
 * missing and refuses to serve. What is written without an entry in the ledger, such as a peer's cosignature, can go unseen when nothing was
 * entered after it: no entry commits to it, and the peer gives it again.
 */
import { readFileSync, rmSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { auditBundles } from '../../src/audit/mod.ts';
import { bytesToHex, codeOf, sha256 } from '../../src/base/mod.ts';
import { newestHead } from '../../src/ledger/mod.ts';
import { bundleFiles } from '../kit/bundle.ts';
import { filesUnder } from '../kit/canary.ts';
import { randomOf, seedsOf } from '../kit/random.ts';
import { copyOf, readAll, stoppedNode } from '../kit/stopped-node.ts';

const EXPECTED = ['whole', 'without the last cosignature', 'LEDGER_ROLLED_BACK', 'LEDGER_CORRUPT'];
const CUTS = process.env['SLOW'] === '1' ? Number(process.env['ROGATORY_CUTS'] ?? 1500) : 20;

test(`F03: ${CUTS} lengths of the journal: all of the ledger, or a refusal`, async () => {
  const { dir, whole } = await stoppedNode();
  const segments = filesUnder(join(dir, 'store')).filter(({ path }) => path.endsWith('.segment'));
  const log = segments.sort((a, b) => (a.path < b.path ? -1 : 1)).at(-1)!;
  const random = randomOf(seedsOf(1)[0]!);
  // The last bytes one by one, the rest by chance: all lengths take hours.
  const lengths = Array.from({ length: CUTS }, (_, n) =>
    n < CUTS / 2 ? log.bytes.length - n : random.below(log.bytes.length),
  );
  const outcomes = new Map<string, number>();
  for (const length of lengths) {
    const copy = copyOf(dir);
    truncateSync(log.path.replace(dir, copy), length);
    const outcome = await readAll(copy).then(
      async ({ checkpoint, bundle }) => {
        expect({ length, checkpoint }).toEqual({ length, checkpoint: whole.checkpoint });
        if (Buffer.compare(bundle, whole.bundle) === 0) return 'whole';
        // All that the ledger says is there; of the peer's word an older one, or none, and it verifies by itself.
        expect(await lasting(bundle)).toEqual(await lasting(whole.bundle));
        expect((await auditBundles([{ name: 'xb.zip', bytes: bundle }])).findings).toEqual([]);
        expect(await cosignedSize(bundle)).toBeLessThanOrEqual(await cosignedSize(whole.bundle));
        return 'without the last cosignature';
      },
      (error: unknown) => codeOf(error),
    );
    // A refusal changes nothing of what the node has signed.
    expect(newestHead(readFileSync(join(copy, 'head')))?.note).toBe(whole.head);
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    rmSync(copy, { recursive: true });
  }
  expect([...outcomes.keys()].filter((code) => !EXPECTED.includes(code))).toEqual([]);
  expect(outcomes.get('whole')).toBeGreaterThan(0);
  expect(outcomes.get('LEDGER_ROLLED_BACK')).toBeGreaterThan(0);
}, 600_000);

/** Every file of a bundle that entries commit to, or that commits to entries: all but cosignatures, and the list of files. */
async function lasting(bundle: Uint8Array): Promise<string[]> {
  const files = [...(await bundleFiles(bundle))].filter(([path]) => !/^(cosigned\/|bundle\.json$)/.test(path));
  return files.map(([path, bytes]) => `${path} ${bytesToHex(sha256(bytes))}`);
}

async function cosignedSize(bundle: Uint8Array): Promise<number> {
  const sizes = [...(await bundleFiles(bundle)).keys()].map((path) =>
    Number(/^cosigned\/([0-9]+)$/.exec(path)?.[1] ?? 0),
  );
  return Math.max(0, ...sizes);
}
