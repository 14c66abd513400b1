import { readFile, readdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { isJurisdictionCode, type JurisdictionCode } from '../../base/mod.ts';
import { CliError } from '../error.ts';

/** A jurisdiction of a scenario. */
export interface ScenarioNode {
  readonly code: JurisdictionCode;
  readonly name: string;
  readonly authority: string;
}

/** One message of a scenario, or one copy for each of several recipients. */
export interface ScenarioStep {
  readonly id: string;
  readonly from: JurisdictionCode;
  readonly to: JurisdictionCode | readonly JurisdictionCode[];
  /** The step whose message this one answers: of its copies the one between the same two. */
  readonly in_reply_to?: string;
  /** A label: steps that bear the same belong to one case, which the first of them opens. */
  readonly case?: string;
  /**
   * The body, as in a file for `message send`, with `$now`, `$date`, `$date+N` and `$date-N` in place of times, `$case:LABEL` in place of a
   * case's id, `$message:STEP` of a message's, and `$id:NAME` for an id that is made up once for the run.
   */
  readonly message: Readonly<Record<string, unknown>>;
}

/** A played-through exchange; all particulars fictional. */
export interface Scenario {
  readonly title: string;
  readonly note: string;
  readonly nodes: readonly ScenarioNode[];
  readonly steps: readonly ScenarioStep[];
}

const FOLDER = fileURLToPath(new URL('../../../node-config/scenarios/', import.meta.url));
const DAY_MS = 24 * 3_600_000;

/** Names of the scenarios that ship with the project. */
export async function scenarioNames(): Promise<string[]> {
  return (await readdir(FOLDER))
    .filter((name) => name.endsWith('.json'))
    .map((name) => name.slice(0, -'.json'.length))
    .sort();
}

/** @throws {CliError} CLI_SCENARIO_INVALID */
export async function loadScenario(name: string): Promise<Scenario> {
  const names = await scenarioNames();
  if (!names.includes(name))
    throw new CliError('CLI_SCENARIO_INVALID', `There is no scenario “${name}”. There are: ${names.join(', ')}.`);
  return parseScenario(JSON.parse(await readFile(`${FOLDER}${name}.json`, 'utf8')), name);
}

/** @throws {CliError} CLI_SCENARIO_INVALID */
export function parseScenario(json: unknown, name: string): Scenario {
  const scenario = json as Scenario;
  const codes = new Set<string>(scenario.nodes.map(({ code }) => code));
  const invalid = (what: string): CliError => new CliError('CLI_SCENARIO_INVALID', `Scenario “${name}”: ${what}.`);
  if (codes.size < 2 || codes.size !== scenario.nodes.length)
    throw invalid('it needs two jurisdictions or more, each once');
  for (const code of codes) if (!isJurisdictionCode(code)) throw invalid(`${code} is not a jurisdiction code`);
  const told = new Set<string>();
  for (const { id, from, to, in_reply_to: answered } of scenario.steps) {
    if (told.has(id)) throw invalid(`step “${id}” is there twice`);
    const recipients = recipientsOf({ to });
    if (!codes.has(from) || recipients.length === 0 || !recipients.every((code) => codes.has(code) && code !== from))
      throw invalid(`step “${id}” is not between two of its jurisdictions`);
    if (answered !== undefined && !told.has(answered))
      throw invalid(`step “${id}” answers “${answered}”, which is not before it`);
    told.add(id);
  }
  return scenario;
}

/** Everyone whom a step sends a copy to. */
export function recipientsOf({ to }: Pick<ScenarioStep, 'to'>): readonly JurisdictionCode[] {
  return typeof to === 'string' ? [to] : to;
}

/** How many messages a scenario sends, copies counted. */
export function countMessages({ steps }: Scenario): number {
  return steps.reduce((sum, step) => sum + recipientsOf(step).length, 0);
}

/** What a step may refer to by name; undefined for what was not told before. */
export type References = (kind: 'case' | 'message' | 'id', name: string) => string | undefined;

/**
 * The draft that a step sends, with its times and ids filled in.
 * @throws {CliError} CLI_SCENARIO_INVALID
 */
export function draftOf(
  step: ScenarioStep,
  nowMs: number,
  answered: { readonly message_id: string } | undefined,
  references: References = () => undefined,
): unknown {
  const body = fill(step.message, nowMs, references) as Record<string, unknown>;
  const caseId = step.case === undefined ? undefined : references('case', step.case);
  return {
    ...body,
    ...(answered === undefined ? {} : { in_reply_to: answered.message_id }),
    ...(caseId === undefined ? {} : { case_id: caseId }),
  };
}

function fill(value: unknown, nowMs: number, references: References): unknown {
  if (Array.isArray(value)) return value.map((item) => fill(item, nowMs, references));
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, fill(item, nowMs, references)]));
  }
  if (typeof value !== 'string' || !value.startsWith('$')) return value;
  if (value === '$now') return nowMs;
  const date = /^\$date([+-][0-9]{1,5})?$/.exec(value);
  if (date !== null) return new Date(nowMs + Number(date[1] ?? 0) * DAY_MS).toISOString().slice(0, 10);
  const reference = /^\$(case|message|id):(.+)$/.exec(value);
  if (reference === null) return value;
  const found = references(reference[1] as 'case' | 'message' | 'id', reference[2]!);
  if (found === undefined)
    throw new CliError('CLI_SCENARIO_INVALID', `${value}: nothing of that name was told before.`);
  return found;
}
