/** What a sender's conditions and labels forbid, rule by rule, use by use, on the days on which they do. */
import { expect, test } from 'vitest';
import type { JurisdictionCode, Uuid } from '../../src/base/mod.ts';
import { takePeerStep, useLimit, type Case, type IntendedUse } from '../../src/casework/mod.ts';
import type { BodyType, Message } from '../../src/wire/mod.ts';
import { EARLY, XA, XB, bodyOf, messageOf } from '../kit/casework.ts';

const DAY_MS = 24 * 3_600_000;
const XC = 'XC' as JurisdictionCode;
const USES = ['DISCLOSURE', 'COURT', 'EXPORT', 'AGENCY', 'FORWARD', 'OTHER_PROCEEDING'] as const;
const protection = { retain_until: '2026-03-10', onward_needs_consent: false };

function informed(change: object): Message {
  return messageOf(XA, bodyOf('spontaneous_information', { conditions: [], handling: undefined, ...change }));
}

function useOf(purpose: IntendedUse['purpose'], more: Partial<IntendedUse> = {}): IntendedUse {
  return { purpose, ...(purpose === 'FORWARD' ? { onward_to: XC } : {}), ...more };
}

/** The case that messages make, taken as XB takes XA's; XB is requested. */
function caseOf(...messages: readonly Message[]): Case {
  let current: Case | undefined;
  for (const [index, message] of messages.entries()) {
    const step = takePeerStep(current, message, index + 1);
    if (!step.ok) throw new Error(step.detail);
    current = step.value;
  }
  return current!;
}

test.each<[object, string | undefined, number?]>([
  [{}, undefined],
  [{ conditions: [{ kind: 'NO_ONWARD' }] }, 'NO_ONWARD'],
  [{ conditions: [{ kind: 'CONFIDENTIAL' }] }, 'CONFIDENTIAL'],
  [{ conditions: [{ kind: 'REPORT_ON_USE' }] }, undefined],
  [{ conditions: [{ kind: 'NO_ONWARD', until: '2026-03-10' }] }, 'NO_ONWARD', 9],
  [{ conditions: [{ kind: 'NO_ONWARD', until: '2026-03-10' }] }, undefined, 10],
  [{ conditions: [{ kind: 'EXPIRY', until: '2026-03-10' }] }, undefined, 9],
  [{ conditions: [{ kind: 'EXPIRY', until: '2026-03-10' }] }, 'EXPIRED', 10],
  [{ data_protection: protection }, undefined, 9],
  [{ data_protection: protection }, 'RETENTION_ENDED', 10],
  [{ data_protection: { ...protection, onward_needs_consent: true } }, 'CONSENT_NEEDED'],
  [{ handling: { tlp: 'RED', europol_codes: [] } }, 'HANDLING_RED'],
  [{ handling: { tlp: 'GREEN', europol_codes: ['H0'] } }, undefined],
])('for disclosure, %j: %s', (change, rule, days = 0) => {
  expect(useLimit(informed(change), undefined, useOf('DISCLOSURE'), EARLY + days * DAY_MS)).toBe(rule);
});

// By use, in the order of USES: x where it is forbidden.
test.each<[string, object, string]>([
  ['NO_ONWARD', { conditions: [{ kind: 'NO_ONWARD' }] }, 'x..xx.'],
  ['CONFIDENTIAL', { conditions: [{ kind: 'CONFIDENTIAL' }] }, 'x...x.'],
  ['USE_LIMIT', { conditions: [{ kind: 'USE_LIMIT' }] }, '....xx'],
  ['SPECIALTY', { conditions: [{ kind: 'SPECIALTY' }] }, '....xx'],
  ['CONSENT_NEEDED', { data_protection: { retain_until: '2099-01-01', onward_needs_consent: true } }, 'x...x.'],
  ['HANDLING_RED', { handling: { tlp: 'RED', europol_codes: [] } }, 'xxxxx.'],
  ['HANDLING_AMBER_STRICT', { handling: { tlp: 'AMBER_STRICT', europol_codes: [] } }, 'x..xx.'],
  ['HANDLING_AMBER', { handling: { tlp: 'AMBER', europol_codes: [] } }, 'x...x.'],
  ['HANDLING_H1', { handling: { europol_codes: ['H1'] } }, '.x....'],
  ['HANDLING_H2', { handling: { europol_codes: ['H2'] } }, 'x..xx.'],
  ['HANDLING_H3', { handling: { europol_codes: ['H3'] } }, 'xx.xxx'],
  ['RETENTION_ENDED', { data_protection: { retain_until: '2026-01-01', onward_needs_consent: false } }, 'xxxxxx'],
  ['EXPIRED', { conditions: [{ kind: 'EXPIRY', until: '2026-01-01' }] }, 'xxxxxx'],
])('%s', (rule, change, forbidden) => {
  const found = USES.map((purpose) => useLimit(informed(change), undefined, useOf(purpose), EARLY));
  expect(found).toEqual(USES.map((_, at) => (forbidden[at] === 'x' ? rule : undefined)));
});

/** Information under a condition, and XA's consent to what XB asked for. */
function consented(asked: object, answered: object = {}): { readonly message: Message; readonly current: Case } {
  const message = informed({ conditions: [{ kind: 'NO_ONWARD' }, { kind: 'USE_LIMIT' }] });
  const request = messageOf(XB, bodyOf('use_consent_request', asked));
  const answer = messageOf(XA, bodyOf('use_consent_decision', { outcome: 'GRANT', ...answered }), {
    in_reply_to: request.header.message_id,
    issued_at: EARLY + 1,
  });
  return { message, current: caseOf(message, request, answer) };
}

test('consent covers the purpose and the state that it was asked for, and nothing else', () => {
  const { message, current } = consented({ purpose: 'FORWARD', onward_to: 'XC' });
  const limit = (use: IntendedUse): string | undefined => useLimit(message, current, use, EARLY + DAY_MS);
  expect(limit(useOf('FORWARD'))).toBeUndefined();
  expect(limit(useOf('FORWARD', { onward_to: 'XD' as JurisdictionCode }))).toBe('NO_ONWARD');
  expect(limit(useOf('DISCLOSURE'))).toBe('NO_ONWARD');
  expect(limit(useOf('OTHER_PROCEEDING'))).toBe('USE_LIMIT');
});

test('consent ends with its last day, is the sender’s alone, and covers nothing that comes later', () => {
  const asked = { purpose: 'OTHER_PROCEEDING' };
  const expiring = consented(asked, { conditions: [{ kind: 'EXPIRY', until: '2026-03-10' }] });
  const limit = ({ message, current }: typeof expiring, days: number): string | undefined =>
    useLimit(message, current, useOf('OTHER_PROCEEDING'), EARLY + days * DAY_MS);
  expect([9, 10].map((days) => limit(expiring, days))).toEqual([undefined, 'USE_LIMIT']);
  expect(limit(consented(asked, { outcome: 'REFUSE' }), 1)).toBe('USE_LIMIT');
  const { current } = consented(asked);
  const later = messageOf(XA, bodyOf('spontaneous_information', { conditions: [{ kind: 'USE_LIMIT' }] }), {
    issued_at: EARLY + 2,
  });
  expect(useLimit(later, current, useOf('OTHER_PROCEEDING'), EARLY + DAY_MS)).toBe('USE_LIMIT');
});

test('consent to items is about those items', () => {
  const { message, current } = consented({ purpose: 'OTHER_PROCEEDING', item_ids: ['e1'] });
  const limit = (items?: readonly string[]): string | undefined =>
    useLimit(message, current, useOf('OTHER_PROCEEDING', { items }), EARLY + DAY_MS);
  expect(limit(['e1'])).toBeUndefined();
  for (const other of [['e1', 'e2'], ['e2'], undefined]) expect(limit(other)).toBe('USE_LIMIT');
});

test('no consent brings back what is past its time', () => {
  const { current } = consented({ purpose: 'DISCLOSURE' });
  const message = informed({ data_protection: protection });
  expect(useLimit(message, current, useOf('DISCLOSURE'), EARLY + 10 * DAY_MS)).toBe('RETENTION_ENDED');
});

test('what was agreed before information comes binds all of it, but not an acknowledgement', () => {
  const offer = messageOf(XA, bodyOf('conditions_preflight', { conditions: [{ kind: 'NO_ONWARD' }] }));
  const { message_id: in_reply_to } = offer.header;
  const accepted = messageOf(XB, bodyOf('preflight_answer', { outcome: 'ACCEPT' }), { in_reply_to });
  const message = informed({});
  const current = caseOf(offer, accepted, message);
  const limit = (of: Message): string | undefined => useLimit(of, current, useOf('DISCLOSURE'), EARLY);
  expect(limit(message)).toBe('NO_ONWARD');
  expect(limit(messageOf(XA, bodyOf('close_case' satisfies BodyType)))).toBeUndefined();
  // Its own words are the informing side's: the conditions bind the other one.
  expect(current.conditions.map(({ binds }) => binds)).toEqual(['REQUESTED']);
});

test('a condition on one item is about what holds that item', () => {
  const item = (item_id: string, kinds: readonly string[]): object => ({
    item_id,
    conditions: kinds.map((kind) => ({ kind })),
  });
  const items = [item('e1', ['USE_LIMIT']), item('e2', [])];
  const message = messageOf(XB, bodyOf('evidence_transfer', { items, conditions: [] }));
  const limit = (wanted?: readonly string[]): string | undefined =>
    useLimit(message, undefined, useOf('OTHER_PROCEEDING', { items: wanted }), EARLY);
  expect([limit(['e1']), limit(['e2']), limit()]).toEqual(['USE_LIMIT', undefined, 'USE_LIMIT']);
  expect(message.header.message_id satisfies Uuid).toBeDefined();
});
