/** The language that a person reads in. */
import type { CaseOnPaper, FormLanguage } from '../casework/mod.ts';
import type { Arguments } from './command.ts';
import { CliError } from './error.ts';

const LANGUAGES: readonly FormLanguage[] = ['en', 'fr', 'es', 'it', 'de', 'ar'];

/** The option of commands that can speak to their reader in a language of the code lists. */
export const LANG = { value: 'LANG', help: `in the reader’s language: ${LANGUAGES.join(', ')}` } as const;

/** What is written for a reader of one language. */
export interface Reader {
  /** A message as a form; its content as `message show` has it. */
  readonly form: (content: Readonly<Record<string, unknown>>) => readonly string[];
  readonly caseForm: (found: CaseOnPaper) => readonly string[];
  /** Kind and state. */
  readonly caseStand: (found: CaseOnPaper) => string;
}

/** For whom `--lang` asks, if it does. @throws {CliError} CLI_USAGE {ConfigError} {RegistryError} */
export async function readerOf(args: Arguments): Promise<Reader | undefined> {
  const text = args.optional('lang');
  if (text === undefined) return undefined;
  const lang = LANGUAGES.find((known) => known === text);
  if (lang === undefined) throw new CliError('CLI_USAGE', `--lang must be one of ${LANGUAGES.join(', ')}.`);
  // Whoever does not ask for a language does not wait for the lists.
  const { caseFormLines, caseStandText, formLines, parseCodeLists } = await import('../casework/mod.ts');
  const { dataFolder, readDataFolder } = await import('../config/mod.ts');
  const lists = parseCodeLists(readDataFolder(dataFolder(process.env), 'code-lists'));
  return {
    form: (content) => formLines(content, lists, lang),
    caseForm: (found) => caseFormLines(found, lists, lang),
    caseStand: (found) => caseStandText(found, lists, lang),
  };
}
