export { checkDraft, type CheckResult, type CheckedDraft } from './check/check.ts';
export type { Finding, FindingCode, PossibleGround } from './check/finding.ts';
export {
  NO_REFUSAL_RULES,
  relatedTo,
  verifyAdmission,
  type BarredGround,
  type RefusalRules,
  type Related,
} from './admission.ts';
export { placeStep, takeOwnStep, takePeerStep, withdrawStep, type Case } from './case.ts';
export { endOfSpan } from './clock/calendar.ts';
export { NO_CLOCK_RULES, clocksOf, type ClockRules } from './clock/clock.ts';
export type { CaseClock, ClockEvent, ClockState, TimedCase, TimedStep } from './clock/clock-state.ts';
export { contentFaults } from './content.ts';
export { CASE_KINDS, transitionsMarkdown, transitionsMermaid, transitionsText } from './document.ts';
export { CaseworkError, RegistryError, type CaseworkErrorCode } from './error.ts';
export type { BoundCondition, Consent, StepRefusal } from './folded.ts';
export { caseFormLines, caseStandText, type CaseOnPaper } from './form/case-form.ts';
export { FORM_LANGUAGES, parseCodeLists, type FormLanguage } from './form/code-list.ts';
export { formLines } from './form/form.ts';
export { isCoercive } from './measure-type.ts';
export type { Obligation } from './obligation.ts';
export type { CaseKind, CaseState, ObligationKind, Party } from './state.ts';
export { proceedingOf, type CaseStep } from './step.ts';
export { statisticsCsv, type Direction, type PartnerFigures, type Statistics } from './statistics/figures.ts';
export { Tally, type StatisticsScope } from './statistics/tally.ts';
export { isForNamedReaders, isFurnishing, protectionOf, useLimit, type IntendedUse } from './use-limit.ts';
export { draftTemplate, exampleOf } from './template.ts';
export type { Transition } from './table/row.ts';
export { TRANSITIONS, kindOpenedBy } from './transition.ts';
export {
  proposeBasis,
  type BasisCandidate,
  type BasisProposal,
  type BasisQuestion,
  type FallReason,
  type FallenInstrument,
  type Reason,
} from './registry/basis.ts';
export { isBinding, parseRegistry, type Registry } from './registry/registry.ts';
export type { RegistryDocument } from './registry/document.ts';
export { refusalRulesOf } from './registry/rules.ts';
export { parseStates, type StateData, type States } from './registry/state.ts';
export { SUBJECTS, type ClockRule, type Instrument, type Sourced, type Subject, type When } from './registry/schema.ts';
