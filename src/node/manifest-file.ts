import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { bytesToHex, parseUtf8 } from '../base/mod.ts';
import type { NodeConfig } from '../config/mod.ts';
import type { Store } from '../store/mod.ts';
import { KEY_USES, memberByCode, verifyManifest, type KeyProvider, type VerifiedManifest } from '../trust/mod.ts';
import { NodeError } from './error.ts';
import { currentKeys } from './current-keys.ts';

/** The manifest to start under, and what the store has yet to learn. */
export interface StartingManifest {
  readonly verified: VerifiedManifest;
  /** Manifests from the node's folder that the store has not accepted before, in the order of their versions. */
  readonly fresh: readonly VerifiedManifest[];
  /** A version in the folder that cannot come into force yet, because those before it are missing; peers pass them on. */
  readonly waiting: number | undefined;
}

/**
 * The newest acceptable manifest: the one that the store has accepted before, or its successors in the node's folder. The first of all is
 * believed only by its fingerprint.
 * @throws {NodeError} NODE_MANIFEST_MISSING, NODE_MANIFEST_REFUSED, NODE_NOT_A_MEMBER
 */
export async function startingManifest(
  config: NodeConfig,
  keys: KeyProvider,
  store: Store,
  nowMs: number,
): Promise<StartingManifest> {
  await checkPin(config, store);
  const accepted = await acceptedManifest(store);
  const files = await manifestFiles(config);
  const fresh: VerifiedManifest[] = [];
  let current = accepted ?? firstManifest(config, files);
  if (current !== undefined && current !== accepted) fresh.push(current);
  let waiting: number | undefined;
  for (const { path, text } of current === undefined ? [] : files) {
    const verified = verifyManifest(text, { predecessor: current! });
    if (verified.ok) fresh.push((current = verified.value));
    else if (verified.reason === 'MANIFEST_SKIPS') waiting = versionOf(text);
    // One that is in force already, or an older one, is not a mistake.
    else if (verified.reason !== 'MANIFEST_NOT_NEWER')
      throw new NodeError(
        'NODE_MANIFEST_REFUSED',
        `The manifest ${path} is refused (${verified.reason}): ${verified.detail}.`,
      );
  }
  if (current === undefined) {
    throw new NodeError(
      'NODE_MANIFEST_MISSING',
      `${config.code} is not in a federation yet: hand ${config.paths.enrolment} to the council, and give the node its manifest with ` +
        '“rogatory federation publish”.',
    );
  }
  checkOwnMembership(config, keys, current, nowMs);
  return { verified: current, fresh, waiting };
}

interface ManifestFile {
  readonly path: string;
  readonly text: string;
}

/** What operators have handed to the node, in the order of the versions. */
async function manifestFiles(config: NodeConfig): Promise<ManifestFile[]> {
  const names = (await readdir(config.paths.dir)).filter((name) => /^manifest(-[0-9]+)?\.json$/.test(name));
  const files = await Promise.all(
    names.map(async (name) => {
      const path = join(config.paths.dir, name);
      return { path, text: await readFile(path, 'utf8') };
    }),
  );
  return files.sort((a, b) => (versionOf(a.text) ?? 0) - (versionOf(b.text) ?? 0));
}

function firstManifest(config: NodeConfig, files: readonly ManifestFile[]): VerifiedManifest | undefined {
  if (files.length === 0) return undefined;
  const fingerprint = config.manifestFingerprint;
  if (fingerprint === undefined) {
    throw new NodeError(
      'NODE_MANIFEST_REFUSED',
      'The first manifest needs its fingerprint: manifest_fingerprint in node.json.',
    );
  }
  let refusal = '';
  for (const { path, text } of files) {
    const verified = verifyManifest(text, { fingerprint });
    if (verified.ok) return verified.value;
    refusal = `${path} (${verified.reason}): ${verified.detail}`;
  }
  throw new NodeError('NODE_MANIFEST_REFUSED', `No manifest has the fingerprint in node.json: ${refusal}.`);
}

/** The first manifest that was accepted is the one that the configuration pins: otherwise one of the two was changed since. */
async function checkPin(config: NodeConfig, store: Store): Promise<void> {
  const pinned = config.manifestFingerprint;
  for await (const [, bytes] of store.scan('manifest/', { limit: 1 })) {
    const first = verifyManifest(parseUtf8(bytes), { selfSigned: true });
    if (pinned === undefined || (first.ok && bytesToHex(first.value.digest) === pinned)) return;
    throw new NodeError(
      'NODE_MANIFEST_REFUSED',
      'manifest_fingerprint in node.json is not that of the manifest with which this node joined its federation.',
    );
  }
}

/** The store authenticates its values, so an accepted manifest is still the one that was verified. */
async function acceptedManifest(store: Store): Promise<VerifiedManifest | undefined> {
  for await (const [, bytes] of store.scan('manifest/', { limit: 1, reverse: true })) {
    const verified = verifyManifest(parseUtf8(bytes), { selfSigned: true });
    if (verified.ok) return verified.value;
  }
  return undefined;
}

/** The version that a file claims, before anything about it is verified. */
function versionOf(text: string): number | undefined {
  const verified = verifyManifest(text, { selfSigned: true });
  return verified.ok ? verified.value.manifest.version : undefined;
}

function checkOwnMembership(
  config: NodeConfig,
  keys: KeyProvider,
  { manifest }: VerifiedManifest,
  nowMs: number,
): void {
  const own = memberByCode(manifest, config.code);
  const current = own === undefined ? undefined : currentKeys(config, keys, own, nowMs);
  const missing = KEY_USES.filter((use) => current?.[use] === undefined);
  if (missing.length > 0) {
    throw new NodeError(
      'NODE_NOT_A_MEMBER',
      `Version ${manifest.version} of the manifest does not list ${config.code} with this node’s keys for: ${missing.join(', ')}.`,
    );
  }
}
