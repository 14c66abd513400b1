/** Messages that are nothing but marks, one in every field that says something, and the search for those marks in bytes. */
import { createHash } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { formatOf } from '../../src/wire/format.ts';
import { enumSchema, messageSchema, type FieldRow } from '../../src/wire/schema.ts';

/** What every mark begins with: a word in no language, in letters that every grammar of the schema lets pass. */
export const MARK = 'zqkanarie';

let made = 0;

/** A mark that is used once. */
function mark(): string {
  return `${MARK}${String(made++).padStart(5, '0')}`;
}

// What a grammar leaves no room for a word in still says something of a case: a number that is nobody's, found again by itself.
const EXAMPLES: Readonly<Record<string, string>> = {
  jurisdiction: 'XA',
  uuid: '0197a1b2-c3d4-7e5f-8a6b-0c1d2e3f4a5b',
  kid: createHash('sha256').update(MARK).digest('base64url'),
  iccs: '070211',
  e164: '+99947110815',
  lei: withCheckDigits('ZQKANARIE471100815'),
  language: 'en',
  currency: 'EUR',
  date: '2026-03-31',
  partial_date: '1974-03-09',
  time_zone: 'Europe/Rome',
};

/** Texts without the mark's word that must not be found either: data of a person or a company, the id of a case. */
export const NUMBERS: readonly string[] = [EXAMPLES['e164']!, EXAMPLES['lei']!, EXAMPLES['uuid']!];

/** A message type with every one of its fields filled in. */
export interface FullMessage {
  readonly json: Readonly<Record<string, unknown>>;
  /** `Type.field` of every field that holds a mark. */
  readonly marked: readonly string[];
}

/** @param variant which member of a oneof to take, where there is one */
export function fullMessage(type: string, variant = 0): FullMessage {
  const marked: string[] = [];
  return { json: fill(type, variant, marked), marked };
}

function fill(type: string, variant: number, marked: string[]): Record<string, unknown> {
  const { fields, oneofs } = messageSchema(type);
  const chosen = [...oneofs.values()].map((members) => members[variant % members.length]);
  const json: Record<string, unknown> = {};
  for (const field of fields) {
    if (field.oneof !== undefined && !chosen.includes(field)) continue;
    const value = valueOf(type, field, variant, marked);
    json[field.name] = field.repeated ? [value] : value;
  }
  return json;
}

function valueOf(type: string, field: FieldRow, variant: number, marked: string[]): unknown {
  switch (field.kind) {
    case 'message':
      return fill(field.type!, variant, marked);
    case 'string':
      return textOf(type, field, marked);
    case 'bytes':
      return Buffer.alloc(field.exactBytes ?? Math.min(field.maxBytes ?? 1, 8)).toString('base64url');
    case 'enum':
      return [...enumSchema(field.type!).numberOf.keys()][0];
    case 'bool':
      return true;
    case 'uint32':
    case 'uint64':
    case 'int64':
      return 1;
    default:
      return field.kind satisfies never;
  }
}

function textOf(type: string, field: FieldRow, marked: string[]): string {
  const format = formatOf(field.format!);
  const own = mark();
  const candidates = [own, `${own}@${own}.example`, EXAMPLES[field.format!] ?? ''];
  const text = candidates.find((candidate) => candidate !== '' && format.matches(candidate));
  if (text === undefined) throw new Error(`${type}.${field.name}: no example of the format ${field.format} here yet`);
  if (text.includes(MARK)) marked.push(`${type}.${field.name}`);
  return text;
}

/** Every `Type.field` below a message type that can hold words. */
export function wordFields(type: string, seen = new Set<string>()): string[] {
  if (seen.has(type)) return [];
  seen.add(type);
  return messageSchema(type).fields.flatMap((field) => {
    if (field.kind === 'message') return wordFields(field.type!, seen);
    if (field.kind !== 'string') return [];
    const format = formatOf(field.format!);
    return format.matches(MARK) || format.matches(`${MARK}@${MARK}.example`) ? [`${type}.${field.name}`] : [];
  });
}

/** The texts that are in the bytes: as they are, in UTF-16, in hexadecimal, or in base64 at any alignment. */
export function findTexts(bytes: Uint8Array, texts: readonly string[]): string[] {
  const hay = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return texts.filter((text) => spellings(text).some((spelling) => hay.includes(spelling)));
}

function spellings(text: string): Buffer[] {
  const plain = Buffer.from(text);
  // Of three bytes four characters are made: with nothing, one or two bytes before it, without the characters that neighbours change.
  const encoded = [0, 1, 2].map((before) =>
    Buffer.concat([Buffer.alloc(before), plain])
      .toString('base64url')
      .slice(before === 0 ? 0 : before + 1, -2),
  );
  const texts = [
    plain.toString('hex'),
    ...encoded,
    ...encoded.map((part) => part.replaceAll('-', '+').replaceAll('_', '/')),
  ];
  return [plain, Buffer.from(text, 'utf16le'), ...texts.map((item) => Buffer.from(item))];
}

/** Every file under a folder, with its bytes. */
export function filesUnder(folder: string): { readonly path: string; readonly bytes: Buffer }[] {
  return readdirSync(folder, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .map((path) => ({ path, bytes: readFileSync(path) }));
}

function withCheckDigits(body: string): string {
  const remainder = Array.from(`${body}00`).reduce((rest, char) => {
    const value = Number.parseInt(char, 36);
    return (rest * (value > 9 ? 100 : 10) + value) % 97;
  }, 0);
  return body + String(98 - remainder).padStart(2, '0');
}
