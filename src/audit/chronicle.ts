/** Reads a ledger as a story: the order of its entries, the numbering of messages, and what was answered. */
import { equalBytes } from '../base/mod.ts';
import type { LedgerEntry, LedgerEntryKind } from '../wire/mod.ts';
import type { FindingCode, Findings } from './error.ts';
import type { Selection } from './selection.ts';
import { Trail } from './trail.ts';

/** What a ledger tells. */
export interface Chronicle {
  readonly kinds: Readonly<Partial<Record<LedgerEntryKind, number>>>;
  /** Unix milliseconds of the first and the last entry that was read. */
  readonly firstTime: number | undefined;
  readonly lastTime: number | undefined;
  /** Time of the last entry up to which all that was selected is there; some kinds are there from behind a range as well. */
  readonly shownUntil: number | undefined;
  /** Messages sent to, and received from, each peer. */
  readonly sent: ReadonlyMap<string, Trail>;
  readonly received: ReadonlyMap<string, Trail>;
}

interface OpenMessage {
  readonly row: number;
  readonly entry: LedgerEntry;
  voided: boolean;
}

/** Takes entries in their order and checks times, numbering, and that every receipt belongs to a message. */
export class ChronicleReader implements Chronicle {
  readonly kinds: Partial<Record<LedgerEntryKind, number>> = {};
  firstTime: number | undefined;
  lastTime: number | undefined;
  shownUntil: number | undefined;
  readonly sent = new Map<string, Trail>();
  readonly received = new Map<string, Trail>();
  // Messages without a receipt yet: as many as were under way at one time, however long the ledger.
  readonly #open = new Map<string, OpenMessage>();
  readonly #last = { sent: new Map<string, number>(), received: new Map<string, number>() };
  readonly #where: string;
  readonly #findings: Findings;
  /** From which number on a peer's messages have to be there, and whether any may be missing between them. */
  readonly #isFromFirst: boolean;
  readonly #isWithoutGaps: boolean;
  readonly #to: number;

  constructor(selection: Selection | undefined, where: string, findings: Findings) {
    this.#isFromFirst = selection?.from === undefined && selection?.case === undefined;
    this.#isWithoutGaps = selection?.case === undefined;
    this.#to = selection?.to ?? Infinity;
    this.#where = where;
    this.#findings = findings;
  }

  read(entry: LedgerEntry, index: number): void {
    this.kinds[entry.kind] = (this.kinds[entry.kind] ?? 0) + 1;
    if (entry.time < (this.lastTime ?? 0)) {
      const detail = `its time is ${this.lastTime! - entry.time} ms before that of the entry before it`;
      this.#find('TIME_DECREASED', index, detail);
    }
    this.firstTime ??= entry.time;
    this.lastTime = entry.time;
    if (index <= this.#to) this.shownUntil = entry.time;
    switch (entry.kind) {
      case 'SENT':
        this.#sent(entry, index);
        return;
      case 'RECEIVED':
      case 'REFUSED':
        this.#received(entry, index);
        return;
      case 'VOIDED':
      case 'RECEIPT_HELD':
        this.#settle(entry, index);
        return;
      case 'INCIDENT': {
        const by = entry.peer === undefined ? '' : ` by ${entry.peer}`;
        this.#find('INCIDENT_RECORDED', index, `this node recorded a contradiction${by}`);
        return;
      }
      case 'OPENED':
      case 'ACTED':
      case 'WITNESSED':
      case 'EVIDENCE_COMPLETE':
      case 'EVIDENCE_DELETED':
      case 'ERASED':
      case 'WITHHELD':
      case 'MANIFEST':
      case 'KEY':
      case 'DISCLOSED':
      case 'EPOCH':
      case 'RESUMED':
        return;
      case 'RECOVERED':
        this.#recovered(entry, index);
        return;
      default:
        entry.kind satisfies never;
    }
  }

  #sent(entry: LedgerEntry, index: number): void {
    this.#next(this.#last.sent, entry, index, 'sent to');
    const trail = trailOf(this.sent, entry.peer!);
    this.#open.set(keyOf(entry), { row: trail.length, entry, voided: false });
    trail.push(entry, index);
  }

  #received(entry: LedgerEntry, index: number): void {
    this.#next(this.#last.received, entry, index, 'received from');
    trailOf(this.received, entry.peer!).push(entry, index);
  }

  /** What was lost and came back stands for what it was. Of a message given up both entries may be lost, and one comes back for both. */
  #recovered(entry: LedgerEntry, index: number): void {
    const kind = entry.detail?.type === 'recovered' ? entry.detail.value.kind : undefined;
    if (kind === 'RECEIVED' || kind === 'REFUSED') this.#received({ ...entry, kind }, index);
    else if (kind === 'SENT' || kind === 'VOIDED') {
      if (kind === 'SENT' || !this.#open.has(keyOf(entry))) this.#sent({ ...entry, kind: 'SENT' }, index);
      if (kind === 'VOIDED') this.#settle({ ...entry, kind }, index);
    } else this.#find('EPOCH_INVALID', index, `a lost ${kind} entry is no message`);
  }

  #next(last: Map<string, number>, entry: LedgerEntry, index: number, direction: string): void {
    const { peer, seq } = entry;
    const before = last.get(peer!);
    last.set(peer!, seq);
    const expected = (before ?? 0) + 1;
    const isNext =
      before === undefined && !this.#isFromFirst ? seq >= 1 : this.#isWithoutGaps ? seq === expected : seq >= expected;
    if (!isNext) this.#find('SEQUENCE_BROKEN', index, `message ${seq} ${direction} ${peer} where ${expected} was due`);
  }

  #settle(entry: LedgerEntry, index: number): void {
    const key = keyOf(entry);
    const known = this.#open.get(key);
    const trail = this.sent.get(entry.peer!);
    if (known === undefined || trail === undefined) {
      const row = trail?.rowOf(entry.seq) ?? -1;
      // In a range the message itself may lie before the first entry.
      const isBefore = row < 0 && !this.#isFromFirst && entry.seq < (trail?.length ? trail.at(0).seq : Infinity);
      if (isBefore) return;
      const what = row < 0 ? 'it is about a message that this ledger did not send' : 'it is there twice';
      this.#find('RECEIPT_WITHOUT_MESSAGE', index, what);
      return;
    }
    const isSame =
      known.entry.message_id === entry.message_id &&
      equalBytes(known.entry.sealed_digest!, entry.sealed_digest!) &&
      equalBytes(known.entry.signed_digest!, entry.signed_digest!);
    if (!isSame || (entry.kind === 'VOIDED' && known.voided)) {
      const what = isSame ? 'it is there twice' : 'it is about a message that this ledger did not send';
      this.#find('RECEIPT_WITHOUT_MESSAGE', index, what);
      return;
    }
    if (entry.kind === 'VOIDED') {
      known.voided = true;
      trail.setVoided(known.row);
    } else {
      if (known.voided && entry.reason === undefined)
        this.#find(
          'ENTRY_CONTRADICTED',
          index,
          'the message was given up here, and received there as if it had not been',
        );
      trail.setHeld(known.row, entry.time, entry.reason !== undefined && !known.voided);
      this.#open.delete(key);
    }
  }

  #find(code: FindingCode, index: number, detail: string): void {
    this.#findings.add(code, `${this.#where}: entry ${index}`, detail);
  }
}

function keyOf({ peer, seq }: LedgerEntry): string {
  return `${peer} ${seq}`;
}

function trailOf(trails: Map<string, Trail>, peer: string): Trail {
  let trail = trails.get(peer);
  if (trail === undefined) trails.set(peer, (trail = new Trail()));
  return trail;
}
