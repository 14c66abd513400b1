import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inject, onTestFinished } from 'vitest';
import { QUICK_PLACE } from './run-folder.ts';

/** A folder that is removed when the test ends. */
export function temporaryFolder(): string {
  return folderIn(tmpdir());
}

/** The same, for tests that would otherwise wait for a disk most of the time. */
export function quickFolder(): string {
  return folderIn(QUICK_PLACE);
}

/** A folder that is removed when the run ends: for what is made once for many tests, perhaps of many files. */
export function folderOfRun(name: string, isQuick = false): string {
  return mkdtempSync(join(inject(isQuick ? 'quickRunFolder' : 'runFolder'), `${name}-`));
}

function folderIn(place: string): string {
  const folder = mkdtempSync(join(place, 'rogatory-test-'));
  onTestFinished(() => {
    remove(folder);
  });
  return folder;
}

const PATIENCE_MS = 10_000;

function remove(folder: string): void {
  // A browser that was told to end may still be writing. Node's own retries only try again to remove a folder that they emptied once.
  for (const start = Date.now(); ; Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 50)) {
    try {
      rmSync(folder, { recursive: true, force: true });
      return;
    } catch (error) {
      if (Date.now() - start > PATIENCE_MS) throw error;
    }
  }
}
