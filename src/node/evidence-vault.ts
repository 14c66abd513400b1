import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import type { NodeConfig } from '../config/mod.ts';
import { FileObjects, Vault } from '../evidence/mod.ts';
import type { EvidenceAcceptance } from '../exchange/mod.ts';

/** The node's vault: files on their way in its own folder, whole ones there too or in an object store. */
export function openVault({ paths }: NodeConfig): Vault {
  return new Vault({
    objects: new FileObjects(join(paths.evidence, 'objects')),
    spool: join(paths.evidence, 'spool'),
    random: (bytes) => randomBytes(bytes),
  });
}

/** Which files the node takes from a peer. */
export function acceptanceOf({ limits, evidence }: NodeConfig): EvidenceAcceptance {
  return { maxBytes: limits.maxEvidenceBytes, quotaBytes: evidence.quotaBytes, mediaTypes: evidence.mediaTypes };
}
