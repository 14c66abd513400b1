/** What a certificate has to state so that a court can use it, kind by kind. */
import type { Certificate, CertificateKind, EvidenceItem, Fault, HashAlgorithm, ParticularName } from '../wire/mod.ts';

interface Requirement {
  readonly particulars: readonly ParticularName[];
  readonly sworn: boolean;
  /** The office that certifies has to be named. */
  readonly authority: boolean;
  readonly source: string;
}

/** Required statements of each kind, with where they come from; a court may ask for more. */
export const CERTIFICATE_RULES: Readonly<Record<CertificateKind, Requirement>> = {
  BUSINESS_RECORD_3505: {
    particulars: ['MADE_NEAR_TIME', 'KEPT_IN_COURSE', 'REGULAR_PRACTICE', 'ORIGINAL_OR_DUPLICATE', 'CUSTODIAN'],
    sworn: true,
    authority: false,
    source: '18 USC 3505(a)(1)(A)–(D), (c)(2)',
  },
  CONSULAR_3494: { particulars: ['REGISTER'], sworn: false, authority: true, source: '18 USC 3494' },
  OFFICIAL_RECORD: { particulars: ['REGISTER', 'CUSTODIAN'], sworn: false, authority: true, source: '' },
  AFFIDAVIT_OFFICER: { particulars: ['CAPACITY'], sworn: true, authority: true, source: '' },
  HEARING_MINUTES: {
    particulars: ['PERSON_HEARD', 'CAPACITY', 'LANGUAGE', 'RIGHTS_READ', 'ATTENDEES'],
    sworn: false,
    authority: true,
    source: 'Second Additional Protocol to the 1959 Convention art. 9(6)',
  },
  SERVICE_RECEIPT: {
    particulars: ['SERVED_ON', 'MANNER', 'SERVED_AT'],
    sworn: false,
    authority: true,
    source: '1959 Convention art. 7(2)',
  },
  ABSENCE_OF_RECORD: { particulars: ['REGISTER', 'SEARCHED_FOR'], sworn: false, authority: true, source: '' },
  FORENSIC_REPORT: {
    particulars: ['QUALIFICATION', 'METHOD', 'TOOL', 'FINDINGS'],
    sworn: false,
    authority: true,
    source: '',
  },
};

/** Everything that a certificate lacks. */
export function certificateFaults(certificate: Certificate, path: string): Fault[] {
  const { particulars, sworn, authority, source } = CERTIFICATE_RULES[certificate.kind];
  const faults: Fault[] = [];
  const because = `is required in a certificate of kind ${certificate.kind}${source === '' ? '' : ` (${source})`}`;
  const stated = new Set(certificate.particulars.map(({ name }) => name));
  for (const name of particulars) {
    if (!stated.has(name))
      faults.push({ path: `${path}.particulars`, code: 'REQUIRED', message: `${name} ${because}` });
  }
  if (sworn && !certificate.sworn)
    faults.push({
      path: `${path}.sworn`,
      code: 'REQUIRED',
      message: `an oath, affirmation or penalty of perjury ${because}`,
    });
  if (authority && certificate.authority === undefined)
    faults.push({ path: `${path}.authority`, code: 'REQUIRED', message: because });
  return faults;
}

const DIGEST_BYTES: Readonly<Record<HashAlgorithm, number>> = {
  SHA256: 32,
  SHA384: 48,
  SHA512: 64,
  SHA3_256: 32,
  MD5: 16,
  SHA1: 20,
};

/** Everything that is wrong with an item besides its chain of custody. */
export function itemFaults(item: EvidenceItem, path: string): Fault[] {
  const faults: Fault[] = [];
  for (const [index, { algorithm, value }] of item.hashes.entries()) {
    if (value.length !== DIGEST_BYTES[algorithm]) {
      const message = `must have the ${DIGEST_BYTES[algorithm]} bytes of ${algorithm}`;
      faults.push({ path: `${path}.hashes[${index}].value`, code: 'BAD_VALUE', message });
    }
  }
  const isLegacy =
    item.hashes.length > 0 && item.hashes.every(({ algorithm }) => algorithm === 'MD5' || algorithm === 'SHA1');
  if (isLegacy)
    faults.push({
      path: `${path}.hashes`,
      code: 'REQUIRED',
      message: 'need one of the SHA-2 or SHA-3 family beside MD5 or SHA-1',
    });
  if (item.kind === 'DIGITAL' && item.acquisition === undefined)
    faults.push({ path: `${path}.acquisition`, code: 'REQUIRED', message: 'is required for digital evidence' });
  const asked = new Set(item.formalities_requested.map(({ text }) => text));
  for (const [index, { text }] of item.formalities_met.entries()) {
    if (!asked.has(text))
      faults.push({ path: `${path}.formalities_met[${index}]`, code: 'BAD_VALUE', message: 'was not requested' });
  }
  if ([item.parent_item, ...item.derived_from].includes(item.item_id))
    faults.push({ path: `${path}.derived_from`, code: 'CONFLICT', message: 'names the item itself' });
  item.certificates.forEach((certificate, index) => {
    faults.push(...certificateFaults(certificate, `${path}.certificates[${index}]`));
  });
  return faults;
}
