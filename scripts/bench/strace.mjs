/** The kernel's own count of flushes, where `strace` is installed and may attach. */
import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';

const ATTACH_MS = 500;

/**
 * Flushes a message of some processes during a turn.
 * @param {() => Promise<{count: number}>} turn
 * @returns {Promise<number | undefined>} undefined where it cannot be counted
 */
export async function countFlushes(pids, turn, say) {
  if (spawnSync('strace', ['--version'], { stdio: 'ignore' }).status !== 0) {
    say('strace is not installed: flushes are counted in the processes only');
    return undefined;
  }
  const folder = mkdtempSync(join(tmpdir(), 'rogatory-strace-'));
  try {
    const file = join(folder, 'trace');
    const args = ['-f', '-q', '-e', 'trace=fsync,fdatasync,sync_file_range,msync', '-o', file];
    const tracer = spawn('strace', [...args, ...pids.flatMap((pid) => ['-p', String(pid)])], { stdio: 'ignore' });
    const ended = new Promise((resolve) => tracer.once('exit', resolve));
    await wait(ATTACH_MS);
    if (tracer.exitCode !== null) {
      say('strace may not attach here: flushes are counted in the processes only');
      return undefined;
    }
    const { count } = await turn();
    tracer.kill('SIGINT');
    await ended;
    // A call that was interrupted by another thread's is in the trace twice; its second half does not open a bracket.
    const calls = readFileSync(file, 'utf8').match(/ (?:fsync|fdatasync|sync_file_range|msync)\(/g) ?? [];
    return calls.length / count;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
