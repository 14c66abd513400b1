import type { ExchangeEvent } from '../../exchange/mod.ts';
import { isoTime, type JurisdictionCode } from '../../base/mod.ts';

/** One event of one node as a line: when, who, what, which entry of its ledger, and what was verified. */
export function timelineLine(code: JurisdictionCode, event: ExchangeEvent): string {
  const clock = isoTime(event.time).slice(11, 23);
  const at = (what: string, index: number, verified = ''): string =>
    `  ${clock}  ${code}  ${what.padEnd(54)} ${`${code} entry ${index}`.padEnd(12)} ${verified}`.trimEnd();
  if (isAboutFile(event)) return fileLine(code, event, at);
  if (event.kind === 'INCIDENT') return at(`INCIDENT with ${event.peer}: ${event.detail}`, event.index);
  if ('started_by' in event) return `  ${clock}  ${code}  notices that a duty in a case with ${event.peer} is late`;
  const what = `${event.type?.replaceAll('_', ' ') ?? 'message'} ${event.seq}`;
  const theirs = `${event.peer} entry ${event.peer_index}`;
  switch (event.kind) {
    case 'SENT':
      return at(`signed and sealed ${what} for ${event.peer}`, event.index);
    case 'RECEIVED':
      return at(`received ${what} from ${event.peer}`, event.index, `verified ${theirs}`);
    case 'REFUSED':
      return at(`refused ${what} from ${event.peer}: ${event.reason}`, event.index, `verified ${theirs}`);
    case 'RECEIPT_HELD':
      return at(`holds the receipt of ${event.peer} for ${what}`, event.index, `verified ${theirs}`);
    case 'REFUSAL_HELD':
      return at(`holds the refusal of ${event.peer} for ${what}: ${event.reason}`, event.index, `verified ${theirs}`);
    case 'VOIDED':
      return at(`gave up ${what}`, event.index);
    default:
      return event satisfies never;
  }
}

type FileEvent = Extract<ExchangeEvent, { kind: `EVIDENCE_${string}` }>;

function isAboutFile(event: ExchangeEvent): event is FileEvent {
  return event.kind.startsWith('EVIDENCE_');
}

function fileLine(
  code: JurisdictionCode,
  event: FileEvent,
  at: (what: string, index: number, verified?: string) => string,
): string {
  const clock = isoTime(event.time).slice(11, 23);
  switch (event.kind) {
    case 'EVIDENCE_COMPLETE':
      return at(`has a file of ${event.peer}, whole`, event.index);
    case 'EVIDENCE_HELD':
      return at(
        `holds the proof that ${event.peer} has a file`,
        event.index,
        `verified ${event.peer} entry ${event.peer_index}`,
      );
    case 'EVIDENCE_VERIFIED':
      return `  ${clock}  ${code}  compared a file of ${event.peer} with its announced SHA-256`;
    case 'EVIDENCE_POSTPONED':
      return `  ${clock}  ${code}  cannot take a file of ${event.peer} now: ${event.code}`;
    default:
      return event satisfies never;
  }
}
