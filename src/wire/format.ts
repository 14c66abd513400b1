import { isJurisdictionCode, isUuid } from '../base/mod.ts';
import { isBic, isCountry, isIban, isImei, isImo, isIp, isVin, isWallet } from './identifier.ts';

/** A named grammar for strings: what it asks for, in words, and whether a text keeps it. */
export interface Format {
  readonly wants: string;
  readonly matches: (text: string) => boolean;
}

// Every table of formats is closed over constants of the runtime, so each is computed once.
const currencies = new Set(Intl.supportedValuesOf('currency'));
// C0 and C1 controls, and the characters that reorder or hide text: they make one text look like another (UTR #36). Half a surrogate pair,
// which JSON can spell and UTF-8 cannot, would be another text once it is encoded.
const UNSAFE =
  /[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]|\p{Surrogate}/u;
// The same, but free text has line breaks and tabs, and right-to-left scripts need their marks and joiners.
const UNSAFE_IN_TEXT =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069\ufeff\ufff9-\ufffb]|\p{Surrogate}/u;

const E164 = /^\+[1-9][0-9]{6,14}$/;

const formats: Readonly<Record<string, Format>> = {
  line: { wants: 'one line of text without control characters', matches: isLine },
  name: { wants: 'a name on one line, in one script besides Latin, without control characters', matches: isName },
  text: { wants: 'text in Unicode NFC without control characters', matches: isText },
  // Signed notes, proofs and manifests have parsers of their own.
  note: {
    wants: 'text without control characters other than line feed',
    matches: (text) => !/[^\n -~\u00a0-\uffff]/.test(text),
  },
  jurisdiction: { wants: 'a jurisdiction code such as IT or GB-SCT', matches: isJurisdictionCode },
  uuid: { wants: 'a UUIDv7 in lower case', matches: isUuid },
  kid: { wants: 'an RFC 7638 thumbprint in base64url', matches: pattern(/^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/) },
  compact: { wants: 'a JWE in compact form', matches: pattern(/^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]*){4}$/) },
  file_name: {
    wants: 'a file’s name: one line without control or direction characters, no slashes or backslashes, not only dots',
    matches: (text) => isLine(text) && !/[/\\]/.test(text) && !/^\.+$/.test(text),
  },
  media_type: {
    wants: 'a media type such as image/tiff',
    matches: pattern(/^[a-z0-9][a-z0-9!#$&^_.+-]{0,62}\/[a-z0-9][a-z0-9!#$&^_.+-]{0,62}$/),
  },
  slug: {
    wants: 'a short name of lower-case letters, digits and hyphens',
    matches: pattern(/^[a-z0-9]([a-z0-9-]{0,62}[a-z0-9])?$/),
  },
  iccs: { wants: 'an ICCS 1.0 code of two to six digits', matches: pattern(/^[0-9]{2,6}$/) },
  e164: { wants: 'an E.164 number such as +390612345678', matches: pattern(E164) },
  email: { wants: 'an e-mail address', matches: pattern(/^[^\s@<>"(),:;[\\\]]{1,64}@[A-Za-z0-9.-]{1,253}$/) },
  phone: { wants: 'an E.164 number such as +390612345678', matches: pattern(E164) },
  lei: { wants: 'an ISO 17442 LEI with its check digits', matches: isLei },
  country: { wants: 'an ISO 3166-1 country code such as IT, also with a region', matches: isCountry },
  iban: { wants: 'an ISO 13616 IBAN with its check digits, without spaces', matches: isIban },
  bic: { wants: 'an ISO 9362 BIC in capitals', matches: isBic },
  vin: { wants: 'an ISO 3779 VIN, with its check digit where its region has one', matches: isVin },
  imo: { wants: 'an IMO number such as IMO 9074729, with its check digit', matches: isImo },
  imei: { wants: 'an IMEI of fifteen digits with its check digit', matches: isImei },
  wallet: { wants: 'a CAIP-10 account such as eip155:1:0x…, with the checks of its chain', matches: isWallet },
  ip: { wants: 'an IPv4 address, or an IPv6 address as RFC 5952 spells it', matches: isIp },
  language: { wants: 'a BCP 47 language tag such as pt-BR', matches: isLanguageTag },
  currency: { wants: 'an ISO 4217 currency code such as EUR', matches: (text) => currencies.has(text) },
  date: { wants: 'a date such as 2026-03-31', matches: isDate },
  partial_date: {
    wants: 'a date such as 1974, 1974-03 or 1974-03-09',
    matches: (text) => /^\d{4}$/.test(text) || (/^\d{4}-\d{2}$/.test(text) && isDate(`${text}-01`)) || isDate(text),
  },
  time_zone: { wants: 'an IANA time zone such as Europe/Rome', matches: isTimeZone },
};

/** @throws {TypeError} for a grammar that does not exist, which is a mistake in a `.proto` file */
export function formatOf(name: string): Format {
  const format = formats[name];
  if (format === undefined) throw new TypeError(`no format ${name}`);
  return format;
}

/** The name of a grammar, or "line" where there is none of that name. */
export function formatNamed(name: string): string {
  return Object.hasOwn(formats, name) ? name : 'line';
}

function pattern(expression: RegExp): (text: string) => boolean {
  return (text) => expression.test(text);
}

// Nothing in printable ASCII, and of Latin letters up to U+024F, is unsafe, in two forms or of a second script: most text is settled by
// one look.
const PLAIN_LINE = /^[ -~\u00a0-\u024f]*$/;
const PLAIN_TEXT = /^[\t\n -~\u00a0-\u024f]*$/;

function isLine(text: string): boolean {
  const isSafe = PLAIN_LINE.test(text) || (!UNSAFE.test(text) && text.normalize('NFC') === text);
  return isSafe && text.trim() === text;
}

// One word in two scripts is how a name is forged (“Маlta” with Cyrillic М and а); Latin beside another script as words of its own is usual.
function isName(text: string): boolean {
  return isLine(text) && (PLAIN_LINE.test(text) || text.split(/[\s\p{P}]+/u).every((word) => scriptsOf(word) <= 1));
}

const SCRIPTS = [
  /\p{Script=Latin}/u,
  /\p{Script=Cyrillic}/u,
  /\p{Script=Greek}/u,
  /\p{Script=Armenian}/u,
  /\p{Script=Cherokee}/u,
];

function scriptsOf(word: string): number {
  return SCRIPTS.filter((script) => script.test(word)).length;
}

function isText(text: string): boolean {
  const isSafe = PLAIN_TEXT.test(text) || (!UNSAFE_IN_TEXT.test(text) && text.normalize('NFC') === text);
  return isSafe && text.trim() !== '';
}

const knownLanguages = new Map<string, boolean>();
const MAX_KNOWN_LANGUAGES = 1024;

function isLanguageTag(text: string): boolean {
  let known = knownLanguages.get(text);
  if (known === undefined) {
    known = isCanonicalTag(text);
    if (text.length <= 35 && knownLanguages.size < MAX_KNOWN_LANGUAGES) knownLanguages.set(text, known);
  }
  return known;
}

function isCanonicalTag(text: string): boolean {
  try {
    // Primary subtags of more letters are reserved: “english” is well formed, and nobody’s tag.
    return /^[a-z]{2,3}(-|$)/.test(text) && Intl.getCanonicalLocales(text)[0] === text;
  } catch {
    return false;
  }
}

const MONTH_DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

function isDate(text: string): boolean {
  const match = /^(\d{4})-(\d{2})-(\d{2})$/.exec(text);
  if (match === null) return false;
  const [year, month, day] = [Number(match[1]), Number(match[2]), Number(match[3])];
  const leap = (year % 4 === 0 && year % 100 !== 0) || year % 400 === 0;
  const days = (MONTH_DAYS[month - 1] ?? 0) + (leap && month === 2 ? 1 : 0);
  return year >= 1000 && day >= 1 && day <= days;
}

const knownTimeZones = new Map<string, boolean>();

// Asking Intl costs tens of microseconds: remembered, with a bound because a peer chooses the texts.
function isTimeZone(text: string): boolean {
  const known = knownTimeZones.get(text);
  if (known !== undefined) return known;
  let valid = /^[A-Za-z]+(\/[A-Za-z0-9_+-]+)+$|^UTC$/.test(text);
  try {
    if (valid) new Intl.DateTimeFormat('en', { timeZone: text });
  } catch {
    valid = false;
  }
  if (knownTimeZones.size < 1000) knownTimeZones.set(text, valid);
  return valid;
}

/** ISO 7064 MOD 97-10 over the letters as numbers. @see ISO 17442-1 */
function isLei(text: string): boolean {
  if (!/^[A-Z0-9]{18}[0-9]{2}$/.test(text)) return false;
  let remainder = 0;
  for (const char of text) {
    const value = Number.parseInt(char, 36);
    remainder = (remainder * (value > 9 ? 100 : 10) + value) % 97;
  }
  return remainder === 1;
}
