import { spawn, type ChildProcess } from 'node:child_process';
import { openSync, closeSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { nodePaths } from '../../config/mod.ts';
import { CliError } from '../error.ts';
import type { SandboxNode } from './federation.ts';

const START_TIMEOUT_MS = 120_000;
const STOP_TIMEOUT_MS = 12_000;

/** A node of the sandbox in a process of its own: `rogatory serve`, exactly as an operator runs it. */
export class NodeProcess {
  readonly node: SandboxNode;
  readonly logFile: string;
  readonly #child: ChildProcess;
  readonly #exited: Promise<number | null>;
  #isStopping = false;

  private constructor(node: SandboxNode, child: ChildProcess, logFile: string) {
    this.node = node;
    this.logFile = logFile;
    this.#child = child;
    this.#exited = new Promise((resolve) => child.once('exit', resolve));
  }

  /** Begins a process, which whoever begins it has to stop: it keeps this one from ending. */
  static start(node: SandboxNode): NodeProcess {
    const logFile = `${node.dir}.log`;
    const log = openSync(logFile, 'a');
    const program = process.argv[1]!;
    const child = spawn(
      process.execPath,
      [...process.execArgv, program, 'serve', '--config', nodePaths(node.dir).config],
      {
        // The channel closes with this process, however it ends, and the node stops with it.
        stdio: ['ignore', log, log, 'ipc'],
        env: { ...process.env, ROGATORY_BUILT: '1' },
        // Ctrl-C goes to this process alone, which then stops its nodes in order.
        detached: true,
      },
    );
    closeSync(log);
    return new NodeProcess(node, child, logFile);
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Resolves when the process has ended: true when nobody asked it to. */
  async endedByItself(): Promise<boolean> {
    await this.#exited;
    return !this.#isStopping;
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    this.#child.kill('SIGTERM');
    const timer = setTimeout(() => this.#child.kill('SIGKILL'), STOP_TIMEOUT_MS);
    await this.#exited;
    clearTimeout(timer);
  }

  /** @throws {CliError} CLI_NODE_FAILED */
  async untilStarted(): Promise<void> {
    const timeout = new Promise<string>((resolve) => setTimeout(resolve, START_TIMEOUT_MS, 'it took too long').unref());
    const message = new Promise<undefined>((resolve) =>
      this.#child.once('message', () => {
        resolve(undefined);
      }),
    );
    const exit = this.#exited.then((code) => `it ended with ${code}`);
    const failure = await Promise.race([message, exit, timeout]);
    if (failure === undefined) return;
    this.#child.kill('SIGKILL');
    const log = await readFile(this.logFile, 'utf8').catch(() => '');
    const lastLines = log.trimEnd().split('\n').slice(-3).join('\n');
    throw new CliError(
      'CLI_NODE_FAILED',
      `${this.node.code} did not start: ${failure}. The end of ${this.logFile}:\n${lastLines}`,
    );
  }
}
