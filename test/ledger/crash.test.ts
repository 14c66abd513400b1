/**
 * The crash matrix: every step by which a ledger gets to disk fails, before or after it takes effect, the process ends or the power does,
 * and the next process finds a ledger that verifies, with everything that was acknowledged, and never two roots at one size.
 */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { bytesToBase64, bytesToHex, equalBytes, parseUtf8, utf8ToBytes, type Files } from '../../src/base/mod.ts';
import {
  EMPTY_ROOT,
  Ledger,
  leafHash,
  parseCheckpointNote,
  parseEntryBundle,
  signCheckpoint,
  tilePath,
  tilesOfTree,
  verifyInclusionProofText,
  type LedgerOptions,
} from '../../src/ledger/mod.ts';
import type { Store } from '../../src/store/mod.ts';
import { encodeLedgerEntry } from '../../src/wire/mod.ts';
import type { FaultMoment } from '../kit/faulty-store.ts';
import { logKeyOf } from '../kit/keys.ts';
import { Fuse, MemoryDisk } from '../kit/memory-disk.ts';
import { randomOf, seedsOf, withSeed, type Random } from '../kit/random.ts';
import { rootOf } from './reference.ts';

const { key, sign } = logKeyOf('node-a.example/ledger', '11'.repeat(32));
const DONE = utf8ToBytes('done');
const DEEP = process.env['SLOW'] === '1';
const RUNS = DEEP ? Number(process.env['ROGATORY_CRASHES'] ?? 10_000) : 100;
const GROUP = 50;
const FOLDER = '/node/ledger';
/** Everything that the keeper of the ledger's key was ever made to sign, and what was acknowledged to anybody. */
class Witness {
  readonly #roots = new Map<number, string>([[0, bytesToBase64(EMPTY_ROOT)]]);
  /** Leaf hashes. */
  readonly acknowledged = new Set<string>();
  made = 0;

  sign(message: Uint8Array): Uint8Array {
    const [, size, root] = parseUtf8(message).split('\n');
    const before = this.#roots.get(Number(size));
    if (before !== undefined && before !== root) throw new Error(`two roots at size ${size}`);
    this.#roots.set(Number(size), root!);
    return sign(message);
  }
}

beforeEach(() => {
  // Publication has its turn when the test says so: a timer would make a seed's run depend on the machine.
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});
afterEach(() => {
  vi.useRealTimers();
});

describe('every step fails once', () => {
  test.each(['before', 'after'] as const)('%s taking effect, in a kill and in a power cut', async (moment) => {
    const steps = (await scriptedRun(new Fuse(Infinity, moment), randomOf(0))).log;
    expect([...new Set(steps.map(kindOf))].sort()).toEqual(KINDS);
    for (const index of steps.keys()) {
      // Kills and power cuts in turn, or each.
      for (const seed of DEEP ? [0, 1] : [index % 2]) {
        const fuse = await scriptedRun(new Fuse(index, moment), randomOf(seed), seed === 1);
        expect(fuse.log.at(-1)).toBe(steps[index]);
      }
    }
  });
});

describe('each of the first 500 writes fails', () => {
  test.each(['before', 'after'] as const)(
    '%s taking effect: no false acknowledgement, and recovery in no time',
    async (moment) => {
      for (let write = 0; write < 500; write += DEEP ? 1 : 25) {
        const [disk, witness, fuse] = [new MemoryDisk(), new Witness(), new Fuse(write, moment)];
        await Ledger.create(optionsOf(disk.mount(new Fuse(Infinity, moment)), witness));
        await workUntilItFails(disk.mount(fuse), fuse, witness, randomOf(write));
        expect(fuse.log).toHaveLength(write + 1);
        const start = performance.now();
        await checkRestart(disk, witness, write % 2 === 0 ? randomOf(write) : undefined);
        expect(performance.now() - start).toBeLessThan(10_000);
      }
    },
    240_000,
  );
});

describe.each(Array.from({ length: RUNS / GROUP }, (_, n) => n))('random runs, part %i', (part) => {
  test(`${GROUP} runs with one to four crashes each`, async () => {
    for (const seed of seedsOf(GROUP, part)) await withSeed(seed, crashingRun);
  });
});

// What a node does to a disk from its start through two appends and two publications, the second of which completes a tile.
const KINDS = [
  'create checkpoint.tmp',
  'create head.tmp',
  'create tile',
  'mkdir ledger',
  'mkdir tile',
  'remove tile',
  'rename to checkpoint',
  'rename to head',
  'rename to tile',
  'store write',
  'store write, synced',
  'sync /node',
  'sync file',
  'write',
  'write in head',
];

function kindOf(step: string): string {
  return step.replace(/\/node\/ledger\/tile.*/, 'tile').replace(/\/node\/(?:ledger\/)?/, '');
}

/** A node at 254 entries that starts, appends, publishes, fills its first tile and publishes again. */
async function scriptedRun(fuse: Fuse, random: Random, isPowerCut = false): Promise<Fuse> {
  const [disk, witness] = [new MemoryDisk(), new Witness()];
  const whole = new Fuse(Infinity, 'before');
  await appendTo(await Ledger.create(optionsOf(disk.mount(whole), witness)), 254, witness);
  try {
    const ledger = await Ledger.open(optionsOf(disk.mount(fuse), witness));
    for (const count of [1, 2]) {
      await appendTo(ledger, count, witness);
      await ledger.publish();
    }
  } catch (error) {
    if (!fuse.hasBlown) throw error;
  }
  await checkRestart(disk, witness, isPowerCut ? random : undefined);
  return fuse;
}

async function crashingRun(random: Random): Promise<void> {
  const disk = new MemoryDisk();
  const witness = new Witness();
  const whole = new Fuse(Infinity, 'before');
  const ledger = await Ledger.create(optionsOf(disk.mount(whole), witness));
  // Now and then a ledger that is about to fill its first tile, whose partial files then go.
  if (random.below(5) === 0) await appendTo(ledger, 250, witness);
  // Files that were not flushed may be missing after a power cut, until a node has published again.
  let isComplete = true;
  for (let crashes = 1 + random.below(4); crashes > 0; crashes--) {
    const moment: FaultMoment = random.pick(['before', 'after']);
    const fuse = new Fuse(random.below(random.pick([12, 60, 200])), moment);
    await workUntilItFails(disk.mount(fuse), fuse, witness, random);
    const chance = random.below(2) === 0 ? random : undefined;
    // Sometimes the next process fails as well, before anybody has looked.
    if (crashes === 1 || random.below(2) === 0) {
      await checkRestart(disk, witness, chance, isComplete);
      isComplete = true;
    } else if (chance !== undefined) {
      await disk.cutPower(chance);
      isComplete = false;
    }
  }
  const { files, store } = disk.mount(whole);
  const last = await Ledger.open(optionsOf({ files, store }, witness));
  for (const index of last.size === 0 ? [] : [0, last.size - 1]) {
    const receipt = await last.receipt(index);
    expect(verifyInclusionProofText(receipt.proof, receipt.entry, key)).toMatchObject({ ok: true, value: { index } });
  }
}

/** @param chance what decides the fate of unflushed data, if the power is cut and not only the process ended */
async function checkRestart(
  disk: MemoryDisk,
  witness: Witness,
  chance: Random | undefined,
  isComplete = true,
): Promise<void> {
  if (chance !== undefined) await disk.cutPower(chance);
  const { files, store } = disk.mount(new Fuse(Infinity, 'before'));
  if (chance === undefined && isComplete) await checkPublished(files);
  await checkLedger(await Ledger.open(optionsOf({ files, store }, witness)), store, files, witness);
}

function optionsOf({ files, store }: { files: Files; store: Store }, witness: Witness): LedgerOptions {
  return {
    storage: store,
    key,
    sign: (message) => witness.sign(message),
    headFile: '/node/head',
    folder: FOLDER,
    onPublishError: () => undefined,
    files,
  };
}

/** Opens the ledger and appends, each batch with a write that belongs to it, until an operation fails. */
async function workUntilItFails(
  mounted: { files: Files; store: Store },
  fuse: Fuse,
  witness: Witness,
  random: Random,
): Promise<void> {
  try {
    const ledger = await Ledger.open(optionsOf(mounted, witness));
    for (;;) {
      await appendTo(ledger, random.pick([1, 1, 2, 3, 7]), witness);
      if (random.below(3) === 0) await ledger.publish();
    }
  } catch (error) {
    if (!fuse.hasBlown) throw error;
  }
}

async function appendTo(ledger: Ledger, count: number, witness: Witness): Promise<void> {
  const batch = Array.from({ length: count }, () => entryOf(witness.made++));
  const puts = batch.map(({ hash }) => [`effect/${hash}`, DONE] as const);
  await ledger.append(
    batch.map(({ bytes }) => bytes),
    { puts, deletes: [] },
  );
  for (const { hash } of batch) witness.acknowledged.add(hash);
}

async function checkLedger(ledger: Ledger, store: Store, files: Files, witness: Witness): Promise<void> {
  const indices = Array.from({ length: ledger.size }, (_, index) => index);
  const leaves = (await Promise.all(indices.map((index) => ledger.entry(index)))).map(leafHash);
  expect(equalBytes(ledger.checkpoint.root, rootOf(leaves))).toBe(true);
  const hashes = new Set(leaves.map(bytesToHex));
  expect(hashes.size).toBe(leaves.length);
  expect([...witness.acknowledged].filter((hash) => !hashes.has(hash))).toEqual([]);
  // Nothing half-applied: an entry's effect is there exactly when the entry is.
  let effects = 0;
  for await (const [name] of store.scan('effect/')) {
    effects++;
    if (!hashes.has(name.slice('effect/'.length))) throw new Error(`${name} without its entry`);
  }
  expect(effects).toBe(hashes.size);
  await ledger.publish();
  expect(await checkPublished(files)).toBe(ledger.size);
}

/** Whatever checkpoint is published is signed, and the files beside it are the tree that it is about. */
async function checkPublished(files: Files): Promise<number | undefined> {
  const read = (path: string): Promise<Uint8Array | undefined> =>
    files.readFile(`${FOLDER}/${path}`).catch(() => undefined);
  const note = await read('checkpoint');
  if (note === undefined) return undefined;
  const { size, root } = parseCheckpointNote(parseUtf8(note));
  // Ed25519 is deterministic: signing again is a cheaper check than verifying.
  expect(parseUtf8(note)).toBe(signCheckpoint({ size, root }, key, sign).note);
  const found: Uint8Array[] = [];
  for (const tile of tilesOfTree(size)) {
    // A partial tile gives way to the full one that begins with it.
    const bytes = (await read(tilePath(tile))) ?? (await read(tilePath({ ...tile, width: 256 })));
    if (bytes === undefined) throw new Error(`${tilePath(tile)} is not published, and the checkpoint of ${size} is`);
    if (tile.level === 'entries') found.push(...parseEntryBundle(bytes).slice(0, tile.width));
  }
  expect(equalBytes(rootOf(found.map(leafHash)), root)).toBe(true);
  return size;
}

const entries: { readonly bytes: Uint8Array; readonly hash: string }[] = [];

function entryOf(n: number): (typeof entries)[number] {
  return (entries[n] ??= makeEntry(n));
}

function makeEntry(n: number): (typeof entries)[number] {
  const digest = new Uint8Array(32);
  new DataView(digest.buffer).setUint32(0, n);
  const [kind, time] = ['INCIDENT', 1_767_225_600_000 + n] as const;
  const bytes = encodeLedgerEntry({ version: 1, kind, time, seq: 0, detail: { type: 'incident', value: { digest } } });
  return { bytes, hash: bytesToHex(leafHash(bytes)) };
}
