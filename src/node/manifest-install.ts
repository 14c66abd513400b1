/** Hands a manifest to a node that is not running. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { bytesToHex, parseHex, replaceFile } from '../base/mod.ts';
import { loadNodeConfig, nodePaths } from '../config/mod.ts';
import { isFingerprintOf, verifyManifest, type VerifiedManifest } from '../trust/mod.ts';
import { NodeError } from './error.ts';

const PUBLIC_MODE = 0o644;

/**
 * Puts a manifest into the folder of a node that is not running. The first one needs its fingerprint, which the node keeps; a later one is
 * verified by the node itself, when it starts, against the one that it has in force.
 * @param fingerprint SHA-256 of the payload in hexadecimal, or its 60 digits, exchanged out of band
 * @throws {NodeError} NODE_MANIFEST_REFUSED
 */
export async function installManifest(
  dir: string,
  text: string,
  fingerprint: string | undefined,
): Promise<VerifiedManifest> {
  const paths = nodePaths(dir);
  const config = loadNodeConfig(paths.config, {});
  const isFirst = config.manifestFingerprint === undefined;
  if (isFirst && fingerprint === undefined) {
    throw new NodeError(
      'NODE_MANIFEST_REFUSED',
      'The first manifest of a node needs its fingerprint: --fingerprint HEX, as the council announced it.',
    );
  }
  const verified = fingerprint === undefined ? readManifest(text) : requireFingerprint(dir, text, fingerprint);
  await keepEarlier(paths.dir, paths.manifest, verified.manifest.version);
  if (isFirst) {
    const file = JSON.parse(await readFile(paths.config, 'utf8')) as Record<string, unknown>;
    const pinned = { ...file, manifest_fingerprint: fingerprintOf(verified) };
    await replaceFile(paths.config, `${JSON.stringify(pinned, undefined, 2)}\n`, PUBLIC_MODE);
  }
  await replaceFile(paths.manifest, text, PUBLIC_MODE);
  return verified;
}

/**
 * Holds a manifest against the fingerprint that a person was told, be the node's own chain of manifests enough for it or not. That of the
 * node's first manifest is as good, and no more than the node knows already.
 * @throws {NodeError} NODE_MANIFEST_REFUSED
 */
export function requireFingerprint(dir: string, text: string, fingerprint: string): VerifiedManifest {
  const { manifestFingerprint: first } = loadNodeConfig(nodePaths(dir).config, {});
  const verified = readManifest(text);
  const isFirsts = first !== undefined && isFingerprintOf(fingerprint, parseHex(first));
  if (isFirsts || isFingerprintOf(fingerprint, verified.digest)) return verified;
  throw new NodeError(
    'NODE_MANIFEST_REFUSED',
    `The manifest is refused (MANIFEST_NOT_PINNED): its fingerprint is ${fingerprintOf(verified)}.`,
  );
}

function readManifest(text: string): VerifiedManifest {
  const verified = verifyManifest(text, { selfSigned: true });
  if (verified.ok) return verified.value;
  throw new NodeError('NODE_MANIFEST_REFUSED', `The manifest is refused (${verified.reason}): ${verified.detail}.`);
}

/** The fingerprint of a manifest: SHA-256 of its payload, in hexadecimal. */
export function fingerprintOf({ digest }: VerifiedManifest): string {
  return bytesToHex(digest);
}

/** A node that was given two versions while it was stopped has to see both. */
async function keepEarlier(dir: string, path: string, version: number): Promise<void> {
  const text = await readFile(path, 'utf8').catch(() => undefined);
  const earlier = text === undefined ? undefined : verifyManifest(text, { selfSigned: true });
  if (text === undefined || earlier?.ok !== true || earlier.value.manifest.version >= version) return;
  await replaceFile(join(dir, `manifest-${earlier.value.manifest.version}.json`), text, PUBLIC_MODE);
}
