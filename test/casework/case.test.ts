import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { newUuid, type JurisdictionCode, type Uuid } from '../../src/base/mod.ts';
import {
  TRANSITIONS,
  applyStep,
  contentFaults,
  isCoercive,
  refold,
  transitionOf,
  type Case,
} from '../../src/casework/mod.ts';
import { parseDraft, type Body, type Message } from '../../src/wire/mod.ts';

const scenario = JSON.parse(readFileSync('node-config/scenarios/bank-records.json', 'utf8')) as {
  readonly steps: readonly { readonly id: string; readonly from: string; readonly message: object }[];
};
const CASE = newUuid(1, new Uint8Array(10));
let made = 0;

function bodyOf(step: string): Body {
  const { message } = scenario.steps.find(({ id }) => id === step)!;
  const text = JSON.stringify(message)
    .replaceAll('"$now"', '1767225600000')
    .replaceAll(/"\$date(\+\d+)?"/g, '"2026-03-31"');
  // Every body but a request needs its case.
  return parseDraft({ ...(JSON.parse(text) as object), case_id: CASE }).body;
}

function messageOf(from: 'XA' | 'XB' | 'XC', body: Body, to: string = from === 'XA' ? 'XB' : 'XA'): Message {
  return {
    header: {
      message_id: newUuid(++made, new Uint8Array(10)),
      case_id: CASE,
      from: from as JurisdictionCode,
      to: to as JurisdictionCode,
      seq: 1,
      recipient_kid: '',
      issued_at: 1,
      expires_at: 0,
      manifest_version: 1,
      schema_version: 1,
    },
    body,
  };
}

function fold(...messages: readonly Message[]): Case {
  let current: Case | undefined;
  for (const message of messages) {
    const step = applyStep(current, message);
    if (!step.ok) throw new Error(step.detail);
    current = step.value;
  }
  return current!;
}

const request = (): Message => messageOf('XA', bodyOf('request'));
const acknowledgement = (): Message => messageOf('XB', bodyOf('acknowledgement'));
const decision = (): Message => messageOf('XB', bodyOf('decision'));
const report = (): Message => messageOf('XB', bodyOf('report'));

describe('a case', () => {
  test('goes its whole way, measure by measure', () => {
    const done = fold(request(), acknowledgement(), decision(), report());
    expect(done.state).toBe('EXECUTED');
    expect(done.measures).toEqual({ m1: 'EXECUTED', m2: 'EXECUTED', m3: 'REFUSED' });
    expect(done.requesting).toBe('XA');
  });

  test('both parties compute the same, whoever folds', () => {
    const messages = [request(), acknowledgement(), decision()];
    expect(fold(...messages)).toEqual(fold(...messages.map((message) => structuredClone(message))));
  });

  test.each([
    ['a report before a decision', () => [request(), acknowledgement()], report],
    ['a decision before the acknowledgement', () => [request()], decision],
    ['two acknowledgements', () => [request(), acknowledgement()], acknowledgement],
    ['a second request in one case', () => [request()], request],
    ['an acknowledgement by the requesting party', () => [request()], () => messageOf('XA', bodyOf('acknowledgement'))],
    ['a report after the end', () => [request(), acknowledgement(), decision(), report()], report],
  ])('refuses %s', (_name, before, message) => {
    expect(applyStep(fold(...before()), message())).toMatchObject({ ok: false, reason: 'ILLEGAL_STEP' });
  });

  test('refuses a decision that leaves a measure out, names another, or one of a third party', () => {
    const open = fold(request(), acknowledgement());
    const body = bodyOf('decision') as Extract<Body, { type: 'review_decision' }>;
    const withMeasures = (measures: typeof body.value.measures): Message =>
      messageOf('XB', { ...body, value: { ...body.value, measures } });
    const [first, second, third] = body.value.measures as [never, never, never];
    expect(applyStep(open, withMeasures([first, third]))).toMatchObject({ reason: 'ILLEGAL_STEP' });
    const alien = { ...(second as object), measure_id: '__proto__' } as never;
    expect(applyStep(open, withMeasures([first, alien, third]))).toMatchObject({ reason: 'ILLEGAL_STEP' });
    expect(applyStep(open, messageOf('XC', bodyOf('decision')))).toMatchObject({ reason: 'CASE_UNKNOWN' });
    expect(applyStep(undefined, decision())).toMatchObject({ reason: 'CASE_UNKNOWN' });
  });

  test('forgets what the other side refused, and what stood on it', () => {
    const [first, second, third] = [request(), acknowledgement(), decision()];
    const open = fold(first, second, third);
    const without = (...messages: readonly Message[]): Set<Uuid> =>
      new Set(messages.map(({ header }) => header.message_id));
    expect(refold(open, without(third))).toEqual(fold(first, second));
    expect(refold(open, without(second))).toEqual(fold(first));
    expect(refold(open, without(first))).toBeUndefined();
    expect(refold(open, without())).toEqual(open);
  });

  test('no order of messages reaches a state that the table does not give', () => {
    const makers = [request, acknowledgement, decision, report];
    fc.assert(
      fc.property(fc.array(fc.nat(3), { maxLength: 8 }), (order) => {
        let current: Case | undefined;
        for (const i of order) {
          const message = makers[i]!();
          const step = applyStep(current, message);
          const by = message.header.from === 'XA' ? 'REQUESTING' : 'REQUESTED';
          const outcome = 'outcome' in message.body.value ? message.body.value.outcome : undefined;
          const row = transitionOf(current?.state, message.body.type, by, outcome);
          expect(step.ok).toBe(row !== undefined);
          if (step.ok) {
            expect(step.value.state).toBe(row!.to);
            current = step.value;
          }
        }
      }),
    );
  });

  test('the table has one answer to everything', () => {
    const keys = TRANSITIONS.map(({ from, message, by, outcome }) => [from, message, by, outcome].join());
    expect(new Set(keys).size).toBe(keys.length);
  });
});

describe('content', () => {
  const paths = (body: Body): string[] => contentFaults(body).map(({ path, code }) => `${path} ${code}`);
  const requestWith = (change: object): Body => {
    const body = bodyOf('request') as Extract<Body, { type: 'assistance_request' }>;
    return { ...body, value: { ...body.value, ...change } };
  };

  test('the scenario’s messages have no faults', () => {
    for (const { id } of scenario.steps) expect(paths(bodyOf(id))).toEqual([]);
  });

  test('a coercive measure needs the law and its availability at home', () => {
    const body = bodyOf('request') as Extract<Body, { type: 'assistance_request' }>;
    const measures = body.value.measures.map((measure) => ({ ...measure, type: 'SEARCH_SEIZE_FREEZE' as const }));
    expect(isCoercive('SEARCH_SEIZE_FREEZE')).toBe(true);
    expect(paths(requestWith({ measures }))).toEqual([
      'assistance_request.law_text REQUIRED',
      'assistance_request.domestic_availability REQUIRED',
    ]);
  });

  test('urgency needs reasons, and ids are unique', () => {
    expect(paths(requestWith({ urgency_reason: undefined, deadline: undefined }))).toEqual([
      'assistance_request.urgency_reason REQUIRED',
      'assistance_request.deadline REQUIRED',
    ]);
    const body = bodyOf('request') as Extract<Body, { type: 'assistance_request' }>;
    const measures = [body.value.measures[0]!, body.value.measures[0]!];
    expect(paths(requestWith({ measures }))).toEqual(['assistance_request.measures[1].id CONFLICT']);
  });

  test('a decision’s outcome, grounds and reasons agree', () => {
    const body = bodyOf('decision') as Extract<Body, { type: 'review_decision' }>;
    const decide = (change: object): string[] => paths({ ...body, value: { ...body.value, ...change } });
    expect(decide({ outcome: 'ACCEPT' })).toContain('review_decision.outcome CONFLICT');
    expect(decide({ reasons: undefined })).toEqual(['review_decision.reasons REQUIRED']);
    const groundless = body.value.measures.map((measure) => ({ ...measure, codes: [] }));
    expect(decide({ measures: groundless })).toEqual(['review_decision.measures[2].codes REQUIRED']);
  });

  test('a report’s outcomes agree, and impossibility has its cause', () => {
    const body = bodyOf('report') as Extract<Body, { type: 'execution_report' }>;
    const tell = (change: object): string[] => paths({ ...body, value: { ...body.value, ...change } });
    expect(tell({ outcome: 'PARTIAL' })).toEqual(['execution_report.outcome CONFLICT']);
    const impossible = body.value.measures.map((measure) => ({ ...measure, outcome: 'IMPOSSIBLE' as const }));
    expect(tell({ outcome: 'IMPOSSIBLE', measures: impossible })).toEqual([
      'execution_report.measures[0].impossibility REQUIRED',
      'execution_report.measures[1].impossibility REQUIRED',
    ]);
    expect(tell({ actions: [{ ...body.value.actions[0]!, measure_id: 'm9' }] })).toEqual([
      'execution_report.actions[0].measure_id BAD_VALUE',
    ]);
  });
});
