import { readFile } from 'node:fs/promises';
import { parseUtf8 } from '../base/mod.ts';
import type { NodeConfig } from '../config/mod.ts';
import { encodeVerifierKey } from '../ledger/mod.ts';
import type { Store } from '../store/mod.ts';
import { memberByCode, publicJwk, verifyManifest, type NodeKeys, type VerifiedManifest } from '../trust/mod.ts';
import { NodeError } from './error.ts';
import { ledgerKeyOf } from './keyring.ts';

/** The manifest to start under, and whether the store has yet to learn of it. */
export interface StartingManifest {
  readonly verified: VerifiedManifest;
  readonly isNew: boolean;
}

/**
 * The newest acceptable manifest: the one that the store has accepted before, or a newer one in the node's folder. The first of all is
 * believed only by its fingerprint.
 * @throws {NodeError} NODE_MANIFEST_MISSING, NODE_MANIFEST_REFUSED, NODE_NOT_A_MEMBER
 */
export async function startingManifest(config: NodeConfig, keys: NodeKeys, store: Store): Promise<StartingManifest> {
  const accepted = await acceptedManifest(store);
  const text = await readFile(config.paths.manifest, 'utf8').catch(() => undefined);
  const starting = text === undefined ? accepted : (newerManifest(config, accepted, text) ?? accepted);
  if (starting === undefined) {
    throw new NodeError(
      'NODE_MANIFEST_MISSING',
      `${config.code} is not in a federation yet: hand ${config.paths.enrolment} to the council, and give the node its manifest with ` +
        '“rogatory federation publish”.',
    );
  }
  checkOwnMembership(config, keys, starting);
  return { verified: starting, isNew: starting !== accepted };
}

function newerManifest(
  config: NodeConfig,
  accepted: VerifiedManifest | undefined,
  text: string,
): VerifiedManifest | undefined {
  if (accepted === undefined && config.manifestFingerprint === undefined) {
    throw new NodeError(
      'NODE_MANIFEST_REFUSED',
      'The first manifest needs its fingerprint: manifest_fingerprint in node.json.',
    );
  }
  const anchor = accepted === undefined ? { fingerprint: config.manifestFingerprint! } : { predecessor: accepted };
  const verified = verifyManifest(text, anchor);
  if (verified.ok) return verified.value;
  // The file that the store has accepted already, or an older one, is not a mistake.
  if (verified.reason === 'MANIFEST_NOT_NEWER') return undefined;
  throw new NodeError('NODE_MANIFEST_REFUSED', `The manifest ${config.paths.manifest} is refused: ${verified.detail}.`);
}

/** The store authenticates its values, so an accepted manifest is still the one that was verified. */
async function acceptedManifest(store: Store): Promise<VerifiedManifest | undefined> {
  for await (const [, bytes] of store.scan('manifest/', { limit: 1, reverse: true })) {
    const verified = verifyManifest(parseUtf8(bytes), { selfSigned: true });
    if (verified.ok) return verified.value;
  }
  return undefined;
}

function checkOwnMembership(config: NodeConfig, keys: NodeKeys, { manifest }: VerifiedManifest): void {
  const own = memberByCode(manifest, config.code);
  const complete =
    own?.ledger.vkey === encodeVerifierKey(ledgerKeyOf(config, keys)) &&
    own.sign.some(({ kid }) => kid === publicJwk(keys.sign).kid) &&
    own.encrypt.some(({ kid }) => kid === publicJwk(keys.encrypt).kid);
  if (!complete) {
    throw new NodeError(
      'NODE_NOT_A_MEMBER',
      `Version ${manifest.version} of the manifest does not list ${config.code} with this node’s keys.`,
    );
  }
}
