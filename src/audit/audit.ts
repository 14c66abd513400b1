import { bytesToBase64, isoTime } from '../base/mod.ts';
import { crossAudit, type DirectionReport } from './cross-audit.ts';
import type { Finding } from './error.ts';
import type { WitnessPolicy } from './policy.ts';
import { auditBundle, type AuditedBundle } from './verify-bundle.ts';

/** A bundle as it was handed in. */
export interface NamedBundle {
  /** What to call it in the report: its file name. */
  readonly name: string;
  readonly bytes: Uint8Array;
}

/** What one bundle holds. */
export interface LedgerReport {
  readonly name: string;
  readonly code: string;
  readonly origin: string;
  readonly size: number;
  /** Base64, as in the checkpoint. */
  readonly root: string;
  readonly manifest: { readonly versions: readonly number[]; readonly fingerprint: string };
  readonly first_entry?: string;
  readonly last_entry?: string;
  readonly kinds: Readonly<Record<string, number>>;
  /** Proofs of peers' entries that verified. */
  readonly proofs: number;
  /** Witnesses and the largest size that each vouches for. */
  readonly cosigned: readonly { readonly witness: string; readonly size: number; readonly time: string }[];
  /** The size that a policy's quorum vouches for. */
  readonly witnessed_size?: number;
}

/** What an auditor asks for beyond what the bundles say of themselves. */
export interface AuditDemands {
  /** Of the first manifest, if the auditor has it from elsewhere. */
  readonly fingerprint?: string | undefined;
  /** Which witnesses have to vouch for each ledger. */
  readonly policy?: WitnessPolicy | undefined;
}

/** The verdict of an audit. */
export interface AuditReport {
  /** Nothing at all was found wrong. */
  readonly ok: boolean;
  readonly ledgers: readonly LedgerReport[];
  readonly exchange: readonly DirectionReport[];
  readonly findings: readonly Finding[];
}

/**
 * Audits one or more bundles: each by itself, then every pair against each other. Needs no node, no network, and no clock.
 */
export async function auditBundles(bundles: readonly NamedBundle[], demands: AuditDemands = {}): Promise<AuditReport> {
  const { fingerprint: expectedFingerprint, policy } = demands;
  const findings: Finding[] = [];
  const audited: AuditedBundle[] = [];
  for (const { name, bytes } of bundles) {
    const bundle = await auditBundle(name, bytes, findings);
    if (bundle !== undefined) audited.push(bundle);
  }
  if (expectedFingerprint !== undefined) {
    for (const { name, manifests } of audited) {
      if (manifests.fingerprint === expectedFingerprint) continue;
      const detail = `its first manifest has the fingerprint ${manifests.fingerprint}`;
      findings.push({ code: 'MANIFEST_INVALID', where: name, detail });
    }
  }
  const witnessed = new Map(
    audited.map((bundle) => [
      bundle,
      policy?.isAbout(bundle.checkpoint.origin) === true ? policy.witnessedSize(bundle.cosignatures) : undefined,
    ]),
  );
  for (const bundle of audited) {
    if (policy?.isAbout(bundle.checkpoint.origin) !== true || witnessed.get(bundle) !== undefined) continue;
    findings.push({
      code: 'POLICY_NOT_MET',
      where: bundle.name,
      detail: `no quorum of witnesses vouches for ${bundle.checkpoint.origin}`,
    });
  }
  // Trees that do not fit their own checkpoint would only repeat what is found already.
  const sound = audited.filter(({ checkpoint, tree }) => checkpoint.size === tree.leaves.length);
  const exchange = await crossAudit(sound, findings);
  return {
    ok: findings.length === 0 && audited.length > 0,
    ledgers: audited.map((bundle) => reportOf(bundle, witnessed.get(bundle))),
    exchange,
    findings,
  };
}

function reportOf(
  { name, code, checkpoint, manifests, chronicle, held, cosignatures }: AuditedBundle,
  witnessedSize: number | undefined,
): LedgerReport {
  const kinds: Record<string, number> = {};
  for (const { kind } of chronicle.entries) kinds[kind] = (kinds[kind] ?? 0) + 1;
  const [first, last] = [chronicle.entries[0], chronicle.entries.at(-1)];
  return {
    name,
    code,
    origin: checkpoint.origin,
    size: checkpoint.size,
    root: bytesToBase64(checkpoint.root),
    manifest: { versions: manifests.all.map(({ manifest }) => manifest.version), fingerprint: manifests.fingerprint },
    ...(first === undefined ? {} : { first_entry: isoTime(first.time) }),
    ...(last === undefined ? {} : { last_entry: isoTime(last.time) }),
    kinds,
    proofs: held.length,
    cosigned: cosignatures.map(({ witness, size, timeS }) => ({ witness, size, time: isoTime(timeS * 1000) })),
    ...(witnessedSize === undefined ? {} : { witnessed_size: witnessedSize }),
  };
}
