/** Statistics, against cases that are counted by hand, and over very many. */
import { describe, expect, test } from 'vitest';
import type { JurisdictionCode } from '../../src/base/mod.ts';
import { Tally, clocksOf, statisticsCsv, takeOwnStep, type Case, type Statistics } from '../../src/casework/mod.ts';
import type { BodyType, Message } from '../../src/wire/mod.ts';
import { EARLY, XA, XB, bodyOf, messageOf } from '../kit/casework.ts';
import { REGISTRY } from '../kit/registry.ts';
import { STATES } from '../kit/requests.ts';

const DAY_MS = 24 * 3_600_000;
const text = { lang: 'en', text: 'Invented.', translations: [] };

const on = (day: number, from: string, type: BodyType, change: object = {}): Message =>
  messageOf(from, bodyOf(type, change), { issued_at: EARLY + day * DAY_MS });

function caseOf(...messages: readonly Message[]): Case {
  let current: Case | undefined;
  for (const message of messages) {
    const next = takeOwnStep(current, message);
    if (!next.ok) throw new Error(`${message.body.type}: ${next.detail}`);
    current = next.value;
  }
  return current!;
}

/** A case between other parties: XA stays who it is. */
function withPartner(found: Case, partner: string): Case {
  const swap = (code: JurisdictionCode): JurisdictionCode => (code === XB ? (partner as JurisdictionCode) : code);
  const steps = found.steps.map((step) => ({ ...step, by: swap(step.by) }));
  return { ...found, requesting: swap(found.requesting), requested: swap(found.requested), steps };
}

function count(cases: readonly Case[], scope: object = {}): Statistics {
  const at = EARLY + 400 * DAY_MS;
  const isOverdue = (found: Case): boolean =>
    clocksOf(found, REGISTRY, STATES, at).some(({ state }) => state === 'OVERDUE' || state === 'ESCALATED');
  const tally = new Tally({ code: XA, at, isOverdue, ...scope });
  for (const each of cases) tally.add(each);
  return tally.result();
}

const brethen = { legal_basis: [{ instrument: 'sample-brethen', articles: ['1'] }] };
const accepted = [{ measure_id: 'm1', outcome: 'ACCEPT', codes: [] }];

/** A request of one side, taken as far as it goes. */
function executed(
  by: string,
  days: { readonly acknowledge: number; readonly decide: number; readonly report: number },
): Case {
  const other = by === XA ? XB : XA;
  return caseOf(
    on(0, by, 'assistance_request', brethen),
    on(days.acknowledge, other, 'acknowledge_receipt'),
    on(days.decide, other, 'review_decision', { outcome: 'ACCEPT', measures: accepted }),
    on(days.decide, other, 'execution_started'),
    on(days.report, other, 'execution_report', {
      outcome: 'EXECUTED',
      measures: [{ measure_id: 'm1', outcome: 'EXECUTED' }],
    }),
  );
}

const refused = caseOf(
  on(3, XB, 'assistance_request'),
  on(4, XA, 'acknowledge_receipt'),
  on(5, XA, 'clarification_request', { round: 1 }),
  on(6, XB, 'clarification_reply', { round: 1 }),
  on(7, XA, 'pre_refusal_consultation'),
  on(9, XA, 'review_decision', {
    outcome: 'REFUSE',
    reasons: text,
    codes: ['DUAL_CRIMINALITY'],
    measures: [{ measure_id: 'm1', outcome: 'REFUSE', codes: ['DUAL_CRIMINALITY', 'TERRITORIAL'] }],
  }),
);
const forgotten = caseOf(on(0, XA, 'assistance_request', brethen));

describe('statistics', () => {
  const cases = [
    executed(XA, { acknowledge: 2, decide: 10, report: 40 }),
    executed(XA, { acknowledge: 4, decide: 20, report: 30 }),
    withPartner(executed(XA, { acknowledge: 1, decide: 5, report: 6 }), 'XC'),
    refused,
    forgotten,
    withPartner(caseOf(on(2, XA, 'draft_consultation')), 'XC'),
  ];
  const all = count(cases);
  const xb = all.partners.find(({ partner }) => partner === 'XB')!;

  test('in and out, by partner, with outcomes, codes and durations', () => {
    expect(all).toMatchObject({ cases: 5, from: null, to: null });
    expect(all.partners.map(({ partner }) => partner)).toEqual(['XB', 'XC']);
    expect(xb.outgoing).toMatchObject({ requests: 3, executed: 2, open: 1, overdue: 1, refused: 0 });
    expect(xb.outgoing.acknowledge).toEqual({ count: 2, median_days: 2, p90_days: 4 });
    expect(xb.outgoing.decide).toEqual({ count: 2, median_days: 10, p90_days: 20 });
    expect(xb.outgoing.execute).toEqual({ count: 2, median_days: 10, p90_days: 30 });
    expect(xb.outgoing.by_instrument).toEqual({ 'sample-brethen': 3 });
    expect(xb.outgoing.by_measure).toEqual({ STATEMENT: 3 });
    expect(xb.incoming).toMatchObject({ requests: 1, refused: 1, clarification_rounds: 1, open: 0, executed: 0 });
    expect(xb.incoming.refusals_by_code).toEqual({ DUAL_CRIMINALITY: 1, TERRITORIAL: 1 });
    expect(xb.incoming.execute).toEqual({ count: 0, median_days: null, p90_days: null });
    expect(all.total.outgoing.requests).toBe(4);
    expect(all.total.outgoing.decide).toEqual({ count: 3, median_days: 10, p90_days: 20 });
  });

  test('an instrument is counted by whatever name a partner gives it', () => {
    const named = { legal_basis: [{ instrument: 'constructor', articles: ['1'] }] };
    expect(count([caseOf(on(0, XB, 'assistance_request', named))]).total.incoming.by_instrument).toEqual({
      constructor: 1,
    });
  });

  test('the reciprocity ratio of a partner, and of one that was never asked', () => {
    expect(xb.reciprocity_ratio).toBe(0.333);
    expect(all.partners[1]!.reciprocity_ratio).toBe(0);
    expect(count([refused]).partners[0]!.reciprocity_ratio).toBeNull();
  });

  test('only a partner, only days', () => {
    expect(count(cases, { partner: 'XC' })).toMatchObject({ cases: 1, total: { outgoing: { executed: 1 } } });
    const first = new Date(EARLY).toISOString().slice(0, 10);
    expect(count(cases, { to: first }).cases).toBe(4);
    expect(count(cases, { from: '2026-03-04', to: '2026-03-04' })).toMatchObject({ cases: 1, from: '2026-03-04' });
    expect(count([])).toMatchObject({ cases: 0, partners: [], total: { reciprocity_ratio: null } });
  });

  test('closed cases count by what they came to', () => {
    const done = executed(XA, { acknowledge: 1, decide: 2, report: 3 });
    expect(count([{ ...done, state: 'CLOSED' }]).total.outgoing).toMatchObject({ executed: 1, open: 0 });
    expect(count([{ ...done, state: 'UNOPENED' }]).cases).toBe(0);
  });

  test('assets by currency, exactly, and information that was of use', () => {
    const money = (currency: string, units: number): object => ({ currency, minor_units: units });
    const most = Number.MAX_SAFE_INTEGER;
    const asset = (units: number): Case =>
      caseOf(
        on(0, XB, 'restraint_request'),
        on(1, XA, 'restraint_result', { outcome: 'RESTRAINED', value: money('EUR', units) }),
        on(2, XB, 'confiscation_request'),
        on(3, XA, 'confiscation_result', { outcome: 'CONFISCATED', amount: money('EUR', 7) }),
        on(4, XA, 'disposition_proposal'),
        on(5, XB, 'sharing_agreement', { outcome: 'ACCEPT' }),
        on(6, XA, 'transfer_confirmation', {
          outcome: 'SHARED',
          amounts: [
            { jurisdiction: 'XA', amount: money('EUR', 3) },
            { jurisdiction: 'XB', amount: money('USD', 4) },
          ],
        }),
      );
    const information = (use: string): Case =>
      caseOf(on(0, XA, 'spontaneous_information'), on(1, XB, 'feedback_on_use', { use }));
    const { total } = count([asset(most), asset(most), asset(2), information('LEAD'), information('NOT_USED')]);
    expect(total.incoming.assets).toMatchObject({
      cases: 3,
      restrained: { EUR: String(2n * BigInt(most) + 2n) },
      confiscated: { EUR: '21' },
      shared: { EUR: '9', USD: '12' },
      returned: {},
    });
    expect(total.outgoing.spontaneous).toEqual({ given: 2, used: 1 });
  });

  test('as CSV every figure has a row, and every row five cells', () => {
    const rows = statisticsCsv(all).trimEnd().split('\r\n');
    expect(rows[0]).toBe('partner,direction,figure,key,value');
    expect(rows.every((row) => row.split(',').length === 5)).toBe(true);
    expect(rows).toContain('XB,both,reciprocity_ratio,,0.333');
    expect(rows).toContain('ALL,outgoing,decide,median_days,10');
    expect(rows).toContain('XB,incoming,refusals_by_code,DUAL_CRIMINALITY,1');
  });

  test('100,000 cases are counted in less than five seconds, clocks included', () => {
    const partners = ['XB', 'XC', 'XD'];
    const kinds = [...cases.slice(0, 2), refused, forgotten];
    const shifted = (found: Case, days: number): Case => ({
      ...found,
      steps: found.steps.map((step) => ({ ...step, issued_at: step.issued_at + days * DAY_MS })),
    });
    const many = Array.from({ length: 100_000 }, (_, n) =>
      shifted(withPartner(kinds[n % kinds.length]!, partners[n % partners.length]!), -(n % 3650)),
    );
    const before = process.cpuUsage();
    const { cases: counted, total } = count(many);
    const { user, system } = process.cpuUsage(before);
    expect(counted).toBe(100_000);
    expect(total.outgoing.requests + total.incoming.requests).toBe(100_000);
    expect(total.outgoing.overdue).toBeGreaterThan(20_000);
    // Time of this process: a busy machine takes longer by the clock on the wall.
    expect((user + system) / 1e6).toBeLessThan(5);
  });
});
