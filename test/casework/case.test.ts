import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { JurisdictionCode } from '../../src/base/mod.ts';
import {
  contentFaults,
  draftTemplate,
  isCoercive,
  takeOwnStep,
  takePeerStep,
  verifyAdmission,
  withdrawStep,
  type Case,
  type RefusalRules,
} from '../../src/casework/mod.ts';
import {
  BODY_TYPES,
  WireError,
  fieldsOf,
  bodyTypeName,
  parseDraft,
  type Body,
  type Fault,
  type Message,
} from '../../src/wire/mod.ts';
import { CASE, EARLY, LATE, XA, XB, bodyOf as templateOf, messageOf } from '../kit/casework.ts';

const scenario = JSON.parse(readFileSync('node-config/scenarios/bank-records.json', 'utf8')) as {
  readonly steps: readonly { readonly id: string; readonly from: string; readonly message: object }[];
};

function bodyOf(step: string): Body {
  const { message } = scenario.steps.find(({ id }) => id === step)!;
  const text = JSON.stringify(message)
    .replaceAll('"$now"', '1767225600000')
    .replaceAll(/"\$date(\+\d+)?"/g, '"2026-03-31"');
  // Every body but a request needs its case.
  return parseDraft({ ...(JSON.parse(text) as object), case_id: CASE }).body;
}

function take(current: Case | undefined, message: Message): ReturnType<typeof takeOwnStep> {
  return takeOwnStep(current, message);
}

function fold(...messages: readonly Message[]): Case {
  let current: Case | undefined;
  for (const message of messages) {
    const step = take(current, message);
    if (!step.ok) throw new Error(step.detail);
    current = step.value;
  }
  return current!;
}

const fromScenario = (id: string): Message =>
  messageOf(scenario.steps.find((step) => step.id === id)!.from, bodyOf(id));
const fromTemplate = (from: string, type: Body['type'], change: object = {}, header: object = {}): Message =>
  messageOf(from, templateOf(type, change), header);
const upTo = (last: string): Message[] => {
  const ids = scenario.steps.map(({ id }) => id);
  return ids.slice(0, ids.indexOf(last) + 1).map(fromScenario);
};

describe('a case', () => {
  test('goes its whole way, measure by measure', () => {
    const done = fold(...upTo('report'));
    expect(done.state).toBe('EXECUTED');
    expect(done.measures).toEqual({ m1: 'EXECUTED', m2: 'EXECUTED', m3: 'REFUSED' });
    expect(done.requesting).toBe(XA);
    expect(done.conditions.map(({ kind, binds }) => [kind, binds])).toEqual([
      ['SPECIALTY', 'REQUESTING'],
      ['REPORT_ON_USE', 'REQUESTING'],
    ]);
  });

  test.each([
    ['a report before a decision', 'acknowledgement', 'report'],
    ['a decision before the acknowledgement', 'request', 'decision'],
    ['two acknowledgements', 'acknowledgement', 'acknowledgement'],
    ['a second request in one case', 'request', 'request'],
    ['a start without a decision', 'consultation', 'started'],
  ])('refuses %s', (_name, before, message) => {
    expect(take(fold(...upTo(before)), fromScenario(message))).toMatchObject({ ok: false, reason: 'ILLEGAL_STEP' });
  });

  test('refuses what the other party would have to send, and what a third sends', () => {
    const open = fold(...upTo('request'));
    expect(take(open, messageOf(XA, bodyOf('acknowledgement')))).toMatchObject({ reason: 'ILLEGAL_STEP' });
    expect(take(undefined, fromScenario('acknowledgement'))).toMatchObject({ reason: 'CASE_UNKNOWN' });
  });

  test('a refusal needs a consultation about that very measure', () => {
    const received = fold(...upTo('acknowledgement'));
    expect(take(received, fromScenario('decision'))).toMatchObject({ reason: 'CONSULTATION_REQUIRED' });
    const about = (id: string): Message => fromTemplate(XB, 'pre_refusal_consultation', { measure_ids: [id] });
    expect(take(fold(...upTo('acknowledgement'), about('m1')), fromScenario('decision'))).toMatchObject({
      reason: 'CONSULTATION_REQUIRED',
    });
    expect(take(fold(...upTo('acknowledgement'), about('m3')), fromScenario('decision')).ok).toBe(true);
    expect(take(received, fromTemplate(XB, 'postponement_notice'))).toMatchObject({ reason: 'CONSULTATION_REQUIRED' });
  });

  test('refuses a decision that leaves a measure out or names another', () => {
    const open = fold(...upTo('consultation'));
    const body = bodyOf('decision') as Extract<Body, { type: 'review_decision' }>;
    const withMeasures = (measures: typeof body.value.measures): Message =>
      messageOf(XB, { ...body, value: { ...body.value, measures } });
    const [first, second, third] = body.value.measures as [never, never, never];
    expect(take(open, withMeasures([first, third]))).toMatchObject({ reason: 'ILLEGAL_STEP' });
    const alien = { ...(second as object), measure_id: '__proto__' } as never;
    expect(take(open, withMeasures([first, alien, third]))).toMatchObject({ reason: 'ILLEGAL_STEP' });
  });

  test('forgets what the other side refused, and what stood on it', () => {
    const messages = upTo('consultation');
    const open = fold(...messages);
    const without = (n: number): Case | undefined => withdrawStep(open, messages[n]!.header.message_id);
    expect(without(2)).toEqual(fold(messages[0]!, messages[1]!));
    expect(without(1)).toMatchObject({ state: 'SENT', obligations: [] });
    expect(without(0)).toMatchObject({ state: 'UNOPENED', measures: {}, obligations: [] });
    expect(
      messages.reduce<Case | undefined>((left, { header }) => left && withdrawStep(left, header.message_id), open),
    ).toBeUndefined();
  });

  test('measures go their own ways: one asked about, one put off, one executed', () => {
    const request = fold(...upTo('acknowledgement'));
    const steps = [
      fromTemplate(XB, 'pre_refusal_consultation', { measure_ids: ['m2'] }),
      fromTemplate(XB, 'postponement_notice', { measure_ids: ['m2'] }),
      fromTemplate(XB, 'clarification_request', { measure_ids: ['m3'] }),
    ];
    const apart = steps.reduce((current, step) => {
      const next = take(current, step);
      if (!next.ok) throw new Error(next.detail);
      return next.value;
    }, request);
    expect(apart.measures).toEqual({ m1: 'RECEIVED', m2: 'POSTPONED', m3: 'CLARIFY' });
    expect(apart.state).toBe('CLARIFY');
    const answered = take(apart, fromTemplate(XA, 'clarification_reply'));
    expect(answered).toMatchObject({
      ok: true,
      value: { measures: { m3: 'RECEIVED' }, state: 'RECEIVED', obligations: [] },
    });
    const again = take(answered.ok ? answered.value : undefined, fromTemplate(XA, 'clarification_reply'));
    expect(again).toMatchObject({ ok: false });
  });

  test('a measure or an original may have a name that every object inherits something under', () => {
    const asked = templateOf('assistance_request') as Extract<Body, { type: 'assistance_request' }>;
    const name = 'constructor';
    const only = { measure_ids: [name] };
    const inherited = fold(
      messageOf(XA, { ...asked, value: { ...asked.value, measures: [{ ...asked.value.measures[0]!, id: name }] } }),
      fromTemplate(XB, 'acknowledge_receipt'),
      fromTemplate(XB, 'clarification_request', only),
      fromTemplate(XA, 'clarification_reply'),
      fromTemplate(XB, 'review_decision', { measures: [{ measure_id: name, outcome: 'ACCEPT', codes: [] }] }),
      fromTemplate(XB, 'execution_started'),
      fromTemplate(XB, 'evidence_transfer', {
        ...only,
        items: [
          { item_id: name, return_obligation: {} },
          { item_id: 'e2', return_obligation: { return_by: '2026-05-01' } },
        ],
      }),
    );
    expect(inherited.measures).toEqual({ [name]: 'EXECUTING' });
    expect(
      inherited.obligations
        .filter(({ kind }) => kind === 'RETURN_OF_ORIGINALS')
        .map(({ items, due }) => [items?.join(), due]),
    ).toEqual([
      [name, undefined],
      ['e2', '2026-05-01'],
    ]);
  });

  test('an unanswered question holds the requested side only until its date', () => {
    const asked = fold(...upTo('acknowledgement'), fromTemplate(XB, 'clarification_request'));
    const consult = (issued_at: number): Message => fromTemplate(XB, 'pre_refusal_consultation', {}, { issued_at });
    expect(take(asked, consult(EARLY))).toMatchObject({ reason: 'ILLEGAL_STEP' });
    expect(take(asked, consult(LATE))).toMatchObject({ ok: true, value: { state: 'CONSULT', obligations: [] } });
  });

  test('is closed by both, and not over an original that was not returned', () => {
    const [item] = (templateOf('evidence_transfer') as Extract<Body, { type: 'evidence_transfer' }>).value.items;
    const transfer = fromTemplate(XB, 'evidence_transfer', {
      items: [{ ...item, return_obligation: {} }],
      measure_ids: ['m1', 'm2'],
    });
    const receipt = fromTemplate(XA, 'evidence_receipt', { measure_ids: ['m1', 'm2'] });
    const close = (from: string): Message => fromTemplate(from, 'close_case');
    const held = fold(...upTo('started'), transfer, receipt);
    expect(held.state).toBe('EXECUTED');
    expect(take(held, close(XA))).toMatchObject({ reason: 'OBLIGATIONS_OPEN' });
    expect(take(held, fromTemplate(XA, 'return_of_originals', { item_ids: ['e9'] }))).toMatchObject({
      reason: 'NOTHING_TO_ANSWER',
    });
    const returned = fold(...upTo('started'), transfer, receipt, fromTemplate(XA, 'return_of_originals'), close(XB));
    expect(returned.state).toBe('EXECUTED');
    expect(take(returned, close(XB))).toMatchObject({ reason: 'ILLEGAL_STEP' });
    expect(take(returned, close(XA))).toMatchObject({
      ok: true,
      value: { state: 'CLOSED', measures: { m1: 'EXECUTED' } },
    });
  });

  test('what became of the request does not keep an original from going back, nor the case from being closed', () => {
    const lent = fold(
      ...upTo('started'),
      fromTemplate(XB, 'evidence_transfer', { items: [{ item_id: 'e1', return_obligation: {} }], measure_ids: ['m1'] }),
      fromTemplate(XA, 'withdrawal'),
    );
    expect(lent.measures).toEqual({ m1: 'WITHDRAWN', m2: 'WITHDRAWN', m3: 'REFUSED' });
    expect(take(lent, fromTemplate(XA, 'close_case'))).toMatchObject({ reason: 'OBLIGATIONS_OPEN' });
    for (const [from, type] of [
      [XA, 'return_of_originals'],
      [XB, 'return_waiver'],
    ] as const) {
      const back = take(lent, fromTemplate(from, type));
      const closed = take(back.ok ? back.value : undefined, fromTemplate(XA, 'close_case'));
      expect(closed).toMatchObject({ ok: true, value: { marks: { close_case: ['REQUESTING'] } } });
    }
  });

  test('holds any number of originals, one transfer after another', () => {
    const ids = Array.from({ length: 20 }, (_, at) => `e${at + 1}`);
    const lent = fold(
      ...upTo('started'),
      ...ids.flatMap((id) => [
        fromTemplate(XB, 'evidence_transfer', {
          items: [{ item_id: id, return_obligation: {} }],
          measure_ids: ['m1'],
          more_to_follow: true,
        }),
        fromTemplate(XA, 'evidence_receipt', {
          outcome: 'PARTIAL',
          measure_ids: ['m1'],
          items: [{ item_id: id, result: 'VERIFIED' }],
        }),
      ]),
    );
    expect(lent.obligations.map(({ items }) => items)).toEqual(ids.map((id) => [id]));
    const asked = Array.from({ length: 17 }, () => fromTemplate(XB, 'cost_consultation'));
    expect(take(fold(...upTo('started'), ...asked.slice(1)), asked[0]!)).toMatchObject({ reason: 'ILLEGAL_STEP' });
  });

  test('what became of the request leaves what was given to be acknowledged, asked about and told of', () => {
    const only = { measure_ids: ['m1'] };
    const given = [...upTo('started'), fromTemplate(XB, 'evidence_transfer', only)];
    const owed = (found: Case): string[] => found.obligations.map(({ kind }) => kind);
    const receive = (outcome: string): Message => {
      const items = [{ item_id: 'e1', result: outcome === 'MISMATCH' ? 'HASH_MISMATCH' : 'VERIFIED' }];
      return fromTemplate(XA, 'evidence_receipt', { ...only, outcome, items });
    };
    // The court suspended it while the receipt was on its way.
    const suspended = [...given, fromTemplate(XB, 'legal_remedy_notice', { outcome: 'SUSPENDED' })];
    expect(fold(...suspended, receive('COMPLETE'))).toMatchObject({ state: 'SUSPENDED', obligations: [] });
    expect(owed(fold(...suspended, receive('MISMATCH')))).toEqual(['EVIDENCE_AGAIN']);
    const withdrawn = [...given, fromTemplate(XA, 'withdrawal')];
    const ended = { m1: 'WITHDRAWN', m2: 'WITHDRAWN', m3: 'REFUSED' };
    for (const outcome of ['COMPLETE', 'MISMATCH'])
      expect(fold(...withdrawn, receive(outcome))).toMatchObject({ measures: ended, obligations: [] });
    const asked = [...withdrawn, fromTemplate(XA, 'use_consent_request')];
    expect(owed(fold(...asked))).toEqual(['EVIDENCE_RECEIPT', 'USE_CONSENT']);
    expect(fold(...asked, fromTemplate(XB, 'use_consent_decision')).consents).toHaveLength(1);
    const told = fromTemplate(XA, 'exculpatory_disclosure_notice');
    const closed = [...asked, told, fromTemplate(XA, 'close_case'), fromTemplate(XB, 'close_case')];
    expect(fold(...closed).state).toBe('CLOSED');
    const later = fold(
      ...closed,
      fromTemplate(XB, 'use_consent_decision'),
      told,
      fromTemplate(XA, 'use_consent_request'),
    );
    expect(later).toMatchObject({ state: 'CLOSED', measures: ended });
  });

  test('of an asset is not withdrawn out of a question while a restraint is live', () => {
    const asset = (...taken: readonly (readonly [string, Body['type'], object?])[]): Case =>
      fold(...taken.map(([from, type, change]) => fromTemplate(from, type, change)));
    const withdrawal = fromTemplate(XA, 'withdrawal');
    const restrained = [
      [XA, 'restraint_request'],
      [XB, 'restraint_result', { outcome: 'RESTRAINED' }],
    ] as const;
    const asked = [
      [XA, 'confiscation_request'],
      [XB, 'clarification_request'],
    ] as const;
    expect(take(asset(...restrained, ...asked), withdrawal)).toMatchObject({ reason: 'ILLEGAL_STEP' });
    const answered = take(asset(...restrained, ...asked, [XA, 'clarification_reply']), withdrawal);
    expect(answered).toMatchObject({ ok: true, value: { state: 'RESTRAINED' } });
    expect(take(asset(...asked), withdrawal)).toMatchObject({ ok: true, value: { state: 'WITHDRAWN' } });
  });

  test('has one order for messages that cross: the requested side’s', () => {
    const start = fold(...upTo('acknowledgement')).steps;
    const ordered = { ...fold(...upTo('acknowledgement')), steps: start.map((step, index) => ({ ...step, index })) };
    const withdrawal = fromTemplate(XA, 'withdrawal');
    const consultation = fromTemplate(XB, 'pre_refusal_consultation');
    const atXa = takeOwnStep(ordered, withdrawal);
    expect(atXa).toMatchObject({ ok: true, value: { state: 'WITHDRAWN' } });
    // XB consulted before the withdrawal arrived: legal there, so legal here, and it comes first.
    const crossed = takePeerStep(atXa.ok ? atXa.value : undefined, consultation, 7);
    expect(crossed).toMatchObject({ ok: true, value: { state: 'WITHDRAWN' } });
    expect(crossed.ok && crossed.value.steps.map(({ type }) => type).slice(-2)).toEqual([
      'pre_refusal_consultation',
      'withdrawal',
    ]);
  });
});

describe('admission', () => {
  const none = { parent: undefined, children: [], team: [] };
  const rules: RefusalRules = ({ codes, instruments }) =>
    instruments.includes('untoc') && codes.includes('BANK_SECRECY')
      ? [{ code: 'BANK_SECRECY', source: 'UNTOC art. 18(8)' }]
      : [];

  test('a barred ground is refused, wherever it is given', () => {
    const open = fold(...upTo('acknowledgement'));
    const consult = fromTemplate(XB, 'pre_refusal_consultation', { codes: ['BANK_SECRECY'] });
    expect(verifyAdmission(open, consult, none, rules, false)).toMatchObject({ ok: false, reason: 'GROUND_BARRED' });
    expect(verifyAdmission(open, fromTemplate(XB, 'pre_refusal_consultation'), none, rules, false).ok).toBe(true);
  });

  test('a ground that may not stand alone does not beside those of another measure', () => {
    const open = fold(...upTo('consultation'));
    const asked: (readonly string[])[] = [];
    const soleFiscal: RefusalRules = ({ codes }) => {
      asked.push(codes);
      return codes.join() === 'FISCAL' ? [{ code: 'FISCAL', source: 'UNTOC art. 18(22)' }] : [];
    };
    const refuse = (...grounds: readonly (readonly string[])[]): unknown => {
      const measures = grounds.map((codes, at) => ({ measure_id: `m${at + 1}`, outcome: 'REFUSE', codes }));
      const decision = fromTemplate(XB, 'review_decision', { outcome: 'REFUSE', codes: [], measures });
      return verifyAdmission(open, decision, none, soleFiscal, false);
    };
    expect(refuse(['FISCAL'], ['POLITICAL'])).toMatchObject({ reason: 'GROUND_BARRED' });
    expect(asked).toEqual([['FISCAL']]);
    expect(refuse(['FISCAL', 'POLITICAL'], ['POLITICAL'])).toMatchObject({ ok: true });
  });

  test('a second answer to one question is not one to another', () => {
    const asked = ['FORWARD', 'OTHER_PROCEEDING'].map((purpose) =>
      fromTemplate(XA, 'use_consent_request', { purpose, onward_to: purpose === 'FORWARD' ? 'XC' : undefined }),
    );
    const answerTo = (question: Message | undefined, change: object = {}): Message =>
      fromTemplate(XB, 'use_consent_decision', change, { in_reply_to: question?.header.message_id });
    const granted = fold(...upTo('report'), ...asked, answerTo(asked[1]));
    const admit = (message: Message): unknown => verifyAdmission(granted, message, none, rules, true);
    expect(granted.obligations.map(({ purpose }) => purpose)).toEqual(['FORWARD']);
    expect(admit(answerTo(asked[1]))).toMatchObject({ reason: 'NOTHING_TO_ANSWER' });
    expect(admit(answerTo(asked[1], { outcome: 'REFUSE' }))).toMatchObject({ reason: 'NOTHING_TO_ANSWER' });
    expect(admit(answerTo(asked[0]))).toMatchObject({ ok: true });
    expect(admit(answerTo(undefined))).toMatchObject({ ok: true });
  });

  test('a child needs a parent that was received, from the same side', () => {
    const supplement = fromTemplate(XA, 'supplementary_request');
    const admit = (parent: Case | undefined, message: Message): unknown =>
      verifyAdmission(undefined, message, { ...none, parent }, rules, false);
    expect(admit(undefined, supplement)).toMatchObject({ reason: 'PARENT_UNKNOWN' });
    expect(admit(fold(...upTo('request')), supplement)).toMatchObject({ reason: 'PARENT_UNKNOWN' });
    expect(admit(fold(...upTo('acknowledgement')), fromTemplate(XB, 'supplementary_request'))).toMatchObject({
      reason: 'PARENT_UNKNOWN',
    });
    expect(admit(fold(...upTo('acknowledgement')), supplement)).toMatchObject({ ok: true });
  });

  test('no case is closed over a live restraint, and nobody contributes to a team that is not whole', () => {
    const asset = fold(fromTemplate(XA, 'restraint_request'), fromTemplate(XB, 'restraint_result'));
    const done = fold(...upTo('report'));
    const close = fromTemplate(XA, 'close_case');
    expect(verifyAdmission(done, close, { ...none, children: [asset] }, rules, true)).toMatchObject({
      reason: 'OBLIGATIONS_OPEN',
    });
    const pending = fold(
      fromTemplate(XA, 'restraint_request'),
      fromTemplate(XB, 'restraint_result'),
      fromTemplate(XA, 'confiscation_request'),
    );
    expect(verifyAdmission(done, close, { ...none, children: [pending] }, rules, true)).toMatchObject({
      reason: 'OBLIGATIONS_OPEN',
    });
    expect(verifyAdmission(done, close, none, rules, true).ok).toBe(true);
    const pair = fold(fromTemplate(XA, 'jit_agreement'), fromTemplate(XB, 'jit_agreement'));
    const contribution = fromTemplate(XA, 'jit_contribution', { audience: ['XB', 'XC'] });
    expect(verifyAdmission(pair, contribution, { ...none, team: [undefined] }, rules, true)).toMatchObject({
      reason: 'ILLEGAL_STEP',
    });
    expect(verifyAdmission(pair, contribution, { ...none, team: [pair] }, rules, true).ok).toBe(true);
    expect(verifyAdmission(pair, contribution, { ...none, team: [undefined] }, rules, false).ok).toBe(true);
  });
});

describe('drafts', () => {
  const faultsOf = (draft: unknown): readonly Fault[] => {
    try {
      return contentFaults(parseDraft(draft).body);
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      return error.faults;
    }
  };

  test.each([...BODY_TYPES])('the template of %s has no fault', (type) => {
    expect(faultsOf(draftTemplate(type))).toEqual([]);
  });

  // One fault each: a required field left out, a member that is none, a text of the wrong kind; by its path and code.
  const faulty = BODY_TYPES.flatMap((type) => {
    const draft = draftTemplate(type);
    const body = draft[type] as Record<string, unknown>;
    const rows = fieldsOf(bodyTypeName(type));
    const change = (members: object): object => ({ ...draft, [type]: { ...body, ...members } });
    return [
      ...rows
        .filter(({ required }) => required)
        .map(({ name }) => ({ path: `${type}.${name}`, code: 'REQUIRED', draft: change({ [name]: undefined }) })),
      ...rows
        .filter(({ kind, repeated }) => kind === 'enum' && !repeated)
        .map(({ name }) => ({ path: `${type}.${name}`, code: 'BAD_VALUE', draft: change({ [name]: 'NO_SUCH' }) })),
      ...rows
        .filter(({ format, repeated }) => format === 'date' && !repeated)
        .map(({ name }) => ({ path: `${type}.${name}`, code: 'BAD_FORMAT', draft: change({ [name]: '31.03.2026' }) })),
      { path: `${type}.no_such`, code: 'UNKNOWN_FIELD', draft: change({ no_such: 1 }) },
    ];
  });

  test('hundreds of wrong ones, one fault each, are caught with their path and code', () => {
    expect(faulty.length).toBeGreaterThan(300);
    for (const { path, code, draft } of faulty) {
      const faults = faultsOf(draft).map((fault) => `${fault.path} ${fault.code}`);
      expect(faults, `${path} ${code}`).toEqual([`${path} ${code}`]);
    }
  });

  test.each([
    ['pre_refusal_consultation', { codes: undefined }, 'codes REQUIRED'],
    ['conditions_response', { outcome: 'REJECT' }, 'reasons REQUIRED'],
    ['cost_agreement', { shares: undefined }, 'shares REQUIRED'],
    ['evidence_receipt', { outcome: 'MISMATCH' }, 'outcome CONFLICT'],
    ['use_consent_decision', { outcome: 'REFUSE' }, 'reasons REQUIRED'],
    ['asset_trace_result', { asset: undefined }, 'asset REQUIRED'],
    ['restraint_result', { restrained_at: undefined }, 'restrained_at REQUIRED'],
    ['restraint_result', { outcome: 'IMPOSSIBLE' }, 'impossibility REQUIRED'],
    ['restraint_extension', { until: undefined }, 'until REQUIRED'],
    ['confiscation_request', { order: undefined }, 'order REQUIRED'],
    ['confiscation_request', { amount: { currency: 'EUR', minor_units: 64_000_001 } }, 'amount OUT_OF_RANGE'],
    ['confiscation_result', { amount: undefined }, 'amount REQUIRED'],
    ['disposition_proposal', { shares: [{ jurisdiction: 'XA', basis_points: 9999 }] }, 'shares BAD_VALUE'],
    ['sharing_agreement', { outcome: 'REJECT' }, 'reasons REQUIRED'],
    ['preflight_answer', { outcome: 'DECLINE' }, 'reasons REQUIRED'],
    ['hit_answer', { outcome: 'NO_HIT' }, 'hits CONFLICT'],
    ['hit_answer', { hits: undefined }, 'hits REQUIRED'],
    ['jit_proposal', { audience: ['XC'] }, 'audience[0] BAD_VALUE'],
    ['jit_use_consent', { outcome: 'REFUSED' }, 'reasons REQUIRED'],
    [
      'parallel_confiscation_notice',
      { confiscated: [{ jurisdiction: 'XB', amount: { currency: 'EUR', minor_units: 9 } }] },
      'confiscated OUT_OF_RANGE',
    ],
  ] as const)('%s with %j has the fault %s', (type, change, fault) => {
    const draft = draftTemplate(type);
    const faults = faultsOf({ ...draft, [type]: { ...(draft[type] as object), ...change } });
    expect(faults.map(({ path, code }) => `${path} ${code}`)).toEqual([`${type}.${fault}`]);
  });

  test('a copy names the one it is for, and not its sender', () => {
    const alert = templateOf('alert', { audience: ['XB', 'XC'] });
    const [xc, xd] = ['XC', 'XD'] as JurisdictionCode[];
    const told = (from: JurisdictionCode, to: JurisdictionCode): Fault[] =>
      contentFaults(alert, { from, to, issued_at: EARLY });
    expect(told(XA, XB)).toEqual([]);
    expect(told(XA, xd!)).toMatchObject([{ path: 'alert.audience', code: 'BAD_VALUE' }]);
    expect(told(xc!, XB)).toMatchObject([{ path: 'alert.audience', code: 'BAD_VALUE' }]);
  });

  test.each(['jit_proposal', 'jit_agreement'] as const)('a %s is a member’s', (type) => {
    const { value } = templateOf(type) as Extract<Body, { type: 'jit_proposal' }>;
    const team = templateOf(type, { terms: { ...value.terms, members: ['XA', 'XB', 'XC'] }, audience: ['XB', 'XC'] });
    expect(contentFaults(team, { from: XA, to: XB, issued_at: EARLY })).toEqual([]);
    // As many as all members but one, none of them the stranger.
    expect(contentFaults(team, { from: 'XD' as JurisdictionCode, to: XB, issued_at: EARLY })).toMatchObject([
      { path: `${type}.terms.members`, code: 'BAD_VALUE' },
    ]);
  });

  test.each(['clarification_request', 'lift_intent'] as const)(
    'a %s names no day for the answer that has passed: its sender could go on at once',
    (type) => {
      const told = (time: string): Fault[] =>
        contentFaults(templateOf(type, { reply_by: '2026-03-31' }), { from: XB, to: XA, issued_at: Date.parse(time) });
      expect(told('2026-03-31T23:59:59.999Z')).toEqual([]);
      expect(told('2026-04-01T00:00:00Z')).toMatchObject([{ path: `${type}.reply_by`, code: 'OUT_OF_RANGE' }]);
    },
  );
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
