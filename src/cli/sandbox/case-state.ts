/** Holds the two sides of a case against each other: each node has folded it by itself. */
import { isDeepStrictEqual } from 'node:util';
import type { JurisdictionCode } from '../../base/mod.ts';
import type { Case } from '../../casework/mod.ts';
import { failed, type Run } from './run.ts';

/** A case of a scenario as both of its sides have it. */
export interface PlayedCase {
  readonly label: string;
  readonly case_id: string;
  readonly kind: Case['kind'];
  readonly parties: readonly [JurisdictionCode, JurisdictionCode];
  /** By jurisdiction. */
  readonly states: Readonly<Record<string, Case['state']>>;
  /** Both sides have the same state of every measure, the same obligations and the same conditions. */
  readonly agree: boolean;
  /** It ended in the state in which the scenario says that it has to. */
  readonly as_told: boolean;
}

const SETTLE_MS = 10_000;

/** The state of a case that two nodes agree on. @throws {CliError} CLI_SCENARIO_INVALID when they do not */
export async function stateAtBoth(run: Run, caseId: string, a: JurisdictionCode, b: JurisdictionCode): Promise<string> {
  const [here, there] = await bothSides(run, caseId, a, b);
  if (here === undefined || there === undefined || !isSame(here, there))
    throw failed(caseId, `${a} has the case as ${here?.state}, and ${b} as ${there?.state}`);
  return here.state;
}

/** Every case of the scenario, pair by pair, once all receipts are held. */
export async function compareCases(run: Run): Promise<PlayedCase[]> {
  const compared: PlayedCase[] = [];
  const labels = new Map([...run.cases].map(([label, caseId]) => [caseId, label]));
  const caseIds = new Set(run.played.flatMap(({ case_id: id }) => (id === undefined ? [] : [id])));
  for (const caseId of caseIds) {
    const label = labels.get(caseId) ?? run.played.find(({ case_id: id }) => id === caseId)!.step;
    const ends = run.scenario.ends[label];
    for (const [a, b] of pairsOf(run, caseId)) {
      const [here, there] = await bothSides(run, caseId, a, b);
      compared.push({
        label,
        case_id: caseId,
        kind: here!.kind,
        parties: [a, b],
        states: { [a]: here!.state, [b]: there!.state },
        agree: isSame(here!, there!),
        as_told: ends === undefined || (here!.state === ends && there!.state === ends),
      });
    }
  }
  return compared;
}

function pairsOf(run: Run, caseId: string): [JurisdictionCode, JurisdictionCode][] {
  const pairs = run.played
    .filter((message) => message.case_id === caseId)
    .map(({ from, to }): [JurisdictionCode, JurisdictionCode] => (from < to ? [from, to] : [to, from]));
  return [...new Map(pairs.map((pair) => [pair.join(), pair])).values()];
}

// A receipt may still be on its way from the disk of one to the fold of the other.
async function bothSides(
  run: Run,
  caseId: string,
  a: JurisdictionCode,
  b: JurisdictionCode,
): Promise<readonly [Case | undefined, Case | undefined]> {
  const deadline = Date.now() + SETTLE_MS;
  for (;;) {
    const sides = [await sideOf(run, caseId, a, b), await sideOf(run, caseId, b, a)] as const;
    const [here, there] = sides;
    const isSettled = here !== undefined && there !== undefined && isSame(here, there);
    if (isSettled || Date.now() > deadline) return sides;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

async function sideOf(
  run: Run,
  caseId: string,
  at: JurisdictionCode,
  peer: JurisdictionCode,
): Promise<Case | undefined> {
  const cases = await run.client(at).get<Case[]>(`cases/${caseId}`);
  return cases.find(({ requesting, requested }) => requesting === peer || requested === peer);
}

function isSame(here: Case, there: Case): boolean {
  const essence = ({ kind, state, measures, held, obligations, conditions, rounds, marks }: Case): unknown => ({
    kind,
    state,
    measures,
    held,
    obligations,
    conditions,
    rounds,
    marks,
  });
  return isDeepStrictEqual(essence(here), essence(there));
}
