/**
 * The council's folder: the draft of the next manifest, the signatures gathered over it, and the versions before it. Everything is files,
 * so that the council needs no network; its members' private keys may be on other machines.
 */
import { access, readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { parseBase64url, parseUtf8, replaceFile, systemClock, utf8ToBytes, type Clock } from '../base/mod.ts';
import { isEndpoint } from '../config/mod.ts';
import {
  TrustError,
  addMember,
  applyKeyUpdate,
  draftManifest,
  encodeManifest,
  isSignedByThese,
  mergeSignatures,
  parseManifest,
  publicJwk,
  signManifest,
  verifyEnrolment,
  verifyKeyUpdate,
  verifyManifest,
  type Manifest,
  type MemberKey,
  type ManifestRefusal,
  type VerifiedManifest,
} from '../trust/mod.ts';
import type { Verdict } from '../base/mod.ts';
import { readCouncilKey, writeCouncilKey } from './council-key.ts';
import { NodeError } from './error.ts';
import { aloneIn } from './folder-lock.ts';

const DRAFT = 'draft.json';
const SIGNED = 'manifest.json';
const PUBLIC_MODE = 0o644;
const DAY_MS = 24 * 3_600_000;
/** How long a member's old keys may be used beside its new ones, unless the council says otherwise. */
export const OVERLAP_DAYS = 30;

/** Path of the signed manifest in a council's folder. */
export function signedManifestPath(folder: string): string {
  return join(folder, SIGNED);
}

/** Whose council a federation is founded with. */
interface Founding {
  /** Public keys of members who hold their own private ones, or how many keys to make in the folder. */
  readonly keys: number | readonly MemberKey[];
  readonly threshold: number;
}

/**
 * Founds a federation: a council, and a draft without members.
 * @throws {NodeError} NODE_EXISTS, NODE_FOLDER_BUSY
 * @throws {TrustError} TRUST_MALFORMED
 */
export async function createCouncil(folder: string, council: Founding, clock: Clock = systemClock): Promise<Manifest> {
  return aloneIn(folder, () => found(folder, council, clock));
}

async function found(folder: string, council: Founding, clock: Clock): Promise<Manifest> {
  const isTaken = await access(join(folder, DRAFT)).then(
    () => true,
    () => false,
  );
  if (isTaken) throw new NodeError('NODE_EXISTS', `${folder} holds a federation already.`);
  const nowMs = clock.nowMs();
  const keys = typeof council.keys === 'number' ? await makeKeys(folder, council.keys, nowMs) : council.keys;
  const draft = draftManifest({ threshold: council.threshold, keys }, nowMs);
  parseManifest(utf8ToBytes(encodeManifest(draft)));
  await replaceFile(join(folder, DRAFT), `${encodeManifest(draft)}\n`, PUBLIC_MODE);
  return draft;
}

async function makeKeys(folder: string, count: number, nowMs: number): Promise<MemberKey[]> {
  const keys: MemberKey[] = [];
  for (let i = 1; i <= count; i++) keys.push(await writeCouncilKey(join(folder, `council-${i}.key`), undefined, nowMs));
  return keys;
}

/**
 * Adds a jurisdiction to the draft, or a member's new keys, after checking that it holds every key it enrols.
 * @throws {NodeError} NODE_INCOMPLETE, NODE_ENROLMENT_REFUSED
 * @throws {TrustError} TRUST_ALREADY_MEMBER, TRUST_LEDGER_CHANGED
 */
export async function enrolMember(
  folder: string,
  enrolment: string,
  clock: Clock = systemClock,
  overlapDays = OVERLAP_DAYS,
): Promise<Manifest> {
  const verified = verifyEnrolment(enrolment);
  if (!verified.ok)
    throw new NodeError(
      'NODE_ENROLMENT_REFUSED',
      `The enrolment is refused (${verified.reason}): ${verified.detail.replace(/\.$/, '')}.`,
    );
  const { code, endpoint } = verified.value;
  // Every peer would find out for itself, when it dials.
  if (endpoint !== '' && !isEndpoint(endpoint))
    throw new NodeError(
      'NODE_ENROLMENT_REFUSED',
      `The enrolment is refused: the endpoint of ${code}, ${endpoint}, is not a URL that anybody could reach.`,
    );
  return amendDraft(folder, (draft, nowMs) => addMember(draft, verified.value, nowMs, overlapDays * DAY_MS), clock);
}

/**
 * Lists one more key of a member in the draft, after checking that it is held, and that the member asks for it.
 * @throws {NodeError} NODE_INCOMPLETE, NODE_UPDATE_REFUSED
 */
export async function updateMember(folder: string, update: string, clock: Clock = systemClock): Promise<Manifest> {
  return amendDraft(
    folder,
    (draft, nowMs) => {
      const verified = verifyKeyUpdate(update, draft, nowMs);
      if (verified.ok) return applyKeyUpdate(draft, verified.value, nowMs);
      throw new NodeError(
        'NODE_UPDATE_REFUSED',
        `The key update is refused (${verified.reason}): ${verified.detail.replace(/\.$/, '')}.`,
      );
    },
    clock,
  );
}

/**
 * Changes the draft, one change after another. Once a version has all its signatures, the next change begins the next version, which lives
 * as long as it did.
 * @throws {NodeError} NODE_INCOMPLETE, NODE_FOLDER_BUSY
 * @throws {TrustError} what the change throws; TRUST_MALFORMED when it breaks a rule of the manifest
 */
export async function amendDraft(
  folder: string,
  change: (draft: Manifest, nowMs: number) => Manifest,
  clock: Clock = systemClock,
): Promise<Manifest> {
  await readDraft(folder);
  return aloneIn(folder, () => amend(folder, change, clock));
}

async function amend(
  folder: string,
  change: (draft: Manifest, nowMs: number) => Manifest,
  clock: Clock,
): Promise<Manifest> {
  const draft = await readDraft(folder);
  const published = await completeManifest(folder);
  // No version is issued before the one that it follows, whatever the clock says: nobody would accept it.
  const nowMs = Math.max(clock.nowMs(), published?.manifest.issued_at ?? 0);
  const isNext = published !== undefined && published.manifest.version >= draft.version;
  const next = isNext
    ? { ...draft, version: published.manifest.version + 1, expires_at: nowMs + (draft.expires_at - draft.issued_at) }
    : draft;
  const changed = { ...change(next, nowMs), issued_at: nowMs };
  parseManifest(utf8ToBytes(encodeManifest(changed)));
  // Before the draft, or a crash between the two would lose the version that the next one has to follow.
  if (isNext) await replaceFile(join(folder, versionName(published.manifest.version)), published.text, PUBLIC_MODE);
  await replaceFile(join(folder, DRAFT), `${encodeManifest(changed)}\n`, PUBLIC_MODE);
  return changed;
}

/** What to sign with, and whose signatures to gather. */
export interface SigningOptions {
  /** Private key files; by default every key of the council's in the folder. */
  readonly keyFiles?: readonly string[];
  readonly passphrase?: string | undefined;
  /** Files with others' signatures over the same draft. */
  readonly signed?: readonly string[];
}

/**
 * Signs the draft, and adds the signatures that others gave. Keys may be in several folders: signatures over one draft add up.
 * @returns the file as it is now, complete or not: `verifyDraft` tells
 * @throws {NodeError} NODE_INCOMPLETE, NODE_FOLDER_BUSY
 * @throws {TrustError} TRUST_COUNCIL_KEY when a key is not the council's, TRUST_MALFORMED when a file is over another draft, or
 * has a signature that is none of the council's
 */
export async function signDraft(folder: string, options: SigningOptions = {}): Promise<string> {
  await readDraft(folder);
  return aloneIn(folder, () => gather(folder, options));
}

async function gather(folder: string, options: SigningOptions): Promise<string> {
  const draft = await readDraft(folder);
  const before = await predecessorOf(folder, draft.version);
  const councilKeys = [...draft.council.keys, ...(before?.manifest.council.keys ?? [])];
  const councilKids = new Set(councilKeys.map(({ kid }) => kid));
  let signed = await signedOver(folder, draft);
  for (const text of options.signed ?? []) {
    if (!isOver(text, draft)) throw new TrustError('TRUST_MALFORMED', 'A signed file is over another draft.');
    // Of two signatures by one key the later is kept: a false one would take the place of one that was given.
    if (!isSignedByThese(text, councilKeys))
      throw new TrustError(
        'TRUST_MALFORMED',
        'A signed file has a signature that no key of this council gave to the draft.',
      );
    signed = signed === undefined ? text : mergeSignatures(signed, text);
  }
  const files = options.keyFiles ?? ((options.signed ?? []).length > 0 ? [] : await keyFilesIn(folder));
  for (const path of files) {
    const key = await readCouncilKey(path, options.passphrase);
    const isCouncils = councilKids.has(publicJwk(key).kid);
    if (!isCouncils && options.keyFiles === undefined) continue;
    if (!isCouncils) throw new TrustError('TRUST_COUNCIL_KEY', `${path} is not a key of this council.`);
    signed = await signManifest(draft, key, signed);
  }
  if (signed === undefined) throw new NodeError('NODE_INCOMPLETE', `There is no council key in ${folder}.`);
  await replaceFile(signedManifestPath(folder), signed, PUBLIC_MODE);
  return signed;
}

/**
 * Whether the signatures gathered in the folder are all that nodes will ask for: its own council's, and the one before.
 * @throws {NodeError} NODE_INCOMPLETE without the version before
 */
export async function verifySigned(folder: string): Promise<Verdict<VerifiedManifest, ManifestRefusal>> {
  const text = await readFile(signedManifestPath(folder), 'utf8').catch(() => '');
  const own = verifyManifest(text, { selfSigned: true });
  if (!own.ok) return own;
  const predecessor = await predecessorOf(folder, own.value.manifest.version);
  return predecessor === undefined ? own : verifyManifest(text, { predecessor });
}

/** The draft to work on. @throws {NodeError} NODE_INCOMPLETE */
async function readDraft(folder: string): Promise<Manifest> {
  let text: string;
  try {
    text = await readFile(join(folder, DRAFT), 'utf8');
  } catch (cause) {
    throw new NodeError('NODE_INCOMPLETE', `There is no federation in ${folder}.`, { cause });
  }
  return parseManifest(utf8ToBytes(text.trimEnd()));
}

async function completeManifest(folder: string): Promise<VerifiedManifest | undefined> {
  const verified = await verifySigned(folder);
  return verified.ok ? verified.value : undefined;
}

/**
 * The version before one, whose council has to agree to it; undefined for the first.
 * @throws {NodeError} NODE_INCOMPLETE where it is not in the folder: nobody could tell whether anything is missing
 */
async function predecessorOf(folder: string, version: number): Promise<VerifiedManifest | undefined> {
  if (version === 1) return undefined;
  const path = join(folder, versionName(version - 1));
  const text = await readFile(path, 'utf8').catch(() => '');
  const verified = verifyManifest(text, { selfSigned: true });
  if (verified.ok) return verified.value;
  throw new NodeError(
    'NODE_INCOMPLETE',
    `${path} is not there as it was signed, and version ${version} follows it: copy it there.`,
  );
}

function versionName(version: number): string {
  return `manifest-${version}.json`;
}

async function keyFilesIn(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch(() => []);
  return names.filter((name) => name.endsWith('.key')).map((name) => join(folder, name));
}

/** The signed file, if it is over this very draft. */
async function signedOver(folder: string, draft: Manifest): Promise<string | undefined> {
  const text = await readFile(signedManifestPath(folder), 'utf8').catch(() => undefined);
  return text !== undefined && isOver(text, draft) ? text : undefined;
}

function isOver(text: string, draft: Manifest): boolean {
  try {
    const { payload } = JSON.parse(text) as { readonly payload: string };
    return parseUtf8(parseBase64url(payload)) === encodeManifest(draft);
  } catch {
    return false;
  }
}
