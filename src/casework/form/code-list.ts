/** Names of codes and fields in the languages of their readers, from `node-config/code-lists/`. */
import { z } from 'zod';
import { RegistryError } from '../error.ts';
import { documentFaults, type RegistryDocument } from '../registry/document.ts';

/** Languages that every code list has. */
export const FORM_LANGUAGES = ['en', 'fr', 'es', 'it', 'de', 'ar'] as const;

/** A language that forms can be read in. */
export type FormLanguage = (typeof FORM_LANGUAGES)[number];

const words = z.string().min(1).max(200);
const names = z.strictObject({ en: words, fr: words, es: words, it: words, de: words, ar: words });
const listSchema = z.record(z.string(), z.record(z.string(), names));

type Names = z.output<typeof names>;

/** Groups by their names: the enums, `fields`, `words`; in each, names by code. */
export type CodeLists = ReadonlyMap<string, ReadonlyMap<string, Names>>;

/**
 * Reads the code lists.
 * @throws {RegistryError} CASE_REGISTRY_INVALID with every fault
 */
export function parseCodeLists(documents: readonly RegistryDocument[]): CodeLists {
  const { values, faults } = documentFaults(listSchema, documents);
  if (faults.length > 0) throw new RegistryError('CASE_REGISTRY_INVALID', 'The code lists cannot be used.', faults);
  const lists = new Map<string, Map<string, Names>>();
  for (const { value } of values) {
    for (const [group, entries] of Object.entries(value)) {
      const list = lists.get(group) ?? new Map<string, Names>();
      for (const [code, entry] of Object.entries(entries)) list.set(code, entry);
      lists.set(group, list);
    }
  }
  return lists;
}

/** A code in words; the code itself, readable, where no list has it. */
export function nameOf(lists: CodeLists, group: string, code: string, lang: FormLanguage): string {
  return lists.get(group)?.get(code)?.[lang] ?? code.replaceAll('_', ' ');
}
