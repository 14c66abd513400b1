/** What a sender's conditions and labels forbid, rule by rule, on the days on which they do. */
import { expect, test } from 'vitest';
import { onwardLimit } from '../../src/casework/mod.ts';
import { EARLY, XA, bodyOf, messageOf } from '../kit/casework.ts';

const DAY_MS = 24 * 3_600_000;
const protection = { retain_until: '2026-03-10', onward_needs_consent: false };
const limit = (change: object, days = 0, steps: object[] = []): string | undefined =>
  onwardLimit(
    messageOf(XA, bodyOf('spontaneous_information', { conditions: [], handling: undefined, ...change })),
    { steps: steps as never },
    EARLY + days * DAY_MS,
  );

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
  [{ handling: { tlp: 'RED' } }, 'HANDLING_RED'],
  [{ handling: { tlp: 'AMBER_STRICT' } }, undefined],
])('%j: %s', (change, rule, days = 0) => {
  expect(limit(change, days)).toBe(rule);
});

test('the sender’s consent lifts a condition, nobody else’s does, and none lifts the end of retention', () => {
  const consent = { by: XA, type: 'use_consent_decision', outcome: 'GRANT', issued_at: EARLY + 1 };
  const bound = { conditions: [{ kind: 'NO_ONWARD' }] };
  expect(limit(bound, 0, [consent])).toBeUndefined();
  for (const other of [{ by: 'XB' }, { outcome: 'REFUSE' }, { issued_at: EARLY - 1 }])
    expect(limit(bound, 0, [{ ...consent, ...other }])).toBe('NO_ONWARD');
  expect(limit({ data_protection: protection }, 10, [consent])).toBe('RETENTION_ENDED');
});
