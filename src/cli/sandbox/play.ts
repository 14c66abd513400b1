import type { ClocksAnswer, SentAnswer } from '../../api/mod.ts';
import { ApiClient, RemoteError } from '../../client/mod.ts';
import { proposeBasis } from '../../casework/mod.ts';
import { counted, isoTime, type JurisdictionCode } from '../../base/mod.ts';
import type { ExchangeEvent } from '../../exchange/mod.ts';
import { BODY_TYPES, type BodyType } from '../../wire/mod.ts';
import { loadKnowledge } from '../message-check.ts';
import { compareCases, stateAtBoth, type PlayedCase } from './case-state.ts';
import type { SandboxNode } from './federation.ts';
import { fetchExhibits, makeExhibit } from './exhibit.ts';
import { failed, Run, type PlayedMessage } from './run.ts';
import { draftOf, type Scenario } from './scenario.ts';
import {
  recipientsOf,
  type BasisStep,
  type ClockStep,
  type MessageStep,
  type ScenarioStep,
  type TransferStep,
} from './step.ts';
import type { SandboxOffices } from './staff.ts';
import { timelineLine } from './timeline.ts';

/** A step that was refused, as the scenario says that it has to be. */
export interface PlayedRefusal {
  readonly step: string;
  readonly from: JurisdictionCode;
  readonly to: JurisdictionCode;
  readonly code: string;
}

/** What became of a scenario. */
export interface Played {
  readonly messages: readonly PlayedMessage[];
  readonly refusals: readonly PlayedRefusal[];
  readonly cases: readonly PlayedCase[];
}

const RECEIPT_WAIT_MS = 60_000;
const SETTLE_MS = 10_000;
const HOUR_MS = 3_600_000;

/**
 * Plays a scenario through the nodes' own interfaces, telling each event as it happens.
 * @throws {CliError} CLI_SCENARIO_INVALID for a step that does not go as the scenario says
 */
export async function playScenario(
  scenario: Scenario,
  staff: SandboxOffices,
  tell: (line: string) => void,
): Promise<Played> {
  const listening = new AbortController();
  const run = new Run(scenario, staff, tell);
  const refusals: PlayedRefusal[] = [];
  const held = new Set<string>();
  for (const code of staff.keys()) {
    await run.client(code).stream<ExchangeEvent>(
      'events',
      (event) => {
        tell(timelineLine(code, event));
        if (event.kind === 'RECEIPT_HELD' || event.kind === 'REFUSAL_HELD') held.add(event.message_id);
      },
      listening.signal,
    );
  }
  try {
    for (const step of scenario.steps) {
      if (step.title !== undefined) tell(`\n${step.title}`);
      refusals.push(...(await take(run, step)));
    }
    // The last line of the story may still be on its way through the socket.
    const deadline = Date.now() + SETTLE_MS;
    while (held.size < run.played.length && Date.now() < deadline)
      await new Promise((resolve) => setTimeout(resolve, 10));
  } finally {
    listening.abort();
  }
  return { messages: run.played, refusals, cases: await compareCases(run) };
}

async function take(run: Run, step: ScenarioStep): Promise<readonly PlayedRefusal[]> {
  switch (step.kind) {
    case 'message':
    case 'transfer': {
      const refusals: PlayedRefusal[] = [];
      for (const to of recipientsOf(step)) refusals.push(...(await send(run, step, to)));
      return refusals;
    }
    case 'exhibit':
      await makeExhibit(run, step);
      return [];
    case 'fetch':
      await fetchExhibits(run, step);
      return [];
    case 'basis':
      askRegistry(run, step);
      return [];
    case 'clock':
      await lookAtClock(run, step);
      return [];
    default:
      return step satisfies never;
  }
}

async function send(
  run: Run,
  step: MessageStep | TransferStep,
  to: JurisdictionCode,
): Promise<readonly PlayedRefusal[]> {
  const { id, from, refused } = step;
  const answer = await post(run, step, to).catch((error: unknown) => {
    if (!(error instanceof RemoteError)) throw error;
    if (error.code === refused) return error;
    const faults = error.faults.map(({ path, message }) => ` ${path} ${message}`);
    throw failed(id, `${error.code}: ${error.message}${faults.join(';')}`);
  });
  if (answer instanceof RemoteError) {
    run.tell(`  ${from}’s own node refuses to send it: ${answer.code}. ${answer.message}`);
    return [{ step: id, from, to, code: answer.code }];
  }
  const { message, receipt } = answer;
  const { status, reason } = message;
  if (refused !== undefined) {
    if (status !== 'REFUSED' || reason !== refused)
      throw failed(id, `it was to be refused (${refused}) and is ${status}`);
    return [{ step: id, from, to, code: refused }];
  }
  if (status !== 'RECEIVED') throw failed(id, `${to} has it as ${status}${reason === undefined ? '' : ` (${reason})`}`);
  run.record({ ...message, step: id, from, to, receipt }, step.case);
  if (step.state === undefined) return [];
  const found = await stateAtBoth(run, message.case_id!, from, to);
  if (found !== step.state) throw failed(id, `the case is ${found} and was to be ${step.state}`);
  run.tell(`  the case is ${found} at ${from} and at ${to}`);
  return [];
}

/** Has a message written by whoever writes such messages at its node, and approved by another person. */
function post(run: Run, step: MessageStep | TransferStep, to: JurisdictionCode): Promise<SentAnswer> {
  const { id, from } = step;
  const answered = step.in_reply_to === undefined ? undefined : run.messageOf(step.in_reply_to, from, to);
  const office = run.office(from);
  const told = (author: string): void => {
    run.tell(`                ${from}  ${author} wrote “${id}”, approver lets it out`);
  };
  if (step.kind === 'message') {
    const draft = draftOf(step, Date.now(), answered, run.references(from, to)) as Readonly<Record<string, unknown>>;
    const caseId = caseToKnow(draft) ?? answered?.case_id;
    return office.send({ to, draft }, typeOf(draft), caseId, RECEIPT_WAIT_MS, told);
  }
  const caseId = run.caseId(step.case, id);
  const evidence = {
    case_id: caseId,
    items: step.items,
    in_reply_to: answered?.message_id,
    transfer: run.filled(step.transfer, id, from, to),
  };
  return office.send({ to, evidence }, 'evidence_transfer', caseId, RECEIPT_WAIT_MS, told);
}

/** The case that the author of a draft has to know: its own, or the one that it opens a case under. */
function caseToKnow({ case_id: own, ...body }: Readonly<Record<string, unknown>>): string | undefined {
  if (typeof own === 'string') return own;
  const parents = Object.values(body).map((value) => (value as { readonly parent_id?: unknown } | null)?.parent_id);
  return parents.find((parent) => typeof parent === 'string');
}

function typeOf(draft: Readonly<Record<string, unknown>>): BodyType {
  return BODY_TYPES.find((name) => Object.hasOwn(draft, name)) ?? 'assistance_request';
}

/** Whether the registry answers as the story needs it, as of its day. */
function askRegistry(run: Run, { id, basis, serves, falls }: BasisStep): void {
  const date = run.scenario.day ?? new Date().toISOString().slice(0, 10);
  const proposal = proposeBasis(loadKnowledge(process.env).registry, { ...basis, date });
  const { proposed, also_possible: others, fell_away: fell } = proposal;
  const able = [...(proposed === undefined ? [] : [proposed]), ...others];
  const served = able.find(({ instrument }) => instrument === serves);
  if (served === undefined) throw failed(id, `${serves} does not serve on ${date}`);
  const names = able.map(({ instrument }) => instrument).join(', ');
  run.tell(`  the registry, for ${basis.measure} from ${basis.from} to ${basis.to} on ${date}: ${names}`);
  run.tell(`  relied on: ${served.title}, art. ${served.articles.join(', ')}`);
  for (const [instrument, code] of Object.entries(falls)) {
    const found = fell.find((fallen) => fallen.instrument === instrument);
    if (found?.code !== code) throw failed(id, `${instrument} does not fall away as ${code}`);
    run.tell(`  not ${found.title}: ${found.reason.text}`);
  }
}

/** Whether a clock stands as the story has it, wherever it is looked at. */
async function lookAtClock(run: Run, { id, clock, at, case: label, is, hours }: ClockStep): Promise<void> {
  for (const code of at) {
    const { clocks } = await run.client(code).get<ClocksAnswer>(`clocks?case=${run.caseId(label, id)}`);
    const found = clocks.find(({ name }) => name === clock);
    if (found?.state !== is) throw failed(id, `the clock ${clock} is ${found?.state} at ${code} and was to be ${is}`);
    const given = (found.due_at - found.started_at) / HOUR_MS;
    if (hours !== undefined && given !== hours) throw failed(id, `the clock ${clock} gives ${counted(given, 'hour')}`);
    run.tell(
      `  at ${code} the clock ${clock} (${found.instrument}, art. ${found.article}) is ${is}; due ${isoTime(found.due_at)}`,
    );
  }
}

/** Waits until every node has a session with every other. */
export async function untilConnected(nodes: readonly SandboxNode[], timeoutMs: number): Promise<boolean> {
  const deadline = Date.now() + timeoutMs;
  while (Date.now() < deadline) {
    const answers = await Promise.all(
      nodes.map((node) => new ApiClient(node.dir).get<{ readonly connected: boolean }[]>('peers')),
    );
    if (answers.flat().every(({ connected }) => connected)) return true;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  return false;
}
