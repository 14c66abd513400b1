import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { parse as parseYaml } from 'yaml';
import { dataFolder } from '../../config/mod.ts';
import { CliError } from '../error.ts';
import { fillPlaceholders, type References } from './placeholder.ts';
import {
  parseStep,
  recipientsOf,
  scenarioSchema,
  type MessageStep,
  type ScenarioStep,
  type ScenarioNode,
} from './step.ts';

/** A played-through exchange; all particulars fictional. */
export interface Scenario {
  readonly title: string;
  readonly note: string;
  /** The day on which the story is set, where it is another than today: legal bases are looked for as of it. */
  readonly day?: string | undefined;
  readonly nodes: readonly ScenarioNode[];
  readonly steps: readonly ScenarioStep[];
  /** In which state each case has to end, at both sides, by its label. */
  readonly ends: Readonly<Record<string, string>>;
}

const FOLDER = join(dataFolder({}), 'scenarios');
const EXTENSION = /\.(json|yaml)$/;

/** Names of the scenarios that ship with the project. */
export async function scenarioNames(): Promise<string[]> {
  return [...(await scenarioFiles()).keys()].sort();
}

/** @throws {CliError} CLI_SCENARIO_INVALID */
export async function loadScenario(name: string): Promise<Scenario> {
  const files = await scenarioFiles();
  const file = files.get(name);
  if (file === undefined)
    throw new CliError(
      'CLI_SCENARIO_INVALID',
      `There is no scenario “${name}”. There are: ${[...files.keys()].sort().join(', ')}.`,
    );
  // JSON is YAML too. Anchors keep long stories short: what is said once is referred to.
  return parseScenario(parseYaml(await readFile(join(FOLDER, file), 'utf8'), { merge: true, maxAliasCount: -1 }), name);
}

async function scenarioFiles(): Promise<Map<string, string>> {
  const files = (await readdir(FOLDER)).filter((file) => EXTENSION.test(file));
  return new Map(files.map((file) => [file.replace(EXTENSION, ''), file]));
}

/** @throws {CliError} CLI_SCENARIO_INVALID */
export function parseScenario(value: unknown, name: string): Scenario {
  const invalid = (what: string): CliError => new CliError('CLI_SCENARIO_INVALID', `Scenario “${name}”: ${what}.`);
  const parsed = scenarioSchema.safeParse(value);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw invalid(`${issue!.path.join('.')}: ${issue!.message}`);
  }
  const { steps: raw, common: _common, ...scenario } = parsed.data;
  const codes = new Set<string>(scenario.nodes.map(({ code }) => code));
  if (codes.size < 2 || codes.size !== scenario.nodes.length)
    throw invalid('it needs two jurisdictions or more, each once');
  const told = new Set<string>();
  const labels = new Set<string>();
  const steps = raw.map((each, index) => {
    const step = parseStep(each);
    if (typeof step === 'string') throw invalid(`step ${index + 1}: ${step}`);
    const { id } = step;
    if (told.has(id)) throw invalid(`step “${id}” is there twice`);
    const people = step.kind === 'basis' ? [step.basis.from, step.basis.to] : peopleOf(step);
    if (!people.every((code) => codes.has(code)) || new Set(people).size !== people.length)
      throw invalid(`step “${id}” is not between two of its jurisdictions`);
    const answered = 'in_reply_to' in step ? step.in_reply_to : undefined;
    if (answered !== undefined && !told.has(answered))
      throw invalid(`step “${id}” answers “${answered}”, which is not before it`);
    told.add(id);
    if ('case' in step && step.case !== undefined) labels.add(step.case);
    return step;
  });
  const unknown = Object.keys(scenario.ends).find((label) => !labels.has(label));
  if (unknown !== undefined) throw invalid(`no step is of case “${unknown}”, whose end it states`);
  return { ...scenario, steps };
}

function peopleOf(step: Exclude<ScenarioStep, { kind: 'basis' }>): readonly string[] {
  return step.kind === 'message' || step.kind === 'transfer' ? [step.from, ...recipientsOf(step)] : [step.at].flat();
}

/** The steps that send a message of their own words. */
export function messageSteps({ steps }: Scenario): readonly MessageStep[] {
  return steps.filter((step) => step.kind === 'message');
}

/** How many messages a scenario has received by their recipients, copies counted. */
export function countMessages({ steps }: Scenario): number {
  return steps.reduce((sum, step) => {
    const isSent = (step.kind === 'message' || step.kind === 'transfer') && step.refused === undefined;
    return isSent ? sum + recipientsOf(step).length : sum;
  }, 0);
}

/** How many incidents a scenario is about: exhibits that are not what they say of themselves. */
export function countIncidents({ steps }: Scenario): number {
  return steps.reduce((sum, step) => (step.kind === 'fetch' ? sum + step.differing.length : sum), 0);
}

/**
 * The draft that a step sends, with its times and ids filled in.
 * @throws {CliError} CLI_SCENARIO_INVALID
 */
export function draftOf(
  step: MessageStep,
  nowMs: number,
  answered: { readonly message_id: string } | undefined,
  references: References = () => undefined,
): unknown {
  const body = fillPlaceholders(step.message, nowMs, step.id, references) as Record<string, unknown>;
  const caseId = step.case === undefined ? undefined : references('case', step.case);
  return {
    ...body,
    ...(answered === undefined ? {} : { in_reply_to: answered.message_id }),
    ...(caseId === undefined ? {} : { case_id: caseId }),
  };
}
