/** A ledger that has had several keys loses entries, one of which named a key: the epochs and the keys go their ways. */
import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { auditBundles } from '../../src/audit/mod.ts';
import type { JurisdictionCode } from '../../src/base/mod.ts';
import type { Node } from '../../src/node/mod.ts';
import { exportedBundle } from '../kit/bundle.ts';
import { requestDraft } from '../kit/drafts.ts';
import { copyTestFederation, startNode, until, type TestFederation } from '../kit/federation.ts';
import { temporaryFolder } from '../kit/folder.ts';
import { rogatory } from '../kit/process.ts';
import { makeNextKey, publishDraft, secondOpinion } from '../kit/rotation.ts';

const [XA, XB] = ['XA' as JurisdictionCode, 'XB' as JurisdictionCode];
const WAIT_MS = 120_000;
// Three changes of a key take their time whatever the machine: most of it is waiting for an overlap to end.
const deep = process.env['SLOW'] === '1';

async function request(from: Node, to: Node): Promise<void> {
  const { message_id: id } = await from.exchange.send(requestDraft(), to.config.code);
  expect((await from.exchange.answerOf(id, WAIT_MS)).status).toBe('RECEIVED');
}

/** Changes the node's ledger key, and waits until nobody has to believe the former one any more. */
async function changeLedgerKey(federation: TestFederation, node: Node, peer: Node): Promise<void> {
  const { kid, former_not_after: end } = await makeNextKey(federation, node, 'ledger', { overlapMs: 3000 });
  await publishDraft(federation, node);
  await until(() => node.ownKeys.current.ledger.kid === kid, WAIT_MS);
  await until(() => peer.exchange.manifest.version === node.exchange.manifest.version, WAIT_MS);
  await until(() => Date.now() > end, WAIT_MS);
}

test.skipIf(!deep)(
  'a ledger that has lost the entry about its newest key goes on in a new epoch, under that key',
  async () => {
    const federation = await copyTestFederation([XA, XB]);
    const dir = federation.dirOf(XA);
    const b = await startNode(federation, XB);
    let a = await startNode(federation, XA);
    await request(a, b);
    await changeLedgerKey(federation, a, b);
    await request(b, a);
    const kept = a.ownKeys.current.ledger.kid;
    await a.stop();
    const old = join(temporaryFolder(), 'old');
    cpSync(join(dir, 'store'), old, { recursive: true });

    a = await startNode(federation, XA);
    await changeLedgerKey(federation, a, b);
    const newest = a.ownKeys.current.ledger.kid;
    expect(newest).not.toBe(kept);
    await request(a, b);
    await request(b, a);
    // What was acknowledged under a key that is over reads as proved still.
    for (const { message_id: id } of await b.exchange.messages({}))
      expect((await b.exchange.message(id)).proof).toMatchObject({ verified: true });
    await a.stop();
    rmSync(join(dir, 'store'), { recursive: true });
    cpSync(old, join(dir, 'store'), { recursive: true });
    expect((await rogatory('restore', '--node', dir, '--new-epoch')).status).toBe(0);

    a = await startNode(federation, XA);
    await until(async () => (await b.exchange.incidents()).length > 0, WAIT_MS);
    await request(a, b);
    expect([a.storage.ledger.epoch, a.ownKeys.current.ledger.kid]).toEqual([2, newest]);
    await changeLedgerKey(federation, a, b);
    await request(b, a);
    const bundles = [
      { name: 'XA', bytes: await exportedBundle(a) },
      { name: 'XB', bytes: await exportedBundle(b) },
    ];
    const { findings, ledgers } = await auditBundles(bundles);
    expect(findings.map(({ code }) => code).sort()).toEqual(['ENTRIES_LOST', 'INCIDENT_RECORDED']);
    // One was kept, one was written again after the loss, one is of the new epoch.
    expect(ledgers[0]).toMatchObject({ kinds: { KEY: 3, EPOCH: 1 }, epochs: [{ number: 2, recovered: 2 }] });
    // Whatever else was wrong would have been said first.
    expect(secondOpinion(bundles) ?? 'XA lost entries').toContain('XA lost entries');

    // The next start signs the same history, under the key of now.
    const { key } = a.storage.ledger;
    expect(key.name).toBe('xa.test.example/ledger/2');
    await a.stop();
    const again = await startNode(federation, XA);
    expect(again.storage.ledger.key).toEqual(key);
    await request(again, b);
  },
  600_000,
);
