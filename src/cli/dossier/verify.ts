/** Holds a dossier against the ledgers and manifests of its bundles: needs no node and no network. */
import { createPublicKey } from 'node:crypto';
import { bytesToHex } from '../../base/mod.ts';
import type { FoundEntry, ProvedArrival } from '../../audit/mod.ts';
import { custodyFaults, itemFaults, type CustodyKeys } from '../../evidence/mod.ts';
import type { Manifest } from '../../trust/mod.ts';
import { parseJson, type EvidenceItem } from '../../wire/mod.ts';
import { encodeDossier, sumsOf, type OpenedDossier } from './archive.ts';
import type { Dossier, DossierFile, DossierMessage } from './data.ts';
import { checkMessage } from './messages.ts';
import { dossierPage, earlierDossierPage } from './page.ts';

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
 * @param entries that they show about messages
 * @param manifests verified by them; every version, because a chain of custody outlives keys
 */
export function verifyDossier(
  opened: OpenedDossier,
  arrivals: readonly ProvedArrival[],
  entries: readonly FoundEntry[],
  manifests: readonly Manifest[],
): DossierVerdict {
  const faults: { where: string; message: string }[] = [];
  const wrong = (where: string, message: string): void => void faults.push({ where, message });
  for (const path of opened.damaged) wrong(path, 'its bytes are not those that were packed');
  for (const path of opened.misplaced) wrong(path, 'it has no place in a dossier, or another one');
  const dossier = parseDossier(opened.text);
  const made = dossier === undefined ? undefined : madeOf(dossier);
  if (dossier === undefined || made === undefined) {
    wrong('dossier.json', 'it cannot be read');
    return { name: opened.name, ok: false, case_id: '', ...NOTHING, faults };
  }
  // What people read is what was verified, and so is what they compare their files with.
  if (opened.page !== made.page && opened.page !== earlierDossierPage(dossier))
    wrong('dossier.html', 'it does not say what dossier.json says');
  if (opened.sums !== made.sums) wrong('sha256sums.txt', 'it does not say what dossier.json says');
  if (encodeDossier(dossier) !== opened.text) wrong('dossier.json', 'it is not written as a dossier is');
  if (opened.bundleDigest !== dossier.bundle_sha256)
    wrong('bundle.zip', 'it is not the one that the dossier was made with');
  else if (opened.bundleOf.code !== dossier.code || opened.bundleOf.checkpoint !== dossier.checkpoint)
    wrong('dossier.json', 'it names another ledger, or another head of it, than that of bundle.zip');
  let events = 0;
  const keys = keysOf(manifests);
  for (const [index, { item: json, differing }] of dossier.exhibits.entries()) {
    const path = `exhibits[${index}]`;
    try {
      const item = parseJson('EvidenceItem', json);
      const found = [...itemFaults(item, path), ...custodyFaults(item.item_id, item.custody, keys, `${path}.custody`)];
      for (const { path: at, message } of found) wrong(at, message);
      events += item.custody.length;
      for (const id of item.files)
        if (!dossier.files.some((file) => file.file_id === id)) wrong(path, `its file ${id} is not listed`);
      const unmet = unmetBy(item, dossier.files);
      if (unmet !== undefined && unmet.join() !== differing.join())
        wrong(`${path}.differing`, 'its files have other digests, or it states others, than it says');
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
  const byMessage = new Map<string | undefined, FoundEntry[]>();
  for (const found of entries) {
    const { message_id: id } = found.entry;
    byMessage.set(id, [...(byMessage.get(id) ?? []), found]);
  }
  for (const message of dossier.messages) {
    const { message_id: id } = message.record;
    checkMessage(message, dossier.code, byMessage.get(id) ?? [], (what) => {
      wrong(`message ${id}`, what);
    });
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

/** Ids of the messages that a dossier tells of. */
export function messageIdsOf({ text }: OpenedDossier): (string | undefined)[] {
  const { messages = [] }: Partial<Dossier> = parseDossier(text) ?? {};
  return messages.map((message: Partial<DossierMessage> | null) => message?.record?.message_id);
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

/** SHA-256 digests that an exhibit states and none of its files has; undefined where not all of them were here to be compared. */
function unmetBy({ hashes, files: ids }: EvidenceItem, files: readonly DossierFile[]): string[] | undefined {
  const own = files.filter(({ file_id: id }) => ids.includes(id));
  if (own.some(({ status }) => status !== 'STORED')) return undefined;
  const stated = hashes.filter(({ algorithm }) => algorithm === 'SHA256').map(({ value }) => bytesToHex(value));
  return own.length === 0 ? [] : stated.filter((digest) => !own.some(({ sha256 }) => sha256 === digest));
}

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

/** What is made of `dossier.json`; undefined when that has another form than a dossier's. */
function madeOf(dossier: Dossier): { readonly page: string; readonly sums: string } | undefined {
  try {
    return { page: dossierPage(dossier), sums: sumsOf(dossier) };
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
