/** Whether a node can do what it is there for, found by trying: writing, signing, reaching its peers. */
import type { X509Certificate } from 'node:crypto';
import { open, readFile, rm, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { codeOf, counted, isoTime } from '../base/mod.ts';
import { parseCheckpointNote } from '../ledger/mod.ts';
import { certificatesIn, memberByCode, validityObjection, verifyPeerCertificate } from '../trust/mod.ts';
import { parseLedgerEntry } from '../wire/mod.ts';
import { currentKeys } from './current-keys.ts';
import { dueEndings, endingText } from './expiry.ts';
import { openingFault } from './key-probe.ts';
import type { Node } from './node.ts';
import { witnessingOf, witnessingText } from './witnessing.ts';

/** Everything that can stand against a node's health. Each has a row in the operator's guide. */
export const HEALTH_CODES = [
  'CANNOT_WRITE',
  'DISK_NEARLY_FULL',
  'EVIDENCE_STORE_AWAY',
  'CANNOT_SIGN',
  'CANNOT_OPEN',
  'KEY_NOT_VALID',
  'CERTIFICATE_NOT_ACCEPTED',
  'CERTIFICATE_EXPIRED',
  'CERTIFICATE_EXPIRES_SOON',
  'KEY_EXPIRED',
  'KEY_EXPIRES_SOON',
  'MANIFEST_EXPIRED',
  'MANIFEST_EXPIRES_SOON',
  'NOT_A_MEMBER',
  'NO_PEER_REACHED',
  'PEER_NOT_REACHED',
  'CLOCK_DIFFERS',
  'LEDGER_NOT_PUBLISHED',
  'NOT_WITNESSED',
] as const;

/** Name of a finding. */
export type HealthCode = (typeof HEALTH_CODES)[number];

/** One thing that is not as it should be. An ERROR means that the node does not do its work; a WARNING that it soon may not. */
export interface HealthFinding {
  readonly code: HealthCode;
  readonly severity: 'ERROR' | 'WARNING';
  readonly detail: string;
}

/** A node's health: good as long as there is no error. */
export interface Health {
  readonly ok: boolean;
  readonly findings: readonly HealthFinding[];
}

// Below this a batch, or the compaction of the store, may find no room.
const MIN_FREE_BYTES = 64 * 1024 * 1024;
// Beyond this peers refuse what is signed here as issued in the future.
const MAX_CLOCK_OFFSET_MS = 5 * 60_000;
const MAX_PUBLISH_LAG_MS = 60_000;
// Peers are asked every ten seconds while they are connected; an hour is a peer that is away.
const MAX_WITNESS_LAG_MS = 3_600_000;

/** Tries what the node has to be able to do, and reports what is against it. */
export async function healthOf(node: Node): Promise<Health> {
  const nowMs = node.clock.nowMs();
  const findings = [
    ...(await writing(node)),
    ...(await keepingEvidence(node)),
    ...signing(node, nowMs),
    ...membership(node),
    ...expiry(node),
    ...reaching(node),
    ...(await publishing(node, nowMs)),
    ...(await witnessing(node, nowMs)),
  ];
  return { ok: findings.every(({ severity }) => severity !== 'ERROR'), findings };
}

function error(code: HealthCode, detail: string): HealthFinding {
  return { code, severity: 'ERROR', detail };
}

/** The operating system's code for what went wrong, or the project's. */
function causeOf(cause: unknown): string {
  const code = cause instanceof Error ? (cause as NodeJS.ErrnoException).code : undefined;
  return code ?? codeOf(cause);
}

function warning(code: HealthCode, detail: string): HealthFinding {
  return { code, severity: 'WARNING', detail };
}

/** A byte is written and brought to the disk beside the store, because a full or failing disk shows only then. */
async function writing({ config }: Node): Promise<HealthFinding[]> {
  const probe = join(config.paths.dir, `.health-${process.pid}`);
  try {
    const file = await open(probe, 'w', 0o600);
    try {
      await file.writeFile('x');
      await file.sync();
    } finally {
      await file.close();
    }
    const { bavail, bsize } = await statfs(config.paths.dir);
    const free = bavail * bsize;
    return free >= MIN_FREE_BYTES
      ? []
      : [error('DISK_NEARLY_FULL', `${Math.floor(free / 1024 / 1024)} MiB are left where ${config.paths.dir} is.`)];
  } catch (cause) {
    return [error('CANNOT_WRITE', `${config.paths.dir} cannot be written: ${causeOf(cause)}.`)];
  } finally {
    await rm(probe, { force: true }).catch(() => undefined);
  }
}

/** Messages go on without it. */
async function keepingEvidence(node: Node): Promise<HealthFinding[]> {
  const fault = await node.evidenceFault();
  return fault === undefined ? [] : [warning('EVIDENCE_STORE_AWAY', fault)];
}

/** Every key that the node works with signs, and is one that the manifest allows now. */
function signing({ config, exchange, storage }: Node, nowMs: number): HealthFinding[] {
  const member = memberByCode(exchange.manifest, config.code);
  if (member === undefined) return [];
  const own = currentKeys(config, storage.keys, member, nowMs);
  const findings: HealthFinding[] = [];
  for (const use of ['sign', 'ledger', 'witness'] as const) {
    try {
      if (own[use] === undefined) throw new TypeError('none is held that the manifest lists');
      own[use].sign(new Uint8Array(32));
    } catch (cause) {
      findings.push(error('CANNOT_SIGN', `The ${use} key does not sign: ${codeOf(cause)}.`));
    }
  }
  const fault =
    own.encrypt === undefined ? 'none is held that the manifest lists' : openingFault(config.code, own.encrypt);
  if (fault !== undefined)
    findings.push(error('CANNOT_OPEN', `The encryption key does not open what is sealed to it: ${fault}.`));
  const kid = own.sign?.kid;
  const listed = member.sign.find((key) => key.kid === kid);
  const objection = listed === undefined ? 'KEY_UNKNOWN' : validityObjection(listed, nowMs);
  if (objection !== undefined)
    findings.push(error('KEY_NOT_VALID', `Peers refuse what the signing key signs: ${objection}.`));
  if (own.tls === undefined) {
    findings.push(error('CERTIFICATE_NOT_ACCEPTED', 'No certificate is held whose key the manifest pins.'));
    return findings;
  }
  const [certificate, ...chain] = certificatesIn(own.tls.certificate) as [X509Certificate, ...X509Certificate[]];
  const verdict = verifyPeerCertificate(certificate, exchange.manifest, nowMs, chain);
  const expiresAt = Date.parse(certificate.validTo);
  if (!verdict.ok) findings.push(error('CERTIFICATE_NOT_ACCEPTED', `${verdict.reason}: ${verdict.detail}.`));
  else if (expiresAt <= nowMs) findings.push(error('CERTIFICATE_NOT_ACCEPTED', `It expired at ${isoTime(expiresAt)}.`));
  return findings;
}

function membership({ config, exchange }: Node): HealthFinding[] {
  const status = memberByCode(exchange.manifest, config.code)?.status;
  return status === 'ACTIVE'
    ? []
    : [error('NOT_A_MEMBER', `The manifest has ${config.code} as ${status ?? 'no member'}.`)];
}

/** What has ended of this node's own keeps it from its work; what has ended of a peer's keeps it from that peer. */
function expiry({ config, endings }: Node): HealthFinding[] {
  return dueEndings(endings()).map((item) => {
    const subject = item.what === 'manifest' ? 'MANIFEST' : item.what.endsWith(' key') ? 'KEY' : 'CERTIFICATE';
    const detail = `${endingText(item)}.`;
    if (item.warning > 0) return warning(`${subject}_EXPIRES_SOON`, detail);
    return (item.owner === '' || item.owner === config.code ? error : warning)(`${subject}_EXPIRED`, detail);
  });
}

/** Who has not been tried yet is not held against the node. */
function reaching({ transport }: Node): HealthFinding[] {
  const connections = transport.connections();
  const failed = connections.filter(({ connected, last_failure: failure }) => !connected && failure !== undefined);
  const findings = failed.map(({ code, last_failure: failure }) =>
    warning(
      'PEER_NOT_REACHED',
      `${code} is not connected: ${failure}${failure === 'LEDGER_CONTRADICTION' ? '. “rogatory ledger incidents” has the proof' : ''}.`,
    ),
  );
  const connected = connections.filter((connection) => connection.connected);
  if (failed.length > 0 && connected.length === 0)
    findings.push(error('NO_PEER_REACHED', 'None of the other members is connected.'));
  const apart = connected.filter(({ clock_offset_ms: offset }) => Math.abs(offset ?? 0) > MAX_CLOCK_OFFSET_MS);
  if (apart.length > 0) {
    const differences = apart.map(({ code, clock_offset_ms: offset = 0 }) => {
      const seconds = Math.round(Math.abs(offset) / 1000);
      return `${code} is ${seconds} s ${offset < 0 ? 'behind' : 'ahead of'} this one`;
    });
    const detail = `The clock of ${differences.join(', of ')}.`;
    // One peer that differs may itself be wrong; all of them are not.
    findings.push((apart.length === connected.length ? error : warning)('CLOCK_DIFFERS', detail));
  }
  return findings;
}

/** Whether as many peers as the policy asks for vouch for the ledger. */
async function witnessing(node: Node, nowMs: number): Promise<HealthFinding[]> {
  const found = await witnessingOf(node);
  const { peers, unwitnessed_since: since } = found;
  if (peers === 0 || since === undefined || nowMs - Date.parse(since) < MAX_WITNESS_LAG_MS) return [];
  return [warning('NOT_WITNESSED', `${witnessingText(found)}.`)];
}

/** What auditors and witnesses read may lag behind for a moment, and no longer. */
async function publishing({ config, storage }: Node, nowMs: number): Promise<HealthFinding[]> {
  try {
    const { size } = parseCheckpointNote(await readFile(join(config.paths.ledger, 'checkpoint'), 'utf8'));
    const { ledger } = storage;
    if (size === ledger.size) return [];
    const { time } = parseLedgerEntry(await ledger.entry(size));
    return nowMs - time < MAX_PUBLISH_LAG_MS
      ? []
      : [
          error(
            'LEDGER_NOT_PUBLISHED',
            `The published checkpoint has ${size} of ${counted(ledger.size, 'entry', 'entries')}.`,
          ),
        ];
  } catch (cause) {
    return [error('LEDGER_NOT_PUBLISHED', `The published checkpoint cannot be read: ${causeOf(cause)}.`)];
  }
}
