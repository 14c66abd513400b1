/** Why a message is where it is, and what has to happen next. */
import { X509Certificate } from 'node:crypto';
import { isoTime, parseUuid } from '../base/mod.ts';
import type { MessageRecord, TimelineEntry } from '../exchange/mod.ts';
import type { Node } from '../node/mod.ts';
import type { PeerConnection } from '../transport/mod.ts';
import { filesOf, filesText, type FilesAnswer } from './why-files.ts';

/** What happened to a message, and what comes next. */
export interface WhyAnswer {
  readonly message: MessageRecord;
  /** What both ledgers say about it, as far as this node has proof. */
  readonly timeline: readonly TimelineEntry[];
  /** Where it stands among those that wait for a receipt of the same peer; only while it does. */
  readonly queue?: { readonly position: number; readonly waiting: number };
  /** How things stand with the peer; absent when it is not an active member. */
  readonly link?: PeerConnection;
  /** When the session with the peer ends because no receipt came; only while the message is with a connected peer. */
  readonly receipt_overdue_at?: string;
  readonly certificates: readonly CertificateState[];
  /** How far the files are that go with it; absent when none do. */
  readonly files?: FilesAnswer;
  readonly next: string;
  /** When that happens, where the time is known. */
  readonly next_at?: string;
}

/** Until when one side can show who it is, and whether it can now. */
export interface CertificateState {
  readonly of: string;
  readonly expires_at: string;
  readonly state: 'VALID' | 'EXPIRED';
}

/** @throws {ExchangeError} EXCHANGE_UNKNOWN_MESSAGE */
export async function why(node: Node, id: string): Promise<WhyAnswer> {
  const { exchange, transport, clock } = node;
  const detail = await exchange.message(parseUuid(id));
  const { record } = detail;
  const files = await filesOf(node, detail);
  const isFollowed = files !== undefined && !isWaiting(record) && record.status === 'RECEIVED';
  const ofFiles = isFollowed ? filesText(files, detail) : undefined;
  const action = await nextAction(node, record);
  const link = transport.connections().find(({ code }) => code === record.peer);
  const wait = exchange.waitOf(record.peer, record.seq);
  const backlog = isWaiting(record) ? await exchange.backlog(record.peer, record.seq) : undefined;
  return {
    message: record,
    timeline: exchange.timeline(record),
    ...(backlog === undefined ? {} : { queue: { position: backlog.ahead + 1, waiting: backlog.count } }),
    ...(link === undefined ? {} : { link }),
    ...(wait === undefined || !isWaiting(record)
      ? {}
      : { receipt_overdue_at: isoTime(Math.round(clock.nowMs() + wait.overdueInMs)) }),
    certificates: certificatesOf(node, link),
    ...(files === undefined ? {} : { files }),
    ...action,
    ...(ofFiles === undefined ? {} : { next: `Nothing for the message. Of what it announces, ${ofFiles}` }),
  };
}

/** What has to happen next, in words for the person who asks, and when. */
export async function nextAction(
  node: Node,
  record: MessageRecord,
): Promise<{ readonly next: string; readonly next_at?: string }> {
  const settled = settledText(record);
  if (settled !== undefined) return { next: settled };
  const { exchange, transport } = node;
  const { peer } = record;
  const { count, ahead } = await exchange.backlog(peer, record.seq);
  const queue = count > 1 ? `; it is number ${ahead + 1} of ${count} that wait` : '';
  const link = transport.connections().find(({ code }) => code === peer);
  if (link === undefined)
    return { next: `${peer} is not an active member: it waits until ${peer} is one again${queue}.` };
  const wait = exchange.waitOf(peer, record.seq);
  const overdueAt = wait === undefined ? undefined : isoTime(Math.round(node.clock.nowMs() + wait.overdueInMs));
  const at = link.connected ? overdueAt : link.next_attempt_at;
  const next = `${linkText(node, record, link)}${queue}. ${promiseText(record)}`;
  return at === undefined ? { next } : { next, next_at: at };
}

/** What is certain whatever the link does. */
function promiseText({ status, expires_at: end }: MessageRecord): string {
  if (status === 'VOIDED') return 'It is given up, and the peer will be told.';
  if (end === undefined || end === 0) return 'It is on disk and will be delivered.';
  return `It is on disk, and expires at ${isoTime(end)}: what has not left by then is given up, and what arrives later is refused.`;
}

function isWaiting(record: MessageRecord): boolean {
  return record.direction === 'OUT' && record.held === undefined;
}

/** The last word about a message to which nothing more happens. */
function settledText(record: MessageRecord): string | undefined {
  const { peer, status, reason } = record;
  if (isWaiting(record)) return undefined;
  if (record.direction === 'IN') {
    if (status === 'QUARANTINED')
      return `Nothing happens by itself: its key is revoked. Read it, and ask ${peer} over another channel; if it is genuine, ${peer} sends it again under a new key.`;
    if (status === 'REFUSED') return `Nothing: this node refused it (${reason}) and ${peer} has that in writing.`;
    return status === 'VOIDED'
      ? `Nothing: ${peer} gave it up before it arrived.`
      : 'Nothing for the message: it was received and applied. The case goes on.';
  }
  if (status === 'REFUSED') return refusedText(record);
  return status === 'VOIDED'
    ? `Nothing: it was given up, and ${peer} knows.`
    : `Nothing for the message: ${peer} has it, and its receipt is held. The case goes on.`;
}

/** What is to be mended is the message, but for what lies with the node that sent it. */
function refusedText({ peer, reason }: MessageRecord): string {
  return reason === 'ISSUED_IN_FUTURE'
    ? `One of the two clocks is wrong: by ${peer}’s, this was signed in the future. “rogatory peers” says how far they are apart; set the wrong one, and send it as a new message.`
    : `Mend what ${peer} refused (${reason}) and send it as a new message.`;
}

function linkText({ exchange }: Node, { peer, seq }: MessageRecord, link: PeerConnection): string {
  if (link.connected) {
    const wait = exchange.waitOf(peer, seq);
    return wait === undefined
      ? `${peer} is connected, and this message has not had its turn yet`
      : `${peer} is connected, has had the message for ${(wait.sentMsAgo / 1000).toFixed(1)} s and has not answered; in ${Math.ceil(wait.overdueInMs / 1000)} s it is sent again over a new session`;
  }
  const failure = link.last_failure === undefined ? '' : ` (${link.last_failure})`;
  const next = link.next_attempt_at === undefined ? '' : `, next attempt at ${link.next_attempt_at}`;
  return link.endpoint === ''
    ? `${peer} is not connected${failure}, and only it can dial`
    : `${peer} is not reached at ${link.endpoint}${failure}${next}`;
}

/** Until when each side can show who it is. */
function certificatesOf(node: Node, link: PeerConnection | undefined): WhyAnswer['certificates'] {
  const own = node.ownCertificate();
  return [
    stateOf(node, node.config.code, Date.parse(new X509Certificate(own).validTo)),
    ...(link?.certificate_expires_at === undefined
      ? []
      : [stateOf(node, link.code, Date.parse(link.certificate_expires_at))]),
  ];
}

function stateOf({ clock }: Node, of: string, expiresAt: number): CertificateState {
  return { of, expires_at: isoTime(expiresAt), state: expiresAt > clock.nowMs() ? 'VALID' : 'EXPIRED' };
}
