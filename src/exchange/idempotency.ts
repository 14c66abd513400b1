/**
 * Whoever asks twice for what is one message, because the answer to the first time was lost, is told of the first. What a key has made is
 * written in the step that makes it: a process that dies leaves both or neither.
 */
import { bytesToBase64url, concatBytes, sha256, utf8ToBytes, type Uuid } from '../base/mod.ts';
import type { StepView } from './committer.ts';
import { ExchangeError } from './error.ts';
import { keys } from './record.ts';

/** A caller's own name for one act, under which it can be asked for again. */
export interface IdempotencyKey {
  readonly key: string;
  /** What is asked for: the same text each time. */
  readonly asked: string;
}

/** What a key has made, and how to keep what it is about to make. */
export interface KeyUseBefore {
  readonly made?: Uuid | undefined;
  readonly keep: (made: Uuid) => void;
}

interface MadeRecord {
  readonly made: Uuid;
  /** SHA-256 of what was asked for, in base64url. */
  readonly asked: string;
}

const SALT_BYTES = 32;

/**
 * Looks for what a key has made before, in the step that is about to make it: two that ask at the same time are planned one after the other.
 * @throws {ExchangeError} EXCHANGE_IDEMPOTENCY_KEY_REUSED
 */
export async function takeIdempotencyKey(
  random: (length: number) => Uint8Array,
  view: Pick<StepView, 'get' | 'getRecord' | 'put' | 'putRecord'>,
  { key, asked }: IdempotencyKey,
): Promise<KeyUseBefore> {
  // The store's own keys rest in the clear, and a caller may have put a name into this one.
  const salt = (await view.get(keys.idempotencySalt)) ?? random(SALT_BYTES);
  const name = keys.idempotency(bytesToBase64url(sha256(concatBytes(salt, utf8ToBytes(key)))));
  const digest = bytesToBase64url(sha256(utf8ToBytes(asked)));
  const before = await view.getRecord<MadeRecord>(name);
  if (before !== undefined && before.asked !== digest)
    throw new ExchangeError(
      'EXCHANGE_IDEMPOTENCY_KEY_REUSED',
      `This idempotency key was used before for something else, which became ${before.made}: a new request needs a new key.`,
    );
  return {
    made: before?.made,
    keep: (made) => {
      view.put(keys.idempotencySalt, salt);
      view.putRecord(name, { made, asked: digest } satisfies MadeRecord);
    },
  };
}
