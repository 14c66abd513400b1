/** F15: one peer sends as much as it can, another takes nothing that it is sent; everybody else is served as before. */
import { expect, onTestFinished, test } from 'vitest';
import type { SentAnswer } from '../../src/api/mod.ts';
import { encodeFrame } from '../../src/wire/mod.ts';
import { requestFile } from '../kit/drafts.ts';
import { copyTestFederation, until } from '../kit/federation.ts';
import { Plug } from '../kit/plug.ts';
import { Puppet } from '../kit/puppet.ts';

const deep = process.env['SLOW'] === '1';
if (!deep) process.stderr.write('skipped: F15 measures how long peers wait, which SLOW=1 does\n');
const ROUNDS = 6;
const MESSAGES_A_ROUND = 60;
const WINDOW = 128;
// What a batch more or less of the disk can make of a message that was alone in both.
const NOISE_MS = 10;
const FACTOR = 2;
// A node that is unfair is so every time; a machine that is busy with something else is not.
const CHANCES = 4;

interface Figures {
  readonly without: number[];
  readonly beside: number[];
}

test.runIf(deep)(
  'F15: a flood by one peer leaves the others’ p99 within twice of what it is when that flood goes elsewhere',
  async () => {
    const federation = await copyTestFederation(['XA', 'XB', 'XC', 'XD']);
    const [a, c, d] = await nodes(federation, ['XA', 'XC', 'XD']);
    // The same flood costs the machine the same wherever it goes: what is left is what XA makes of it.
    const [toA, toD] = [await floodOf(federation, 'XA'), await floodOf(federation, 'XD')];
    await fair(async ({ without, beside }) => {
      toD.begin();
      for (let n = 0; n < MESSAGES_A_ROUND; n++) without.push(await latencyMs(c!, 'XA'));
      await toD.end();
      toA.begin();
      for (let n = 0; n < MESSAGES_A_ROUND; n++) beside.push(await latencyMs(c!, 'XA'));
      await toA.end();
    });
    expect(toA.answered).toBeGreaterThan(WINDOW);
    for (const node of [a!, d!]) expect((await node.api.get<{ pid: number }>('status')).pid).toBeGreaterThan(0);
  },
  900_000,
);

test.runIf(deep)(
  'F15: a peer that takes nothing leaves the others’ p99 within twice of what it is when that peer is away',
  async () => {
    const federation = await copyTestFederation(['XA', 'XB', 'XC', 'XD']);
    const [a] = await nodes(federation, ['XA', 'XC']);
    const puppet = await Puppet.of(federation, 'XB');
    await fair(async ({ without, beside }) => {
      const measure = async (into: number[]): Promise<void> => {
        for (let n = 0; n < MESSAGES_A_ROUND; n++) {
          // Something more for the peer each time, so that the node goes on trying.
          await a!.api.post<SentAnswer>('messages', { to: 'XB', draft: requestFile(), wait_ms: 0 });
          into.push(await latencyMs(a!, 'XC'));
        }
      };
      await measure(without);
      const session = await puppet.converse('XA', {
        limits: { max_message_bytes: 524_288, max_evidence_bytes: 0, credit: 1_024 },
      });
      session.pause();
      await measure(beside);
      session.close();
    });
  },
  900_000,
);

/** Plays rounds, in turns so that whatever else the machine does is in both figures, until they are as they should be. */
async function fair(round: (figures: Figures) => Promise<void>): Promise<void> {
  let said = '';
  for (let chance = 0; chance < CHANCES; chance++) {
    const figures: Figures = { without: [], beside: [] };
    for (let n = 0; n < ROUNDS; n++) await round(figures);
    const [without, beside] = [p99(figures.without), p99(figures.beside)];
    said += `p99 ${without.toFixed(1)} ms without, ${beside.toFixed(1)} ms beside; `;
    if (beside < FACTOR * without + NOISE_MS) {
      process.stderr.write(`F15: ${said}\n`);
      return;
    }
  }
  throw new Error(said);
}

async function nodes(federation: Awaited<ReturnType<typeof copyTestFederation>>, codes: string[]): Promise<Plug[]> {
  const plugs = codes.map((code) => new Plug(federation, code));
  onTestFinished(() => Promise.all(plugs.map((plug) => plug.end())).then(() => undefined));
  for (const plug of plugs) plug.start();
  await Promise.all(plugs.map((plug) => plug.answersOrDies()));
  const [first, second] = [plugs[0]!, codes[1]!];
  // The link is there, and what a first message has to load is loaded.
  await until(async () => {
    const peers = await first.api.get<{ code: string; connected: boolean }[]>('peers');
    return peers.find(({ code }) => code === second)?.connected === true;
  }, 60_000);
  await latencyMs(first, second);
  await latencyMs(plugs[1]!, codes[0]!);
  return plugs;
}

/** From asking to the verified receipt, for a message on its own. */
async function latencyMs(from: Plug, to: string): Promise<number> {
  const start = performance.now();
  const { message } = await from.api.post<SentAnswer>('messages', { to, draft: requestFile(), wait_ms: 60_000 });
  expect(message.status).toBe('RECEIVED');
  return performance.now() - start;
}

interface Flood {
  /** How many of its deliveries were answered. */
  readonly answered: number;
  begin(): void;
  end(): Promise<void>;
}

/** A member that keeps as many deliveries unanswered as the node allows: new ones first, then the same again and again. */
async function floodOf(federation: Awaited<ReturnType<typeof copyTestFederation>>, target: string): Promise<Flood> {
  const puppet = await Puppet.of(federation, 'XB');
  const session = await puppet.converse(target);
  const frames: Uint8Array[] = [];
  while (frames.length < WINDOW) frames.push(encodeFrame(await puppet.delivery(target)));
  const state = { answered: 0, isOn: false };
  let flooding = Promise.resolve();
  const flood = async (): Promise<void> => {
    let unanswered = 0;
    for (const frame of frames) {
      session.send(frame);
      unanswered++;
    }
    for (let next = 0; unanswered > 0;) {
      if ((await session.next()).type !== 'receipt') continue;
      state.answered++;
      unanswered--;
      if (!state.isOn) continue;
      session.send(frames[next++ % WINDOW]!);
      unanswered++;
    }
  };
  return {
    get answered() {
      return state.answered;
    },
    begin: () => {
      state.isOn = true;
      flooding = flood();
    },
    end: async () => {
      state.isOn = false;
      await flooding;
    },
  };
}

function p99(times: readonly number[]): number {
  return times.toSorted((a, b) => a - b)[Math.ceil(times.length * 0.99) - 1]!;
}
