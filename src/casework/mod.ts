export { applyStep, refold, type Case, type CaseStep, type StepRefusal } from './case.ts';
export { checkDraft, type CheckResult, type CheckedDraft } from './check/check.ts';
export type { Finding, FindingCode, PossibleGround } from './check/finding.ts';
export { contentFaults } from './content.ts';
export { CaseworkError, RegistryError, type CaseworkErrorCode } from './error.ts';
export { isCoercive } from './measure-type.ts';
export { TRANSITIONS, transitionOf, type CaseState, type Party, type Transition } from './transition.ts';
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
export { parseStates, type StateData, type States } from './registry/state.ts';
export { SUBJECTS, type ClockRule, type Instrument, type Sourced, type Subject, type When } from './registry/schema.ts';
