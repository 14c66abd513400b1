/** Makes the kernel's answers to a running process fail, come late or never, by strace: what a bad disk does, without one. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { until } from './federation.ts';
import { temporaryFolder } from './folder.ts';

const STRACE = '/usr/bin/strace';

/** What .ci/run sets: nothing of these tests may be left out. */
export const FAULTS_REQUIRED = process.env['ROGATORY_FAULTS'] === 'require';

// Each takes its seconds, and what they are about seldom changes: the deep runs have them.
const IS_DEEP = process.env['SLOW'] === '1';

/** Whether processes are traced in this run. */
export const CAN_TRACE =
  FAULTS_REQUIRED || (IS_DEEP && spawnSync(STRACE, ['-o', '/dev/null', '/bin/true'], { stdio: 'ignore' }).status === 0);

if (!CAN_TRACE)
  process.stderr.write(
    'skipped: faults of system calls, which SLOW=1 or ROGATORY_FAULTS=require runs where strace is\n',
  );
/** A tracer that is attached. */
export interface Tracer {
  /** The calls that were tampered with, as lines. */
  readonly injected: () => string[];
}

/** Attaches to a process: from now on the named calls fail with this error. */
export function failCalls(pid: number, calls: readonly string[], error: string): Promise<Tracer> {
  return attach(pid, calls, `error=${error}`);
}

/** Attaches to a process: from now on the named calls begin so much later. */
export function delayCalls(pid: number, calls: readonly string[], delayMs: number): Promise<Tracer> {
  return attach(pid, calls, `delay_enter=${delayMs * 1000}`);
}

/** Attaches to a process: it is killed at this call, counted from now on, before the kernel begins with it. */
export function killAtCall(pid: number, call: string, count: number): Promise<Tracer> {
  return attach(pid, [call], `signal=KILL:when=${count}`);
}

async function attach(pid: number, calls: readonly string[], what: string): Promise<Tracer> {
  const log = join(temporaryFolder(), 'strace');
  const inject = calls.flatMap((call) => ['-e', `inject=${call}:${what}`]);
  const args = ['-f', '-y', '-p', String(pid), '-o', log, '-e', `trace=${calls.join(',')}`, ...inject];
  const child = spawn(STRACE, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  onTestFinished(async () => {
    if (child.exitCode !== null || child.signalCode !== null) return;
    child.kill('SIGTERM');
    await once(child, 'exit');
  });
  let said = '';
  child.stderr.on('data', (data: Buffer) => (said += data.toString()));
  await until(() => said.includes('attached'));
  return {
    injected: () =>
      readFileSync(log, 'utf8')
        .split('\n')
        .filter((line) => /\((?:INJECTED|DELAYED)\)/.test(line)),
  };
}
