/** The demonstration scenarios, whole: each through real nodes, every case closed at both sides, every audit clean. */
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { takeStep } from '../../src/casework/fold.ts';
import type { Folded } from '../../src/casework/folded.ts';
import { proposeBasis, type Case, type Subject } from '../../src/casework/mod.ts';
import { loadKnowledge } from '../../src/cli/message-check.ts';
import { draftOf, loadScenario, messageSteps, parseScenario } from '../../src/cli/sandbox/scenario.ts';
import { fillPlaceholders } from '../../src/cli/sandbox/placeholder.ts';
import { recipientsOf } from '../../src/cli/sandbox/step.ts';
import { loadNodeConfig, nodePaths } from '../../src/config/mod.ts';
import { decodeRecord } from '../../src/exchange/record.ts';
import { openNodeStorage } from '../../src/node/mod.ts';
import { parseDraft, type Body } from '../../src/wire/mod.ts';
import { temporaryFolder } from '../kit/folder.ts';
import { rogatory } from '../kit/process.ts';

const deep = process.env['SLOW'] === '1';
if (!deep) process.stderr.write('skipped: whole scenarios, which SLOW=1 plays\n');

interface Outcome {
  readonly ok: boolean;
  readonly nodes: readonly { readonly code: string; readonly dir: string }[];
  readonly messages: readonly { readonly step: string; readonly status: string }[];
  readonly refusals: readonly { readonly step: string; readonly code: string }[];
  readonly cases: readonly { readonly label: string; readonly parties: readonly string[]; readonly agree: boolean }[];
  readonly audit: { readonly ok: boolean; readonly findings: readonly unknown[] };
}

interface Expected {
  readonly name: string;
  readonly messages: number;
  /** Steps that have to be refused, in their order. */
  readonly refusals: readonly string[];
  /** What the audit has to find: incidents that the story is about. */
  readonly incidents?: number;
  /** Every pair that a case is between, by the case's label. */
  readonly cases: Readonly<Record<string, readonly string[]>>;
}

const SCIROCCO: Expected = {
  name: 'scirocco',
  messages: 71,
  refusals: ['CASE_CONSULTATION_REQUIRED', 'CASE_OBLIGATIONS_OPEN', 'WIRE_FIELDS_INVALID', 'CASE_OBLIGATIONS_OPEN'],
  cases: {
    scirocco: ['ES-IT', 'DE-IT', 'IT-US'],
    tip: ['DE-IT'],
    records: ['IT-US'],
    villa: ['ES-IT'],
    account: ['DE-IT'],
  },
};

const DRINA: Expected = {
  name: 'drina',
  messages: 114,
  // An exhibit from Brazil is not what it says of itself.
  incidents: 1,
  refusals: ['CASE_ILLEGAL_STEP', 'CASE_OBLIGATIONS_OPEN'],
  cases: {
    imei: ['NL-RS', 'RS-SI'],
    alert: ['BR-RS', 'HR-RS', 'NL-RS', 'RS-SI'],
    team: ['HR-NL', 'HR-RS', 'HR-SI', 'NL-RS', 'NL-SI', 'RS-SI'],
    phone: ['NL-RS'],
    delivery: ['NL-RS'],
    observation: ['HR-RS'],
    port: ['BR-RS'],
    yacht: ['NL-RS'],
  },
};

const CARTERA: Expected = {
  name: 'cartera',
  messages: 76,
  refusals: ['CASE_GROUND_BARRED', 'CASE_ILLEGAL_STEP'],
  cases: {
    tip: ['CO-US'],
    records: ['CO-US'],
    more: ['CO-US'],
    house: ['CO-US'],
    farm: ['CO-US'],
    wallet: ['CO-US'],
    account: ['CO-US'],
  },
};

const SCENARIOS = [SCIROCCO, DRINA, CARTERA];

async function play({ name, messages, refusals, cases, incidents = 0 }: Expected): Promise<void> {
  const dir = join(temporaryFolder(), 's');
  const { status, stdout, stderr } = await rogatory('sandbox', '--once', '--json', '--scenario', name, '--dir', dir);
  expect({ status, stderr: status === 0 ? '' : stderr }).toEqual({ status: 0, stderr: '' });
  const outcome = JSON.parse(stdout) as Outcome;
  const findings = Array.from({ length: incidents }, () => ({ code: 'INCIDENT_RECORDED' }));
  expect(outcome).toMatchObject({ ok: true, audit: { ok: incidents === 0, findings } });
  expect(outcome.messages.length).toBe(messages);
  expect(outcome.messages.every(({ status: state }) => state === 'RECEIVED')).toBe(true);
  expect(outcome.refusals.map(({ code }) => code)).toEqual(refusals);
  const pairs = Object.entries(cases).flatMap(([label, between]) => between.map((pair) => `${label} ${pair}`));
  expect(outcome.cases.map(({ label, parties }) => `${label} ${parties.join('-')}`).toSorted()).toEqual(
    pairs.toSorted(),
  );
  expect(outcome.cases.every(({ agree }) => agree)).toBe(true);
  await expectClosedOnDisk(outcome.nodes, pairs.length);
}

/** Reads every node's cases from its disk, folds each again from its steps, and holds the two sides against each other. */
async function expectClosedOnDisk(nodes: Outcome['nodes'], pairs: number): Promise<void> {
  const sides = new Map<string, string[][]>();
  for (const { code, dir } of nodes) {
    const { store, close } = await openNodeStorage(loadNodeConfig(nodePaths(dir).config, {}), undefined);
    for await (const [key, bytes] of store.scan('case/')) {
      const found = decodeRecord<Case>(bytes);
      expect(found.state, key).toBe('CLOSED');
      expect(refolded(found), key).toEqual(found.state);
      const peer = found.requesting === code ? found.requested : found.requesting;
      const id = `${found.case_id} ${[code, peer].toSorted().join('-')}`;
      sides.set(id, [...(sides.get(id) ?? []), found.steps.map(({ message_id: message }) => message)]);
    }
    await close();
  }
  expect(sides.size).toBe(pairs);
  for (const [id, [here, there, ...more]] of sides) {
    expect(there, id).toEqual(here);
    expect(more).toEqual([]);
  }
}

function refolded({ steps, requesting }: Case): string | undefined {
  let folded: Folded | undefined;
  for (const step of steps) {
    const next = takeStep(folded, step, step.by === requesting ? 'REQUESTING' : 'REQUESTED');
    if (next.ok) folded = next.value;
  }
  return folded?.state;
}

describe('a scenario', () => {
  test.runIf(deep).each(SCENARIOS)(
    '$name is played whole, and ends as it has to at both sides',
    (expected) => play(expected),
    600_000,
  );

  test.each(SCENARIOS)('$name relies on no instrument that does not serve on its day', async ({ name }) => {
    const scenario = await loadScenario(name);
    const { registry } = loadKnowledge({});
    let asked = 0;
    for (const step of messageSteps(scenario)) {
      const { body } = parseDraft(draftOf(step, Date.now(), undefined, () => '019b0000-0000-7000-8000-000000000001'));
      const measures = subjectsOf(body);
      const request = body.type === 'supplementary_request' ? body.value.request : body.value;
      if (!('legal_basis' in request) || measures.length === 0) continue;
      const instruments = request.legal_basis.map(({ instrument }) => instrument);
      for (const to of recipientsOf(step)) {
        const able = measures.map((measure) => {
          const date = scenario.day!;
          const { proposed, also_possible: others } = proposeBasis(registry, { from: step.from, to, measure, date });
          return [proposed, ...others].map((candidate) => candidate?.instrument);
        });
        for (const instrument of instruments) expect(able.flat(), `${step.id}: ${instrument}`).toContain(instrument);
        for (const names of able) expect(names, step.id).toEqual(expect.arrayContaining(instruments.slice(0, 1)));
        asked += 1;
      }
    }
    expect(asked).toBeGreaterThan(0);
  });
});

/** What a message asks for, as the registry names it. */
function subjectsOf({ type, value }: Body): readonly Subject[] {
  if (type === 'assistance_request') return value.measures.map((measure) => measure.type);
  if (type === 'supplementary_request') return value.request.measures.map((measure) => measure.type);
  if (type === 'asset_trace_request') return ['TRACE'];
  if (type === 'restraint_request') return ['PROVISIONAL'];
  return type === 'confiscation_request' ? ['ASSET_RECOVERY'] : [];
}

describe('the language of scenarios', () => {
  const nodes = [
    { code: 'XA', name: 'A', authority: 'A' },
    { code: 'XB', name: 'B', authority: 'B' },
  ];
  const scenario = (...steps: object[]): object => ({ title: 't', note: 'n', nodes, steps });
  const step = { id: 's', from: 'XA', to: 'XB', message: {} };

  test.each([
    [[{ ...step, to: 'XC' }], 'not between two'],
    [[{ ...step, to: 'XA' }], 'not between two'],
    [[step, step], 'twice'],
    [[{ ...step, in_reply_to: 'later' }], 'not before it'],
    [[{ id: 's', from: 'XA', to: 'XB' }], 'has none of'],
    [[{ ...step, refuse: 'X' }], 'refuse'],
    [[{ ...step, from: 'Italy' }], 'jurisdiction code'],
  ])('%j is refused', (steps, words) => {
    expect(() => parseScenario(scenario(...steps), 'x')).toThrow(words);
    expect(() => parseScenario(scenario(...steps), 'x')).toThrow(
      expect.objectContaining({ code: 'CLI_SCENARIO_INVALID' }) as Error,
    );
  });

  test('an end that no case can have is refused', () => {
    expect(() => parseScenario({ ...scenario(step), ends: { other: 'CLOSED' } }, 'x')).toThrow('no step is of case');
  });

  test('an identifier is blinded as the schema says', () => {
    const salt = fillPlaceholders('$salt:q', 0, 's', () => 'id') as string;
    const digest = fillPlaceholders('$blinded:q:IMEI:490154203237518', 0, 's', () => 'id') as string;
    const expected = createHash('sha256')
      .update(Buffer.concat([Buffer.from(salt, 'base64url'), Buffer.from('IMEI\n490154203237518')]))
      .digest('base64url');
    expect(Buffer.from(salt, 'base64url').length).toBe(16);
    expect(digest).toBe(expected);
    expect(() => fillPlaceholders('$case:none', 0, 's', () => undefined)).toThrow('was not told before');
  });
});
