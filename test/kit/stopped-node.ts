/** A node that has a history and is stopped: what disk faults are tried on. */
import { createHash } from 'node:crypto';
import {
  cpSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import type { JurisdictionCode } from '../../src/base/mod.ts';
import { loadNodeConfig, nodePaths } from '../../src/config/mod.ts';
import { newestHead } from '../../src/ledger/mod.ts';
import { bundleOf, openNodeStorage } from '../../src/node/mod.ts';
import { readKeyring } from '../../src/node/keyring.ts';
import { startingManifest } from '../../src/node/manifest-file.ts';
import { openStore } from '../../src/store/mod.ts';
import { KEY_USES, type KeyProvider } from '../../src/trust/mod.ts';
import { collect } from './bundle.ts';
import { filesUnder } from './canary.ts';
import { acknowledgementDraft, requestDraft } from './drafts.ts';
import { copyTestFederation, startNode } from './federation.ts';
import { folderOfRun } from './folder.ts';

/** Its folder, and what is read from it. */
export interface StoppedNode {
  readonly dir: string;
  readonly whole: Contents;
}

// Thousands of copies are written and flushed: in memory, where there is such a place.
const PLACE = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();

let made: Promise<StoppedNode> | undefined;

/** The node, made once for a process of the tests; tests work on copies. */
export function stoppedNode(): Promise<StoppedNode> {
  return (made ??= makeStoppedNode());
}

async function makeStoppedNode(): Promise<StoppedNode> {
  const dir = folderOfRun('golden', true);
  await makeHistory(dir);
  const copy = copyOf(dir);
  const whole = await readAll(copy);
  rmSync(copy, { recursive: true });
  return { dir, whole };
}

/** All that a node answers from. */
export interface Contents {
  readonly records: string;
  readonly recordCount: number;
  readonly checkpoint: string;
  readonly head: string | undefined;
  readonly published: readonly string[];
  readonly keys: string;
  readonly bundle: Uint8Array;
}

/** A node that has exchanged messages, was restarted in between so that its store has tables, segments that values stay in, and a journal, and is stopped. */
async function makeHistory(target: string): Promise<void> {
  const federation = await copyTestFederation(['XA', 'XB']);
  const a = await startNode(federation, 'XA');
  for (let round = 0; round < 3; round++) {
    const b = await startNode(federation, 'XB', { witnessIntervalMs: 0 });
    for (let i = 0; i < 4; i++) {
      const text = `Facts ${round} ${i}. ${'They go on. '.repeat(i * 200)}`;
      const sent = await a.exchange.send(requestDraft(text), 'XB' as JurisdictionCode);
      await a.exchange.answerOf(sent.message_id, 60_000);
      const answer = await b.exchange.send(acknowledgementDraft(sent.message_id), 'XA' as JurisdictionCode);
      await b.exchange.answerOf(answer.message_id, 60_000);
    }
    await b.stop();
    if (round < 2) await settleStore(federation.dirOf('XB'));
  }
  await a.stop();
  cpSync(federation.dirOf('XB'), target, { recursive: true });
}

/** Writes every record of a stopped node again, in so small segments that nearly all of them are settled. */
async function settleStore(dir: string): Promise<void> {
  const config = loadNodeConfig(nodePaths(dir).config, {});
  const { dataKey } = await readKeyring(config, undefined);
  const store = await openStore(config.paths.store, dataKey, { share: 1e-4 });
  for await (const put of store.scan('')) await store.commit({ puts: [put] });
  await store.close();
}

/** A copy that a test may spoil, and removes. */
export function copyOf(dir: string): string {
  const copy = mkdtempSync(join(PLACE, 'rogatory-flip-'));
  cpSync(dir, copy, { recursive: true });
  return copy;
}

/**
 * A copy of which some files are others. The rest is shared with the original: a node replaces its files and its tables never change, so
 * nothing is written through a link.
 * @param changed their bytes, by the path in the folder
 */
export function changedCopyOf(dir: string, changed: ReadonlyMap<string, Uint8Array>): string {
  const copy = mkdtempSync(join(PLACE, 'rogatory-flip-'));
  for (const entry of readdirSync(dir, { recursive: true, withFileTypes: true })) {
    const from = join(entry.parentPath, entry.name);
    const to = join(copy, relative(dir, from));
    if (entry.isDirectory()) mkdirSync(to, { recursive: true, mode: 0o700 });
  }
  for (const entry of readdirSync(dir, { recursive: true, withFileTypes: true })) {
    const from = join(entry.parentPath, entry.name);
    const path = relative(dir, from);
    if (entry.isFile() && !changed.has(path)) linkSync(from, join(copy, path));
  }
  for (const [name, bytes] of changed) writeFileSync(join(copy, name), bytes, { mode: statSync(join(dir, name)).mode });
  return copy;
}

/** Reads everything as a start does, and then each record, entry, proof and file. */
export async function readAll(dir: string): Promise<Contents> {
  const config = loadNodeConfig(nodePaths(dir).config, {});
  const { store, ledger, keys, close } = await openNodeStorage(config, undefined);
  try {
    const { verified } = await startingManifest(config, keys, store, Date.now());
    const [records, names] = [createHash('sha256'), [] as string[]];
    for await (const [name, value] of store.scan('')) {
      names.push(name);
      records.update(`${name} ${value.length} `).update(value);
    }
    // By its name each is found as well: a scan does not ask LevelDB's filters.
    for (const value of await store.getMany(names)) records.update(value ?? 'missing');
    const bundle = await collect(await bundleOf(config.code, { store, ledger }));
    await ledger.close();
    const published = filesUnder(config.paths.ledger).map(
      ({ path, bytes }) => `${relative(dir, path)} ${createHash('sha256').update(bytes).digest('hex')}`,
    );
    return {
      records: records.digest('hex'),
      recordCount: names.length,
      checkpoint: ledger.checkpoint.note,
      head: newestHead(readFileSync(config.paths.head))?.note,
      published: published.sort(),
      keys: JSON.stringify([publicParts(keys), verified.text]),
      bundle,
    };
  } finally {
    await close();
  }
}

function publicParts(keys: KeyProvider): unknown {
  return KEY_USES.map((use) => keys[use].map(({ kid }) => kid)).concat(
    keys.tls.map(({ certificate }) => [certificate]),
  );
}
