/** The check of a draft on the command line: what it reads, what it prints, and how a person is asked. */
import { createInterface } from 'node:readline/promises';
import type { JurisdictionCode } from '../base/mod.ts';
import {
  checkDraft,
  contentFaults,
  exampleOf,
  parseRegistry,
  parseStates,
  type CheckResult,
  type Finding,
  type PossibleGround,
  type Registry,
  type States,
} from '../casework/mod.ts';
import { dataFolder, loadNodeConfig, nodePaths, readDataFolder } from '../config/mod.ts';
import { completedDraft, type Referred } from '../exchange/mod.ts';
import { WireError, faultsError, parseDraft, type Draft } from '../wire/mod.ts';
import type { Arguments, Terminal } from './command.ts';
import { AdviceError } from './error.ts';
import { MAX_DRAFT_BYTES, readJsonInput } from './files.ts';

/** The treaty registry and what is known of states. */
export interface Knowledge {
  readonly registry: Registry;
  readonly states: States;
}

/**
 * Reads the treaty registry and the data on states.
 * @throws {ConfigError} {RegistryError}
 */
export function loadKnowledge(env: Readonly<Record<string, string | undefined>>): Knowledge {
  const root = dataFolder(env);
  return {
    registry: parseRegistry(readDataFolder(root, 'treaties')),
    states: parseStates(readDataFolder(root, 'states')),
  };
}

/** Who sends, to whom, when, and on which instruments its case rests. */
export interface CheckContext {
  readonly from: JurisdictionCode;
  readonly to: JurisdictionCode;
  readonly date: string;
  readonly instruments?: readonly string[] | undefined;
}

/** Checks a draft as a JSON value; what does not even parse is in the findings too. */
export function checkJson(knowledge: Knowledge, json: unknown, context: (draft: Draft) => CheckContext): CheckResult {
  let draft: Draft;
  try {
    draft = parseDraft(json);
  } catch (error) {
    if (!(error instanceof WireError)) throw error;
    const findings = error.faults.map(({ path, message }): Finding => ({
      severity: 'ERROR',
      path,
      code: 'FIELD_INVALID',
      message,
      confirmed: true,
    }));
    return { findings, instruments: [], may_refuse: [] };
  }
  return checkDraft(knowledge.registry, knowledge.states, { body: draft.body, ...context(draft) });
}

/** A draft with examples in the place of the files and exhibits that it names by their ids: what they are, the node alone knows. */
export function withStandIns(json: unknown): Promise<unknown> {
  const file: Referred['file'] = (id) => Promise.resolve({ ...exampleOf('EvidenceFile'), file_id: id });
  const item: Referred['item'] = (id) =>
    Promise.resolve({ item: { ...exampleOf('EvidenceItem'), item_id: id }, files: [] });
  return completedDraft(json, { file, item });
}

/** The code of the node that lives in a folder. */
export function codeOfNode(dir: string): JurisdictionCode {
  return loadNodeConfig(nodePaths(dir).config, process.env).code;
}

/**
 * Reads the file of a message, and checks it as far as it can be checked before anything is sent: every fault of its fields, then what the
 * registry advises, which a person decides on.
 * @throws {CliError} {WireError} WIRE_FIELDS_INVALID {AdviceError} CLI_ADVICE_NOT_ACCEPTED
 */
export async function readCheckedDraft(
  args: Arguments,
  io: Terminal,
): Promise<{ readonly to: JurisdictionCode; readonly json: unknown }> {
  const path = args.operand('file');
  const to = args.jurisdiction('to');
  const json = await readJsonInput(path, MAX_DRAFT_BYTES);
  // Checked here already, so that a draft can be mended while the node is down.
  const complete = await withStandIns(json);
  const faults = contentFaults(parseDraft(complete).body);
  if (faults.length > 0) throw faultsError(faults);
  const context = { from: codeOfNode(args.text('node')), to, date: new Date().toISOString().slice(0, 10) };
  const advice = checkJson(loadKnowledge(process.env), complete, () => context).findings;
  if (advice.length > 0 && !args.flag('accept-advice')) await acceptAdvice(advice, io);
  return { to, json };
}

/** Findings in lines: what the node refuses first. */
export function findingLines(findings: readonly Finding[]): string[] {
  const order = findings.toSorted((a, b) => Number(a.severity !== 'ERROR') - Number(b.severity !== 'ERROR'));
  return order.flatMap(({ severity, path, code, message, source, confirmed }) => [
    `${severity.padEnd(6)} ${code}  ${path === '' ? 'the document' : path}`,
    `       ${message}${source === undefined ? '' : ` [${source}${confirmed ? '' : '; not confirmed'}]`}`,
  ]);
}

/** Grounds in lines. */
export function groundLines(grounds: readonly PossibleGround[]): string[] {
  return grounds.map(
    ({ code, effect, article, instrument, confirmed, text }) =>
      `  ${code} (${effect.toLowerCase()}, ${instrument} art. ${article}${confirmed ? '' : '; not confirmed'})${text === undefined ? '' : `: ${text}`}`,
  );
}

/**
 * Asks the person at the terminal whether to go on in spite of advice.
 * @throws {AdviceError} CLI_ADVICE_NOT_ACCEPTED when the answer is no, or nobody is there to ask
 */
export async function acceptAdvice(advice: readonly Finding[], io: Terminal): Promise<void> {
  if (io.isJson || !process.stdin.isTTY || !process.stderr.isTTY) {
    const words =
      'The treaty registry advises against it: mend the message, or send it all the same with --accept-advice.';
    throw new AdviceError('CLI_ADVICE_NOT_ACCEPTED', words, advice);
  }
  findingLines(advice).forEach(io.note);
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await terminal.question('A person decides. Send it all the same? [y/N] ');
  terminal.close();
  if (!/^y(es)?$/i.test(answer.trim())) throw new AdviceError('CLI_ADVICE_NOT_ACCEPTED', 'Not sent.', []);
}
