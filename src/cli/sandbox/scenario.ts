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

/** One message of a scenario. */
export interface ScenarioStep {
  readonly id: string;
  readonly from: JurisdictionCode;
  readonly to: JurisdictionCode;
  /** The step whose message this one answers. */
  readonly in_reply_to?: string;
  /** The body, as in a file for `message send`, with `$now`, `$date` and `$date+N` in place of times. */
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
  for (const code of codes)
    if (!isJurisdictionCode(code) || !/^X[A-Z]/.test(code)) throw invalid(`${code} is not a code for trying out`);
  const told = new Set<string>();
  for (const { id, from, to, in_reply_to: answered } of scenario.steps) {
    if (told.has(id)) throw invalid(`step “${id}” is there twice`);
    if (!codes.has(from) || !codes.has(to) || from === to)
      throw invalid(`step “${id}” is not between two of its jurisdictions`);
    if (answered !== undefined && !told.has(answered))
      throw invalid(`step “${id}” answers “${answered}”, which is not before it`);
    told.add(id);
  }
  return scenario;
}

/** The draft that a step sends, with its times filled in. */
export function draftOf(
  step: ScenarioStep,
  nowMs: number,
  answered: { readonly message_id: string } | undefined,
): unknown {
  const body = fillTimes(step.message, nowMs) as Record<string, unknown>;
  return answered === undefined ? body : { ...body, in_reply_to: answered.message_id };
}

function fillTimes(value: unknown, nowMs: number): unknown {
  if (Array.isArray(value)) return value.map((item) => fillTimes(item, nowMs));
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, fillTimes(item, nowMs)]));
  }
  if (value === '$now') return nowMs;
  const match = typeof value === 'string' ? /^\$date(?:\+([0-9]{1,4}))?$/.exec(value) : null;
  return match === null ? value : new Date(nowMs + Number(match[1] ?? 0) * DAY_MS).toISOString().slice(0, 10);
}
