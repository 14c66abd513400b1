/** An old copy, a second copy, a cut or a changed store: noticed at the start or at the first contact, and never served from. */
import { cpSync, readFileSync, readdirSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { codeOf, type JurisdictionCode } from '../../src/base/mod.ts';
import { auditBundles } from '../../src/audit/mod.ts';
import { parseCheckpointNote } from '../../src/ledger/mod.ts';
import { loadNodeConfig, nodePaths } from '../../src/config/mod.ts';
import { openNodeStorage, type Node } from '../../src/node/mod.ts';
import { openLevelStore, type Put } from '../../src/store/mod.ts';
import { expectBlame } from '../kit/blame.ts';
import { exportedBundle } from '../kit/bundle.ts';
import { requestDraft } from '../kit/drafts.ts';
import { copyTestFederation, startNode, until, type TestFederation } from '../kit/federation.ts';
import { temporaryFolder } from '../kit/folder.ts';
import { rogatory } from '../kit/process.ts';
import { makeNextKey, publishDraft } from '../kit/rotation.ts';

const [XA, XB] = ['XA' as JurisdictionCode, 'XB' as JurisdictionCode];
const WAIT_MS = 60_000;

async function exchangeOne(from: Node, to: JurisdictionCode): Promise<void> {
  const sent = await from.exchange.send(requestDraft(), to);
  await from.exchange.answerOf(sent.message_id, WAIT_MS);
}

/** A federation whose XA has exchanged a message, and a copy of XA’s folder from then. */
async function stage(): Promise<{ readonly federation: TestFederation; readonly old: string; readonly b: Node }> {
  const federation = await copyTestFederation([XA, XB]);
  const b = await startNode(federation, XB);
  const a = await startNode(federation, XA);
  await exchangeOne(a, XB);
  await a.stop();
  const old = join(temporaryFolder(), 'old');
  cpSync(federation.dirOf(XA), old, { recursive: true });
  return { federation, old, b };
}

async function goOn(federation: TestFederation): Promise<void> {
  const a = await startNode(federation, XA);
  await exchangeOne(a, XB);
  await a.stop();
}

/** Every record of XA as a backup has it. */
async function recordsOf(federation: TestFederation): Promise<Put[]> {
  const config = loadNodeConfig(nodePaths(federation.dirOf(XA)).config, {});
  const { records, close } = await openNodeStorage(config, undefined);
  const found: Put[] = [];
  for await (const put of records()) found.push(put);
  await close();
  return found;
}

function putBack(federation: TestFederation, old: string, names: readonly string[]): void {
  for (const name of names) {
    rmSync(join(federation.dirOf(XA), name), { recursive: true });
    cpSync(join(old, name), join(federation.dirOf(XA), name), { recursive: true });
  }
}

/** Why the node does not start. What it had begun may stumble over the same fault while it is being stopped. */
const failureOf = (federation: TestFederation): Promise<string> =>
  startNode(federation, XA, { onFatal: () => undefined }).then(() => 'started', codeOf);

describe('at the start', () => {
  test('an old copy of the store is noticed by the head beside it, and the node says what to do', async () => {
    const { federation, old } = await stage();
    await goOn(federation);
    putBack(federation, old, ['store']);
    await expect(startNode(federation, XA)).rejects.toThrow(
      /signed a ledger of 5 entries, but its store holds 3.*Next: .*rogatory restore/s,
    );
    expect(await failureOf(federation)).toBe('LEDGER_ROLLED_BACK');
  }, 240_000);

  test('a store that was cut anywhere, and a record put in the place of another, are noticed', async () => {
    const { federation, old } = await stage();
    const store = join(federation.dirOf(XA), 'store');
    const files = readdirSync(join(old, 'store'), { recursive: true, encoding: 'utf8' }).filter(
      (name) => /\.(log|ldb|segment)$/.test(name) && statSync(join(old, 'store', name)).size > 0,
    );
    for (const name of files) {
      for (const share of [0, 0.5, 0.9]) {
        putBack(federation, old, ['store']);
        truncateSync(join(store, name), Math.floor(statSync(join(old, 'store', name)).size * share));
        expect(await failureOf(federation), `${name} cut at ${share}`).toMatch(/^(LEDGER|STORE|NODE)_/);
      }
    }
    putBack(federation, old, ['store']);
    const records = await recordsOf(federation);
    rmSync(store, { recursive: true });
    const resting = await openLevelStore(store);
    await resting.commit({ puts: records });
    const run = (n: number): string => `ledger/run/${String(n).padStart(16, '0')}`;
    const [a, b] = await Promise.all([resting.get(run(0)), resting.get(run(1))]);
    expect([a, b]).not.toContain(undefined);
    await resting.commit({ puts: [[run(0), b!]] });
    await resting.close();
    expect(await failureOf(federation)).toBe('STORE_CORRUPT');
  }, 240_000);
});

describe('at the first contact', () => {
  test.each([
    ['an old copy, with the old head', async () => undefined, 'LEDGER_ROLLED_BACK', 'ROLLED_BACK_LEDGER'],
    [
      // As long as the history that XB has seen, which came with the delivery, and another.
      'a second copy that went on by itself',
      async (copy: Node) => {
        await copy.exchange.send(requestDraft(), XB);
      },
      'LEDGER_FORKED',
      'FORKED_LEDGER',
    ],
  ] as const)(
    '%s is noticed by both, stops, and its peer keeps both heads',
    async (_name, act, code, kind) => {
      expectBlame('LEDGER_CONTRADICTION');
      const { federation, old, b } = await stage();
      await goOn(federation);
      await b.stop();
      putBack(federation, old, ['store', 'head']);
      const failures: unknown[] = [];
      const copy = await startNode(federation, XA, { onFatal: (error) => failures.push(error) });
      await act(copy);
      const peer = await startNode(federation, XB);
      await until(() => failures.length > 0, WAIT_MS);
      expect(codeOf(failures[0])).toBe(code);
      expect((failures[0] as Error).message).toContain('rogatory restore');
      await until(async () => (await peer.exchange.incidents()).length > 0, WAIT_MS);
      const [incident] = await peer.exchange.incidents();
      expect(incident).toMatchObject({ peer: XA, kind });
      expect(incident!.exhibits.map((note) => parseCheckpointNote(note).size).sort()).toEqual(
        kind === 'FORKED_LEDGER' ? [4, 4] : [3, 4],
      );
      await copy.stop();
    },
    240_000,
  );
});

test('a copy from before a change of its ledger key stops before it writes down the manifest that tells of the key', async () => {
  const { federation, old, b } = await stage();
  const a = await startNode(federation, XA);
  const { kid, former_not_after: end } = await makeNextKey(federation, a, 'ledger', { overlapMs: 3000 });
  await publishDraft(federation, a);
  await until(() => a.ownKeys.current.ledger.kid === kid, WAIT_MS);
  await exchangeOne(a, XB);
  await a.stop();
  await b.stop();
  // While the former key is good, the peer sees by it that the copy is one, and does not go as far as giving it the manifest.
  await until(() => Date.now() > end, WAIT_MS);
  // A machine that was put back as a whole: nothing on it knows of the key.
  putBack(federation, old, ['store', 'head', 'keys']);
  const failures: unknown[] = [];
  const copy = await startNode(federation, XA, { onFatal: (error) => failures.push(error) });
  const peer = await startNode(federation, XB);
  await until(() => failures.length > 0, WAIT_MS);
  expect(codeOf(failures[0])).toBe('LEDGER_ROLLED_BACK');
  expect([copy.exchange.manifest.version, copy.storage.ledger.size]).toEqual([1, 3]);
  expect(peer.exchange.manifest.version).toBe(2);
  await copy.stop();
}, 240_000);

test('a backup of a running node comes back whole, and one that is behind is never served from', async () => {
  const federation = await copyTestFederation([XA, XB]);
  const dir = federation.dirOf(XA);
  const folder = temporaryFolder();
  const at = (name: string): string => join(folder, name);
  const b = await startNode(federation, XB);
  const a = await startNode(federation, XA);
  await exchangeOne(a, XB);
  await a.stop();
  const made = await rogatory('backup', '--node', dir, '-o', at('first'), '--json');
  expect(made).toMatchObject({ status: 0 });
  expect(statSync(at('first')).mode & 0o777).toBe(0o600);

  // The machine is lost, its head with it: nobody but the peers knows whether anything is missing.
  cpSync(dir, at('gone'), { recursive: true });
  rmSync(dir, { recursive: true });
  const unknown = await rogatory('restore', at('first'), '--node', dir);
  expect(unknown.status).toBe(1);
  expect(unknown.stdout).toContain('rogatory ledger seen XA');
  expect(await failureOf(federation)).toBe('LEDGER_HEAD_MISSING');
  const seen = await b.exchange.seenCheckpoint(XA);
  writeFileSync(at('seen'), seen!.note);
  writeFileSync(at('false'), readFileSync(join(federation.dirOf(XB), 'head')));
  expect((await rogatory('restore', '--node', dir, '--head', at('false'))).stderr).toContain('NODE_HEAD_INVALID');
  expect(await rogatory('restore', '--node', dir, '--head', at('seen'))).toMatchObject({ status: 0 });
  const restored = await startNode(federation, XA);
  await exchangeOne(restored, XB);
  const report = await auditBundles([
    { name: 'xa.zip', bytes: await exportedBundle(restored) },
    { name: 'xb.zip', bytes: await exportedBundle(b) },
  ]);
  expect(report.findings).toEqual([]);
  await restored.stop();

  // Now the backup is behind, whether its own head says so or a peer's.
  expect((await rogatory('restore', at('first'), '--node', dir)).stderr).toContain('NODE_EXISTS');
  rmSync(join(dir, 'store'), { recursive: true });
  const behind = await rogatory('restore', at('first'), '--node', dir, '--json');
  expect([behind.status, JSON.parse(behind.stdout)]).toMatchObject([1, { ok: false, state: { is: 'behind' } }]);
  expect(await failureOf(federation)).toBe('LEDGER_ROLLED_BACK');
  rmSync(join(dir, 'store'), { recursive: true });
  rmSync(join(dir, 'head'));
  writeFileSync(at('seen'), (await b.exchange.seenCheckpoint(XA))!.note);
  expect((await rogatory('restore', at('first'), '--node', dir, '--head', at('seen'))).status).toBe(1);

  // Not a backup, and one with a changed byte.
  rmSync(join(dir, 'store'), { recursive: true });
  const bytes = readFileSync(at('first'));
  bytes[Math.floor(bytes.length / 2)]! ^= 1;
  writeFileSync(at('changed'), bytes);
  for (const name of ['seen', 'changed']) {
    const refused = await rogatory('restore', at(name), '--node', dir);
    expect([refused.status, refused.stderr]).toEqual([1, expect.stringContaining('NODE_BACKUP_INVALID')]);
  }
}, 300_000);
