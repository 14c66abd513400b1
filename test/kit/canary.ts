/** Messages that are nothing but marks, one in every field that says something, and the search for those marks in bytes. */
import { createHash } from 'node:crypto';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { formatOf } from '../../src/wire/format.ts';
import { WireError, parseDraft, type Draft } from '../../src/wire/mod.ts';
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
  country: 'IT',
  uuid: '0197a1b2-c3d4-7e5f-8a6b-0c1d2e3f4a5b',
  kid: createHash('sha256').update(MARK).digest('base64url'),
  iccs: '070211',
  e164: '+99947110815',
  lei: withCheckDigits('ZQKANARIE471100815'),
  iban: 'GB82WEST12345698765432',
  bic: 'DEUTDEFF',
  vin: '1M8GDM9AXKP042788',
  imo: 'IMO 9074729',
  imei: '490154203237518',
  wallet: 'eip155:1:0xab16a96D359eC26a11e2C2b3d8f8B8942d5Bfcdb',
  ip: '192.0.2.17',
  language: 'en',
  currency: 'EUR',
  date: '2026-03-31',
  partial_date: '1974-03-09',
  time_zone: 'Europe/Rome',
};

/** Texts without the mark's word that must not be found either: data of a person, of a company, of a thing. */
export const NUMBERS: readonly string[] = ['e164', 'lei', 'iban', 'vin', 'imei', 'wallet'].map(
  (name) => EXAMPLES[name]!,
);

/** The id that `fullMessage` gives to a case, and to whatever else has one. */
export const SOME_ID = EXAMPLES['uuid']!;

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

/** The draft of a full message. Where a field's grammar depends on another field, what fits is found by trying. */
export function fullDraft(name: string, json: FullMessage['json']): Draft {
  const draft = { [name]: structuredClone(json) };
  for (const example of Object.values(EXAMPLES)) {
    try {
      return parseDraft(draft);
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      for (const { path } of error.faults)
        setAt(
          draft,
          path.split(/[.[\]]+/).filter((part) => part !== ''),
          example,
        );
    }
  }
  return parseDraft(draft);
}

function setAt(json: Record<string, unknown>, path: readonly string[], value: string): void {
  const [first, ...rest] = path;
  if (rest.length === 0) json[first!] = value;
  else setAt(json[first!] as Record<string, unknown>, rest, value);
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
  const candidates = [...spelledMarks(own), EXAMPLES[field.format!] ?? '', ...Object.values(EXAMPLES)];
  const text = candidates.find((candidate) => candidate !== '' && format.matches(candidate));
  if (text === undefined) throw new Error(`${type}.${field.name}: no example of the format ${field.format} here yet`);
  if (text.includes(MARK)) marked.push(`${type}.${field.name}`);
  return text;
}

/** A mark in the forms that a grammar may ask for: a word, an address, a media type. */
function spelledMarks(own: string): string[] {
  return [own, `${own}@${own}.example`, `${own}/${own}`];
}

/** Every `Type.field` below a message type that can hold words. */
export function wordFields(type: string, seen = new Set<string>()): string[] {
  if (seen.has(type)) return [];
  seen.add(type);
  return messageSchema(type).fields.flatMap((field) => {
    if (field.kind === 'message') return wordFields(field.type!, seen);
    if (field.kind !== 'string') return [];
    const format = formatOf(field.format!);
    return spelledMarks(MARK).some(format.matches) ? [`${type}.${field.name}`] : [];
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
