import { accept, refuse, utf8ToBytes, type Verdict } from '../base/mod.ts';
import {
  allLedgerKeys,
  memberByCode,
  verifyManifest,
  type ManifestRefusal,
  type VerifiedManifest,
} from '../trust/mod.ts';
import type { StepView } from './committer.ts';
import type { ExchangeContext } from './context.ts';
import { judgeOwnHead } from './hello.ts';
import { keys } from './record.ts';

/** Writes down a manifest that the node accepts: the file, and its MANIFEST entry. */
export function planManifest(view: StepView, { manifest, digest, text }: VerifiedManifest): void {
  const { version } = manifest;
  view.put(keys.manifest(version), utf8ToBytes(text));
  view.append({ kind: 'MANIFEST', seq: 0, detail: { type: 'manifest', value: { version, digest } } });
}

/**
 * Puts a newer manifest in force, if the council in force agrees to it. Links opened under the old one are the caller's to close.
 * @param shownHead the head of this node's own that the peer shows from whom the manifest is: judged by what the manifest lists before anything
 * of it is written, because writing it would sign a second history
 * @throws {LedgerError} LEDGER_ROLLED_BACK, LEDGER_FORKED
 */
export async function takeManifest(
  context: ExchangeContext,
  text: string,
  shownHead?: string,
): Promise<Verdict<VerifiedManifest, ManifestRefusal>> {
  const verified = verifyManifest(text, { predecessor: context.directory.verified });
  if (!verified.ok) return verified;
  const self = memberByCode(verified.value.manifest, context.code);
  if (shownHead !== undefined && self !== undefined) await judgeOwnHead(context, shownHead, allLedgerKeys(self));
  const isNew = await context.committer.commit(async (view) => {
    // Two peers may offer the same manifest at once: it is recorded once.
    if ((await view.get(keys.manifest(verified.value.manifest.version))) !== undefined) return false;
    planManifest(view, verified.value);
    return true;
  });
  if (!isNew) return refuse('MANIFEST_NOT_NEWER', 'it came into force a moment ago');
  context.directory.replace(verified.value);
  return accept(verified.value);
}
