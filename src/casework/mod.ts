export { applyStep, refold, type Case, type CaseStep, type StepRefusal } from './case.ts';
export { contentFaults } from './content.ts';
export { CaseworkError, type CaseworkErrorCode } from './error.ts';
export { isCoercive } from './measure-type.ts';
export { TRANSITIONS, transitionOf, type CaseState, type Party, type Transition } from './transition.ts';
