/** Folders for the whole run of the tests, for what many files need; they are removed at the end. */
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';

declare module 'vitest' {
  interface ProvidedContext {
    readonly runFolder: string;
    readonly quickRunFolder: string;
  }
}

/** Where thousands of files are written and flushed: in memory, if there is such a place. */
export const QUICK_PLACE = existsSync('/dev/shm') ? '/dev/shm' : tmpdir();

export function setup(project: TestProject): () => void {
  const [folder, quick] = [tmpdir(), QUICK_PLACE].map((place) => mkdtempSync(join(place, 'rogatory-run-')));
  project.provide('runFolder', folder!);
  project.provide('quickRunFolder', quick!);
  return () => {
    for (const each of [folder!, quick!]) rmSync(each, { recursive: true, force: true });
  };
}
