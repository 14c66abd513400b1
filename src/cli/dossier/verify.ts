/** Holds a dossier against the ledgers and manifests of its bundles: needs no node and no network. */
import { createPublicKey } from 'node:crypto';
import type { ProvedArrival } from '../../audit/mod.ts';
import { custodyFaults, itemFaults, type CustodyKeys } from '../../evidence/mod.ts';
import type { Manifest } from '../../trust/mod.ts';
import { parseJson } from '../../wire/mod.ts';
import { encodeDossier, type OpenedDossier } from './archive.ts';
import type { Dossier, DossierFile } from './data.ts';
import { dossierPage } from './page.ts';

/** The verdict on one dossier. */
export interface DossierVerdict {
  readonly name: string;
  readonly ok: boolean;
  readonly case_id: string;
  readonly exhibits: number;
  /** Signed custody events that verified. */
  readonly custody_events: number;
  readonly files: number;
  /** Files whose arrival is proved by the recipient's ledger. */
  readonly proved_files: number;
  readonly faults: readonly { readonly where: string; readonly message: string }[];
}

/**
 * @param arrivals proved by the audited bundles
 * @param manifests verified by them; every version, because a chain of custody outlives keys
 */
export function verifyDossier(
  opened: OpenedDossier,
  arrivals: readonly ProvedArrival[],
  manifests: readonly Manifest[],
): DossierVerdict {
  const faults: { where: string; message: string }[] = [];
  const wrong = (where: string, message: string): void => void faults.push({ where, message });
  for (const path of opened.damaged) wrong(path, 'its bytes are not those that were packed');
  const dossier = parseDossier(opened.text);
  if (dossier === undefined) {
    wrong('dossier.json', 'it cannot be read');
    return { name: opened.name, ok: false, case_id: '', ...NOTHING, faults };
  }
  // What people read is what was verified.
  if (opened.page !== pageOf(dossier)) wrong('dossier.html', 'it does not say what dossier.json says');
  if (encodeDossier(dossier) !== opened.text) wrong('dossier.json', 'it is not written as a dossier is');
  if (opened.bundleDigest !== dossier.bundle_sha256)
    wrong('bundle.zip', 'it is not the one that the dossier was made with');
  let events = 0;
  const keys = keysOf(manifests);
  for (const [index, { item: json }] of dossier.exhibits.entries()) {
    const path = `exhibits[${index}]`;
    try {
      const item = parseJson('EvidenceItem', json);
      const found = [...itemFaults(item, path), ...custodyFaults(item.item_id, item.custody, keys, `${path}.custody`)];
      for (const { path: at, message } of found) wrong(at, message);
      events += item.custody.length;
      for (const id of item.files)
        if (!dossier.files.some((file) => file.file_id === id)) wrong(path, `its file ${id} is not listed`);
    } catch (error) {
      wrong(path, error instanceof Error ? error.message : 'it cannot be read');
    }
  }
  const expected = dossier.files.flatMap((file) => movesOf(dossier.code, file).map((move) => ({ file, ...move })));
  let proved = 0;
  for (const { file, recipient, sender } of expected) {
    const isProved = arrivals.some(
      (arrival) =>
        arrival.file_id === file.file_id &&
        arrival.size === file.size &&
        arrival.root === file.root &&
        arrival.recipient === recipient &&
        arrival.sender === sender,
    );
    if (isProved) proved++;
    else wrong(`file ${file.file_id}`, `no ledger here proves that it arrived at ${recipient}`);
  }
  return {
    name: opened.name,
    ok: faults.length === 0,
    case_id: dossier.case_id,
    exhibits: dossier.exhibits.length,
    custody_events: events,
    files: dossier.files.length,
    proved_files: proved,
    faults,
  };
}

/** A verdict for people. */
export function dossierLines(verdict: DossierVerdict): string[] {
  const { name, exhibits, custody_events: events, files, proved_files: proved, faults } = verdict;
  return [
    `${name}: a dossier of ${exhibits} exhibits with ${events} signed custody events and ${files} files, ${proved} of which are proved to have arrived`,
    ...faults.map(({ where, message }) => `WRONG  ${where}: ${message}`),
  ];
}

const NOTHING = { exhibits: 0, custody_events: 0, files: 0, proved_files: 0 } as const;

/** Between whom a file has moved, as the dossier says. */
function movesOf(
  code: string,
  { direction, peer, complete_index: complete, offers }: DossierFile,
): { readonly sender: string; readonly recipient: string }[] {
  const came = direction === 'IN' && complete !== undefined ? [{ sender: peer!, recipient: code }] : [];
  const went = offers
    .filter(({ status }) => status === 'COMPLETE')
    .map((offer) => ({ sender: code, recipient: offer.peer }));
  return [...came, ...went];
}

function keysOf(manifests: readonly Manifest[]): CustodyKeys {
  return (jurisdiction, kid) => {
    const members = manifests.flatMap(({ members: all }) => all.filter(({ code }) => code === jurisdiction));
    const key = members.flatMap(({ sign }) => sign).find((candidate) => candidate.kid === kid);
    return key === undefined ? undefined : createPublicKey({ format: 'jwk', key: { ...key.jwk } });
  };
}

/** The page; undefined when what it is made of has another form than that of a dossier. */
function pageOf(dossier: Dossier): string | undefined {
  try {
    return dossierPage(dossier);
  } catch {
    return undefined;
  }
}

function parseDossier(text: string | undefined): Dossier | undefined {
  try {
    const dossier = JSON.parse(text ?? '') as Dossier;
    const isOne =
      (dossier.format as string) === 'rogatory-dossier/v1' &&
      [dossier.code, dossier.case_id, dossier.checkpoint, dossier.bundle_sha256].every(
        (one) => typeof one === 'string',
      ) &&
      [dossier.exhibits, dossier.files, dossier.messages].every((list) => Array.isArray(list));
    return isOne ? dossier : undefined;
  } catch {
    return undefined;
  }
}
