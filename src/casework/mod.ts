export { applyStep, refold, type Case, type CaseStep, type StepRefusal } from './case.ts';
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
export { isBinding, parseRegistry, type Registry, type RegistryDocument } from './registry/registry.ts';
export { SUBJECTS, type ClockRule, type Instrument, type Sourced, type Subject, type When } from './registry/schema.ts';
