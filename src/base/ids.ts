import { bytesToHex, uint32ToBytes } from './bytes.ts';
import { BaseError } from './error.ts';

declare const brand: unique symbol;
type Branded<T, Name extends string> = T & { readonly [brand]: Name };

/** ISO 3166-1 alpha-2, or with a region such as `GB-SCT` (UNTOC art. 18(13)); `XA`…`XZ` are for sandboxes. */
export type JurisdictionCode = Branded<string, 'JurisdictionCode'>;
/** A UUIDv7 in lower-case text form. @see RFC 9562 §5.7 */
export type Uuid = Branded<string, 'Uuid'>;

const JURISDICTION = /^[A-Z]{2}(-[A-Z0-9]{1,3})?$/;
const UUID_V7 = /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

/** Whether the text has the form of a jurisdiction code. */
export function isJurisdictionCode(text: string): text is JurisdictionCode {
  return JURISDICTION.test(text);
}

/** @throws {BaseError} BASE_BAD_JURISDICTION */
export function parseJurisdictionCode(text: string): JurisdictionCode {
  if (!isJurisdictionCode(text)) {
    throw new BaseError(
      'BASE_BAD_JURISDICTION',
      `“${text.slice(0, 20)}” is not a jurisdiction code such as IT or GB-SCT.`,
    );
  }
  return text;
}

/** Whether the text is a UUIDv7 in lower-case text form. */
export function isUuid(text: string): text is Uuid {
  return UUID_V7.test(text);
}

/** @throws {BaseError} BASE_BAD_UUID */
export function parseUuid(text: string): Uuid {
  if (!isUuid(text)) throw new BaseError('BASE_BAD_UUID', `“${text.slice(0, 40)}” is not a UUIDv7 in lower case.`);
  return text;
}

/** When an id was made, in Unix milliseconds. @see RFC 9562 §5.7 */
export function uuidTimeMs(id: Uuid): number {
  return Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16);
}

/**
 * A UUIDv7: 48 bits of Unix milliseconds, then 74 random bits, so that ids sort by their time.
 * @param nowMs Unix milliseconds
 * @param random 10 random bytes
 * @see RFC 9562 §5.7
 */
export function newUuid(nowMs: number, random: Uint8Array): Uuid {
  if (random.length < 10) throw new TypeError('newUuid needs 10 random bytes');
  const bytes = new Uint8Array(16);
  const [high, low] = [Math.floor(nowMs / 0x1_0000), nowMs % 0x1_0000];
  bytes.set(uint32ToBytes(high));
  bytes[4] = low >>> 8;
  bytes[5] = low;
  bytes.set(random.subarray(0, 10), 6);
  bytes[6] = 0x70 | (bytes[6]! & 0x0f);
  bytes[8] = 0x80 | (bytes[8]! & 0x3f);
  const hex = bytesToHex(bytes);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}` as Uuid;
}
