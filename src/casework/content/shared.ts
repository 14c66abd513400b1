/** Rules of what is told unasked, asked of many, or signed by many. */
import type {
  HitAnswer,
  HitQuery,
  JitAgreement,
  JitProposal,
  JitUseConsent,
  PreflightAnswer,
  TeamTerms,
} from '../../wire/mod.ts';
import { consentFaults } from './protection.ts';
import { needed, uniqueFaults, type Add } from './rule.ts';

export function preflightFaults({ outcome, reasons }: PreflightAnswer, add: Add): void {
  if (outcome === 'DECLINE') needed(reasons, 'reasons', 'outcome DECLINE', add);
}

export function queryFaults({ identifiers }: HitQuery, add: Add): void {
  uniqueFaults(identifiers, 'identifiers', ({ scheme, digest }) => `${scheme} ${digest.join()}`, 'digest', add);
}

export function hitFaults({ outcome, hits, contact, reasons }: HitAnswer, add: Add): void {
  if (outcome === 'HIT') {
    needed(hits, 'hits', 'outcome HIT', add);
    needed(contact, 'contact', 'outcome HIT', add);
  } else if (hits.length > 0) {
    add('hits', 'CONFLICT', `contradict outcome ${outcome}`);
  }
  if (outcome === 'DECLINED') needed(reasons, 'reasons', 'outcome DECLINED', add);
  uniqueFaults(hits, 'hits', ({ position }) => String(position), 'position', add);
}

export function useConsentFaults(consent: JitUseConsent, add: Add): void {
  const { outcome, reasons } = consent;
  consentFaults(consent, add);
  if (outcome === 'REFUSED') needed(reasons, 'reasons', 'outcome REFUSED', add);
}

export function teamFaults({ terms, audience }: JitProposal | JitAgreement, add: Add): void {
  termsFaults(terms, add);
  const members = new Set(terms.members);
  audience.forEach((code, index) => {
    if (!members.has(code)) add(`audience[${index}]`, 'BAD_VALUE', 'is not a member of the team');
  });
  if (audience.length !== members.size - 1) add('audience', 'CONFLICT', 'must be every member but the sender');
}

function termsFaults({ members, leaders, seconded, from, until }: TeamTerms, add: Add): void {
  const isSorted = members.every((code, index) => index === 0 || members[index - 1]! < code);
  if (!isSorted) add('terms.members', 'BAD_VALUE', 'must be in ascending order, each once');
  if (members.length < 2) add('terms.members', 'BAD_VALUE', 'must be two or more');
  const known = new Set(members);
  for (const [list, people] of Object.entries({ leaders, seconded })) {
    people.forEach(({ jurisdiction }, index) => {
      if (!known.has(jurisdiction))
        add(`terms.${list}[${index}].jurisdiction`, 'BAD_VALUE', 'is not a member of the team');
    });
  }
  if (until < from) add('terms.until', 'OUT_OF_RANGE', 'is before the first day');
}
