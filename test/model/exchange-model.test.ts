/**
 * Three nodes on a clock, disks and a network that a seed drives through delay, duplication, reordering, loss, crashes, power cuts,
 * restored backups, partitions and wrong clocks. After every step: L nothing acknowledged is lost, E every effect happens once, N no
 * ledger signs two roots at one size, B no node blames another that has kept the protocol. In the end both sides of every message tell the
 * same story.
 */
import { expect, test } from 'vitest';
import { loadNodeConfig, nodePaths } from '../../src/config/mod.ts';
import { readKeyring } from '../../src/node/keyring.ts';
import { verifyManifest } from '../../src/trust/mod.ts';
import { copyTestFederation } from '../kit/federation.ts';
import { randomOf, seedsOf, withSeed, type Random } from '../kit/random.ts';
import type { Identity, Plant } from './node.ts';
import { World } from './world.ts';

const deep = process.env['SLOW'] === '1';
const SCHEDULES = deep ? 2_000 : 8;
const STEPS = 70;
// A power cut makes the record of the head forget its last moment, and a store that is no older is put back.
const ALWAYS = [1478];
// What else a seed decides, so that what it decided before stays as it was. That takes many times as long: so many of the schedules.
const HASTE = 0x4a57e;
const HASTY = deep ? 60 : 8;

let identities: Promise<Identity[]> | undefined;

async function makeIdentities(): Promise<Identity[]> {
  const federation = await copyTestFederation(['XA', 'XB', 'XC']);
  const manifest = verifyManifest(federation.manifest, { selfSigned: true });
  if (!manifest.ok) throw new Error(manifest.detail);
  return Promise.all(
    ['XA', 'XB', 'XC'].map(async (code) => {
      const config = loadNodeConfig(nodePaths(federation.dirOf(code)).config, {});
      const { keys } = await readKeyring(config, undefined);
      return { code: config.code, config, keys, manifest: manifest.value };
    }),
  );
}

async function play(random: Random, faults: { plant?: Plant; haste?: Random } = {}): Promise<void> {
  const world = new World(random, await (identities ??= makeIdentities()), faults);
  await world.create();
  try {
    for (let step = 0; step < STEPS; step++) await world.step();
    await world.conclude();
  } catch (cause) {
    throw new Error(`${cause instanceof Error ? cause.message : String(cause)}\n${world.log.join('\n')}`, { cause });
  }
}

test(
  `${SCHEDULES} schedules`,
  async () => {
    for (const seed of ALWAYS) await withSeed(seed, (random) => play(random));
    for (const [n, seed] of seedsOf(SCHEDULES).entries()) {
      const faults = n < HASTY ? { haste: randomOf(seed + HASTE) } : {};
      await withSeed(seed, (random) => play(random, faults));
    }
  },
  SCHEDULES * 4_000 + 120_000,
);

// Each invariant has a fault that breaks it, or a run without findings would say nothing about it.
test.each<[Plant, RegExp]>([
  ['ACKNOWLEDGES_BEFORE_COMMIT', /L: |N: |LEDGER_(ROLLED_BACK|CORRUPT)/],
  ['FORGETS_NUMBERS', /E: /],
  ['SIGNS_A_SECOND_HISTORY', /N: /],
  ['BACKS_UP_ITS_HEAD', /L: /],
])(
  'the model finds a node that %s',
  async (plant, finding) => {
    const found: string[] = [];
    for (let seed = 1; seed <= 60 && !finding.test(found.at(-1) ?? ''); seed++) {
      await withSeed(seed, (random) => play(random, { plant })).catch((error: unknown) =>
        found.push(String(error).split('\n')[0]!),
      );
    }
    expect(found.at(-1)).toMatch(finding);
  },
  240_000,
);
