/**
 * Looks a node over, running or stopped, and says of everything that is not right what to do about it. It does nothing that a start would
 * not do: a probe file in the node's folder is written and removed again.
 */
import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { codeOf, counted, isoTime, systemClock, type Clock, type JurisdictionCode } from '../base/mod.ts';
import { loadNodeConfig, nodePaths, type NodeConfig } from '../config/mod.ts';
import { newestHead, parseCheckpointNote } from '../ledger/mod.ts';
import { memberByCode, verifyManifest, type KeyProvider, type Manifest } from '../trust/mod.ts';
import { currentKeys } from './current-keys.ts';
import { checkDisk, checkPermissions } from './doctor-disk.ts';
import { checkEvidence } from './doctor-evidence.ts';
import { checkPeers, checkPorts } from './doctor-network.ts';
import { checkKeys } from './doctor-keys.ts';
import { NodeError } from './error.ts';
import { dueEndings, endingText, endingsOf, type Ending } from './expiry.ts';
import { readKeyring } from './keyring.ts';
import { startingManifest } from './manifest-file.ts';
import { openNodeStorage } from './node-storage.ts';

/** One thing that was looked at. */
export interface Diagnosis {
  readonly check:
    | 'configuration'
    | 'permissions'
    | 'disk'
    | 'evidence'
    | 'keys'
    | 'ledger'
    | 'manifest'
    | 'expiry'
    | 'clock'
    | 'ports'
    | 'peers';
  /** `note` is worth knowing; `warn` and `fail` are worth doing something about, `fail` at once. */
  readonly level: 'ok' | 'note' | 'warn' | 'fail';
  readonly text: string;
  /** What to do. */
  readonly advice?: string;
}

/** What a running node says of itself, over its control socket. */
export interface RunningNode {
  readonly manifest: string;
  /** The latest signed checkpoint, as a note. */
  readonly checkpoint: string;
  readonly port: number;
  /** Why evidence cannot be kept or read just now; absent when it can. */
  readonly evidence_fault?: string | undefined;
  readonly peers: readonly {
    readonly code: JurisdictionCode;
    readonly connected: boolean;
    readonly clock_offset_ms?: number;
    readonly last_failure?: string;
  }[];
}

const MAX_OFFSET_MS = 5 * 60_000;
const NOTABLE_OFFSET_MS = 30_000;
const URGENT_DAYS = 7;

/** @param running undefined when no node is running in the folder */
export async function diagnose(
  dir: string,
  passphrase: string | undefined,
  running: RunningNode | undefined,
  clock: Clock = systemClock,
): Promise<Diagnosis[]> {
  let config: NodeConfig;
  try {
    config = loadNodeConfig(nodePaths(dir).config, process.env);
  } catch (error) {
    return [failure('configuration', error, 'Mend node.json; node-config/README.md describes every member.')];
  }
  const found: Diagnosis[] = [
    { check: 'configuration', level: 'ok', text: `${config.code}, ${config.endpoint || 'dials out'}` },
    {
      check: 'configuration',
      level: 'note',
      text: running === undefined ? 'no node is running here' : 'the node is running',
    },
    ...(await checkPermissions(config)),
    ...(await checkDisk(config)),
    ...(await checkEvidence(config, running)),
  ];
  let keys: KeyProvider;
  try {
    ({ keys } = await readKeyring(config, passphrase));
  } catch (error) {
    return [...found, failure('keys', error, keysAdvice(codeOf(error)))];
  }
  found.push(...checkKeys(config, keys));
  const known =
    running === undefined
      ? await stoppedNode(config, keys, passphrase, clock.nowMs())
      : await runningNode(config, running);
  found.push(...known.diagnoses);
  if (known.manifest === undefined) return [...found, ...(await checkPorts(config, running?.port))];
  const { manifest } = known;
  found.push(...checkMembership(config, keys, manifest, clock.nowMs()));
  found.push(...checkClock(running, known.lastEntryAt, clock.nowMs()));
  found.push(...(await checkPorts(config, running?.port)));
  const member = memberByCode(manifest, config.code);
  const tls = member === undefined ? undefined : currentKeys(config, keys, member, clock.nowMs()).tls;
  if (tls === undefined) return [...found, ...checkEndings(config.code, endingsOf(manifest, [], clock.nowMs()))];
  const peers = await checkPeers(config, manifest, tls, running, clock);
  const presented = [{ owner: config.code, certificate: new X509Certificate(tls.certificate) }, ...peers.presented];
  return [...found, ...peers.diagnoses, ...checkEndings(config.code, endingsOf(manifest, presented, clock.nowMs()))];
}

interface KnownState {
  readonly manifest: Manifest | undefined;
  readonly lastEntryAt?: number;
  readonly diagnoses: readonly Diagnosis[];
}

function keysAdvice(code: string): string {
  if (code === 'CONFIG_SECRET_MISSING')
    return 'Give what is missing: node-config/README.md tells of every way to do that.';
  return code.startsWith('NODE_TOKEN_')
    ? 'Bring the token back, with its library and its PIN: node-config/README.md, “Keys in a token”, says for each code what to do.'
    : 'Give the right passphrase, or restore keys/ from its backup.';
}

async function runningNode({ paths }: NodeConfig, { manifest: text, checkpoint }: RunningNode): Promise<KnownState> {
  const verified = verifyManifest(text, { selfSigned: true });
  const manifest = verified.ok ? verified.value.manifest : undefined;
  try {
    // The head is written before the node goes on, so it may be ahead of what the node said a moment ago, and never behind.
    const [head, served] = [newestHead(await readFile(paths.head)), parseCheckpointNote(checkpoint)];
    if (head === undefined) throw new NodeError('NODE_HEAD_INVALID', `${paths.head} has no signed head.`);
    const isSame = head.size > served.size || (head.size === served.size && head.note === served.note);
    const text = `${counted(served.size, 'entry is', 'entries are')} served, and ${paths.head} has ${head.size}`;
    if (isSame) return { manifest, diagnoses: [{ check: 'ledger', level: 'ok', text }] };
    const advice = 'Stop the node and look at both before anything else: one of the two is not this node’s history.';
    return { manifest, diagnoses: [{ check: 'ledger', level: 'fail', text, advice }] };
  } catch (error) {
    const advice =
      'Without the record of its head the node does not start again. Do not restart it before “head” is back.';
    return { manifest, diagnoses: [failure('ledger', error, advice)] };
  }
}

/** Opens the store of a stopped node, which hashes every entry again. */
async function stoppedNode(
  config: NodeConfig,
  keys: KeyProvider,
  passphrase: string | undefined,
  nowMs: number,
): Promise<KnownState> {
  try {
    const storage = await openNodeStorage(config, passphrase);
    try {
      const { size } = storage.ledger;
      const ledger: Diagnosis = {
        check: 'ledger',
        level: 'ok',
        text: `${counted(size, 'entry', 'entries')}, hashed again: as signed`,
      };
      const lastEntryAt = storage.ledger.entryTime(0);
      try {
        const { verified, waiting } = await startingManifest(config, keys, storage.store, nowMs);
        return { manifest: verified.manifest, lastEntryAt, diagnoses: [ledger, ...waitingVersion(waiting)] };
      } catch (error) {
        const advice = 'Hand enrolment.json to the council, and publish the manifest that it gives.';
        return { manifest: undefined, diagnoses: [ledger, failure('manifest', error, advice)] };
      }
    } finally {
      await storage.release();
    }
  } catch (error) {
    const advice = 'node-config/README.md says for each of these codes what to do. Do not delete “head”.';
    return { manifest: undefined, diagnoses: [failure('ledger', error, advice)] };
  }
}

function waitingVersion(version: number | undefined): Diagnosis[] {
  if (version === undefined) return [];
  const text = `version ${version} waits for the versions before it`;
  return [{ check: 'manifest', level: 'note', text, advice: 'A peer passes them on, or publish them in their order.' }];
}

function checkMembership(config: NodeConfig, keys: KeyProvider, manifest: Manifest, nowMs: number): Diagnosis[] {
  const member = memberByCode(manifest, config.code);
  const about = `version ${manifest.version}, valid until ${isoTime(manifest.expires_at)}`;
  if (member === undefined) {
    const text = `${about} does not list ${config.code}`;
    return [{ check: 'manifest', level: 'fail', text, advice: 'Hand enrolment.json to the council.' }];
  }
  if (member.status !== 'ACTIVE') {
    const text = `${config.code} is ${member.status.toLowerCase()} in ${about}`;
    return [{ check: 'manifest', level: 'fail', text, advice: 'Ask the council why, and to reactivate it.' }];
  }
  const current = currentKeys(config, keys, member, nowMs);
  const missing = Object.entries(current).filter(([, key]) => key === undefined);
  if (missing.length > 0) {
    const text = `${about} lists none of this node’s ${missing.map(([use]) => use).join(' and ')} keys`;
    return [
      {
        check: 'keys',
        level: 'fail',
        text,
        advice: 'Enrol this node’s keys with the council, or put back the ones that are listed.',
      },
    ];
  }
  return [{ check: 'manifest', level: 'ok', text: `${about}, lists this node and its keys` }];
}

/** The clock against what the peers said at their Hellos, and against the node's own past. */
function checkClock(running: RunningNode | undefined, lastEntryAt: number | undefined, nowMs: number): Diagnosis[] {
  const advice = 'Set this machine’s clock from a time server, and keep it set (chrony, systemd-timesyncd).';
  if (lastEntryAt !== undefined && lastEntryAt > nowMs + NOTABLE_OFFSET_MS) {
    const text = `the clock is behind the ledger’s last entry, of ${isoTime(lastEntryAt)}`;
    return [{ check: 'clock', level: 'fail', text, advice }];
  }
  const offsets = (running?.peers ?? []).flatMap(({ code, clock_offset_ms: ms }) =>
    ms === undefined ? [] : [{ code, ms }],
  );
  if (offsets.length === 0)
    return [{ check: 'clock', level: 'note', text: 'no peer is connected to compare the clock with' }];
  const off = offsets.filter(({ ms }) => Math.abs(ms) > NOTABLE_OFFSET_MS);
  if (off.length === 0) return [{ check: 'clock', level: 'ok', text: 'agrees with every connected peer' }];
  const isOwn = off.length === offsets.length;
  return off.map(({ code, ms }) => ({
    check: 'clock',
    level: Math.abs(ms) > MAX_OFFSET_MS ? 'fail' : 'warn',
    text: `${code} is ${Math.round(Math.abs(ms) / 1000)} s ${ms > 0 ? 'ahead' : 'behind'}`,
    advice: isOwn ? advice : `Others agree with this clock: tell ${code}.`,
  }));
}

function checkEndings(own: JurisdictionCode, endings: readonly Ending[]): Diagnosis[] {
  const due = dueEndings(endings);
  if (due.length === 0) return [{ check: 'expiry', level: 'ok', text: 'nothing ends within its last 60 days' }];
  return due.map((item) => ({
    check: 'expiry',
    level: item.warning <= URGENT_DAYS ? 'fail' : 'warn',
    text: endingText(item),
    advice: adviceFor(item.what, item.owner, own),
  }));
}

function adviceFor(what: Ending['what'], owner: Ending['owner'], own: JurisdictionCode): string {
  if (what === 'manifest') return 'Ask the council for the next version (“rogatory federation renew”), and publish it.';
  if (owner !== own) return `Tell ${owner}.`;
  if (what === 'tls certificate' || what === 'authority certificate') {
    return 'Have it renewed: “rogatory keys csr” for a certificate of the national PKI; the built-in authority’s renews by itself.';
  }
  return 'Bring a new key into the manifest while this one lasts: “rogatory keys rotate”.';
}

/** A check that threw. */
function failure(check: Diagnosis['check'], error: unknown, advice: string): Diagnosis {
  const message = error instanceof Error ? error.message : String(error);
  return { check, level: 'fail', text: `${codeOf(error)}: ${message}`, advice };
}
