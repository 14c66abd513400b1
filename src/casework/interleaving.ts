/**
 * Where a step of the ordering side stands among the steps of this side that have no receipt yet. It was taken there, after some of them
 * and before others, so it is legal if any such order makes it so; which order it was, the receipts will tell.
 */
import { accept, refuse, type Verdict } from '../base/mod.ts';
import type { Folded, StepRefusal } from './folded.ts';
import type { CaseStep } from './step.ts';

/** Takes one step on what the steps before it amount to. */
export type Take = (folded: Folded | undefined, step: CaseStep) => Verdict<Folded, StepRefusal>;

// Whoever holds back receipts must not make this node try orders for ever. Real cases need a few tries.
const MAX_TRIES = 2_000;

/**
 * The steps in an order in which the new one is legal: numbered steps by their numbers, unanswered ones in the order in which they were
 * sent. The new step stands as early among the unanswered ones as it can.
 * @param steps as folded so far: nothing that is unanswered stands before an own step that has its number
 * @param step with its number, in the ledger of its sender
 */
export function interleave(
  steps: readonly CaseStep[],
  step: CaseStep,
  take: Take,
): Verdict<readonly CaseStep[], StepRefusal> {
  const settled = steps.findLastIndex(({ by, index }) => by !== step.by && index !== undefined) + 1;
  const path = steps.slice(0, settled);
  const numbered = steps.filter(({ index }, at) => at >= settled && index !== undefined);
  const unanswered = steps.filter(({ index }) => index === undefined);
  // An own step with a later number proves that those without one, sent after it, are later still.
  const at = path.findIndex(({ index }) => index! > step.index!);
  if (at >= 0) {
    const verdict = take(foldAll(undefined, path.slice(0, at), take), step);
    return verdict.ok ? accept([...path.slice(0, at), step, ...steps.slice(at)]) : verdict;
  }
  const earlier = numbered.filter(({ index }) => index! < step.index!);
  const later = numbered.filter(({ index }) => index! > step.index!);
  const search: Search = { path, earlier, unanswered, step, take, tries: MAX_TRIES + steps.length, refusal: undefined };
  if (isFound(search, foldAll(undefined, path, take), 0, 0)) return accept([...path, ...later]);
  return search.refusal ?? refuse('ILLEGAL_STEP', `The ${step.type} is possible in no order that was tried.`);
}

/** What a sequence of steps amounts to. One that is illegal at its place, because what it stood on is gone, is passed over. */
export function foldAll(before: Folded | undefined, steps: readonly CaseStep[], take: Take): Folded | undefined {
  let folded = before;
  for (const step of steps) {
    const next = take(folded, step);
    if (next.ok) folded = next.value;
  }
  return folded;
}

interface Search {
  /** The order so far; in the end, all of it up to the unanswered steps that come last. */
  readonly path: CaseStep[];
  readonly earlier: readonly CaseStep[];
  readonly unanswered: readonly CaseStep[];
  readonly step: CaseStep;
  readonly take: Take;
  tries: number;
  refusal: { readonly ok: false; readonly reason: StepRefusal; readonly detail: string } | undefined;
}

function isFound(search: Search, folded: Folded | undefined, numbered: number, own: number): boolean {
  const { path, earlier, unanswered, step, take } = search;
  if ((search.tries -= 1) < 0) return false;
  const next = earlier[numbered] ?? step;
  const taken = take(folded, next);
  if (next === step) {
    if (taken.ok) path.push(step, ...unanswered.slice(own));
    else search.refusal ??= taken;
    if (taken.ok) return true;
  } else if (taken.ok && isFoundAfter(search, next, taken.value, numbered + 1, own)) {
    return true;
  }
  const unheard = unanswered[own];
  if (unheard !== undefined) return isFoundAfter(search, unheard, foldAll(folded, [unheard], take), numbered, own + 1);
  return next !== step && !taken.ok && isFoundAfter(search, next, folded, numbered + 1, own);
}

function isFoundAfter(
  search: Search,
  step: CaseStep,
  folded: Folded | undefined,
  numbered: number,
  own: number,
): boolean {
  search.path.push(step);
  if (isFound(search, folded, numbered, own)) return true;
  search.path.pop();
  return false;
}
