/** Published identifiers of things: each by its standard's own check, so that a slip of the pen is caught before anything is frozen by it. */
import { keccak_256 } from '@noble/hashes/sha3.js';
import { sha256 } from '@noble/hashes/sha2.js';
import { bech32, bech32m, createBase58check } from '@scure/base';
import { isValidBIC, isValidIBAN } from 'ibantools';
import { bytesToHex, utf8ToBytes } from '../base/mod.ts';

const COUNTRIES: ReadonlySet<string> = new Set(
  (
    'AD AE AF AG AI AL AM AO AQ AR AS AT AU AW AX AZ BA BB BD BE BF BG BH BI BJ BL BM BN BO BQ BR BS BT BV BW BY BZ ' +
    'CA CC CD CF CG CH CI CK CL CM CN CO CR CU CV CW CX CY CZ DE DJ DK DM DO DZ EC EE EG EH ER ES ET FI FJ FK FM FO ' +
    'FR GA GB GD GE GF GG GH GI GL GM GN GP GQ GR GS GT GU GW GY HK HM HN HR HT HU ID IE IL IM IN IO IQ IR IS IT JE ' +
    'JM JO JP KE KG KH KI KM KN KP KR KW KY KZ LA LB LC LI LK LR LS LT LU LV LY MA MC MD ME MF MG MH MK ML MM MN MO ' +
    'MP MQ MR MS MT MU MV MW MX MY MZ NA NC NE NF NG NI NL NO NP NR NU NZ OM PA PE PF PG PH PK PL PM PN PR PS PT PW ' +
    'PY QA RE RO RS RU RW SA SB SC SD SE SG SH SI SJ SK SL SM SN SO SR SS ST SV SX SY SZ TC TD TF TG TH TJ TK TL TM ' +
    'TN TO TR TT TV TW TZ UA UG UM US UY UZ VA VC VE VG VI VN VU WF WS YE YT ZA ZM ZW'
  ).split(' '),
);

/** ISO 3166-1 alpha-2, also with a region, and the user-assigned codes XA to XZ. The list is that of 2024, and part of the protocol. */
export function isCountry(text: string): boolean {
  if (!/^[A-Z]{2}(-[A-Z0-9]{1,3})?$/.test(text)) return false;
  return text.startsWith('X') || COUNTRIES.has(text.slice(0, 2));
}

/** ISO 13616, with the structure of its country and its check digits; without spaces. */
export function isIban(text: string): boolean {
  return isValidIBAN(text);
}

/** ISO 9362 in capitals. */
export function isBic(text: string): boolean {
  return isValidBIC(text) && text === text.toUpperCase();
}

const VIN_WEIGHTS = [8, 7, 6, 5, 4, 3, 2, 10, 0, 9, 8, 7, 6, 5, 4, 3, 2];
// I, O and Q are in no VIN: they look like digits.
const VIN_VALUES: Readonly<Record<string, number>> = Object.fromEntries(
  Array.from('0123456789ABCDEFGHJKLMNPRSTUVWXYZ', (char, i) => [char, Number('012345678912345678123457923456789'[i])]),
);

/** ISO 3779. North America (a VIN that begins with 1 to 5) and China (L) have a check digit in ninth place; elsewhere it may be anything. */
export function isVin(text: string): boolean {
  if (!/^[0-9A-HJ-NPR-Z]{17}$/.test(text)) return false;
  if (!/^[1-5L]/.test(text)) return true;
  const sum = Array.from(text).reduce((total, char, i) => total + VIN_VALUES[char]! * VIN_WEIGHTS[i]!, 0);
  return text[8] === (sum % 11 === 10 ? 'X' : String(sum % 11));
}

/** IMO ship identification number with its check digit, IMO Resolution A.1117(30). */
export function isImo(text: string): boolean {
  const match = /^IMO ([0-9]{6})([0-9])$/.exec(text);
  if (match === null) return false;
  const sum = Array.from(match[1]!).reduce((total, digit, i) => total + Number(digit) * (7 - i), 0);
  return sum % 10 === Number(match[2]);
}

/** 3GPP TS 23.003: fifteen digits, the last a Luhn check digit. */
export function isImei(text: string): boolean {
  if (!/^[0-9]{15}$/.test(text)) return false;
  const sum = Array.from(text).reduce((total, char, i) => {
    const doubled = Number(char) * (i % 2 === 1 ? 2 : 1);
    return total + (doubled > 9 ? doubled - 9 : doubled);
  }, 0);
  return sum % 10 === 0;
}

const base58check = createBase58check(sha256);

/** A wallet as CAIP-10: CAIP-2 chain and address. Ethereum's and Bitcoin's addresses carry checks of their own, and those are made. */
export function isWallet(text: string): boolean {
  const match = /^([-a-z0-9]{3,8}):([-_a-zA-Z0-9]{1,32}):([-.%a-zA-Z0-9]{1,128})$/.exec(text);
  if (match === null) return false;
  const [, namespace, reference, address] = match as unknown as [string, string, string, string];
  if (namespace === 'eip155') return /^[0-9]{1,32}$/.test(reference) && isEthereumAddress(address);
  return namespace === 'bip122' ? /^[0-9a-f]{32}$/.test(reference) && isBitcoinAddress(address) : true;
}

// EIP-55: the case of each letter is a check. All one case makes none.
function isEthereumAddress(text: string): boolean {
  const match = /^0x([0-9a-fA-F]{40})$/.exec(text);
  if (match === null) return false;
  const address = match[1]!;
  if (address === address.toLowerCase() || address === address.toUpperCase()) return true;
  const hash = bytesToHex(keccak_256(utf8ToBytes(address.toLowerCase())));
  return Array.from(address).every((char, i) => char === (hash[i]! > '7' ? char.toUpperCase() : char.toLowerCase()));
}

// Base58Check (BIP 13), bech32 (BIP 173), bech32m (BIP 350).
function isBitcoinAddress(text: string): boolean {
  const decoders = [
    () => base58check.decode(text),
    () => bech32.decode(text as `${string}1${string}`, 90),
    () => bech32m.decode(text as `${string}1${string}`, 90),
  ];
  return decoders.some((decode) => {
    try {
      decode();
      return true;
    } catch {
      return false;
    }
  });
}

/** IPv4 in four decimals, or IPv6 in the one spelling of RFC 5952, without a zone. */
export function isIp(text: string): boolean {
  if (/^[0-9.]+$/.test(text)) {
    const parts = text.split('.');
    return parts.length === 4 && parts.every((part) => /^(0|[1-9][0-9]{0,2})$/.test(part) && Number(part) <= 255);
  }
  if (!/^[0-9a-f:]{2,39}$/.test(text)) return false;
  // A URL's host is written in that spelling by the URL standard, in Node and in browsers.
  return URL.canParse(`http://[${text}]/`) && new URL(`http://[${text}]/`).hostname === `[${text}]`;
}
