import { bytesToBase64, isoTime } from '../base/mod.ts';
import { arrivalOf, type ProvedArrival } from './arrival.ts';
import { PeerComparison, checkLateness, crossAudit, type DirectionReport, type ReadBundle } from './cross-audit.ts';
import type { DisclosedMessage } from './disclosed.ts';
import { Findings, type Finding } from './error.ts';
import type { WitnessPolicy } from './policy.ts';
import { bytesAccess, type RandomAccess } from './random-access.ts';
import type { Selection } from './selection.ts';
import type { VerifiedManifest } from '../trust/mod.ts';
import type { LedgerEntry } from '../wire/mod.ts';
import type { EpochReport } from './epochs.ts';
import { openBundle, readStory, type OpenedBundle, type StoryListener } from './verify-bundle.ts';

/** A bundle as it was handed in. */
export interface NamedBundle {
  /** What to call it in the report: its file name. */
  readonly name: string;
  /** The bundle, or where it can be read. */
  readonly bytes: Uint8Array | RandomAccess;
}

/** What one bundle holds. */
export interface LedgerReport {
  readonly name: string;
  readonly code: string;
  readonly origin: string;
  readonly size: number;
  /** Base64, as in the checkpoint. */
  readonly root: string;
  /** Epochs after the first: the ledger has lost entries, and says so. */
  readonly epochs?: readonly EpochReport[];
  /** What the bundle was limited to, and how many entries that is. */
  readonly selection?: Selection & { readonly entries: number };
  readonly manifest: { readonly versions: readonly number[]; readonly fingerprint: string };
  readonly first_entry?: string;
  readonly last_entry?: string;
  readonly kinds: Readonly<Record<string, number>>;
  /** Proofs of peers' entries that verified. */
  readonly proofs: number;
  /** Messages that the bundle discloses, verified against the entries that commit to them. */
  readonly disclosed?: readonly DisclosedMessage[];
  /** Witnesses and the largest size that each vouches for. */
  readonly cosigned: readonly { readonly witness: string; readonly size: number; readonly time: string }[];
  /** Entries beyond the largest size that any witness vouches for, those about witnessing at the end not counted. */
  readonly unwitnessed: number;
  /** The size that a policy's quorum vouches for. */
  readonly witnessed_size?: number;
}

/** What an auditor asks for beyond what the bundles say of themselves. */
export interface AuditDemands {
  /** Of the first manifest, if the auditor has it from elsewhere. */
  readonly fingerprint?: string | undefined;
  /** Which witnesses have to vouch for each ledger. */
  readonly policy?: WitnessPolicy | undefined;
  /** The longest time that a receipt may take, in milliseconds. */
  readonly lateMs?: number | undefined;
  /** Told how far the reading of a bundle is: each is gone through twice. */
  readonly onProgress?: (name: string, done: number, total: number) => void;
  /** Told of every file whose arrival a bundle proves, by its own ledger or by the proof of a peer's entry. */
  readonly onArrival?: (arrival: ProvedArrival) => void;
  /** Told of every entry that a bundle has, of its own ledger and of a peer's that it has the proof of. */
  readonly onEntry?: (found: FoundEntry) => void;
  /** Told of the verified manifests of each bundle, oldest first. */
  readonly onManifests?: (manifests: readonly VerifiedManifest[]) => void;
}

/** An entry of some ledger, as a bundle shows it. */
export interface FoundEntry {
  /** Whose ledger it is in. */
  readonly ledger: string;
  readonly index: number;
  readonly entry: LedgerEntry;
  /** Its leaf hash, where it is another ledger's and was proved. */
  readonly leaf?: Uint8Array;
}

/** The verdict of an audit. */
export interface AuditReport {
  /** Nothing at all was found wrong. */
  readonly ok: boolean;
  readonly ledgers: readonly LedgerReport[];
  readonly exchange: readonly DirectionReport[];
  readonly findings: readonly Finding[];
  /** How many findings are not listed, because there are too many. */
  readonly findings_omitted?: number;
}

/**
 * Audits one or more bundles: each by itself, then every pair against each other. Needs no node, no network, and no clock.
 */
export async function auditBundles(bundles: readonly NamedBundle[], demands: AuditDemands = {}): Promise<AuditReport> {
  const findings = new Findings();
  const progressOf =
    (name: string, pass: 0 | 1) =>
    (done: number, total: number): void =>
      demands.onProgress?.(name, pass * total + done, 2 * total);
  const opened: OpenedBundle[] = [];
  for (const { name, bytes } of withOwnNames(bundles)) {
    const access = bytes instanceof Uint8Array ? bytesAccess(bytes) : bytes;
    const bundle = await openBundle(name, access, findings, progressOf(name, 0));
    if (bundle !== undefined) opened.push(bundle);
  }
  checkFingerprint(opened, demands.fingerprint, findings);
  // Trees that do not fit their own checkpoint would only repeat what is found already.
  const isSound = ({ checkpoint, tree }: OpenedBundle): boolean => checkpoint.size === tree.size;
  const sound = opened.filter(isSound);
  const read: ReadBundle[] = [];
  for (const bundle of opened) {
    const comparison = new PeerComparison(bundle, isSound(bundle) ? sound : [], findings);
    demands.onManifests?.(bundle.manifests.all);
    const listener = listening(comparison, bundle.code, demands);
    const story = await readStory(bundle, findings, listener, progressOf(bundle.name, 1));
    read.push({ ...bundle, ...story });
  }
  const witnessed = checkPolicy(read, demands.policy, findings);
  if (demands.lateMs !== undefined) checkLateness(read, demands.lateMs, findings);
  const exchange = await crossAudit(read.filter(isSound), findings);
  const omitted = findings.total - findings.list.length;
  return {
    ok: findings.total === 0 && opened.length > 0,
    ledgers: read.map((bundle) => reportOf(bundle, witnessed.get(bundle.name))),
    exchange,
    findings: findings.list,
    ...(omitted === 0 ? {} : { findings_omitted: omitted }),
  };
}

/** Files of two folders may have the same name, and what is found in one must not be taken for the other's. */
function withOwnNames(bundles: readonly NamedBundle[]): NamedBundle[] {
  const taken = new Set<string>();
  return bundles.map(({ name, bytes }) => {
    let own = name;
    for (let n = 2; taken.has(own); n++) own = `${name} (${n})`;
    taken.add(own);
    return { name: own, bytes };
  });
}

/** A comparison that also tells of what it reads, and of the files whose arrival is proved. */
function listening(
  comparison: PeerComparison,
  code: string,
  { onArrival, onEntry }: Pick<AuditDemands, 'onArrival' | 'onEntry'>,
): StoryListener {
  if (onArrival === undefined && onEntry === undefined) return comparison;
  const note = (found: FoundEntry): void => {
    onEntry?.(found);
    const arrival = arrivalOf(found.ledger, found.entry, found.index);
    if (arrival !== undefined) onArrival?.(arrival);
  };
  return {
    onEntry: (placed) => {
      note({ ledger: code, ...placed });
    },
    onWitnessed: comparison.onWitnessed,
    onHeld: (held) => {
      const { peer, index, entry, leaf } = held;
      note({ ledger: peer, index, entry, leaf });
      return comparison.onHeld(held);
    },
  };
}

function checkFingerprint(bundles: readonly OpenedBundle[], expected: string | undefined, findings: Findings): void {
  for (const { name, manifests } of expected === undefined ? [] : bundles) {
    if (manifests.fingerprint === expected) continue;
    findings.add('MANIFEST_INVALID', name, `its first manifest has the fingerprint ${manifests.fingerprint}`);
  }
}

/** The size that the policy's quorum vouches for, by bundle. */
function checkPolicy(
  bundles: readonly ReadBundle[],
  policy: WitnessPolicy | undefined,
  findings: Findings,
): ReadonlyMap<string, number> {
  const witnessed = new Map<string, number>();
  for (const { name, checkpoint, cosignatures, witnessable } of bundles) {
    if (policy?.isAbout(checkpoint.origin) !== true) continue;
    if (!policy.isOfNamedKey(checkpoint)) {
      const detail = `the checkpoint of ${checkpoint.origin} is by another key than the policy names`;
      findings.add('POLICY_NOT_MET', name, detail);
      continue;
    }
    if (!policy.asksForWitnesses) continue;
    const size = policy.witnessedSize(cosignatures);
    if (size === undefined) {
      findings.add('POLICY_NOT_MET', name, `no quorum of witnesses vouches for ${checkpoint.origin}`);
      continue;
    }
    witnessed.set(name, size);
    if (witnessable > size) {
      const detail = `the quorum vouches for ${size} entries, and there are ${witnessable} without those about witnessing`;
      findings.add('ENTRIES_UNWITNESSED', name, detail);
    }
  }
  return witnessed;
}

function reportOf(bundle: ReadBundle, witnessedSize: number | undefined): LedgerReport {
  const {
    name,
    code,
    files,
    checkpoint,
    manifests,
    chronicle,
    entries,
    proofs,
    cosignatures,
    disclosed,
    witnessable,
    epochs,
  } = bundle;
  const { selection } = files.index;
  const { firstTime, lastTime, kinds } = chronicle;
  return {
    name,
    code,
    origin: checkpoint.origin,
    size: checkpoint.size,
    root: bytesToBase64(checkpoint.root),
    ...(epochs.reports.length === 0 ? {} : { epochs: epochs.reports }),
    ...(selection === undefined ? {} : { selection: { ...selection, entries } }),
    manifest: { versions: manifests.all.map(({ manifest }) => manifest.version), fingerprint: manifests.fingerprint },
    ...(firstTime === undefined ? {} : { first_entry: isoTime(firstTime) }),
    ...(lastTime === undefined ? {} : { last_entry: isoTime(lastTime) }),
    kinds,
    proofs,
    ...(disclosed.length === 0 ? {} : { disclosed }),
    cosigned: cosignatures.map(({ witness, size, timeS }) => ({ witness, size, time: isoTime(timeS * 1000) })),
    unwitnessed: Math.max(0, witnessable - Math.max(0, ...cosignatures.map(({ size }) => size))),
    ...(witnessedSize === undefined ? {} : { witnessed_size: witnessedSize }),
  };
}
