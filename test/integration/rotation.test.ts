import { sign } from 'node:crypto';
import { expect, test } from 'vitest';
import { parseUtf8, utf8ToBytes, type JurisdictionCode } from '../../src/base/mod.ts';
import { auditBundles } from '../../src/audit/mod.ts';
import { loadNodeConfig, nodePaths } from '../../src/config/mod.ts';
import {
  installManifest,
  keyDesk,
  keysAt,
  rotateAt,
  signDraft,
  updateMember,
  withKeyDesk,
  type Node,
} from '../../src/node/mod.ts';
import { KEY_USES, rawPublicKey, type KeyUse } from '../../src/trust/mod.ts';
import { KEY_TYPES, parseCheckpointNote, signCheckpoint, verifierKey } from '../../src/ledger/mod.ts';
import { parseLedgerEntry } from '../../src/wire/mod.ts';
import { exportedBundle, rebuildBundle } from '../kit/bundle.ts';
import { readPrivateKeys } from '../kit/keys.ts';
import { requestDraft } from '../kit/drafts.ts';
import { copyTestFederation, startNode, until, type TestFederation } from '../kit/federation.ts';
import { seedsOf, withSeed } from '../kit/random.ts';
import { makeNextKey, publishDraft, secondOpinion } from '../kit/rotation.ts';
import { traffic } from '../kit/traffic.ts';

const [XA, XB] = ['XA', 'XB'] as JurisdictionCode[];
// Every order of changes, again and again.
const DEEP = process.env['SLOW'] === '1';
const ROUNDS = 30;

/** Has the council list a node's next keys, and gives one node the manifest: the other hears of it from its peer. */
async function listNextKeys(federation: TestFederation, node: Node, uses: readonly KeyUse[]): Promise<void> {
  for (const use of uses) {
    // Some begin at once, the others in a moment, when both nodes have known of them for a while.
    await makeNextKey(federation, node, use, { startsInMs: use === 'sign' || use === 'ledger' ? 1500 : 0 });
  }
  await publishDraft(federation, node);
}

async function entriesOf(node: Node): Promise<ReturnType<typeof parseLedgerEntry>[]> {
  const { ledger } = node.storage;
  return Promise.all(Array.from({ length: ledger.size }, async (_, i) => parseLedgerEntry(await ledger.entry(i))));
}

async function bundlesOf(nodes: readonly Node[]): Promise<{ readonly name: string; readonly bytes: Uint8Array }[]> {
  return Promise.all(
    nodes.map(async (node) => ({
      name: node.config.code,
      bytes: await exportedBundle(node),
    })),
  );
}

/** Whether messages have gone both ways since the node's ledger had so many entries. */
async function flowsSince(node: Node, size: number): Promise<boolean> {
  const kinds = (await entriesOf(node)).slice(size).map(({ kind }) => kind);
  return kinds.includes('SENT') && kinds.includes('RECEIVED');
}

async function expectAllReceived(nodes: readonly Node[], sent: number): Promise<void> {
  const messages = (await Promise.all(nodes.map((node) => node.exchange.messages({ limit: 100_000 })))).flat();
  expect(messages.filter(({ status }) => status !== 'RECEIVED')).toEqual([]);
  for (const side of ['OUT', 'IN'] as const)
    expect(messages.filter(({ direction }) => direction === side)).toHaveLength(sent);
}

/** The keys that the messages were sealed to which a node has sent. */
async function sealedTo(from: Node): Promise<Set<string>> {
  const kids = new Set<string>();
  for await (const [, sealed] of from.storage.store.scan('sealed/')) {
    const header = Buffer.from(parseUtf8(sealed).split('.')[0]!, 'base64url').toString();
    kids.add((JSON.parse(header) as { readonly kid: string }).kid);
  }
  return kids;
}

test('every kind of key is rotated under continuous traffic: nothing lost, nothing refused, and the audit is clean', async () => {
  const federation = await copyTestFederation([XA!, XB!]);
  const [a, b] = [
    await startNode(federation, XA!, { witnessIntervalMs: 100 }),
    await startNode(federation, XB!, { witnessIntervalMs: 100 }),
  ];
  const before = Object.fromEntries(KEY_USES.map((use) => [use, b.ownKeys.current[use].kid])) as Record<KeyUse, string>;
  const flows = [traffic(a, XB!), traffic(b, XA!)];
  await until(() => flowsSince(b, 0), 60_000);
  await listNextKeys(federation, b, KEY_USES);
  await until(() => KEY_USES.every((use) => b.ownKeys.current[use].kid !== before[use]), 60_000);
  const switchedAt = b.storage.ledger.size;
  await until(() => flowsSince(b, switchedAt), 60_000);
  await until(() => a.exchange.manifest.version === b.exchange.manifest.version, 60_000);
  const [fromA, fromB] = await Promise.all(flows.map((flow) => flow.stop()));
  await until(async () => (await a.exchange.backlog(XB!)).count + (await b.exchange.backlog(XA!)).count === 0, 60_000);

  await expectAllReceived([a, b], fromA! + fromB!);
  const rotated = (await entriesOf(b)).flatMap(({ detail }) => (detail?.type === 'key' ? [detail.value.use] : []));
  expect(rotated.sort()).toEqual(['ENCRYPT', 'LEDGER', 'SIGN', 'TLS', 'WITNESS']);
  expect(await sealedTo(a)).toEqual(new Set([before.encrypt, b.ownKeys.current.encrypt.kid]));
  expect(await sealedTo(b)).toEqual(new Set([a.ownKeys.current.encrypt.kid]));
  expect(keysAt(keyDesk(b)).map(({ use, state }) => `${use} ${state}`)).toEqual(
    KEY_USES.flatMap((use) => [`${use} current`, `${use} former`]),
  );

  const bundles = await bundlesOf([a, b]);
  const report = await auditBundles(bundles);
  expect(report.findings).toEqual([]);
  expect(secondOpinion(bundles) ?? 'OK ').toMatch(/^OK /);
  // Whoever kept the former ledger key can sign with it, and nobody takes that for the ledger's word.
  const former = readPrivateKeys(b.config.paths.keys).ledger;
  const formerKey = verifierKey(b.config.ledgerOrigin, KEY_TYPES.ed25519, rawPublicKey(former));
  const usurped = await rebuildBundle(bundles[1]!.bytes, (files) => {
    const head = parseCheckpointNote(parseUtf8(files.get('checkpoint')!));
    const note = signCheckpoint(head, formerKey, (message) => sign(null, message, former)).note;
    files.set('checkpoint', utf8ToBytes(note));
  });
  const usurpedReport = await auditBundles([{ name: 'XB', bytes: usurped }]);
  expect(usurpedReport.findings.map(({ code }) => code)).toEqual(['CHECKPOINT_INVALID']);
  expect(secondOpinion([{ name: 'XB', bytes: usurped }]) ?? '').not.toMatch(/^OK /);
  expect(report.exchange.every(({ refused, voided, unanswered }) => refused + voided + unanswered === 0)).toBe(true);

  // The next start works with the keys of before it, and signs the same history.
  const { size } = b.storage.ledger;
  const key = b.storage.ledger.key;
  await b.stop();
  const again = await startNode(federation, XB!);
  expect(again.storage.ledger.key).toEqual(key);
  expect(again.storage.ledger.size).toBeGreaterThanOrEqual(size);
  expect(KEY_USES.map((use) => again.ownKeys.current[use].kid)).toEqual(
    KEY_USES.map((use) => b.ownKeys.current[use].kid),
  );
}, 240_000);

test.runIf(DEEP)(
  'keys change again and again at both nodes, in any order, and nothing is lost or refused',
  async () => {
    for (const seed of seedsOf(ROUNDS / 10)) {
      await withSeed(seed, async (random) => {
        const federation = await copyTestFederation([XA!, XB!]);
        const [a, b] = [
          await startNode(federation, XA!, { witnessIntervalMs: 100 }),
          await startNode(federation, XB!, { witnessIntervalMs: 100 }),
        ];
        const flows = [traffic(a, XB!), traffic(b, XA!)];
        let changes = 0;
        for (let round = 0; round < 10; round++) {
          const node = random.pick([a, b]);
          const due: (() => boolean)[] = [];
          for (const use of KEY_USES.filter(() => random.below(2) === 0)) {
            const { kid } = await makeNextKey(federation, node, use, { startsInMs: random.below(3000) });
            due.push(() => node.ownKeys.current[use].kid === kid);
          }
          // Either may hear of it first.
          if (due.length > 0) await publishDraft(federation, random.pick([a, b]));
          changes += due.length;
          await until(() => due.every((isDone) => isDone()), 120_000);
        }
        await until(() => a.exchange.manifest.version === b.exchange.manifest.version, 120_000);
        const changedAt = b.storage.ledger.size;
        await until(() => flowsSince(b, changedAt), 120_000);
        const [fromA, fromB] = await Promise.all(flows.map((flow) => flow.stop()));
        const left = async (): Promise<number> =>
          (await a.exchange.backlog(XB!)).count + (await b.exchange.backlog(XA!)).count;
        await until(async () => (await left()) === 0, 120_000);
        await expectAllReceived([a, b], fromA! + fromB!);
        const entries = [...(await entriesOf(a)), ...(await entriesOf(b))];
        expect(entries.filter(({ kind }) => kind === 'KEY')).toHaveLength(changes);
        const bundles = await bundlesOf([a, b]);
        expect((await auditBundles(bundles)).findings).toEqual([]);
        expect(secondOpinion(bundles) ?? 'OK ').toMatch(/^OK /);
        for (const node of [a, b]) await node.stop();
      });
    }
  },
  900_000,
);

test('a message that was sealed to the key of before opens after the change', async () => {
  const federation = await copyTestFederation([XA!, XB!]);
  const away = await startNode(federation, XA!);
  const queued = await away.exchange.send(requestDraft(), XB!);
  await away.stop();
  const b = await startNode(federation, XB!);
  const first = b.ownKeys.current.encrypt.kid;
  await listNextKeys(federation, b, ['encrypt']);
  await until(() => b.ownKeys.current.encrypt.kid !== first);
  const a = await startNode(federation, XA!);
  expect((await a.exchange.answerOf(queued.message_id, 40_000)).status).toBe('RECEIVED');
  const sealed = await a.storage.store.get(`sealed/${queued.message_id}`);
  expect(Buffer.from(Buffer.from(sealed!).toString().split('.')[0]!, 'base64url').toString()).toContain(first);
}, 240_000);

test('a peer that was away when the TLS key changed is told of it under the key that it knows', async () => {
  const federation = await copyTestFederation([XA!, XB!]);
  const b = await startNode(federation, XB!);
  const first = b.ownKeys.current.tls.kid;
  await listNextKeys(federation, b, ['tls']);
  await until(() => b.ownKeys.current.tls.kid !== first);
  const a = await startNode(federation, XA!);
  expect(a.exchange.manifest.version).toBe(1);
  const sent = await a.exchange.send(requestDraft(), XB!);
  expect((await a.exchange.answerOf(sent.message_id, 60_000)).status).toBe('RECEIVED');
  expect(a.exchange.manifest.version).toBe(2);
}, 240_000);

test('a key that begins while another change is being written down has its turn at once', async () => {
  const federation = await copyTestFederation([XA!, XB!]);
  let [stepMs, aheadMs] = [0, 0];
  const b = await startNode(federation, XB!, {
    clock: { nowMs: () => Date.now() + aheadMs },
    failpoint: (name) => {
      if (name === 'commit.planned') aheadMs += stepMs;
    },
  });
  const { sign: firstSign, encrypt: firstEncrypt } = b.ownKeys.current;
  await makeNextKey(federation, b, 'sign');
  await makeNextKey(federation, b, 'encrypt', { startsInMs: 120_000 });
  // Two minutes and a half go by while the manifest, and then the change of the signing key, are on their way to the disk.
  stepMs = 75_000;
  await publishDraft(federation, b);
  await until(() => b.ownKeys.current.sign.kid !== firstSign.kid);
  await until(() => b.ownKeys.current.encrypt.kid !== firstEncrypt.kid);
}, 240_000);

test('keys that are made and not listed yet change nothing at the next start', async () => {
  const federation = await copyTestFederation([XA!, XB!]);
  const b = await startNode(federation, XB!);
  const kids = KEY_USES.map((use) => b.ownKeys.current[use].kid);
  const { key } = b.storage.ledger;
  for (const use of KEY_USES) await makeNextKey(federation, b, use);
  await b.stop();
  const again = await startNode(federation, XB!);
  expect(KEY_USES.map((use) => again.ownKeys.current[use].kid)).toEqual(kids);
  expect(again.storage.ledger.key).toEqual(key);
  expect(keysAt(keyDesk(again)).filter(({ state }) => state === 'unlisted')).toHaveLength(KEY_USES.length);
}, 240_000);

test('a ledger key that was replaced before the first start is named by the ledger itself', async () => {
  const federation = await copyTestFederation([XA!, XB!]);
  const config = loadNodeConfig(nodePaths(federation.dirOf(XB!)).config, {});
  const times = { startsInMs: 0, overlapMs: 3_600_000 };
  const { kid, update } = await withKeyDesk(config, undefined, (desk) => rotateAt(desk, 'ledger', times));
  await updateMember(federation.council, update);
  await installManifest(config.paths.dir, await signDraft(federation.council), undefined);
  const b = await startNode(federation, XB!);
  expect(b.ownKeys.current.ledger.kid).toBe(kid);
  expect((await entriesOf(b)).map(({ kind }) => kind)).toEqual(['MANIFEST', 'MANIFEST', 'KEY']);
  const a = await startNode(federation, XA!);
  const sent = await a.exchange.send(requestDraft(), XB!);
  expect((await a.exchange.answerOf(sent.message_id, 60_000)).status).toBe('RECEIVED');
  expect((await auditBundles(await bundlesOf([a, b]))).findings).toEqual([]);
}, 240_000);
