/** Amounts and places as the reader's language writes them. */
import type { FormLanguage } from './code-list.ts';

// Codes that ISO 3166 leaves to their users name no country, whatever a library calls them.
const COUNTRY = /^(?!X[A-Z]|AA|ZZ|Q[M-Z])[A-Z]{2}$/;

/** A country or jurisdiction by its name, with its code; the code alone where it names no country. */
export function placeText(code: string, lang: FormLanguage): string {
  if (!COUNTRY.test(code)) return code;
  const name = new Intl.DisplayNames([lang], { type: 'region', fallback: 'none' }).of(code);
  return name === undefined ? code : `${name} (${code})`;
}

/** An amount of whole minor units in its currency, exactly. */
export function moneyText(currency: string, minorUnits: bigint, lang: FormLanguage): string {
  // European digits in every language: amounts are compared with papers that have them.
  const style = { style: 'currency', currency, currencyDisplay: 'code', numberingSystem: 'latn' } as const;
  const format = new Intl.NumberFormat(lang, style);
  const digits = format.resolvedOptions().maximumFractionDigits ?? 0;
  const units = minorUnits.toString().padStart(digits + 1, '0');
  const whole = units.slice(0, units.length - digits);
  const exact = digits === 0 ? whole : `${whole}.${units.slice(-digits)}`;
  // No-break spaces, of which there are several, are spaces to whoever searches a text.
  return format.format(exact as `${number}`).replace(/[\u00a0\u202f]/g, ' ');
}
