/** The council's folder: its keys, the draft of the next manifest, and the signed one. */
import { createPrivateKey } from 'node:crypto';
import { access, mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { bytesToHex, parseUtf8, replaceFile, systemClock, utf8ToBytes, type Clock } from '../base/mod.ts';
import { loadNodeConfig, nodePaths } from '../config/mod.ts';
import {
  addMember,
  draftManifest,
  encodeManifest,
  generateCouncilKey,
  parseManifest,
  signManifest,
  verifyEnrolment,
  verifyManifest,
  type Manifest,
  type MemberKey,
  type VerifiedManifest,
} from '../trust/mod.ts';
import { NodeError } from './error.ts';

const DRAFT = 'draft.json';
const SIGNED = 'manifest.json';
const PUBLIC_MODE = 0o644;
const SECRET_MODE = 0o600;

/** Path of the signed manifest in a council's folder. */
export function signedManifestPath(folder: string): string {
  return join(folder, SIGNED);
}

/**
 * Founds a federation: council keys, and a draft without members.
 * @throws {NodeError} NODE_EXISTS
 */
export async function createCouncil(
  folder: string,
  { keys, threshold }: { readonly keys: number; readonly threshold: number },
  clock: Clock = systemClock,
): Promise<Manifest> {
  const isTaken = await access(join(folder, DRAFT)).then(
    () => true,
    () => false,
  );
  if (isTaken) throw new NodeError('NODE_EXISTS', `${folder} holds a federation already.`);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const entries: MemberKey[] = [];
  for (let i = 1; i <= keys; i++) {
    const { privateKey, entry } = generateCouncilKey(clock.nowMs());
    await replaceFile(
      join(folder, `council-${i}.key`),
      privateKey.export({ format: 'pem', type: 'pkcs8' }).toString(),
      SECRET_MODE,
    );
    entries.push(entry);
  }
  const draft = draftManifest({ threshold, keys: entries }, clock.nowMs());
  await writeDraft(folder, draft);
  return draft;
}

/**
 * Adds a jurisdiction to the draft, after checking that it holds every key it enrols.
 * @throws {NodeError} NODE_INCOMPLETE, NODE_ENROLMENT_REFUSED
 * @throws {TrustError} TRUST_ALREADY_MEMBER
 */
export async function enrolMember(folder: string, enrolment: string, clock: Clock = systemClock): Promise<Manifest> {
  const verified = verifyEnrolment(enrolment);
  if (!verified.ok)
    throw new NodeError('NODE_ENROLMENT_REFUSED', `The enrolment is refused (${verified.reason}): ${verified.detail}.`);
  const draft = addMember(await readDraft(folder), verified.value, clock.nowMs());
  await writeDraft(folder, draft);
  return draft;
}

/**
 * Signs the draft with every council key in the folder. Keys may be in several folders: signatures over one draft add up.
 * @throws {NodeError} NODE_INCOMPLETE
 */
export async function signDraft(folder: string): Promise<string> {
  const draft = await readDraft(folder);
  let signed = await signedOver(folder, draft);
  for (let i = 1; i <= draft.council.keys.length; i++) {
    const pem = await readFile(join(folder, `council-${i}.key`), 'utf8').catch(() => undefined);
    if (pem !== undefined) signed = await signManifest(draft, createPrivateKey(pem), signed);
  }
  if (signed === undefined) throw new NodeError('NODE_INCOMPLETE', `There is no council key in ${folder}.`);
  await replaceFile(signedManifestPath(folder), signed, PUBLIC_MODE);
  return signed;
}

/**
 * Puts a manifest into the folder of a node that is not running. The first one needs its fingerprint, which the node keeps.
 * @param fingerprint SHA-256 of the payload in hexadecimal, exchanged out of band
 * @throws {NodeError} NODE_MANIFEST_REFUSED
 */
export async function installManifest(
  dir: string,
  text: string,
  fingerprint: string | undefined,
): Promise<VerifiedManifest> {
  const paths = nodePaths(dir);
  const config = loadNodeConfig(paths.config, {});
  const pinned = config.manifestFingerprint ?? fingerprint;
  if (pinned === undefined) {
    throw new NodeError(
      'NODE_MANIFEST_REFUSED',
      'The first manifest of a node needs its fingerprint: --fingerprint HEX, as the council announced it.',
    );
  }
  // A later manifest is verified by the node itself, against the one it has in force.
  const anchor = config.manifestFingerprint === undefined ? { fingerprint: pinned } : { selfSigned: true as const };
  const verified = verifyManifest(text, anchor);
  if (!verified.ok)
    throw new NodeError('NODE_MANIFEST_REFUSED', `The manifest is refused (${verified.reason}): ${verified.detail}.`);
  if (config.manifestFingerprint === undefined) {
    const file = JSON.parse(await readFile(paths.config, 'utf8')) as Record<string, unknown>;
    await replaceFile(
      paths.config,
      `${JSON.stringify({ ...file, manifest_fingerprint: pinned }, undefined, 2)}\n`,
      PUBLIC_MODE,
    );
  }
  await replaceFile(paths.manifest, text, PUBLIC_MODE);
  return verified.value;
}

/** The fingerprint of a manifest: SHA-256 of its payload, in hexadecimal. */
export function fingerprintOf({ digest }: VerifiedManifest): string {
  return bytesToHex(digest);
}

/** The signed file, if it is over this very draft. */
async function signedOver(folder: string, draft: Manifest): Promise<string | undefined> {
  const text = await readFile(signedManifestPath(folder), 'utf8').catch(() => undefined);
  const payload = text === undefined ? '' : (JSON.parse(text) as { payload: string }).payload;
  return Buffer.from(payload, 'base64url').toString('utf8') === encodeManifest(draft) ? text : undefined;
}

/** The draft to work on: once a version is signed and published, the next one. */
async function readDraft(folder: string): Promise<Manifest> {
  let text: string;
  try {
    text = await readFile(join(folder, DRAFT), 'utf8');
  } catch (cause) {
    throw new NodeError('NODE_INCOMPLETE', `There is no federation in ${folder}.`, { cause });
  }
  return parseManifest(utf8ToBytes(text.trimEnd()));
}

async function writeDraft(folder: string, draft: Manifest): Promise<void> {
  const signed = await readFile(signedManifestPath(folder)).catch(() => undefined);
  let next = draft;
  if (signed !== undefined) {
    const verified = verifyManifest(parseUtf8(signed), { selfSigned: true });
    if (verified.ok && verified.value.manifest.version >= draft.version)
      next = { ...draft, version: verified.value.manifest.version + 1 };
  }
  await replaceFile(join(folder, DRAFT), `${encodeManifest(next)}\n`, PUBLIC_MODE);
}
