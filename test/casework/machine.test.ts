/** The state machines as a whole: every row can be walked, and two nodes that fold the same messages never come to differ. */
import { describe, expect, test } from 'vitest';
import type { JurisdictionCode, Uuid } from '../../src/base/mod.ts';
import {
  TRANSITIONS,
  placeStep,
  takeOwnStep,
  takePeerStep,
  withdrawStep,
  type Case,
  type CaseKind,
  type CaseState,
  type Transition,
} from '../../src/casework/mod.ts';
import type { Message } from '../../src/wire/mod.ts';
import { fc } from '../kit/property.ts';
import { XA, XB, attemptMessage, attemptsOf, type Attempt } from '../kit/casework.ts';

const KINDS = [...new Set(TRANSITIONS.map(({ kind }) => kind))];
const SEQUENCES = process.env['SLOW'] === '1' ? Number(process.env['ROGATORY_SEQUENCES'] ?? 100_000) : 2_000;
const TIMEOUT_MS = 600_000;

describe.each(KINDS)('%s', (kind) => {
  const rows = TRANSITIONS.filter((row) => row.kind === kind);

  test('has one answer to everything', () => {
    const keys = rows.flatMap(({ from, opening, message, by, outcome, guards }) =>
      [...from, ...(opening === true ? ['–'] : [])].flatMap((state) =>
        (by === 'EITHER' ? ['REQUESTING', 'REQUESTED'] : [by]).map((party) =>
          [state, message, party, outcome, guards].join(),
        ),
      ),
    );
    expect(keys.filter((key, index) => keys.indexOf(key) !== index)).toEqual([]);
  });

  test('every row can be walked, from every state that it names', () => {
    const wanted = new Set(
      rows.flatMap((row) => [...row.from, ...(row.opening ? [undefined] : [])].map((from) => nameOf(row, from))),
    );
    walkEverything(kind, (before, attempt, after) => {
      for (const row of rows.filter((each) => isTaken(each, before, attempt, after)))
        wanted.delete(nameOf(row, before?.state));
      return wanted.size > 0;
    });
    expect([...wanted]).toEqual([]);
  });
});

function nameOf(row: Transition, from: CaseState | undefined): string {
  return `${row.no} ${from ?? '–'} ${row.message} ${row.outcome ?? ''} by ${row.by} → ${row.to}`;
}

// A case with one measure is in that measure's state, so that what the row promises can be read from the case.
function isTaken(row: Transition, before: Case | undefined, { by, body }: Attempt, after: Case): boolean {
  const outcome = after.steps.at(-1)!.outcome;
  const isAbout =
    row.message === body.type && (row.by === by || row.by === 'EITHER') && (row.outcome ?? outcome) === outcome;
  const isFrom = before === undefined ? row.opening === true : row.from.includes(before.state);
  const prior = before?.held[Object.keys(before.measures)[0] ?? '']?.at(-1)?.state;
  const to = row.to === 'SAME' ? before?.state : row.to === 'PRIOR' ? prior : row.to;
  return isAbout && isFrom && to === after.state;
}

// What moves nothing, and may be open beside anything, is only answered: every way on from there is walked without it.
const ANSWERS_ASIDE = new Set(['use_consent_decision', 'jit_use_consent', 'erasure_answer']);

/** Tries everything in every situation that can be reached, nearest first, until `visit` says that it has seen enough. */
function walkEverything(
  kind: CaseKind,
  visit: (before: Case | undefined, attempt: Attempt, after: Case) => boolean,
): void {
  const attempts = attemptsOf(kind);
  const answers = attempts.filter(({ body }) => ANSWERS_ASIDE.has(body.type));
  const seen = new Set<string>();
  const open: (Case | undefined)[] = [undefined];
  for (const current of open) {
    const isAside =
      current?.obligations.some(({ kind: owed }) => owed === 'USE_CONSENT' || owed === 'ERASURE') === true;
    for (const attempt of isAside ? answers : attempts) {
      const next = takeOwnStep(current, attemptMessage(kind, attempt));
      if (!next.ok) continue;
      if (!visit(current, attempt, next.value)) return;
      const { state, held, obligations, marks, conditions, rounds, has_rules: rules } = next.value;
      const owed = [
        ...new Set(obligations.map((owes) => [owes.kind, owes.owed_by, owes.more_to_follow].join())),
      ].sort();
      const key = JSON.stringify([
        state,
        held,
        owed,
        marks,
        [...new Set(conditions.map((bound) => bound.kind))],
        rounds,
        rules,
      ]);
      if (seen.has(key)) continue;
      seen.add(key);
      open.push(next.value);
    }
  }
}

/** The same table, read anew for a case of one measure: its state and nothing else, without the code under test. */
function stateByTable(found: Case): CaseState | undefined {
  let state: CaseState | undefined;
  let before: CaseState[] = [];
  const closers = new Set<string>();
  for (const { type, by, outcome } of found.steps) {
    const party = by === found.requesting ? 'REQUESTING' : 'REQUESTED';
    const row = TRANSITIONS.find(
      (each) =>
        each.kind === found.kind &&
        each.message === type &&
        (each.by === party || each.by === 'EITHER') &&
        (state === undefined ? each.opening === true : each.from.includes(state)) &&
        (each.outcome === undefined || each.outcome === outcome),
    );
    if (row === undefined) throw new Error(`${type} by ${party} was taken in ${state}`);
    if (type === 'close_case' || type === 'jit_close') closers.add(by);
    const to = closers.size === 2 ? 'CLOSED' : row.to;
    if (to === 'SAME') continue;
    if (to === 'PRIOR') {
      state = before.pop()!;
    } else {
      before = ['CLARIFY', 'LIFT_INTENDED', 'CONFISCATION_REQUESTED'].includes(to)
        ? [...before, state ?? 'LOCATED']
        : [];
      state = to;
    }
  }
  return state;
}

interface Answer {
  readonly ok: boolean;
  readonly index: number;
}

/** One node: its case, its ledger's length, what it sent, and what it answered. */
class Side {
  readonly code: JurisdictionCode;
  case: Case | undefined;
  readonly out: { readonly message: Message; readonly index: number }[] = [];
  readonly answers = new Map<Uuid, Answer>();
  arrived = 0;
  heard = 0;
  #size = 0;

  constructor(code: JurisdictionCode) {
    this.code = code;
  }

  send(message: Message): boolean {
    const step = takeOwnStep(this.case, message);
    if (step.ok) this.#queue(message, step.value);
    return step.ok;
  }

  /** Sends what its own check would not let pass. */
  cheat(message: Message): void {
    this.out.push({ message, index: this.#size++ });
  }

  /** Answers once; a copy gets the same answer again. */
  take({ message, index }: Side['out'][number], isUnwelcome: boolean): Answer {
    const { message_id: id } = message.header;
    const known = this.answers.get(id);
    if (known !== undefined) return known;
    const step = takePeerStep(this.case, message, index);
    const answer = { ok: step.ok && !isUnwelcome, index: this.#size++ };
    if (step.ok && answer.ok) this.case = this.#placed(step.value, id, answer.index);
    this.answers.set(id, answer);
    return answer;
  }

  hear({ message }: Side['out'][number], answer: Answer): void {
    const { message_id: id } = message.header;
    if (this.case === undefined) return;
    if (!answer.ok) this.case = withdrawStep(this.case, id);
    else if (this.case.requested !== this.code) this.case = placeStep(this.case, id, answer.index);
  }

  #queue(message: Message, value: Case): void {
    const index = this.#size++;
    this.case = this.#placed(value, message.header.message_id, index);
    this.out.push({ message, index });
  }

  #placed(value: Case, id: Uuid, index: number): Case {
    return value.requested === this.code ? placeStep(value, id, index) : value;
  }
}

/** Two nodes and what is between them: messages in order, receipts that lag, copies after a lost session. */
class Pair {
  readonly a = new Side(XA);
  readonly b = new Side(XB);
  isUnwelcome = false;

  otherOf(side: Side): Side {
    return side === this.a ? this.b : this.a;
  }

  arrive(from: Side, isUnwelcome = false): Answer | undefined {
    const next = from.out[from.arrived];
    if (next === undefined) return undefined;
    from.arrived++;
    this.isUnwelcome ||= isUnwelcome;
    return this.otherOf(from).take(next, isUnwelcome);
  }

  /** A session was lost with the receipts on their way: everything unanswered is delivered again. */
  lose(from: Side): void {
    from.arrived = from.heard;
  }

  hear(from: Side): void {
    const next = from.out[from.heard];
    if (next === undefined || from.heard >= from.arrived) return;
    from.heard++;
    from.hear(next, this.otherOf(from).answers.get(next.message.header.message_id)!);
  }

  settle(): void {
    const sides = [this.a, this.b];
    for (const side of sides) while (side.arrived < side.out.length) this.arrive(side);
    for (const side of sides) while (side.heard < side.out.length) this.hear(side);
  }
}

const side = fc.constantFrom('a' as const, 'b' as const);
const action = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({ do: fc.constant('try' as const), side, choice: fc.nat(10_000), legal: fc.boolean() }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('arrive' as const), side }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('hear' as const), side }) },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constantFrom('lose' as const, 'cheat' as const, 'settle' as const),
      side,
      choice: fc.nat(10_000),
    }),
  },
);

const attemptsBySide = new Map<string, readonly Attempt[]>();

/** What a side could try in a state, by the table's messages and states alone; everything it ever could, without a state. */
function attemptsFrom(from: Side, kind: CaseKind, isLegal: boolean): readonly Attempt[] {
  const state = from.case?.state;
  const key = [kind, from.code, isLegal ? (state ?? '–') : ''].join();
  const known = attemptsBySide.get(key);
  if (known !== undefined) return known;
  const own = attemptsOf(kind).filter(
    (attempt) =>
      attemptMessage(kind, attempt).header.from === from.code &&
      (!isLegal ||
        TRANSITIONS.some(
          (row) =>
            row.kind === kind &&
            row.message === attempt.body.type &&
            (state === undefined ? row.opening === true : row.from.includes(state)),
        )),
  );
  attemptsBySide.set(key, own);
  return own;
}

/** Something to try: when it is to be legal, the first that is, from a random one on. */
function choose(from: Side, kind: CaseKind, choice: number, isLegal: boolean): Message {
  const likely = attemptsFrom(from, kind, isLegal);
  for (let n = 0; isLegal && n < likely.length; n++) {
    const message = attemptMessage(kind, likely[(choice + n) % likely.length]!);
    if (takeOwnStep(from.case, message).ok) return message;
  }
  const own = attemptsFrom(from, kind, false);
  return attemptMessage(kind, own[choice % own.length]!);
}

function play(kind: CaseKind, actions: readonly Action[], refusals: ReadonlySet<number>): Pair {
  const pair = new Pair();
  let arrivals = 0;
  for (const each of actions) {
    const from = pair[each.side];
    if (each.do === 'try') from.send(choose(from, kind, each.choice, each.legal));
    else if (each.do === 'arrive') pair.arrive(from, refusals.has(arrivals++));
    else if (each.do === 'hear') pair.hear(from);
    else if (each.do === 'lose') pair.lose(from);
    else pair.settle();
    if (each.do !== 'cheat') continue;
    const message = choose(from, kind, each.choice, false);
    if (takeOwnStep(from.case, message).ok) continue;
    from.cheat(message);
    // Nothing is on its way that could make it legal: whoever sent it, the other side refuses it.
    expect(pair.arrive(from)!.ok).toBe(false);
    pair.hear(from);
  }
  pair.settle();
  return pair;
}

type Action = typeof action extends fc.Arbitrary<infer T> ? T : never;

describe('two nodes', () => {
  const sequence = fc.tuple(
    fc.constantFrom(...KINDS, 'REQUEST' as const, 'ASSET' as const),
    fc.array(action, { minLength: 5, maxLength: 40, size: 'max' }),
  );

  test(
    'never come to differ, and never take what the table does not have',
    () => {
      let steps = 0;
      fc.assert(
        fc.property(sequence, ([kind, actions]) => {
          const { a, b } = play(kind, actions, new Set());
          expect(a.case).toEqual(b.case);
          if (a.case === undefined) return;
          expect(a.case.steps.every(({ index }) => index !== undefined)).toBe(true);
          expect(a.case.state).toBe(stateByTable(a.case));
          steps += a.case.steps.length;
        }),
        { numRuns: SEQUENCES },
      );
      // Sequences that go nowhere would prove nothing.
      expect(steps / SEQUENCES).toBeGreaterThan(3);
    },
    TIMEOUT_MS,
  );

  test(
    'agree also when either refuses messages for reasons of its own',
    () => {
      fc.assert(
        fc.property(sequence, fc.uniqueArray(fc.nat(20), { maxLength: 4 }), ([kind, actions], refusals) => {
          const { a, b } = play(
            kind,
            actions.filter((each) => each.do !== 'cheat'),
            new Set(refusals),
          );
          expect(a.case).toEqual(b.case);
        }),
        { numRuns: SEQUENCES / 2 },
      );
    },
    TIMEOUT_MS,
  );
});
