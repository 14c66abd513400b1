/** Which way lines run, and what keeps what is written the other way in its place. */
import type { CodeLists, FormLanguage } from './code-list.ts';

/** How a form is written. */
export interface Style {
  readonly lists: CodeLists;
  readonly lang: FormLanguage;
  readonly isRightToLeft: boolean;
}

// Unicode isolates: what stands between one of the first and the last does not disturb the direction of what is around it (UAX #9 §2.3).
const FIRST_STRONG = '\u2068';
const RIGHT_TO_LEFT = '\u2067';
const END = '\u2069';
const RIGHT_TO_LEFT_LETTERS = /[\p{Script=Arabic}\p{Script=Hebrew}\p{Script=Syriac}\p{Script=Thaana}]/u;

export function styleOf(lists: CodeLists, lang: FormLanguage): Style {
  return { lists, lang, isRightToLeft: lang === 'ar' };
}

/** A line that runs as its language does, wherever it is shown. */
export function directed(line: string, { isRightToLeft }: Style): string {
  return isRightToLeft && line !== '' ? `${RIGHT_TO_LEFT}${line}${END}` : line;
}

/** Keeps a value in its own direction where it and the line may differ. */
export function isolate(text: string, { isRightToLeft }: Style): string {
  return isRightToLeft || RIGHT_TO_LEFT_LETTERS.test(text) ? `${FIRST_STRONG}${text}${END}` : text;
}
