import type { Fault, FaultCode } from './error.ts';

// A faulty document can be faulty everywhere; a person needs a screenful, and a peer must not make us build more.
const MAX_FAULTS = 100;

/** The faults of one document as they are found, each with its path. */
export class FaultList {
  readonly faults: Fault[] = [];
  // Where the walk stands: a path is made of it only where there is a fault to tell.
  readonly #trail: (string | number)[] = [];

  /** Goes on inside a member, or an element. */
  enter(step: string | number): void {
    this.#trail.push(step);
  }

  leave(): void {
    this.#trail.pop();
  }

  add(code: FaultCode, message: string): void {
    if (this.faults.length < MAX_FAULTS) this.faults.push({ path: pathOf(this.#trail), code, message });
  }
}

function pathOf(trail: readonly (string | number)[]): string {
  return trail.reduce<string>((path, step) => {
    if (typeof step === 'number') return `${path}[${step}]`;
    return path === '' ? step : `${path}.${step}`;
  }, '');
}
