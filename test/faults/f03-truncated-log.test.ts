/**
 * F03: the end of the store's log is gone, from any byte on. Whatever was acknowledged is either there, or the node sees that something is
 * missing and refuses to serve.
 */
import { readFileSync, rmSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { codeOf } from '../../src/base/mod.ts';
import { newestHead } from '../../src/ledger/mod.ts';
import { filesUnder } from '../kit/canary.ts';
import { randomOf, seedsOf } from '../kit/random.ts';
import { copyOf, readAll, stoppedNode } from '../kit/stopped-node.ts';

const CUTS = process.env['SLOW'] === '1' ? 1500 : 40;

test(`F03: ${CUTS} lengths of the log: all of the ledger, or a refusal`, async () => {
  const { dir, whole } = await stoppedNode();
  const log = filesUnder(join(dir, 'store')).find(({ path }) => path.endsWith('.log'))!;
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
      ({ checkpoint, bundle }) => {
        expect({ length, checkpoint }).toEqual({ length, checkpoint: whole.checkpoint });
        expect(Buffer.compare(bundle, whole.bundle)).toBe(0);
        return 'whole';
      },
      (error: unknown) => codeOf(error),
    );
    // A refusal changes nothing of what the node has signed.
    expect(newestHead(readFileSync(join(copy, 'head')))?.note).toBe(whole.head);
    outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1);
    rmSync(copy, { recursive: true });
  }
  expect(
    [...outcomes.keys()].filter((code) => !['whole', 'LEDGER_ROLLED_BACK', 'LEDGER_CORRUPT'].includes(code)),
  ).toEqual([]);
  expect(outcomes.get('whole')).toBeGreaterThan(0);
  expect(outcomes.get('LEDGER_ROLLED_BACK')).toBeGreaterThan(0);
}, 600_000);
