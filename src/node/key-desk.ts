/** Work on the keys of a node, whether it is running or stopped. */
import { systemClock, type Clock } from '../base/mod.ts';
import type { NodeConfig } from '../config/mod.ts';
import { recordedKeys } from '../exchange/mod.ts';
import type { KeyProvider, KeySet, KeyUse, Manifest } from '../trust/mod.ts';
import { heldKeys, type HeldKey } from './held-keys.ts';
import { rotateKey, type Rotation, type RotationTimes } from './key-rotation.ts';
import { startingManifest } from './manifest-file.ts';
import type { Node } from './node.ts';
import { openNodeStorage } from './node-storage.ts';
import { OwnKeys } from './own-keys.ts';

interface Desk {
  readonly config: NodeConfig;
  readonly keys: KeyProvider;
  readonly current: KeySet;
  readonly manifest: Manifest;
  readonly clock: Clock;
}

/** The desk of a running node. */
export function keyDesk({ config, storage, ownKeys, exchange }: Node, clock: Clock = systemClock): Desk {
  return { config, keys: storage.keys, current: ownKeys.current, manifest: exchange.manifest, clock };
}

/**
 * Opens the desk of a stopped node, lets `work` use it, and closes it again.
 * @throws {NodeError} {StoreError} {LedgerError} as when the node is started
 */
export async function withKeyDesk<T>(
  config: NodeConfig,
  passphrase: string | undefined,
  work: (desk: Desk) => Promise<T>,
  clock: Clock = systemClock,
): Promise<T> {
  const { store, keys, close } = await openNodeStorage(config, passphrase);
  try {
    const { verified } = await startingManifest(config, keys, store, clock.nowMs());
    const { manifest } = verified;
    const { current } = new OwnKeys({ config, keys, clock, manifest, recorded: await recordedKeys({ store }) });
    return await work({ config, keys, current, manifest, clock });
  } finally {
    await close();
  }
}

/** Makes the next key of a use. */
export function rotateAt(desk: Desk, use: KeyUse, times: RotationTimes): Promise<Rotation> {
  return rotateKey({ ...desk, use, times, nowMs: desk.clock.nowMs() });
}

/** Every key that the node holds. */
export function keysAt({ config, keys, manifest, current, clock }: Desk): HeldKey[] {
  return heldKeys(config, keys, manifest, current, clock.nowMs());
}
