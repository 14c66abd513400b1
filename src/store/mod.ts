export { DATA_KEY_BYTES, unwrapDataKey, wrapDataKey } from './data-key.ts';
export { StoreError, type StoreErrorCode } from './error.ts';
export { openLevelStore } from './level.ts';
export { MemoryStore } from './memory.ts';
export { openStore } from './open-store.ts';
export { openSecret, sealSecret } from './secret.ts';
export type { Batch, NodeStore, Put, ScanOptions, Store } from './store.ts';
