import { bytesToHex, parseBase64url } from '../../base/mod.ts';
import { fieldsOf, type FieldRow } from '../../wire/mod.ts';
import { nameOf, type CodeLists, type FormLanguage } from './code-list.ts';
import { directed, isolate, styleOf, type Style } from './direction.ts';
import { moneyText, placeText } from './value.ts';

type Json = Readonly<Record<string, unknown>>;

/**
 * A message as a form in the reader's language: labels and codes from the lists, free text in the translation that it carries, with who
 * vouches for it, or as it was written with its language named.
 * @param content a message as JSON, as `message show` has it
 */
export function formLines(content: Json, lists: CodeLists, lang: FormLanguage): string[] {
  const style = styleOf(lists, lang);
  return messageLines('Message', content, 0, style).map((line) => directed(line, style));
}

function messageLines(type: string, value: Json, depth: number, style: Style): string[] {
  return fieldsOf(type).flatMap((field) => {
    const member = value[field.name];
    if (member === undefined || member === false) return [];
    // Of the header, what a reader of forms knows; the rest is between the nodes.
    if (type === 'Header' && style.lists.get('fields')?.has(field.name) !== true) return [];
    // Whoever reads over a shoulder must not take a file's key away.
    if (type === 'EvidenceFile' && field.name === 'key') return [];
    const label = nameOf(style.lists, 'fields', field.name, style.lang);
    if (!field.repeated) return fieldLines(field, label, member, depth, style);
    return (member as readonly unknown[]).flatMap((item, index, all) =>
      fieldLines(field, all.length === 1 ? label : `${label} ${index + 1}`, item, depth, style),
    );
  });
}

function fieldLines(field: FieldRow, label: string, value: unknown, depth: number, style: Style): string[] {
  const indent = '  '.repeat(depth);
  if (field.kind !== 'message') return [`${indent}${label}: ${isolate(valueText(field, value, style), style)}`];
  if (field.type === 'Money') return [`${indent}${label}: ${isolate(amountText(value as Json, style), style)}`];
  if (field.type === 'Text') return textLines(label, value as Json, depth, style);
  return [`${indent}${label}`, ...messageLines(field.type!, value as Json, depth + 1, style)];
}

function valueText(field: FieldRow, value: unknown, { lists, lang }: Style): string {
  if (field.kind === 'enum') return nameOf(lists, field.type!, String(value), lang);
  if (field.kind === 'bool') return nameOf(lists, 'words', 'yes', lang);
  if (field.kind === 'int64' && typeof value === 'number') return new Date(value).toISOString();
  // As other tools print a digest, so that it can be compared.
  if (field.kind === 'bytes') return bytesToHex(parseBase64url(String(value)));
  const isPlace = field.format === 'country' || field.format === 'jurisdiction';
  return isPlace ? placeText(String(value), lang) : String(value);
}

function amountText({ currency, minor_units: units = 0 }: Json, { lang }: Style): string {
  return moneyText(String(currency), BigInt(units as number | string), lang);
}

interface Translation {
  readonly lang: string;
  readonly text: string;
  readonly certified_by?: string;
  readonly machine?: boolean;
}

function textLines(label: string, text: Json, depth: number, style: Style): string[] {
  const { lists, lang } = style;
  const indent = '  '.repeat(depth);
  const original = text as unknown as { lang: string; text: string; translations?: readonly Translation[] };
  const language = new Intl.DisplayNames([lang], { type: 'language' }).of(original.lang) ?? original.lang;
  const found = isSame(original.lang, lang) ? undefined : bestTranslation(original.translations ?? [], lang);
  let origin: string | undefined;
  if (found !== undefined) {
    if (found.certified_by !== undefined)
      origin = `${nameOf(lists, 'words', 'certified_translation', lang)} ${isolate(found.certified_by, style)}`;
    else
      origin = `${nameOf(lists, 'words', found.machine === true ? 'machine_translation' : 'uncertified_translation', lang)} ${isolate(language, style)}`;
  } else if (!isSame(original.lang, lang))
    origin = `${nameOf(lists, 'words', 'original_language', lang)} ${isolate(language, style)}`;
  const words = (found ?? original).text.split('\n').map((line) => `${indent}  ${isolate(line, style)}`);
  return [`${indent}${label}${origin === undefined ? '' : ` (${origin})`}`, ...words];
}

// A person's word before a machine's.
function bestTranslation(translations: readonly Translation[], lang: string): Translation | undefined {
  const fitting = translations.filter((translation) => isSame(translation.lang, lang));
  return (
    fitting.find(({ certified_by: by }) => by !== undefined) ??
    fitting.find(({ machine }) => machine !== true) ??
    fitting[0]
  );
}

function isSame(tag: string, lang: string): boolean {
  return tag.split('-')[0] === lang;
}
