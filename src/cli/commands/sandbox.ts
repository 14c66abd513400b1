import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join, relative, resolve } from 'node:path';
import { makeFolder, shellWord } from '../../base/mod.ts';
import type { StatusAnswer } from '../../api/mod.ts';
import { ApiClient } from '../../client/mod.ts';
import { auditBundles, type AuditReport } from '../../audit/mod.ts';
import { auditLines } from '../audit-lines.ts';
import type { Command, Terminal } from '../command.ts';
import { CliError } from '../error.ts';
import { createFederation, type SandboxNode } from '../sandbox/federation.ts';
import { NodeProcess } from '../sandbox/node-process.ts';
import { playScenario, untilConnected } from '../sandbox/play.ts';
import type { PlayedCase } from '../sandbox/case-state.ts';
import type { PlayedMessage } from '../sandbox/run.ts';
import { countIncidents, countMessages, loadScenario, type Scenario } from '../sandbox/scenario.ts';
import { SandboxStaff } from '../sandbox/staff.ts';

const CONNECT_TIMEOUT_MS = 120_000;

export const sandbox: Command = {
  name: 'sandbox',
  summary: 'a whole federation on this machine: real nodes exchange a real request, and an auditor verifies it',
  options: {
    dir: { value: 'D', help: 'keep everything in D; otherwise it is removed at the end' },
    scenario: { value: 'NAME', help: 'what to play, from node-config/scenarios; bank-records by default' },
    once: { help: 'play, audit, stop; the exit status says whether everything verified' },
  },
  details:
    'Every node is a process of its own with its own folder, keys, certificate authority, store and ledger. Keys are kept without a\n' +
    'passphrase, and all persons and cases are invented: this is for trying out.',
  async run(args, io) {
    args.noOperands();
    const interrupted = untilInterrupted();
    const scenario = await loadScenario(args.text('scenario', 'bank-records'));
    const asked = args.optional('dir');
    const dir = asked === undefined ? await mkdtemp(join(tmpdir(), 'rogatory-')) : await emptyFolder(asked);
    const processes: NodeProcess[] = [];
    const over = new AbortController();
    const playing = play(scenario, dir, { processes, over: over.signal }, io);
    try {
      const outcome = await Promise.race([playing, interrupted]);
      if (outcome === 'interrupted')
        throw new CliError(
          'CLI_INTERRUPTED',
          `The sandbox was interrupted before its story was over. ${asked === undefined ? 'Nothing of it is left' : `Its files are in ${dir}`}.`,
        );
      const { ok, nodes, document } = outcome;
      if (args.flag('once')) {
        await stopAll(processes);
        io.result(document, [
          `${ok ? 'Everything verified.' : 'NOT everything verified.'}${asked === undefined ? '' : ` Files: ${dir}`}`,
        ]);
        return ok ? 0 : 1;
      }
      io.result(document, nextSteps(dir, nodes, asked !== undefined));
      await Promise.race([interrupted, allExited(processes, io)]);
      io.note('Stopping the nodes …');
      return ok ? 0 : 1;
    } finally {
      over.abort();
      await stopAll(processes);
      // Folders that are still being made would be made again behind this.
      if (processes.length === 0) await playing.catch(() => undefined);
      if (asked === undefined) await rm(dir, { recursive: true, force: true });
    }
  },
};

interface Outcome {
  readonly ok: boolean;
  readonly nodes: readonly SandboxNode[];
  readonly document: object;
}

/** Every process that is begun, from its first moment on: whoever stops the sandbox stops all of them, and none is begun after that. */
interface Begun {
  readonly processes: NodeProcess[];
  readonly over: AbortSignal;
}

async function play(scenario: Scenario, dir: string, { processes, over }: Begun, io: Terminal): Promise<Outcome> {
  io.note(`Rogatory sandbox: ${scenario.title}. ${scenario.note}`);
  io.note(`Setting up ${scenario.nodes.length} jurisdictions in ${dir} …`);
  const nodes = await createFederation(dir, scenario.nodes, (line) => {
    io.note(`  ${line}`);
  });
  over.throwIfAborted();
  for (const node of nodes) processes.push(NodeProcess.start(node));
  await Promise.all(processes.map((begun) => begun.untilStarted()));
  for (const { node, pid } of processes) io.note(`  ${node.code} is running (process ${pid})`);
  if (!(await untilConnected(nodes, CONNECT_TIMEOUT_MS)))
    throw new CliError('CLI_NODE_FAILED', 'The nodes did not connect to each other.');
  io.note('  connected: mutual TLS 1.3, each certificate pinned in the manifest');
  const staff = new Map(
    await Promise.all(nodes.map(async (node) => [node.code, await SandboxStaff.register(node)] as const)),
  );
  io.note('  staff registered: one person for each role, two agencies; credentials are in the nodes’ folders staff/');
  io.print('');
  io.print('The exchange');
  const { messages, refusals, cases } = await playScenario(scenario, staff, io.print);
  const { report, statuses } = await audit(dir, nodes);
  io.print('');
  io.print('The cases, as each side has folded them');
  cases.map(caseLine).forEach(io.print);
  io.print('');
  io.print(`The audit, from ${nodes.length} files and without the nodes`);
  auditLines(report).forEach((line) => {
    io.print(`  ${line}`);
  });
  io.print('');
  const isReceived = ({ status, receipt }: PlayedMessage): boolean =>
    status === 'RECEIVED' && receipt?.verified === true;
  const isPlayed = messages.length === countMessages(scenario) && messages.every(isReceived);
  const ok = isAsTold(report, scenario) && isPlayed && cases.every(({ agree, as_told: asTold }) => agree && asTold);
  return {
    ok,
    nodes,
    document: {
      ok,
      dir,
      scenario: scenario.title,
      nodes: statuses.map(({ code, dir: folder, ledger, witness }) => ({ code, dir: folder, ledger, witness })),
      messages,
      refusals,
      cases,
      audit: report,
    },
  };
}

/** The audit finds nothing but what the story is about: what a node has caught is in its ledger, for every auditor to see. */
function isAsTold({ findings }: AuditReport, scenario: Scenario): boolean {
  return findings.length === countIncidents(scenario) && findings.every(({ code }) => code === 'INCIDENT_RECORDED');
}

function caseLine({ label, kind, states, agree, as_told: asTold }: PlayedCase): string {
  const sides = Object.entries(states).map(([code, state]) => `${code} ${state}`);
  const verdict = agree ? (asTold ? 'both the same' : 'NOT AS THE STORY HAS IT') : 'THE TWO DIFFER';
  return `  ${label.padEnd(16)} ${kind.toLowerCase().replaceAll('_', ' ').padEnd(12)} ${sides.join(', ')}: ${verdict}`;
}

async function audit(
  dir: string,
  nodes: readonly SandboxNode[],
): Promise<{ readonly report: AuditReport; readonly statuses: readonly StatusAnswer[] }> {
  const folder = join(dir, 'audit');
  makeFolder(folder);
  const bundles = await Promise.all(
    nodes.map(async (node) => {
      const path = join(folder, `${node.code.toLowerCase()}.zip`);
      const bytes = await new ApiClient(node.dir).getBytes('bundle');
      await writeFile(path, bytes);
      return { name: basename(path), bytes };
    }),
  );
  const statuses = await Promise.all(nodes.map((node) => new ApiClient(node.dir).get<StatusAnswer>('status')));
  return { report: await auditBundles(bundles), statuses };
}

function nextSteps(dir: string, nodes: readonly SandboxNode[], isKept: boolean): string[] {
  const [first, second] = nodes as [SandboxNode, SandboxNode];
  const here = (path: string): string => {
    const near = relative(process.cwd(), path);
    return near.length < path.length ? near : path;
  };
  const [dirA, dirB] = [here(first.dir), here(second.dir)];
  const [a, b] = [shellWord(dirA), shellWord(dirB)];
  const [zipA, zipB] = [shellWord(`${dirA}.zip`), shellWord(`${dirB}.zip`)];
  const person = (role: string): string => shellWord(`${dirA}/staff/${role}.json`);
  return [
    `The nodes stay up. Everything is in ${dir}${isKept ? '' : ' until you stop the sandbox'}; logs are the .log files there.`,
    '',
    'In another terminal:',
    `  scripts/rogatory status --node ${a}`,
    `  scripts/rogatory message list --node ${b}`,
    `  scripts/rogatory message send --node ${a} --to ${second.code} node-config/messages/request.json`,
    `  scripts/rogatory why --node ${a} MESSAGE`,
    `  scripts/rogatory audit export --node ${a} -o ${zipA}`,
    `  scripts/rogatory audit export --node ${b} -o ${zipB}`,
    `  scripts/rogatory audit verify ${zipA} ${zipB}`,
    '',
    'Each of these is done by the person at the keyboard, and what leaves is approved by a second one. To be somebody, one role each:',
    `  scripts/rogatory staff list --node ${a}`,
    `  scripts/rogatory message send --node ${a} --to ${second.code} node-config/messages/request.json --as ${person('drafter')}`,
    `  scripts/rogatory draft list --node ${a} --as ${person('approver')}`,
    `  scripts/rogatory draft approve --node ${a} DRAFT --as ${person('approver')}`,
    `  scripts/rogatory access-log --node ${a} --as ${person('auditor')}`,
    '',
    'Ctrl-C stops everything.',
  ];
}

/** @throws {CliError} CLI_FOLDER_NOT_EMPTY */
async function emptyFolder(path: string): Promise<string> {
  const dir = resolve(path);
  makeFolder(dir);
  if ((await readdir(dir)).length > 0)
    throw new CliError('CLI_FOLDER_NOT_EMPTY', `${dir} is not empty: a sandbox starts from nothing.`);
  return dir;
}

function untilInterrupted(): Promise<'interrupted'> {
  return new Promise((done) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
      process.on(signal, () => {
        done('interrupted');
      });
  });
}

/** A node that ends is told of and may be started again by hand; the sandbox goes on until none is left. */
async function allExited(processes: readonly NodeProcess[], io: Terminal): Promise<void> {
  await Promise.all(
    processes.map(async (running) => {
      if (!(await running.endedByItself())) return;
      io.note(
        `${running.node.code} has ended (its log: ${running.logFile}). To start it again: scripts/rogatory serve --config ${shellWord(`${running.node.dir}/node.json`)}`,
      );
    }),
  );
}

async function stopAll(processes: readonly NodeProcess[]): Promise<void> {
  await Promise.all(processes.map((running) => running.stop()));
}
