/** File systems of a test's own, with as little room as it wants. */
import { spawnSync } from 'node:child_process';
import { expect, onTestFinished } from 'vitest';
import { temporaryFolder } from './folder.ts';
import { FAULTS_REQUIRED } from './strace.ts';

const MOUNT = '/usr/bin/mount';
const UMOUNT = '/usr/bin/umount';

/** Whether file systems are mounted in this run. */
export const CAN_MOUNT = FAULTS_REQUIRED || (process.env['SLOW'] === '1' && canMount());

if (!CAN_MOUNT)
  process.stderr.write('skipped: faults of file systems, which SLOW=1 or ROGATORY_FAULTS=require runs for root\n');

function canMount(): boolean {
  const namespace = ['--mount', '/bin/mount', '-t', 'tmpfs', 'tmpfs', '/mnt'];
  return process.getuid?.() === 0 && spawnSync('/usr/bin/unshare', namespace, { stdio: 'ignore' }).status === 0;
}

/** Puts a folder on a file system of its own. @param size as mount takes it: `12m` */
export function onSmallDisk(dir: string, size: string): void {
  const aside = temporaryFolder();
  copy(dir, aside);
  expect(spawnSync(MOUNT, ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', dir]).status).toBe(0);
  onTestFinished(() => {
    spawnSync(UMOUNT, ['--lazy', dir]);
  });
  copy(aside, dir);
}

/** With every mode as it is, the folder's own too. */
function copy(from: string, to: string): void {
  expect(spawnSync('/usr/bin/cp', ['--archive', `${from}/.`, to]).status).toBe(0);
}
