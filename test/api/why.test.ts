/** `why` of a message with files: it says how far they are at both ends, and nothing of what they are. */
import { expect, test, vi } from 'vitest';
import type { JurisdictionCode, Uuid } from '../../src/base/mod.ts';
import type { WhyAnswer } from '../../src/api/mod.ts';
import { why as whyHere } from '../../src/api/why.ts';
import type { Node } from '../../src/node/mod.ts';
import { runCommand } from '../kit/command.ts';
import { caseUnderExecution, exhibit, noise } from '../kit/evidence.ts';
import { changeConfig, copyTestFederation, startNode, until } from '../kit/federation.ts';
import { Office } from '../kit/office.ts';
import { S3_KEY } from '../kit/s3-server.ts';

vi.setConfig({ testTimeout: 240_000 });

async function* source(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  yield bytes;
}

/** An exhibit with one file of each media type. */
async function announce(node: Node, caseId: Uuid, to: JurisdictionCode, ...types: readonly string[]): Promise<Uuid> {
  const { evidence } = node.exchange;
  await evidence.putItem(caseId, exhibit('e1'));
  const ids = [];
  for (const [n, media_type] of types.entries())
    ids.push(
      (await evidence.add(source(noise(100_000, n)), { case_id: caseId, name: 'secret.bin', media_type })).file_id,
    );
  await evidence.addToItem(caseId, 'e1', ids);
  const draft = { case_id: caseId, evidence_transfer: { items: [{ item_id: 'e1' }], measure_ids: ['m1'] } };
  const { message_id: id } = await node.exchange.send(evidence.drafting(draft, to), to);
  expect((await node.exchange.answerOf(id, 60_000)).status).toBe('RECEIVED');
  return id;
}

// Two nodes, one of them twice, and the client for S3: more than a quick run has time for.
test.runIf(process.env['SLOW'] === '1')(
  'files that are on their way, that have arrived, and that will not come are counted at both ends',
  async () => {
    const federation = await copyTestFederation(['XA', 'XB']);
    const taken = { media_types: ['application/*'] };
    // Nobody listens there: what XA fetches finds no place to rest.
    changeConfig(federation, 'XA', {
      evidence: { ...taken, s3: { endpoint: 'http://127.0.0.1:9', bucket: 'evidence' } },
    });
    const options = { objectStoreKey: S3_KEY };
    const [a, b] = [await Office.open(federation, 'XA', options), await Office.open(federation, 'XB')];
    const caseId = await caseUnderExecution(a.node, b.node);
    const id = await announce(b.node, caseId, 'XA' as JurisdictionCode, 'application/pdf', 'image/png');
    const why = (office: Office): Promise<WhyAnswer> => office.as('nobody').get<WhyAnswer>(`messages/${id}/why`);
    const refused = async (office: Office): Promise<boolean> => (await why(office)).files?.stopped === 1;
    await until(async () => (await refused(a)) && (await refused(b)));
    for (const [office, words] of [
      [a, 'this node fetches 1 file by itself, whenever XB is connected; 1 file will not come'],
      [b, 'XA fetches 1 file by itself, whenever it is connected; 1 file will not come'],
    ] as const) {
      const told = await why(office);
      expect(told.files).toMatchObject({ count: 2, arrived: 0, stopped: 1, size: 200_000 });
      expect(told.next).toContain(words);
      const { stdout } = await runCommand('why', '--node', office.dir, id);
      expect(stdout).toMatch(/files {9}0 of 2 arrived, .* of 195\.3 KiB\n[^]*Next: .*rogatory evidence list/);
      expect(stdout).not.toContain('secret');
    }

    // With room for it, the one that is taken comes.
    await a.node.stop();
    changeConfig(federation, 'XA', { evidence: taken });
    const again = await startNode(federation, 'XA');
    const arrived = { count: 2, arrived: 1, stopped: 1, size: 200_000, bytes: 100_000 };
    await until(async () => (await why(b)).files?.arrived === 1);
    for (const told of [await why(b), await whyHere(again, id)]) {
      expect(told.files).toEqual(arrived);
      expect(told.next).toContain('Of what it announces, 1 file will not come:');
    }
  },
);
