import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, onTestFinished } from 'vitest';

// Where thousands of files are written and flushed: in memory, if there is such a place.
const QUICK_PLACE = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();

/** A folder that is removed when the test ends. */
export function temporaryFolder(): string {
  return folderIn(tmpdir());
}

/** The same, for tests that would otherwise wait for a disk most of the time. */
export function quickFolder(): string {
  return folderIn(QUICK_PLACE);
}

const ofFile: string[] = [];
// The process of a test file is killed when the file is over: what waits for its exit does not happen.
afterAll(() => {
  for (const folder of ofFile) remove(folder);
});

/** A folder that is removed when all tests of the file have ended. */
export function folderOfFile(name: string, isQuick = false): string {
  const folder = mkdtempSync(join(isQuick ? QUICK_PLACE : tmpdir(), `rogatory-${name}-`));
  ofFile.push(folder);
  return folder;
}

function folderIn(place: string): string {
  const folder = mkdtempSync(join(place, 'rogatory-test-'));
  onTestFinished(() => {
    remove(folder);
  });
  return folder;
}

function remove(folder: string): void {
  // A browser that was told to end may still be writing.
  rmSync(folder, { recursive: true, force: true, maxRetries: 20, retryDelay: 50 });
}
