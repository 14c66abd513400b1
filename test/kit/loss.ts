/** A node that loses the newest entries of its ledger for good. */
import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { JurisdictionCode } from '../../src/base/mod.ts';
import type { TestFederation } from './federation.ts';
import { temporaryFolder } from './folder.ts';
import { rogatory } from './process.ts';

/** Keeps the store of a stopped node. What is returned puts it back, once the node has gone on and is stopped again, and begins an epoch. */
export function keepStore(federation: TestFederation, code: JurisdictionCode): () => Promise<void> {
  const [store, old] = [join(federation.dirOf(code), 'store'), join(temporaryFolder(), 'store')];
  cpSync(store, old, { recursive: true });
  return async () => {
    rmSync(store, { recursive: true });
    cpSync(old, store, { recursive: true });
    const begun = await rogatory('restore', '--node', federation.dirOf(code), '--new-epoch');
    expect([begun.status, begun.stderr]).toEqual([0, '']);
  };
}
