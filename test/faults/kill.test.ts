/**
 * F01: both nodes of a federation are killed with SIGKILL, at every named step in turn and at any moment, while messages flow both ways
 * and some are withdrawn: nothing that was acknowledged is lost, nothing happens twice, nothing is half done.
 */
import { mkdirSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { SentAnswer, WithdrawnAnswer } from '../../src/api/mod.ts';
import { auditBundles } from '../../src/audit/mod.ts';
import { FAILPOINTS as ALL_FAILPOINTS, systemClock, type FailpointName } from '../../src/base/mod.ts';
import type { MessageRecord } from '../../src/exchange/mod.ts';
import { createLog } from '../../src/node/mod.ts';
import { blamesIn } from '../kit/blame.ts';
import { copyTestFederation, until, type TestFederation } from '../kit/federation.ts';
import { Plug } from '../kit/plug.ts';
import { firstSeed, randomOf, type Random } from '../kit/random.ts';

const deep = process.env['SLOW'] === '1';
// A long ledger only makes every start slower: after so many deaths the two ledgers are audited, and another federation begins.
// A thousand deaths, unless fewer rounds are asked for.
const ROUNDS = deep ? Number(process.env['ROGATORY_ROUNDS'] ?? '5') : 1;
const DEATHS_A_ROUND = deep ? 50 : 6;
// A death is mostly waiting for the next start: several federations at a time keep the processors busy.
const STREETS = deep ? ['north', 'east', 'south', 'west'] : ['north'];
// What people leave the machine for starting nodes.
const PAUSE_MS = deep ? 250 : 15;
const PATIENCE_MS = 700;
// How long a life may take to come to the step where it is to end, before it ends elsewhere.
const STEP_PATIENCE_MS = deep ? 4_000 : PATIENCE_MS;
// At each step so many deaths at least: twenty, of a thousand.
const LEAST_DEATHS = 4 * ROUNDS;
// Steps with files of evidence have a test of their own.
const FAILPOINTS = ALL_FAILPOINTS.filter((name) => !name.startsWith('evidence.'));
const CODES = ['XA', 'XB'] as const;
type Code = (typeof CODES)[number];

// Reached after a loss alone: `test/integration/epoch.test.ts` ends processes there; or after an erasure: `test/store/journal-crash.test.ts`.
const STEPS = FAILPOINTS.filter((name) => !/^(?:recovery\.|resume\.|store\.erased$)/.test(name));
// Once in a life, or once in a session: waiting for a second passage would mostly wait in vain.
const RARE = /^(ledger\.open|store\.rewritten|hello|deliver\.marked|witness|void|stop|commit\.stored)/;

/** At which steps nodes have died, and at which one the next is to. */
class Deaths {
  readonly #died = new Map<FailpointName, number>();
  readonly #expected = new Map<FailpointName, number>();

  /** The step at which the fewest have died or are about to; of several, the first. */
  next(): FailpointName {
    const countOf = (name: FailpointName): number => this.at(name) + (this.#expected.get(name) ?? 0);
    const least = Math.min(...STEPS.map(countOf));
    const name = STEPS.find((step) => countOf(step) === least)!;
    this.#expected.set(name, (this.#expected.get(name) ?? 0) + 1);
    return name;
  }

  /** What was expected has happened, or did not. */
  settle(name: FailpointName, hasHappened: boolean): void {
    this.#expected.set(name, this.#expected.get(name)! - 1);
    if (hasHappened) this.#died.set(name, this.at(name) + 1);
  }

  at(name: FailpointName): number {
    return this.#died.get(name) ?? 0;
  }

  /** Those at which fewer have died. */
  below(count: number): FailpointName[] {
    return STEPS.filter((name) => this.at(name) < count);
  }
}

test(
  `${ROUNDS * DEATHS_A_ROUND * STREETS.length} deaths: nothing lost, nothing twice, nothing half done`,
  async () => {
    const deaths = new Deaths();
    await Promise.all(STREETS.map((street, n) => playStreet(street, n, deaths)));
    // A step that too few lives came to in their short time has lives that wait for it.
    if (deep && deaths.below(LEAST_DEATHS).length > 0) await waitForEach(deaths);
    if (deep) expect(deaths.below(LEAST_DEATHS)).toEqual([]);
    else expect(STEPS.some((name) => deaths.at(name) > 0)).toBe(true);
  },
  ROUNDS * DEATHS_A_ROUND * STREETS.length * 5_000 + 240_000,
);

test('the log of a node tells for what a session ended, which the nodes above are held to', () => {
  const lines: string[] = [];
  const log = createLog('info', systemClock, (line) => lines.push(line));
  for (const detail of ['closed with 1006', 'GOING_AWAY', 'SEQUENCE_GAP'])
    log('info', 'transport.disconnected', { peer: 'XB', detail });
  expect(blamesIn(lines.join(''))).toEqual(['SEQUENCE_GAP']);
});

async function playStreet(street: string, number: number, deaths: Deaths): Promise<void> {
  for (let round = 0; round < ROUNDS; round++) {
    const federation = await copyTestFederation(CODES, [], street);
    await playRound(federation, randomOf(firstSeed + number * ROUNDS + round), deaths);
  }
}

async function waitForEach(deaths: Deaths): Promise<void> {
  const federation = await copyTestFederation(CODES, [], STREETS[0]);
  const plugs = plugsOf(federation);
  const load = startLoad(plugs);
  while (deaths.below(LEAST_DEATHS).length > 0) {
    const name = deaths.next();
    const plug = plugs.XB;
    await plug.die(0);
    plug.start({ name, passage: 1 });
    const isStop = name === 'stop.drained';
    // Only what cannot leave can be given up.
    const isAlone = name === 'void.committed';
    if (isAlone) await plugs.XA.die(0);
    const before = plug.reached.get(name) ?? 0;
    const failed = await plug.die(isStop ? 0 : 60_000, isStop ? 'SIGTERM' : 'SIGKILL');
    expect(failed?.stderr.slice(-2000)).toBeUndefined();
    expect([name, plug.reached.get(name)]).toEqual([name, before + 1]);
    deaths.settle(name, true);
    plug.start();
    if (isAlone) plugs.XA.start();
  }
  const { acknowledged, withdrawn } = await load.stop();
  await Promise.all(Object.values(plugs).map((plug) => plug.answersOrDies()));
  await examine(plugs, acknowledged, withdrawn);
}

function plugsOf(federation: TestFederation): Readonly<Record<Code, Plug>> {
  // No message of these rests on a treaty or a calendar, and reading them all is a quarter of a start.
  // Segments of a few messages, so that a short life settles many.
  const env = { ROGATORY_DATA: join(federation.folder, 'data'), ROGATORY_TEST_STORE_SHARE: '0.002' };
  for (const kind of ['treaties', 'states']) mkdirSync(join(env.ROGATORY_DATA, kind), { recursive: true });
  const plugs = { XA: new Plug(federation, 'XA', env), XB: new Plug(federation, 'XB', env) };
  onTestFinished(() => Promise.all(Object.values(plugs).map((plug) => plug.end())).then(() => undefined));
  for (const plug of Object.values(plugs)) plug.start();
  return plugs;
}

async function playRound(federation: TestFederation, random: Random, deaths: Deaths): Promise<void> {
  const plugs = plugsOf(federation);
  const all = Object.values(plugs);
  const load = startLoad(plugs);
  const due: Partial<Record<Code, FailpointName | undefined>> = {};
  const dieAt = async (code: Code, patienceMs: number): Promise<void> => {
    const [plug, name] = [plugs[code], due[code]];
    const before = name === undefined ? 0 : (plug.reached.get(name) ?? 0);
    const isStop = name === 'stop.drained';
    const failed = await plug.die(isStop ? PAUSE_MS : patienceMs, isStop ? 'SIGTERM' : 'SIGKILL');
    expect(failed?.stderr.slice(-2000)).toBeUndefined();
    if (name !== undefined) deaths.settle(name, (plug.reached.get(name) ?? 0) > before);
    due[code] = undefined;
  };
  for (let death = 0; death < DEATHS_A_ROUND; death++) {
    const code = CODES[death % 2]!;
    await dieAt(code, due[code] === undefined ? random.below(PATIENCE_MS) : STEP_PATIENCE_MS);
    // Every fourth life ends at any moment instead of at a step.
    const name = death % 4 === 3 ? undefined : deaths.next();
    due[code] = name;
    plugs[code].start(name === undefined ? undefined : { name, passage: RARE.test(name) ? 1 : random.below(8) + 1 });
  }
  const { acknowledged, withdrawn } = await load.stop();
  for (const code of CODES) {
    await dieAt(code, PATIENCE_MS);
    plugs[code].start();
  }
  await Promise.all(all.map((plug) => plug.answersOrDies()));
  await examine(plugs, acknowledged, withdrawn);
  await Promise.all(all.map((plug) => plug.end()));
}

/** People at both nodes who send, and now and then withdraw; what a node told them is remembered. */
function startLoad(plugs: Readonly<Record<Code, Plug>>): {
  readonly stop: () => Promise<{ readonly acknowledged: Record<Code, Set<string>>; readonly withdrawn: Set<string> }>;
} {
  const acknowledged = { XA: new Set<string>(), XB: new Set<string>() };
  const withdrawn = new Set<string>();
  let isOver = false;
  const person = async (from: Code, to: Code): Promise<void> => {
    const draft = JSON.parse(await readFile('node-config/messages/request.json', 'utf8')) as object;
    const { api } = plugs[from];
    for (let n = 0; !isOver; n++) {
      try {
        const { message } = await api.post<SentAnswer>('messages', { to, draft, wait_ms: 0 });
        acknowledged[from].add(message.message_id);
        if (n % 3 === 0) {
          const { message: given } = await api.post<WithdrawnAnswer>(`messages/${message.message_id}/withdraw`, {});
          withdrawn.add(given.message_id);
        }
      } catch {
        // The node is dead, or the message has left: what it did not answer may or may not have happened, and either is right.
      }
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  };
  const people = [person('XA', 'XB'), person('XA', 'XB'), person('XB', 'XA'), person('XB', 'XA')];
  return {
    stop: async () => {
      isOver = true;
      await Promise.all(people);
      return { acknowledged, withdrawn };
    },
  };
}

async function examine(
  plugs: Readonly<Record<Code, Plug>>,
  acknowledged: Readonly<Record<Code, ReadonlySet<string>>>,
  withdrawn: ReadonlySet<string>,
): Promise<void> {
  for (const [from, to] of [
    ['XA', 'XB'],
    ['XB', 'XA'],
  ] as const) {
    await until(async () => {
      const peers = await plugs[from].api.get<{ waiting: number }[]>('peers').catch(() => undefined);
      return peers?.[0]?.waiting === 0;
    }, 60_000);
    const messages = (plug: Plug): Promise<MessageRecord[]> => plug.api.get<MessageRecord[]>('messages?limit=1000000');
    const out = (await messages(plugs[from])).filter(({ direction }) => direction === 'OUT');
    const arrived = (await messages(plugs[to])).filter(({ direction }) => direction === 'IN');
    const known = new Set<string>(out.map(({ message_id: id }) => id));
    expect([...acknowledged[from]].filter((id) => !known.has(id))).toEqual([]);
    const line = ({ seq, message_id: id, status }: MessageRecord): string =>
      `${String(seq).padStart(6)} ${id} ${status}`;
    expect(arrived.map(line).sort()).toEqual(out.map(line).sort());
    expect(out.filter(({ held }) => held === undefined)).toEqual([]);
    // Given up if and only if a person was told so, or was being told when the node died.
    const voided = new Set<string>(out.filter(({ status }) => status === 'VOIDED').map(({ message_id: id }) => id));
    expect([...withdrawn].filter((id) => acknowledged[from].has(id) && !voided.has(id))).toEqual([]);
    expect(out.every(({ status }) => status === 'RECEIVED' || status === 'VOIDED')).toBe(true);
  }
  const cases = await Promise.all(CODES.map((code) => plugs[code].api.get<{ case_id: string }[]>('cases')));
  const [atA, atB] = cases.map((list) => list.toSorted((x, y) => (x.case_id < y.case_id ? -1 : 1)));
  expect(atA).toEqual(atB);
  const bundles = await Promise.all(
    CODES.map(async (code) => ({ name: `${code}.zip`, bytes: await plugs[code].api.getBytes('bundle') })),
  );
  expect((await auditBundles(bundles)).findings).toEqual([]);
}
