import { parseUtf8, type Suite } from '../base/mod.ts';
import { requiredSuite, verifyManifest } from '../trust/mod.ts';
import type { MessageHeader } from '../wire/mod.ts';
import type { ExchangeContext } from './context.ts';
import { keys } from './record.ts';

/**
 * The least suite that a message may be sealed in. What was queued before the manifest in force was made could not know of it: there the
 * manifest decides that the message names. Whoever lies about that has only weakened a seal of his own making.
 */
export async function permittedSuite(
  context: ExchangeContext,
  { from, to, manifest_version: named, issued_at: issuedAt }: MessageHeader,
): Promise<Suite> {
  const { manifest } = context.directory;
  const least = requiredSuite(manifest, from, to);
  if (least === 1 || named >= manifest.version || issuedAt >= manifest.issued_at) return least;
  const kept = await context.store.get(keys.manifest(named));
  const former = kept === undefined ? undefined : verifyManifest(parseUtf8(kept), { selfSigned: true });
  return former?.ok === true ? requiredSuite(former.value.manifest, from, to) : least;
}
