import { bytesToHex, equalBytes, type JurisdictionCode } from '../base/mod.ts';
import { epochKeys, epochOf, type VerifierKey } from '../ledger/mod.ts';
import {
  keysAround,
  ledgerKeysOf,
  verifyManifest,
  witnessKeysOf,
  type ListedKey,
  type VerifiedManifest,
} from '../trust/mod.ts';
import type { LedgerEntry } from '../wire/mod.ts';
import type { BundleFiles } from './bundle-files.ts';
import { manifestPath } from './bundle-layout.ts';
import type { Findings } from './error.ts';
import type { PlacedEntry } from './entries.ts';

/** The manifests of a bundle, verified each by the one before it. */
export class BundleManifests {
  readonly all: readonly VerifiedManifest[];
  readonly #ledgerKeys = new Map<string, readonly ListedKey[]>();
  readonly #witnessKeys = new Map<string, ListedKey>();

  constructor(all: readonly VerifiedManifest[]) {
    this.all = all;
    for (const { manifest } of all) {
      // A newer manifest says more of a key's time than an older one: keys stay listed after their end.
      for (const member of manifest.members) {
        this.#ledgerKeys.set(`${member.code} ${member.ledger.origin}`, ledgerKeysOf(member));
        for (const key of witnessKeysOf(member)) this.#witnessKeys.set(key.vkey, key);
      }
    }
  }

  /** Every key of a member's ledger of that origin, newest first, by the newest manifest that lists it; of a later epoch, derived from that. */
  ledgerKeys(code: JurisdictionCode, origin: string): VerifierKey[] {
    return inEpochOf(origin, this.listedLedgerKeys(code, origin));
  }

  /** The keys that a manifest lists for the ledger that an origin is an epoch of, newest first. */
  listedLedgerKeys(code: JurisdictionCode, origin: string): VerifierKey[] {
    return this.#listed(code, origin)
      .map(({ key }) => key)
      .reverse();
  }

  /** Those of them that were to be believed at a time, by the clock of whoever believed. */
  ledgerKeysAround(code: JurisdictionCode, origin: string, timeMs: number): VerifierKey[] {
    return inEpochOf(origin, keysAround(this.#listed(code, origin), timeMs));
  }

  /** Every witness key that was ever listed, by its text. */
  get witnessKeys(): ReadonlyMap<string, ListedKey> {
    return this.#witnessKeys;
  }

  #listed(code: JurisdictionCode, origin: string): readonly ListedKey[] {
    const parent = origin.slice(0, Math.max(0, origin.lastIndexOf('/')));
    return this.#ledgerKeys.get(`${code} ${origin}`) ?? this.#ledgerKeys.get(`${code} ${parent}`) ?? [];
  }

  /** SHA-256 of the first manifest's payload: what its readers have to compare out of band. */
  get fingerprint(): string {
    const [first] = this.all;
    return first === undefined ? '' : bytesToHex(first.digest);
  }
}

function inEpochOf(origin: string, listed: readonly VerifierKey[]): VerifierKey[] {
  const [known] = listed;
  const epoch = known === undefined ? undefined : epochOf(origin, known.name);
  return epoch === undefined ? [] : epochKeys(listed, epoch);
}

/** Verifies the manifests of a bundle in the order of their versions. */
export async function readManifests(files: BundleFiles, where: string, findings: Findings): Promise<BundleManifests> {
  const versions = files.paths
    .map((path) => /^manifests\/([1-9][0-9]{0,8})\.json$/.exec(path)?.[1])
    .filter((version) => version !== undefined)
    .map(Number)
    .sort((a, b) => a - b);
  const accepted: VerifiedManifest[] = [];
  for (const version of versions) {
    const predecessor = accepted.at(-1);
    const text = await files.readText(manifestPath(version));
    const verdict = verifyManifest(text, predecessor === undefined ? { selfSigned: true } : { predecessor });
    if (!verdict.ok || verdict.value.manifest.version !== version) {
      const detail = verdict.ok ? `it is version ${verdict.value.manifest.version}` : verdict.detail;
      findings.add('MANIFEST_INVALID', `${where}: ${manifestPath(version)}`, detail);
    } else {
      accepted.push(verdict.value);
    }
  }
  if (accepted.length === 0)
    findings.add('MANIFEST_INVALID', where, 'there is no valid manifest, so no key can be believed');
  return new BundleManifests(accepted);
}

/** Every manifest must be recorded in the ledger, and every record must have its manifest. */
export class RecordedManifests {
  readonly #manifests: BundleManifests;
  readonly #recorded = new Set<number>();
  readonly #where: string;
  readonly #findings: Findings;

  constructor(manifests: BundleManifests, where: string, findings: Findings) {
    this.#manifests = manifests;
    this.#where = where;
    this.#findings = findings;
  }

  read({ index, entry }: PlacedEntry): void {
    const stated = manifestOf(entry);
    if (stated === undefined) return;
    this.#recorded.add(stated.version);
    const manifest = this.#manifests.all.find((candidate) => candidate.manifest.version === stated.version);
    if (manifest !== undefined && equalBytes(manifest.digest, stated.digest)) return;
    const what = manifest === undefined ? 'is not in the bundle' : 'is another than recorded';
    const detail = `version ${stated.version} ${what}`;
    this.#findings.add('MANIFEST_NOT_RECORDED', `${this.#where}: entry ${index}`, detail);
  }

  end(): void {
    for (const { manifest } of this.#manifests.all) {
      if (this.#recorded.has(manifest.version)) continue;
      const where = `${this.#where}: ${manifestPath(manifest.version)}`;
      this.#findings.add('MANIFEST_NOT_RECORDED', where, 'the ledger does not record it');
    }
  }
}

function manifestOf({ detail }: LedgerEntry): { readonly version: number; readonly digest: Uint8Array } | undefined {
  return detail?.type === 'manifest' ? detail.value : undefined;
}
