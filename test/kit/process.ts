import { spawn, type ChildProcess } from 'node:child_process';
import { onTestFinished } from 'vitest';
import { ApiClient } from '../../src/client/mod.ts';
import { nodePaths } from '../../src/config/mod.ts';
import { until, type TestFederation } from './federation.ts';

/** What a command printed, and its exit status. */
export interface Outcome {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

// `npm test` has built what is run here; a test must not build again.
const ENV = { ...process.env, ROGATORY_BUILT: '1' };

/** Runs the command line to its end. */
export function rogatory(...args: readonly string[]): Promise<Outcome> {
  return collect(
    spawn(process.execPath, ['scripts/rogatory', ...args], { env: ENV, stdio: ['ignore', 'pipe', 'pipe'] }),
  );
}

/** A command that goes on running. */
export interface Running {
  readonly child: ChildProcess;
  readonly outcome: Promise<Outcome>;
}

/** Starts a long-running command; it is killed when the test ends, if it still runs. */
export function startRogatory(...args: readonly string[]): Running {
  const running = runCommand([process.execPath, 'scripts/rogatory', ...args]);
  onTestFinished(() => running.end());
  return running;
}

/** Starts any command, as the tests' own environment with additions; whoever starts it ends it. */
export function runCommand(
  [program, ...args]: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Running & { readonly end: () => Promise<void> } {
  const child = spawn(program!, args, { env: { ...ENV, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  const outcome = collect(child);
  const end = async (): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
    await outcome;
  };
  return { child, outcome, end };
}

/** A node in a process of its own, once it answers. */
export async function serveNode(
  federation: TestFederation,
  code: string,
): Promise<{ readonly child: ChildProcess; readonly outcome: Promise<Outcome>; readonly api: ApiClient }> {
  const dir = federation.dirOf(code);
  const running = startRogatory('serve', '--config', nodePaths(dir).config);
  const api = new ApiClient(dir);
  // A machine with other work to do starts a process many times as slowly as an idle one.
  await until(
    () =>
      api.get('status').then(
        () => true,
        () => false,
      ),
    120_000,
  );
  return { ...running, api };
}

function collect(child: ChildProcess): Promise<Outcome> {
  let [stdout, stderr] = ['', ''];
  child.stdout?.on('data', (data: Buffer) => (stdout += data.toString('utf8')));
  child.stderr?.on('data', (data: Buffer) => (stderr += data.toString('utf8')));
  return new Promise((resolve) => {
    child.on('close', (status) => {
      resolve({ status, stdout, stderr });
    });
  });
}
