import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { NodeConfig, ObjectStoreKey } from '../config/mod.ts';
import { FileObjects, Vault, openS3Objects } from '../evidence/mod.ts';
import type { EvidenceAcceptance } from '../exchange/mod.ts';

/** The node's vault: files on their way in its own folder, whole ones there too or in an object store. */
export async function openVault({ paths, evidence }: NodeConfig, key: ObjectStoreKey | undefined): Promise<Vault> {
  return new Vault({
    objects:
      evidence.s3 === undefined
        ? new FileObjects(join(paths.evidence, 'objects'))
        : await openS3Objects(evidence.s3, key),
    spool: join(paths.evidence, 'spool'),
    random: (bytes) => randomBytes(bytes),
  });
}

/** Which files the node takes from a peer. */
export function acceptanceOf({ limits, evidence }: NodeConfig): EvidenceAcceptance {
  return { maxBytes: limits.maxEvidenceBytes, quotaBytes: evidence.quotaBytes, mediaTypes: evidence.mediaTypes };
}
