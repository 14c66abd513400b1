import { createCipheriv, createDecipheriv, createSecretKey, type KeyObject } from 'node:crypto';
import { codeOf, equalBytes, randomFew } from '../base/mod.ts';
import { StoreError } from './error.ts';
import type { Batch, Put, ScanOptions, Store } from './store.ts';

const VERSION = 1;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/**
 * A store whose values rest encrypted: AES-256-GCM under the data key, with the record's own key as associated data. A changed bit or a
 * record moved to another key is an error, never an answer. Keys are not encrypted: they name ids and jurisdictions, no content.
 *
 * A value is version 01 ‖ nonce (12) ‖ ciphertext ‖ tag (16); nonces are random, and a data key is good for 2^32 writes.
 * @see NIST SP 800-38D §8.2.2, §8.3
 */
export function sealStore(store: Store, dataKey: Uint8Array): Store {
  const key = createSecretKey(dataKey);
  // What batches are conditional on is written by every batch: to open it again each time takes longer than to compare it.
  const lastOf = new Map<string, Resting>();
  return {
    get: async (name) => openOptional(key, name, await store.get(name)),
    getMany: async (names) => (await store.getMany(names)).map((value, i) => openOptional(key, names[i]!, value)),
    scan: (prefix, options) => scanSealed(store, key, prefix, options),
    commit: (batch) => commitSealed(store, key, batch, lastOf),
    close: () => store.close(),
  };
}

/** A value, and the bytes that hold it. */
interface Resting {
  readonly value: Uint8Array;
  readonly sealed: Uint8Array;
}

async function* scanSealed(store: Store, key: KeyObject, prefix: string, options?: ScanOptions): AsyncIterable<Put> {
  for await (const [name, value] of store.scan(prefix, options)) yield [name, openValue(key, name, value)];
}

// Sealing is randomised, so an expectation about a value becomes one about the very bytes that hold it.
async function commitSealed(store: Store, key: KeyObject, batch: Batch, lastOf: Map<string, Resting>): Promise<void> {
  const { expect, deletes, durable } = batch;
  const puts = batch.puts.map(([name, value]) => [name, sealValue(key, name, value)] as const);
  if (expect === undefined) {
    await store.commit({ puts, deletes, durable });
    return;
  }
  const last = lastOf.get(expect.key);
  lastOf.delete(expect.key);
  const isRemembered = last !== undefined && expect.value !== undefined && equalBytes(last.value, expect.value);
  const commitOn = async (value: Uint8Array | undefined): Promise<void> => {
    await store.commit({ expect: { key: expect.key, value }, puts, deletes, durable });
  };
  try {
    await commitOn(isRemembered ? last.sealed : await sealedExpectation(store, key, expect));
  } catch (error) {
    // The same value may have been sealed anew meanwhile.
    if (!isRemembered || codeOf(error) !== 'STORE_CONFLICT') throw error;
    await commitOn(await sealedExpectation(store, key, expect));
  }
  const at = batch.puts.findLastIndex(([name]) => name === expect.key);
  if (at >= 0) lastOf.set(expect.key, { value: batch.puts[at]![1].slice(), sealed: puts[at]![1] });
}

async function sealedExpectation(
  store: Store,
  key: KeyObject,
  expect: NonNullable<Batch['expect']>,
): Promise<Uint8Array | undefined> {
  const found = await store.get(expect.key);
  const opened = openOptional(key, expect.key, found);
  const holds =
    expect.value === undefined ? opened === undefined : opened !== undefined && equalBytes(opened, expect.value);
  if (!holds) throw new StoreError('STORE_CONFLICT', `${expect.key} is not as expected.`);
  return found;
}

function sealValue(key: KeyObject, name: string, value: Uint8Array): Uint8Array {
  const nonce = randomFew(NONCE_BYTES);
  const cipher = createCipheriv('aes-256-gcm', key, nonce);
  cipher.setAAD(Buffer.from(name, 'utf8'));
  const ciphertext = cipher.update(value);
  cipher.final();
  const sealed = Buffer.allocUnsafe(1 + NONCE_BYTES + ciphertext.length + TAG_BYTES);
  sealed[0] = VERSION;
  sealed.set(nonce, 1);
  sealed.set(ciphertext, 1 + NONCE_BYTES);
  sealed.set(cipher.getAuthTag(), sealed.length - TAG_BYTES);
  return sealed;
}

function openOptional(key: KeyObject, name: string, sealed: Uint8Array | undefined): Uint8Array | undefined {
  return sealed === undefined ? undefined : openValue(key, name, sealed);
}

function openValue(key: KeyObject, name: string, sealed: Uint8Array): Uint8Array {
  try {
    if (sealed[0] !== VERSION) throw new TypeError('unknown version');
    const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(1, 1 + NONCE_BYTES), {
      authTagLength: TAG_BYTES,
    });
    decipher.setAAD(Buffer.from(name, 'utf8'));
    decipher.setAuthTag(sealed.subarray(sealed.length - TAG_BYTES));
    const opened = decipher.update(sealed.subarray(1 + NONCE_BYTES, sealed.length - TAG_BYTES));
    decipher.final();
    return new Uint8Array(opened.buffer, opened.byteOffset, opened.byteLength);
  } catch (cause) {
    throw new StoreError('STORE_CORRUPT', `The record ${name} was changed on disk, or the data key is another.`, {
      cause,
    });
  }
}
