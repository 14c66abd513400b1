/** The built rooms of `src/`, each through its door, and a folder to measure in. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const build = new URL('../../.build/', import.meta.url);

/** A room as the rest of the software sees it: out of what people run, unless modules of it are replaced. */
export function room(name) {
  const door = process.env.ROGATORY_BENCH_PLAIN === '1' ? `${name}/mod.js` : `rogatory/rooms/${name}.js`;
  return import(new URL(door, build).href);
}

/** Runs something with a folder that is gone afterwards; `ROGATORY_BENCH_DIR` chooses the disk that is measured. */
export async function inFolder(act) {
  const folder = mkdtempSync(join(process.env.ROGATORY_BENCH_DIR ?? tmpdir(), 'rogatory-bench-'));
  try {
    return await act(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
