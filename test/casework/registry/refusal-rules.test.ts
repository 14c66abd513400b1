import { expect, test } from 'vitest';
import type { JurisdictionCode } from '../../../src/base/mod.ts';
import { refusalRulesOf } from '../../../src/casework/mod.ts';
import { REGISTRY } from '../../kit/registry.ts';

const question = {
  instruments: ['untoc'],
  requesting: 'XA' as JurisdictionCode,
  requested: 'XB' as JurisdictionCode,
  issued_at: Date.parse('2020-01-01'),
};

test('the state machine is told which grounds the instruments of the case bar on the day of the refusal', () => {
  const rules = refusalRulesOf(REGISTRY);
  expect(rules({ ...question, codes: ['BANK_SECRECY'] })).toEqual([
    { code: 'BANK_SECRECY', source: 'UNTOC art. 18(8)' },
  ]);
  expect(rules({ ...question, codes: ['FISCAL'] })).toEqual([{ code: 'FISCAL', source: 'UNTOC art. 18(22)' }]);
  expect(rules({ ...question, codes: ['FISCAL', 'POLITICAL'] })).toEqual([]);
  expect(rules({ ...question, codes: ['ESSENTIAL_INTERESTS'] })).toEqual([]);
  expect(rules({ ...question, codes: ['BANK_SECRECY'], issued_at: Date.parse('2001-01-01') })).toEqual([]);
  expect(rules({ ...question, codes: ['BANK_SECRECY'], instruments: ['unknown'] })).toEqual([]);
});
