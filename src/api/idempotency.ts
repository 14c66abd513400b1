/** The header by which a caller whose answer was lost asks again, and nothing happens twice. */
import { ApiError } from '../client/mod.ts';
import type { IdempotencyKey } from '../exchange/mod.ts';

// A string of RFC 8941 as draft-ietf-httpapi-idempotency-key-header has it, or the bare text that most callers send.
const HEADER = /^(?:"([ !#-[\]-~]{1,255})"|([!#-+\--:<-[\]-~]{1,255}))$/;

/** One request, as far as it has to be the same each time. */
interface Asked {
  readonly route: string;
  /** Whose key it is: two people's keys have nothing to do with each other. */
  readonly person: string | undefined;
  readonly body: () => unknown;
}

/**
 * The key that a request names, if it names one.
 * @param headers the values of `idempotency-key`: two are none
 * @throws {ApiError} API_BAD_REQUEST
 */
export function idempotencyKey(
  headers: readonly string[] | undefined,
  { route, person, body }: Asked,
): IdempotencyKey | undefined {
  if (headers === undefined) return undefined;
  const [, quoted, bare] = HEADER.exec(headers.join(', ')) ?? [];
  const key = quoted ?? bare;
  if (key === undefined)
    throw new ApiError(
      'API_BAD_REQUEST',
      'An idempotency key is one text of 1 to 255 printable ASCII characters, such as a UUID.',
    );
  // How long somebody waits for the answer is no part of what is asked.
  const { wait_ms: _waitMs, ...what } = body() as Readonly<Record<string, unknown>>;
  return { key: JSON.stringify([person ?? '', key]), asked: JSON.stringify([route, what], inOrder) };
}

// A caller's maps may come in another order the second time.
function inOrder(_name: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}
