import type { JurisdictionCode } from '../../base/mod.ts';
import type { Body } from '../../wire/mod.ts';
import { contentFaults } from '../content.ts';
import type { Registry } from '../registry/registry.ts';
import { speakingInstruments, type Relation } from '../registry/rules.ts';
import type { Instrument } from '../registry/schema.ts';
import type { States } from '../registry/state.ts';
import { basisFindings } from './basis-findings.ts';
import { deadlineFindings } from './deadline.ts';
import { missingAt } from './field-path.ts';
import { advice, type Finding, type PossibleGround } from './finding.ts';
import { barredFindings, groundsOf } from './grounds.ts';
import { languageFindings } from './language.ts';
import { applies, factsOf, requestOf, type RequestAt } from './request.ts';

/** A message that is about to be sent, and what is known around it. */
export interface CheckedDraft {
  readonly body: Body;
  readonly from: JurisdictionCode;
  readonly to: JurisdictionCode;
  /** The day on which it is judged, such as `2021-03-01`. */
  readonly date: string;
  /** Instruments of the case it belongs to, where it opens none. */
  readonly instruments?: readonly string[] | undefined;
}

/** Everything a person should see before the message leaves. */
export interface CheckResult {
  readonly findings: readonly Finding[];
  /** Instruments whose rules were read: those named that bind both, and what adds to them. */
  readonly instruments: readonly string[];
  readonly may_refuse: readonly PossibleGround[];
}

/**
 * Checks a message against the rules of the program and, as advice, against the treaty registry.
 * @see UNTOC art. 18(15); CETS 198 arts 37–38: what a request lacks is said before it is sent, not after
 */
export function checkDraft(registry: Registry, states: States, draft: CheckedDraft): CheckResult {
  const { body } = draft;
  const findings: Finding[] = contentFaults(body).map(({ path, message }) => ({
    severity: 'ERROR',
    path,
    code: 'FIELD_INVALID',
    message,
    confirmed: true,
  }));
  const request = requestOf(body);
  const relation = relationOf(draft, request !== undefined);
  const named =
    request === undefined ? (draft.instruments ?? []) : request.legal_basis.map((basis) => basis.instrument);
  const instruments = speakingInstruments(registry, named, relation);
  // What the program itself asks for is said once.
  const said = new Set(findings.map(({ path }) => path));
  findings.push(...contentFindings(instruments, body, request).filter(({ path }) => !said.has(path)));
  findings.push(...barredFindings(instruments, body));
  findings.push(...languageFindings(instruments, states, draft, request?.urgency));
  const grounds: PossibleGround[] = [];
  if (request !== undefined) {
    const facts = factsOf(request);
    findings.push(...basisFindings(registry, request, relation));
    findings.push(...deadlineFindings(instruments, request, facts, draft.date));
    for (const ground of groundsOf(instruments, request, facts)) {
      if ('severity' in ground) findings.push(ground);
      else grounds.push(ground);
    }
  }
  return {
    findings,
    instruments: instruments.map(({ instrument_id: id }) => id),
    may_refuse: grounds,
  };
}

// A message of the requested state speaks of a request that went the other way.
function relationOf({ from, to, date }: CheckedDraft, isRequest: boolean): Relation {
  return isRequest ? { from, to, date } : { from: to, to: from, date };
}

function contentFindings(instruments: readonly Instrument[], body: Body, request: RequestAt | undefined): Finding[] {
  const found = new Map<string, Finding>();
  const { type, value, path } = request ?? { ...body, path: body.type };
  const facts = request === undefined ? undefined : factsOf(request);
  for (const { content, short_title: title } of instruments) {
    for (const rule of content) {
      if (rule.message !== type || !applies(rule.when, type, value, facts)) continue;
      for (const field of missingAt(value, rule.field)) {
        const at = `${path}.${field}`;
        const message = `is asked for by ${title} art. ${rule.article}: ${rule.text}`;
        // Several instruments ask for the same: the first says it.
        if (!found.has(at)) found.set(at, advice(at, 'MISSING_CONTENT', message, rule));
      }
    }
  }
  return [...found.values()];
}
