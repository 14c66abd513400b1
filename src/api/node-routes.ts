/** A running node at a glance, and its peers. */
import { bytesToBase64, isoTime } from '../base/mod.ts';
import type { IncidentRecord, QueryRate } from '../exchange/mod.ts';
import { encodeVerifierKey } from '../ledger/mod.ts';
import {
  dueEndings,
  endingText,
  healthOf,
  witnessingOf,
  witnessKeyOf,
  witnessingText,
  type Health,
  type Node,
  type RunningNode,
  type Witnessing,
} from '../node/mod.ts';
import type { PeerConnection } from '../transport/mod.ts';

/** A node at a glance. */
export interface StatusAnswer {
  readonly code: string;
  readonly name: string;
  readonly dir: string;
  readonly pid: number;
  readonly started_at: string;
  readonly port: number;
  readonly endpoint: string;
  readonly ledger: { readonly origin: string; readonly vkey: string; readonly size: number; readonly root: string };
  readonly witness: { readonly name: string; readonly vkey: string };
  readonly manifest: { readonly version: number; readonly fingerprint: string; readonly expires_at: string };
  /** What the node tried of itself just now. */
  readonly health: Health;
  /** How far the witness policy is met, also in words. */
  readonly witnessing: Witnessing & { readonly text: string };
  /** Contradictions by peers that were ever recorded, and the newest of them. */
  readonly incidents: {
    readonly count: number;
    readonly latest?: Pick<IncidentRecord, 'noticed_at' | 'peer' | 'kind'>;
  };
  readonly peers: readonly PeerAnswer[];
}

/** A peer at a glance. */
export type PeerAnswer = PeerConnection & {
  readonly waiting: number;
  readonly checkpoint_size?: number;
  /** Entries of this node's ledger that the peer has cosigned. */
  readonly cosigned_size?: number;
  /** What it has asked by hit/no-hit queries, and how often that was too much. */
  readonly hit_queries: QueryRate;
  /** What ends soon of the peer's, or has ended. */
  readonly expiring: readonly ExpiringAnswer[];
};

/** Something that ends soon, or has ended. */
export interface ExpiringAnswer {
  readonly what: string;
  readonly name: string;
  readonly ends_at: string;
  readonly days_left: number;
  /** The warning that is due: 60, 30, 7 or 1 days; 0 when it has ended. */
  readonly within_days: number;
  readonly text: string;
}

export async function status(node: Node): Promise<StatusAnswer> {
  const { config, exchange, transport, storage } = node;
  const { checkpoint } = storage.ledger;
  const witnessing = await witnessingOf(node);
  return {
    code: config.code,
    name: config.name,
    dir: config.paths.dir,
    pid: process.pid,
    started_at: isoTime(node.startedAt),
    port: transport.port,
    endpoint: config.endpoint,
    ledger: {
      origin: storage.ledger.key.name,
      vkey: encodeVerifierKey(storage.ledger.key),
      size: checkpoint.size,
      root: bytesToBase64(checkpoint.root),
    },
    witness: { name: config.witnessName, vkey: encodeVerifierKey(witnessKeyOf(config, node.ownKeys.current.witness)) },
    manifest: {
      version: exchange.manifest.version,
      fingerprint: exchange.manifestFingerprint,
      expires_at: isoTime(exchange.manifest.expires_at),
    },
    health: await healthOf(node),
    witnessing: { ...witnessing, text: witnessingText(witnessing) },
    incidents: incidentsAtAGlance(await exchange.incidents()),
    peers: await peers(node),
  };
}

function incidentsAtAGlance(incidents: readonly IncidentRecord[]): StatusAnswer['incidents'] {
  const latest = incidents.at(-1);
  if (latest === undefined) return { count: 0 };
  const { noticed_at, peer, kind } = latest;
  return { count: incidents.length, latest: { noticed_at, peer, kind } };
}

export async function peers({ exchange, transport, endings }: Node): Promise<PeerAnswer[]> {
  const due = dueEndings(endings());
  const cosigned = new Map((await exchange.cosignatures()).map(({ peer, size }) => [peer, size]));
  return Promise.all(
    transport.connections().map(async (connection) => {
      const seen = await exchange.seenCheckpoint(connection.code);
      const { count } = await exchange.backlog(connection.code);
      const size = cosigned.get(connection.code);
      return {
        ...connection,
        waiting: count,
        hit_queries: await exchange.queryRate(connection.code),
        ...(seen === undefined ? {} : { checkpoint_size: seen.size }),
        ...(size === undefined ? {} : { cosigned_size: size }),
        expiring: due.filter(({ owner }) => owner === connection.code).map(expiringAnswer),
      };
    }),
  );
}

function expiringAnswer(ending: ReturnType<typeof dueEndings>[number]): ExpiringAnswer {
  const { what, name, endsAt, daysLeft, warning } = ending;
  return {
    what,
    name,
    ends_at: isoTime(endsAt),
    days_left: daysLeft,
    within_days: warning,
    text: endingText(ending),
  };
}

/** What the doctor asks of a node that is running. */
export async function runningState(node: Node): Promise<RunningNode> {
  const { exchange, transport, storage } = node;
  return {
    manifest: exchange.manifestText,
    checkpoint: storage.ledger.checkpoint.note,
    port: transport.port,
    evidence_fault: await node.evidenceFault(),
    peers: transport.connections(),
  };
}
