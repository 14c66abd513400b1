import { counted, isoTime } from '../../base/mod.ts';
import type { PeerAnswer, StatusAnswer } from '../../api/mod.ts';
import { ApiClient } from '../../client/mod.ts';
import type { Command } from '../command.ts';
import { clockText } from '../message-lines.ts';

const NODE = { value: 'D', help: 'folder of the running node', required: true } as const;

export const status: Command = {
  name: 'status',
  summary: 'a running node at a glance: ledger, manifest, peers, health',
  options: { node: NODE },
  details:
    'The node tries what it has to be able to do: write, sign, reach its peers. Exit status: 0 in good health, perhaps with warnings;\n' +
    '1 when something has failed, which is named by its code.',
  async run(args, io) {
    args.noOperands();
    const answer = await new ApiClient(args.text('node')).get<StatusAnswer>('status');
    io.result(answer, [
      `${answer.code}  ${answer.name}`,
      `  running   since ${answer.started_at}, process ${answer.pid}, ${answer.endpoint || 'dials out'}`,
      `  ledger    ${answer.ledger.origin}: ${counted(answer.ledger.size, 'entry', 'entries')}, root ${answer.ledger.root}`,
      `  key       ${answer.ledger.vkey}`,
      `  witnesses ${answer.witnessing.text}`,
      `  manifest  version ${answer.manifest.version} until ${answer.manifest.expires_at}, fingerprint ${answer.manifest.fingerprint}`,
      ...answer.peers.map((peer) => `  peer      ${describe(peer)}`),
      `  incidents ${incidentsText(answer.incidents)}`,
      `  health    ${answer.health.ok ? 'good' : 'NOT GOOD'}`,
      ...answer.health.findings.map(({ code, severity, detail }) => `    ${severity.padEnd(7)} ${code}: ${detail}`),
    ]);
    return answer.health.ok ? 0 : 1;
  },
};

export const peers: Command = {
  name: 'peers',
  summary: 'how things stand with every peer, and which of its keys and certificates end soon',
  options: { node: NODE },
  async run(args, io) {
    args.noOperands();
    const answer = await new ApiClient(args.text('node')).get<PeerAnswer[]>('peers');
    const lines = answer.flatMap((peer) => [describe(peer), ...peer.expiring.map(({ text }) => `  ${text}`)]);
    io.result(answer, lines.length === 0 ? ['No other members.'] : lines);
    return 0;
  },
};

/** What was once proved stays to be acted on, also when its peer is connected again. */
function incidentsText({ count, latest }: StatusAnswer['incidents']): string {
  if (latest === undefined) return 'none';
  const { noticed_at: at, peer, kind } = latest;
  return `${count}, the latest at ${at}, by ${peer}: ${kind}. Next: “rogatory ledger incidents” has the proof`;
}

/** A peer that was turned away for asking too much is something to talk about. */
function queryText({
  queries_last_hour: queries,
  identifiers_last_day: identifiers,
  refused,
  refused_at: at,
}: PeerAnswer['hit_queries']): string {
  const asked =
    identifiers === 0
      ? ''
      : `; asked ${counted(queries, 'hit/no-hit query', 'hit/no-hit queries')} in an hour, ${counted(identifiers, 'identifier')} in a day`;
  return at === undefined
    ? asked
    : `${asked}; ${counted(refused, 'QUERY', 'QUERIES')} TOO MANY ${refused === 1 ? 'was' : 'were'} refused, the last at ${isoTime(at)}`;
}

function describe(peer: PeerAnswer): string {
  const link = peer.connected
    ? `connected since ${peer.since}, dialled by ${peer.dialled_by}`
    : `not connected${peer.last_failure === undefined ? '' : ` (${peer.last_failure}, at ${peer.last_failure_at})`}${peer.next_attempt_at === undefined ? '' : `, next attempt ${peer.next_attempt_at}`}`;
  const waiting = peer.waiting === 0 ? 'no message waits' : `${counted(peer.waiting, 'message')} waiting for a receipt`;
  const seen =
    peer.checkpoint_size === undefined
      ? ''
      : `, its ledger seen at ${counted(peer.checkpoint_size, 'entry', 'entries')}`;
  const cosigned = peer.cosigned_size === undefined ? '' : `, has cosigned ${peer.cosigned_size} of ours`;
  const clock = peer.clock_offset_ms === undefined ? '' : `; its clock: ${clockText(peer.code, peer.clock_offset_ms)}`;
  const until = peer.certificate_expires_at;
  const certificate = until === undefined ? '' : `; its certificate until ${until}`;
  return `${peer.code}: ${link}; ${waiting}${seen}${cosigned}${clock}${certificate}${queryText(peer.hit_queries)}`;
}
