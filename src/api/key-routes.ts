/** What others believe of the node, and by which keys: the manifest in force, and the keys that the node holds. */
import { ApiError } from '../client/mod.ts';
import { fingerprintOf, keyDesk, keysAt, rotateAt, type HeldKey, type Node, type Rotation } from '../node/mod.ts';
import { KEY_USES, verifyManifest } from '../trust/mod.ts';

const MAX_ROTATION_MS = 366 * 24 * 3_600_000;

/** A newer manifest, from the council by way of the operator. */
export async function takeManifest(
  node: Node,
  body: unknown,
): Promise<{ readonly version: number; readonly fingerprint: string }> {
  const { manifest } = body as { readonly manifest?: unknown };
  if (typeof manifest !== 'string') throw new ApiError('API_BAD_REQUEST', '“manifest” must be the text of a manifest.');
  const { exchange } = node;
  const taken = await exchange.takeManifest(manifest);
  // A peer may have been faster than the operator.
  const isInForce = !taken.ok && taken.reason === 'MANIFEST_NOT_NEWER' && isOf(manifest, exchange.manifestFingerprint);
  if (!taken.ok && !isInForce)
    throw new ApiError('API_BAD_REQUEST', `The manifest is refused (${taken.reason}): ${taken.detail}.`);
  if (taken.ok) node.transport.manifestChanged();
  return { version: exchange.manifest.version, fingerprint: exchange.manifestFingerprint };
}

function isOf(manifest: string, fingerprint: string): boolean {
  const verified = verifyManifest(manifest, { selfSigned: true });
  return verified.ok && fingerprintOf(verified.value) === fingerprint;
}

/** The node's private keys: which of them it uses, which are to come, which have ended. */
export function keys(node: Node): HeldKey[] {
  return keysAt(keyDesk(node));
}

/** Makes the next key of a use. */
export async function rotateKey(node: Node, body: unknown): Promise<Rotation> {
  const { use, startsInMs, overlapMs } = body as Readonly<Record<string, unknown>>;
  const known = KEY_USES.find((name) => name === use);
  const times = [startsInMs, overlapMs].every(
    (time) => Number.isSafeInteger(time) && (time as number) >= 0 && (time as number) <= MAX_ROTATION_MS,
  );
  if (known === undefined || !times)
    throw new ApiError('API_BAD_REQUEST', '“use”, and “startsInMs” and “overlapMs” in whole milliseconds, are needed.');
  return rotateAt(keyDesk(node), known, { startsInMs: startsInMs as number, overlapMs: overlapMs as number });
}
