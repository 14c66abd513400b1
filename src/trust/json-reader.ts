/** Reads untrusted JSON member by member and collects every fault, so that a person can mend a file in one go. */
import {
  ML_KEM_KEY_BYTES,
  isJurisdictionCode,
  ed25519KeyWeakness,
  jwkThumbprint,
  jwkToBytes,
  mlKemKeyWeakness,
  parseBase64,
  parseBase64url,
  type JurisdictionCode,
  type KeyWeakness,
  type OkpJwk,
} from '../base/mod.ts';
import { formatOf, type Fault, type FaultCode } from '../wire/mod.ts';

type Json = Readonly<Record<string, unknown>>;

/** The largest integer that JSON carries unharmed. */
const MAX = Number.MAX_SAFE_INTEGER;

/** One object of a document, at a path. */
export class JsonReader {
  readonly #json: Json;
  readonly #path: string;
  readonly #faults: Fault[];

  /** @param known every member that the object may have */
  constructor(json: unknown, path: string, faults: Fault[], known: readonly string[]) {
    this.#path = path;
    this.#faults = faults;
    this.#json = isObject(json) ? json : {};
    if (!isObject(json)) this.fault('', 'WRONG_TYPE', 'must be an object');
    for (const name of Object.keys(this.#json))
      if (!known.includes(name)) this.fault(name, 'UNKNOWN_FIELD', 'is not known');
  }

  fault(name: string, code: FaultCode, message: string): void {
    this.#faults.push({ path: this.at(name), code, message });
  }

  /** Refuses a public key that is not one of those that every verifier judges alike. */
  weakness(name: string, weakness: KeyWeakness | undefined): void {
    if (weakness !== undefined) this.fault(name, weakness, `is not an admissible public key (${weakness})`);
  }

  at(name: string): string {
    return [this.#path, name].filter((part) => part !== '').join('.');
  }

  has(name: string): boolean {
    return Object.hasOwn(this.#json, name);
  }

  /** A text of one line, at most 1,000 characters, in the grammar "line" of messages or another of them. */
  text(
    name: string,
    options: {
      readonly empty?: boolean;
      readonly pattern?: RegExp;
      readonly wants?: string;
      readonly format?: string;
    } = {},
  ): string {
    const value = this.#json[name];
    if (typeof value !== 'string') return this.#missing(name, 'a text', '');

    const format = formatOf(options.format ?? 'line');
    const unfit = value.length > 1000 || !format.matches(value);
    if (unfit || (value === '' && options.empty !== true) || (value !== '' && options.pattern?.test(value) === false)) {
      this.fault(name, 'BAD_FORMAT', `must be ${options.wants ?? format.wants}`);
    }
    return value;
  }

  integer(name: string, min = 0, max = MAX): number {
    const value = this.#json[name];
    if (typeof value !== 'number' || !Number.isSafeInteger(value)) return this.#missing(name, 'a whole number', min);
    if (value < min || value > max) this.fault(name, 'OUT_OF_RANGE', `must be from ${min} to ${max}`);
    return value;
  }

  choice<T extends string>(name: string, choices: readonly T[]): T {
    const value = this.#json[name];
    const found = choices.find((choice) => choice === value);
    return found ?? this.#missing(name, `one of ${choices.join(', ')}`, choices[0]!);
  }

  code(name: string): JurisdictionCode {
    const value = this.#json[name];
    if (typeof value === 'string' && isJurisdictionCode(value)) return value;
    return this.#missing(name, 'a jurisdiction code such as IT or GB-SCT', 'XX' as JurisdictionCode);
  }

  /** Canonical base64 of at least one byte. */
  base64(name: string, maxBytes: number): string {
    const value = this.#json[name];
    try {
      if (typeof value === 'string' && value !== '' && parseBase64(value).length <= maxBytes) return value;
    } catch {
      // Not canonical: the same fault as a wrong type.
    }
    return this.#missing(name, `base64 of at most ${maxBytes} bytes`, '');
  }

  /** A public key on the given curve, admissible as such. */
  jwk(name: string, crv: OkpJwk['crv']): OkpJwk {
    const inner = new JsonReader(this.#json[name], this.at(name), this.#faults, ['kty', 'crv', 'x']);
    const jwk: OkpJwk = { kty: inner.choice('kty', ['OKP']), crv: inner.choice('crv', [crv]), x: inner.text('x') };
    try {
      const bytes = jwkToBytes(jwk);
      if (bytes.length !== 32) inner.fault('x', 'BAD_FORMAT', 'must be 32 bytes');
      else inner.weakness('x', crv === 'Ed25519' ? ed25519KeyWeakness(bytes) : x25519KeyWeakness(bytes));
    } catch {
      inner.fault('x', 'BAD_FORMAT', 'must be base64url');
    }
    return jwk;
  }

  /** The thumbprint of a key that stands beside it. */
  kid(name: string, jwk: OkpJwk): string {
    const value = this.text(name);
    if (value !== jwkThumbprint(jwk)) this.fault(name, 'BAD_VALUE', 'is not the RFC 7638 thumbprint of the key');
    return value;
  }

  /** An ML-KEM-768 encapsulation key in base64url, admissible as such. */
  mlKemKey(name: string): string {
    const value = this.#json[name];
    try {
      const bytes = parseBase64url(typeof value === 'string' ? value.slice(0, 2 * ML_KEM_KEY_BYTES) : '');
      if (bytes.length === ML_KEM_KEY_BYTES) {
        this.weakness(name, mlKemKeyWeakness(bytes));
        return value as string;
      }
    } catch {
      // Falls through to the fault.
    }
    return this.#missing(name, `an ML-KEM-768 public key: ${ML_KEM_KEY_BYTES} bytes in base64url`, '');
  }

  /** 32 bytes in base64url. */
  digest(name: string): string {
    const value = this.text(name);
    try {
      if (parseBase64url(value).length === 32) return value;
    } catch {
      // Falls through to the fault.
    }
    this.fault(name, 'BAD_FORMAT', 'must be a SHA-256 digest in base64url');
    return value;
  }

  object(name: string, known: readonly string[]): JsonReader {
    return new JsonReader(this.#json[name], this.at(name), this.#faults, known);
  }

  list<T>(
    name: string,
    limits: { readonly min: number; readonly max: number },
    known: readonly string[],
    read: (item: JsonReader) => T,
  ): T[] {
    const value = this.#json[name];
    if (!Array.isArray(value)) return this.#missing(name, 'a list', []);
    if (value.length < limits.min || value.length > limits.max) {
      this.fault(name, 'TOO_MANY', `must have from ${limits.min} to ${limits.max} elements`);
      return [];
    }
    return value.map((item, index) => read(new JsonReader(item, `${this.at(name)}[${index}]`, this.#faults, known)));
  }

  #missing<T>(name: string, wants: string, fallback: T): T {
    this.fault(name, this.has(name) ? 'WRONG_TYPE' : 'REQUIRED', this.has(name) ? `must be ${wants}` : 'is required');
    return fallback;
  }
}

function isObject(json: unknown): json is Json {
  return typeof json === 'object' && json !== null && !Array.isArray(json);
}

/** u-coordinates of small order, below the prime. @see RFC 7748 §6.1, and the list in Curve25519's own paper */
const SMALL_ORDER = new Set([
  0n,
  1n,
  325606250916557431795983626356110631294008115727848805560023387167927233504n,
  39382357235489614581723060781553021112529911719440698176882885853963445705823n,
  2n ** 255n - 20n,
]);

function x25519KeyWeakness(bytes: Uint8Array): KeyWeakness | undefined {
  const u = bytes.reduceRight((sum, byte) => (sum << 8n) | BigInt(byte), 0n);
  if (u >= 2n ** 255n - 19n) return 'KEY_NOT_CANONICAL';
  return SMALL_ORDER.has(u) ? 'KEY_SMALL_ORDER' : undefined;
}
