import { describe, expect, test } from 'vitest';
import type { JurisdictionCode, Uuid } from '../../src/base/mod.ts';
import { clocksOf, endOfSpan, takeOwnStep, type CaseClock, type TimedStep } from '../../src/casework/mod.ts';
import { bodyOf, messageOf } from '../kit/casework.ts';
import { STATES } from '../kit/requests.ts';
import { REGISTRY, documentOf } from '../kit/registry.ts';
import { parseStates } from '../../src/casework/mod.ts';

const at = (text: string): number => Date.parse(text);
const iso = (time: number): string => new Date(time).toISOString();

describe('a span', () => {
  const italy = STATES.get('IT');
  const america = STATES.get('US');

  test.each<[string, string, string, string]>([
    ['hours run to the minute', '2012-05-10T08:30:00Z', '48 hours', '2012-05-12T08:30:00.000Z'],
    ['days end at midnight where the state is', '2012-05-10T08:30:00Z', '7 days', '2012-05-17T21:59:59.999Z'],
    ['the day is the one that it is there', '2012-05-10T23:30:00Z', '1 day', '2012-05-12T21:59:59.999Z'],
    ['summer time begins in between', '2012-03-20T10:00:00Z', '7 days', '2012-03-27T21:59:59.999Z'],
    ['the night in which it begins', '2012-03-24T10:00:00Z', '1 day', '2012-03-25T21:59:59.999Z'],
    ['the night in which it ends', '2012-10-27T10:00:00Z', '1 day', '2012-10-28T22:59:59.999Z'],
    ['a month ends on its last day', '2012-01-31T10:00:00Z', '1 month', '2012-02-29T22:59:59.999Z'],
    ['months over the year', '2012-11-30T10:00:00Z', '3 months', '2013-02-28T22:59:59.999Z'],
    ['working days leave out the weekend', '2012-05-10T10:00:00Z', '5 working days', '2012-05-17T21:59:59.999Z'],
    ['and holidays', '2012-04-24T10:00:00Z', '5 working days', '2012-05-03T21:59:59.999Z'],
  ])('%s', (_name, start, duration, end) => {
    expect(iso(endOfSpan(at(start), duration, italy))).toBe(end);
  });

  test('another state has another midnight and other holidays', () => {
    expect(iso(endOfSpan(at('2012-07-03T10:00:00Z'), '1 working day', america))).toBe('2012-07-06T03:59:59.999Z');
    expect(iso(endOfSpan(at('2012-07-03T10:00:00Z'), '1 working day', italy))).toBe('2012-07-04T21:59:59.999Z');
    expect(iso(endOfSpan(at('2012-07-03T10:00:00Z'), '1 day'))).toBe('2012-07-04T23:59:59.999Z');
  });

  test.each([
    ['forward at midnight, west of Greenwich', 'America/Santiago', '2024-09-06T12:00:00Z', '2024-09-08T03:59:59.999Z'],
    ['back at midnight, west of it', 'America/Santiago', '2024-04-05T12:00:00Z', '2024-04-07T03:59:59.999Z'],
    ['back from one to midnight', 'America/Havana', '2024-11-01T12:00:00Z', '2024-11-03T03:59:59.999Z'],
    ['forward at midnight, east of it', 'Asia/Beirut', '2024-03-29T12:00:00Z', '2024-03-30T21:59:59.999Z'],
    ['back at midnight, east of it', 'Asia/Beirut', '2024-10-25T12:00:00Z', '2024-10-26T21:59:59.999Z'],
    [
      'over the line of dates, on a day that was left out',
      'Pacific/Apia',
      '2011-12-29T12:00:00Z',
      '2011-12-30T09:59:59.999Z',
    ],
  ])('a day ends with its last hour where clocks go %s', (_name, zone, start, end) => {
    expect(iso(endOfSpan(at(start), '1 day', { ...italy!, time_zone: zone }))).toBe(end);
  });

  test('a span that is none is a mistake of the program', () => {
    expect(() => endOfSpan(0, '5 weeks')).toThrow(TypeError);
  });
});

const REQUESTED = 'XB' as JurisdictionCode;
const REQUESTING = 'XA' as JurisdictionCode;
let number = 0;
const step = (type: TimedStep['type'], time: string, more: Partial<TimedStep> = {}): TimedStep => ({
  message_id: `019b0000-0000-7000-8000-${String((number += 1)).padStart(12, '0')}` as Uuid,
  by: type === 'assistance_request' ? REQUESTING : REQUESTED,
  type,
  issued_at: at(time),
  ...more,
});
const opening = (instrument: string, time: string, said: TimedStep['said'] = {}): TimedStep =>
  step('assistance_request', time, { said: { instruments: [instrument], types: ['RECORDS'], ...said } });

function clocks(steps: readonly TimedStep[], atTime: string, registry = REGISTRY): CaseClock[] {
  const matter = {
    case_id: '019b0000-0000-7000-8000-000000000000' as Uuid,
    requesting: REQUESTING,
    requested: REQUESTED,
    steps,
  };
  return clocksOf(matter, registry, STATES, at(atTime));
}
const short = (found: readonly CaseClock[]): string[] =>
  found.map(({ name, state, due_at: due }) => `${name} ${state} ${iso(due).slice(0, 10)}`);

describe('clocks of a case', () => {
  const request = opening('sample-brethen', '2018-06-04T09:00:00Z');
  const acknowledged = step('acknowledge_receipt', '2018-06-08T09:00:00Z');
  const accepted = step('review_decision', '2018-07-20T09:00:00Z', { outcome: 'ACCEPT' });
  const reported = step('execution_report', '2018-08-30T09:00:00Z', { outcome: 'EXECUTED' });
  const all = [request, acknowledged, accepted, reported];

  test('are started and stopped by its messages, and tell how it stood on any day', () => {
    expect(short(clocks(all, '2018-06-05T00:00:00Z'))).toEqual(['ACKNOWLEDGE RUNNING 2018-06-11']);
    expect(short(clocks([request], '2018-06-12T00:00:00Z'))).toEqual(['ACKNOWLEDGE OVERDUE 2018-06-11']);
    expect(short(clocks([request], '2018-06-20T00:00:00Z'))).toEqual(['ACKNOWLEDGE ESCALATED 2018-06-11']);
    expect(short(clocks(all, '2018-07-10T00:00:00Z'))).toEqual([
      'ACKNOWLEDGE STOPPED 2018-06-11',
      'DECIDE OVERDUE 2018-07-08',
    ]);
    expect(short(clocks(all, '2018-12-01T00:00:00Z'))).toEqual([
      'ACKNOWLEDGE STOPPED 2018-06-11',
      'DECIDE STOPPED_LATE 2018-07-08',
      'EXECUTE STOPPED 2018-09-20',
    ]);
  });

  test('name whose duty it is, and where it stands', () => {
    expect(clocks(all, '2018-06-05T00:00:00Z')[0]).toMatchObject({
      duty_of: 'XB',
      instrument: 'sample-brethen',
      article: '10',
      source: 'invented',
      started_by: request.message_id,
    });
  });

  test('a refusal starts no clock for execution', () => {
    const refused = step('review_decision', '2018-07-01T09:00:00Z', { outcome: 'REFUSE' });
    expect(short(clocks([request, acknowledged, refused], '2018-12-01T00:00:00Z'))).toEqual([
      'ACKNOWLEDGE STOPPED 2018-06-11',
      'DECIDE STOPPED 2018-07-08',
    ]);
  });

  test('a withdrawal leaves nothing to wait for', () => {
    const withdrawn = step('withdrawal', '2018-06-05T09:00:00Z');
    expect(short(clocks([request, withdrawn], '2019-01-01T00:00:00Z'))).toEqual(['ACKNOWLEDGE STOPPED 2018-06-11']);
  });

  test('whoever withdraws one measure still waits for the others, and an answer can be a withdrawal', () => {
    const two = { ...request, measures: [{ id: 'm1' }, { id: 'm2' }] };
    const withdraw = (id: string, time: string): TimedStep => step('withdrawal', time, { measures: [{ id }] });
    const first = withdraw('m1', '2018-06-09T09:00:00Z');
    const decide = (...steps: readonly TimedStep[]): string =>
      short(clocks([two, acknowledged, ...steps], '2018-07-01T00:00:00Z'))[1]!;
    expect(decide(first)).toBe('DECIDE RUNNING 2018-07-08');
    expect(decide(first, withdraw('m2', '2018-06-10T09:00:00Z'))).toBe('DECIDE STOPPED 2018-07-08');
    const answered = step('proceed_decision', '2018-06-09T09:00:00Z', { by: REQUESTING, outcome: 'WITHDRAW' });
    expect(decide(answered)).toBe('DECIDE STOPPED 2018-07-08');
    expect(decide({ ...answered, outcome: 'PROCEED' })).toBe('DECIDE RUNNING 2018-07-08');
    // What was carried out or refused does not wait any more either.
    const executed = step('execution_report', '2018-08-01T09:00:00Z', {
      outcome: 'PARTIAL',
      measures: [{ id: 'm2', outcome: 'EXECUTED' }],
    });
    const wanted = { ...two, said: { ...two.said, deadline: '2018-12-31' } };
    expect(short(clocks([wanted, first], '2018-07-01T00:00:00Z')).at(-1)).toBe('REQUESTED_DATE RUNNING 2018-12-31');
    expect(short(clocks([two, executed, first], '2018-09-01T00:00:00Z'))).toEqual(['ACKNOWLEDGE STOPPED 2018-06-11']);
  });

  test('UNTOC has none; the date that was asked for, with its reason, is one', () => {
    expect(clocks([opening('untoc', '2018-06-04T09:00:00Z')], '2019-01-01T00:00:00Z')).toEqual([]);
    const wanted = opening('untoc', '2018-06-04T09:00:00Z', { deadline: '2018-07-01' });
    expect(short(clocks([wanted], '2018-07-01T20:00:00Z'))).toEqual(['REQUESTED_DATE RUNNING 2018-07-01']);
    expect(short(clocks([wanted], '2018-07-01T22:00:00Z'))).toEqual(['REQUESTED_DATE OVERDUE 2018-07-01']);
  });

  test('the date that was asked for is met when every measure is done, and by a refusal', () => {
    const measures = [{ id: 'm1' }, { id: 'm2' }];
    const wanted = { ...opening('untoc', '2018-06-04T09:00:00Z', { deadline: '2018-08-31' }), measures };
    const on = (
      type: TimedStep['type'],
      day: string,
      outcomes: Record<string, string>,
      more: Partial<TimedStep> = {},
    ) =>
      step(type, `${day}T09:00:00Z`, {
        measures: Object.entries(outcomes).map(([id, outcome]) => ({ id, outcome })),
        ...more,
      });
    const requested = (...steps: readonly TimedStep[]): string =>
      short(clocks([wanted, ...steps], '2018-10-01T00:00:00Z')).join();
    const [met, missed] = ['REQUESTED_DATE STOPPED 2018-08-31', 'REQUESTED_DATE OVERDUE 2018-08-31'];
    const report = (id: string, day: string): TimedStep => on('execution_report', day, { [id]: 'EXECUTED' });
    expect(requested(report('m1', '2018-07-01'))).toBe(missed);
    expect(requested(report('m1', '2018-07-01'), report('m2', '2018-08-01'))).toBe(met);
    expect(requested(report('m1', '2018-07-01'), report('m2', '2018-09-01'))).toBe(
      'REQUESTED_DATE STOPPED_LATE 2018-08-31',
    );
    // Who refuses in time has answered in time.
    const refuse = { outcome: 'REFUSE' };
    expect(requested(on('review_decision', '2018-07-01', { m1: 'REFUSE', m2: 'REFUSE' }, refuse))).toBe(met);
    const part = on('review_decision', '2018-07-01', { m1: 'REFUSE', m2: 'ACCEPT' }, { outcome: 'PART' });
    expect(requested(part)).toBe(missed);
    expect(requested(part, report('m2', '2018-08-01'))).toBe(met);
    // Evidence that is whole needs no report; one that arrives otherwise than it left has to come again.
    const transfer = (day: string, more: boolean): TimedStep =>
      step('evidence_transfer', `${day}T09:00:00Z`, { measures, said: { more_to_follow: more } });
    const mismatch = step('evidence_receipt', '2018-08-10T09:00:00Z', {
      by: REQUESTING,
      outcome: 'MISMATCH',
      measures,
    });
    expect(requested(transfer('2018-08-01', true))).toBe(missed);
    expect(requested(transfer('2018-08-01', false))).toBe(met);
    expect(requested(transfer('2018-08-01', false), mismatch)).toBe(missed);
    expect(requested(transfer('2018-08-01', false), mismatch, transfer('2018-08-20', false))).toBe(met);
    const both = [report('m1', '2018-07-01'), report('m2', '2018-07-01')];
    expect(requested(...both, transfer('2018-08-01', false), mismatch)).toBe(met);
    // A remedy that succeeded forbids to go on; a withdrawal asks for no more.
    const upheld = step('legal_remedy_notice', '2018-07-01T09:00:00Z', { outcome: 'UPHELD' });
    expect(requested(upheld)).toBe(met);
    expect(requested(report('m1', '2018-07-01'), on('withdrawal', '2018-07-02', { m2: '' }, { by: REQUESTING }))).toBe(
      met,
    );
  });

  test('a refusal of everything leaves nothing to wait for', () => {
    const registry = new Map(REGISTRY);
    const brethen = REGISTRY.get('sample-brethen')!;
    const rule = { ...brethen.clocks[0]!, stops_at: ['execution_report'] };
    registry.set('sample-brethen', { ...brethen, clocks: [rule] });
    const asked = { ...request, measures: [{ id: 'm1' }, { id: 'm2' }] };
    const decided = (outcome: string, m2: string): TimedStep =>
      step('review_decision', '2018-06-07T09:00:00Z', {
        outcome,
        measures: [
          { id: 'm1', outcome: 'REFUSE' },
          { id: 'm2', outcome: m2 },
        ],
      });
    const states = (decision: TimedStep): string[] =>
      clocks([asked, decision], '2018-07-01T00:00:00Z', registry).map(({ state }) => state);
    expect(states(decided('REFUSE', 'REFUSE'))).toEqual(['STOPPED']);
    expect(states(decided('PART', 'ACCEPT'))).toEqual(['ESCALATED']);
  });

  test('a draft that was shared first is not the request', () => {
    const shared = step('draft_consultation', '2018-05-01T09:00:00Z', { by: REQUESTING, said: { instruments: [] } });
    const wanted = { ...request, said: { ...request.said, deadline: '2018-12-31' } };
    expect(clocks([shared], '2018-06-05T00:00:00Z')).toEqual([]);
    expect(short(clocks([shared, wanted], '2018-06-05T00:00:00Z'))).toEqual([
      'ACKNOWLEDGE RUNNING 2018-06-11',
      'REQUESTED_DATE RUNNING 2018-12-31',
    ]);
  });

  test('originals have to be back by the day that their transfer names, or by one of their own', () => {
    const said = { originals: ['e1', 'e2', 'e3'], originals_due: { e2: '2018-09-01' }, return_by: '2018-12-31' };
    const transfer = step('evidence_transfer', '2018-07-01T09:00:00Z', { said });
    const back = (time: string, ...items: string[]): TimedStep =>
      step('return_of_originals', time, { by: REQUESTING, said: { items } });
    const asked = opening('untoc', '2018-06-04T09:00:00Z');
    const held = [asked, transfer, back('2018-08-01T09:00:00Z', 'e1')];
    expect(short(clocks(held, '2018-10-01T00:00:00Z'))).toEqual([
      'RETURN_OF_ORIGINALS OVERDUE 2018-09-01',
      'RETURN_OF_ORIGINALS RUNNING 2018-12-31',
    ]);
    expect(clocks(held, '2018-10-01T00:00:00Z').map(({ duty_of: duty }) => duty)).toEqual([REQUESTING, REQUESTING]);
    const waived = step('return_waiver', '2018-10-02T09:00:00Z', { said: { items: ['e3'] } });
    const all = [...held, back('2018-10-01T09:00:00Z', 'e2'), waived];
    expect(short(clocks(all, '2019-10-01T00:00:00Z'))).toEqual([
      'RETURN_OF_ORIGINALS STOPPED_LATE 2018-09-01',
      'RETURN_OF_ORIGINALS STOPPED 2018-12-31',
    ]);
    // They are owed when the request is withdrawn, too.
    const withdrawn = step('withdrawal', '2018-08-02T09:00:00Z', { by: REQUESTING });
    expect(short(clocks([...held, withdrawn], '2018-10-01T00:00:00Z'))[0]).toBe(
      'RETURN_OF_ORIGINALS OVERDUE 2018-09-01',
    );
    const { return_by: _common, ...without } = said;
    const undated = step('evidence_transfer', '2018-07-01T09:00:00Z', { said: without });
    expect(short(clocks([asked, undated], '2018-07-02T09:00:00Z'))).toEqual(['RETURN_OF_ORIGINALS RUNNING 2018-09-01']);
    // A name that every object inherits something under has no day of its own.
    const inherited = step('evidence_transfer', '2018-07-01T09:00:00Z', { said: { originals: ['constructor'] } });
    expect(clocks([asked, inherited], '2018-07-02T09:00:00Z')).toEqual([]);
  });

  test('tell what happened to them, by a message or because time went by', () => {
    const question = step('clarification_request', '2018-06-18T09:00:00Z');
    const answer = step('clarification_reply', '2018-06-28T09:00:00Z', { by: REQUESTING });
    const delay = step('delay_notice', '2018-06-30T09:00:00Z');
    const [, decide] = clocks([request, acknowledged, question, answer, delay], '2018-12-01T00:00:00Z');
    expect(decide!.events.map(({ kind, at: time }) => `${kind} ${iso(time).slice(0, 10)}`)).toEqual([
      'STARTED 2018-06-08',
      'PAUSED 2018-06-18',
      'RESUMED 2018-06-28',
      'EXTENDED 2018-06-30',
      'OVERDUE 2018-08-02',
      'ESCALATED 2018-08-09',
    ]);
    expect(decide!.events[1]!.message_id).toBe(question.message_id);
    // What was done late was overdue before, and what is paused is not.
    const late = step('review_decision', '2018-07-20T09:00:00Z', { outcome: 'ACCEPT' });
    const kinds = (steps: readonly TimedStep[]): string[] =>
      clocks(steps, '2018-12-01T00:00:00Z')[1]!.events.map(({ kind }) => kind);
    expect(kinds([request, acknowledged, late])).toEqual(['STARTED', 'OVERDUE', 'ESCALATED', 'STOPPED']);
    expect(kinds([request, acknowledged, question])).toEqual(['STARTED', 'PAUSED']);
  });

  test('a supplementary request is a request', () => {
    const child = { ...request, type: 'supplementary_request' as const };
    expect(short(clocks([child], '2018-06-05T00:00:00Z'))).toEqual(['ACKNOWLEDGE RUNNING 2018-06-11']);
  });

  test('are those of the signed messages: what a case keeps of a request is enough', () => {
    const body = bodyOf('assistance_request', {
      legal_basis: [{ instrument: 'sample-brethen', articles: ['1'] }],
      deadline: { date: '2026-03-20', reason: { lang: 'en', text: 'Hearing.', translations: [] } },
    });
    const asked = takeOwnStep(undefined, messageOf('XA', body));
    if (!asked.ok) throw new Error(asked.detail);
    expect(short(clocksOf(asked.value, REGISTRY, STATES, at('2026-03-02T00:00:00Z')))).toEqual([
      'ACKNOWLEDGE RUNNING 2026-03-06',
      'REQUESTED_DATE RUNNING 2026-03-20',
    ]);
    expect(asked.value.steps[0]!.said).toMatchObject({ types: ['STATEMENT'], urgency: 'ROUTINE' });
  });

  test('an instrument that is not in force has no clocks', () => {
    expect(clocks([opening('sample-brethen', '2004-06-04T09:00:00Z')], '2019-01-01T00:00:00Z')).toEqual([]);
  });

  test('a clock stands still only where its instrument says so', () => {
    const question = step('clarification_request', '2018-06-18T09:00:00Z');
    const answer = step('clarification_reply', '2018-06-28T09:00:00Z', { by: REQUESTING });
    const steps = [request, acknowledged, question, answer];
    const without = new Map(REGISTRY);
    const brethen = REGISTRY.get('sample-brethen')!;
    const decide = brethen.clocks.map((clock) => ({ ...clock, pauses_on: [], resumes_on: [] }));
    without.set('sample-brethen', { ...brethen, clocks: decide });
    expect(short(clocks(steps, '2018-06-20T00:00:00Z'))[1]).toBe('DECIDE PAUSED 2018-07-08');
    expect(short(clocks(steps, '2018-07-15T00:00:00Z'))[1]).toBe('DECIDE RUNNING 2018-07-18');
    expect(short(clocks(steps, '2018-07-15T00:00:00Z', without))[1]).toBe('DECIDE OVERDUE 2018-07-08');
    // The answer says itself when it was issued: an earlier day than the question's brings the duty no nearer.
    const backdated = { ...answer, issued_at: at('2018-06-12T09:00:00Z') };
    expect(short(clocks([request, acknowledged, question, backdated], '2018-07-01T00:00:00Z'))[1]).toBe(
      'DECIDE RUNNING 2018-07-08',
    );
    const late = step('clarification_request', '2018-07-10T09:00:00Z');
    const reply = step('clarification_reply', '2018-07-20T09:00:00Z', { by: REQUESTING });
    const [, decided] = clocks([request, acknowledged, late, reply], '2018-08-01T00:00:00Z');
    expect(iso(decided!.due_at).slice(0, 10)).toBe('2018-07-08');
  });

  test('a delay that is announced gives the longer time that the instrument allows', () => {
    const delay = step('delay_notice', '2018-06-30T09:00:00Z');
    expect(short(clocks([request, acknowledged, delay], '2018-07-15T00:00:00Z'))[1]).toBe('DECIDE RUNNING 2018-07-23');
    const again = step('delay_notice', '2018-07-10T09:00:00Z');
    expect(short(clocks([request, acknowledged, delay, again], '2018-08-01T00:00:00Z'))[1]).toBe(
      'DECIDE ESCALATED 2018-07-23',
    );
  });
});

describe('every clock of every file', () => {
  const rules = [...REGISTRY.values()].flatMap((instrument) => instrument.clocks.map((rule) => ({ instrument, rule })));

  test.each(
    rules.map(
      ({ instrument, rule }) =>
        [`${instrument.instrument_id} ${rule.name} ${rule.duration}`, instrument, rule] as const,
    ),
  )('%s starts, falls due and is stopped', (_name, instrument, rule) => {
    const registry = new Map([
      [
        instrument.instrument_id,
        {
          ...instrument,
          clocks: [rule],
          supplements: [],
          in_force: { from: '2000-01-01', source: 's', confirmed: true },
          parties: [{ states: [REQUESTING, REQUESTED], in_force_from: '2000-01-01', source: 's', confirmed: true }],
        },
      ],
    ]);
    const said = {
      types: rule.when?.measures ?? ['RECORDS' as const],
      urgency: rule.when?.urgency?.[0] ?? ('ROUTINE' as const),
    };
    const first = opening(instrument.instrument_id, '2018-06-05T08:59:00Z', said as TimedStep['said']);
    const [type, outcome] = rule.starts_at[0]!.split(':') as [TimedStep['type'], string | undefined];
    const start = type === 'assistance_request' ? [first] : [first, step(type, '2018-06-05T09:00:00Z', { outcome })];
    const [stop] = rule.stops_at[0]!.split(':') as [TimedStep['type']];
    const states = (atTime: string, ...more: TimedStep[]): string[] =>
      clocks([...start, ...more], atTime, registry).map(({ state }) => state);
    expect(states('2018-06-05T09:00:01Z')).toEqual(['RUNNING']);
    expect(['OVERDUE', 'ESCALATED']).toContain(states('2030-01-01T00:00:00Z')[0]);
    const stopped = step(stop, '2018-06-05T09:30:00Z');
    // What starts it again when it was stopped is another clock.
    expect(states('2018-06-05T10:00:00Z', stopped)[0]).toBe('STOPPED');
    if (rule.when !== undefined) {
      const other = opening(instrument.instrument_id, '2018-06-05T08:59:00Z', { types: ['OTHER'] });
      expect(clocks([other, ...start.slice(1)], '2018-06-06T00:00:00Z', registry)).toEqual([]);
    }
  });
});

test('a file about a state with faults names them all', () => {
  const text = `states: [IT]\nname: Italy\nlanguages: [italian]\ntime_zone: Europe/Roma\nweekend: [SAT]\nholidays: { sample: true, source: s, every_year: ['13-01'] }\n`;
  expect(() => parseStates([documentOf('it.yaml', text)])).toThrow(
    expect.objectContaining({ code: 'CASE_REGISTRY_INVALID' }) as Error,
  );
});
