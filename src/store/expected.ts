import { equalBytes } from '../base/mod.ts';
import { StoreError } from './error.ts';
import type { Batch } from './store.ts';

/** Compares what a batch is conditional on with what is there. @throws {StoreError} STORE_CONFLICT */
export function checkExpected({ key, value }: NonNullable<Batch['expect']>, found: Uint8Array | undefined): void {
  const holds = value === undefined ? found === undefined : found !== undefined && equalBytes(found, value);
  if (!holds) throw new StoreError('STORE_CONFLICT', `${key} is not as expected.`);
}
