import { bytesToHex, equalBytes, parseUtf8, type JurisdictionCode } from '../base/mod.ts';
import { parseVerifierKey, type VerifierKey } from '../ledger/mod.ts';
import { memberByCode, verifyManifest, type VerifiedManifest } from '../trust/mod.ts';
import type { LedgerEntry } from '../wire/mod.ts';
import type { ArchiveFiles } from './archive.ts';
import type { Finding } from './error.ts';

/** The manifests of a bundle, verified each by the one before it. */
export class BundleManifests {
  readonly all: readonly VerifiedManifest[];

  constructor(all: readonly VerifiedManifest[]) {
    this.all = all;
  }

  /** A member's ledger key, by the newest manifest that lists the member. */
  ledgerKey(code: JurisdictionCode): VerifierKey | undefined {
    for (const { manifest } of this.all.toReversed()) {
      const member = memberByCode(manifest, code);
      if (member !== undefined) return parseVerifierKey(member.ledger.vkey);
    }
    return undefined;
  }

  /** The key of the ledger with this origin, by the newest manifest that lists it. */
  ledgerKeyOf(origin: string): VerifierKey | undefined {
    for (const { manifest } of this.all.toReversed()) {
      const member = manifest.members.find(({ ledger }) => ledger.origin === origin);
      if (member !== undefined) return parseVerifierKey(member.ledger.vkey);
    }
    return undefined;
  }

  /** SHA-256 of the first manifest's payload: what its readers have to compare out of band. */
  get fingerprint(): string {
    const [first] = this.all;
    return first === undefined ? '' : bytesToHex(first.digest);
  }
}

/** Verifies the manifests of a bundle in the order of their versions. */
export function readManifests(files: ArchiveFiles, where: string, findings: Finding[]): BundleManifests {
  const versions = [...files.keys()]
    .map((path) => /^manifests\/([1-9][0-9]{0,8})\.json$/.exec(path)?.[1])
    .filter((version) => version !== undefined)
    .map(Number)
    .sort((a, b) => a - b);
  const accepted: VerifiedManifest[] = [];
  for (const version of versions) {
    const predecessor = accepted.at(-1);
    const text = textOf(files.get(`manifests/${version}.json`)!);
    const verdict = verifyManifest(text, predecessor === undefined ? { selfSigned: true } : { predecessor });
    if (!verdict.ok || verdict.value.manifest.version !== version) {
      const detail = verdict.ok ? `it is version ${verdict.value.manifest.version}` : verdict.detail;
      findings.push({ code: 'MANIFEST_INVALID', where: `${where}: manifests/${version}.json`, detail });
    } else {
      accepted.push(verdict.value);
    }
  }
  if (accepted.length === 0) {
    findings.push({ code: 'MANIFEST_INVALID', where, detail: 'there is no valid manifest, so no key can be believed' });
  }
  return new BundleManifests(accepted);
}

/** Every manifest must be recorded in the ledger, and every record must have its manifest. */
export function checkRecorded(
  manifests: BundleManifests,
  entries: readonly LedgerEntry[],
  where: string,
  findings: Finding[],
): void {
  const recorded = entries.flatMap((entry, index) =>
    entry.detail?.type === 'manifest' ? [{ index, ...entry.detail.value }] : [],
  );
  for (const { index, version, digest } of recorded) {
    const manifest = manifests.all.find((candidate) => candidate.manifest.version === version);
    if (manifest !== undefined && equalBytes(manifest.digest, digest)) continue;
    const detail =
      manifest === undefined
        ? `version ${version} is not in the bundle`
        : `version ${version} is another than recorded`;
    findings.push({ code: 'MANIFEST_NOT_RECORDED', where: `${where}: entry ${index}`, detail });
  }
  for (const { manifest } of manifests.all) {
    if (recorded.some(({ version }) => version === manifest.version)) continue;
    const detail = 'the ledger does not record it';
    findings.push({ code: 'MANIFEST_NOT_RECORDED', where: `${where}: manifests/${manifest.version}.json`, detail });
  }
}

function textOf(bytes: Uint8Array): string {
  try {
    return parseUtf8(bytes);
  } catch {
    return '';
  }
}
