import { counted } from '../base/mod.ts';
import type { AuditReport } from '../audit/mod.ts';

type Ledger = AuditReport['ledgers'][number];
type Direction = AuditReport['exchange'][number];

/** An audit's verdict for people. */
export function auditLines({ ok, ledgers, exchange, findings, findings_omitted: omitted = 0 }: AuditReport): string[] {
  const wrong = findings.length + omitted;
  return [
    ...ledgers.flatMap(ledgerLines),
    ...exchange.map(directionLine),
    ...findings.map(({ code, where, detail }) => `WRONG  ${code}  ${where}: ${detail}`),
    ...(omitted === 0 ? [] : [`WRONG  and ${omitted} more`]),
    ok
      ? 'Verified: nothing was found wrong.'
      : `NOT VERIFIED: ${wrong} ${wrong === 1 ? 'thing is' : 'things are'} wrong.`,
  ];
}

function ledgerLines(ledger: Ledger): string[] {
  const { size, kinds, cosigned, selection, unwitnessed, witnessed_size: witnessed, manifest } = ledger;
  const counts = Object.entries(kinds).map(([kind, count]) => `${count} ${kind}`);
  return [
    `${ledger.name}: ${ledger.code}, ledger ${ledger.origin}`,
    `  ${counted(size, 'entry', 'entries')} ${size === 1 ? 'hashes' : 'hash'} to the signed root ${ledger.root}`,
    ...(ledger.epochs ?? []).map(
      ({ number, kept, signed, recovered }) =>
        `  epoch ${number} begins at entry ${kept}, after a loss: ${signed} had been signed, ${recovered} came back`,
    ),
    ...(selection === undefined ? [] : [`  ${selectionText(selection)}`]),
    `  ${counts.join(', ')}; ${ledger.proofs} proofs of peers verified`,
    ...(ledger.disclosed ?? []).map(
      ({ message_id: id, from, to, type, entry }) =>
        `  disclosed: ${type} ${id} from ${from} to ${to}, as entry ${entry} commits to it`,
    ),
    ...cosigned.map(
      ({ witness, size: at, time }) => `  ${witness} cosigned ${counted(at, 'entry', 'entries')} at ${time}`,
    ),
    ...(cosigned.length === 0 ? [] : [`  ${witnessedText(unwitnessed)}`]),
    ...(witnessed === undefined
      ? []
      : [`  the policy’s quorum vouches for ${witnessed} of ${counted(size, 'entry', 'entries')}`]),
    `  manifest ${manifest.versions.join(', ')}, fingerprint ${manifest.fingerprint}`,
  ];
}

/** Of the entries that witnesses should hear of: each cosigning is an entry as well, and asks for none. */
function witnessedText(unwitnessed: number): string {
  return unwitnessed === 0
    ? 'every entry is witnessed, but for those about witnessing itself'
    : `${counted(unwitnessed, 'entry is', 'entries are')} not witnessed yet`;
}

function selectionText({ from, to, peer, case: ofCase, entries }: NonNullable<Ledger['selection']>): string {
  const limits = [
    ...(from === undefined && to === undefined ? [] : [`entries ${from ?? 0} to ${to ?? 'the last'}`]),
    ...(peer === undefined ? [] : [`about ${peer}`]),
    ...(ofCase === undefined ? [] : ['of one case']),
  ];
  return `shown are ${entries}: ${limits.join(', ')}; of the others there are hashes`;
}

function directionLine(direction: Direction): string {
  const { from, to, sent, received, refused, voided, unanswered, acknowledged_ms: waits } = direction;
  const counts = `${sent} sent, ${received} received, ${refused} refused, ${voided} voided, ${unanswered} unanswered`;
  const open = [
    ...(direction.not_received === 0 ? [] : [`${direction.not_received} not received`]),
    ...(direction.not_shown === 0 ? [] : [`${direction.not_shown} not in the part that is shown of ${to}’s ledger`]),
    ...(direction.receipt_not_held === 0
      ? []
      : [`${direction.receipt_not_held} received without the receipt being held`]),
  ];
  const wait =
    waits === undefined
      ? ''
      : `; acknowledged in ${waits.p50} ms (p50), ${waits.p90} ms (p90), ${waits.worst} ms at worst`;
  return `${from} → ${to}: ${[counts, ...open].join(', ')}${wait}`;
}
