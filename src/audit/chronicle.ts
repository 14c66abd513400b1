/** Reads a ledger as a story: the order of its entries, the numbering of messages, and what was answered. */
import { equalBytes, type JurisdictionCode } from '../base/mod.ts';
import { WireError, parseLedgerEntry, type LedgerEntry } from '../wire/mod.ts';
import type { Finding } from './error.ts';

/** One message in one direction, as its own side's ledger tells it. */
export interface MessageTrace {
  readonly peer: JurisdictionCode;
  readonly message_id: string;
  readonly seq: number;
  /** SENT at its sender; RECEIVED or REFUSED at its recipient. */
  readonly index: number;
  readonly time: number;
  readonly voided?: { readonly index: number; readonly time: number };
  readonly held?: { readonly index: number; readonly time: number };
  readonly refused: boolean;
}

/** What a ledger tells. */
export interface Chronicle {
  readonly entries: readonly LedgerEntry[];
  readonly sent: readonly MessageTrace[];
  readonly received: readonly MessageTrace[];
}

/** Parses every entry and checks times, numbering, and that every receipt belongs to a message. */
export function readChronicle(raw: readonly Uint8Array[], where: string, findings: Finding[]): Chronicle {
  const reader = new ChronicleReader(where, findings);
  const entries: LedgerEntry[] = [];
  for (const [index, bytes] of raw.entries()) {
    try {
      const entry = parseLedgerEntry(bytes);
      entries.push(entry);
      reader.read(entry, index);
    } catch (error) {
      if (!(error instanceof WireError)) throw error;
      findings.push({ code: 'ENTRY_MALFORMED', where: `${where}: entry ${index}`, detail: error.message });
      return { entries, sent: reader.sent, received: reader.received };
    }
  }
  return { entries, sent: reader.sent, received: reader.received };
}

type Writable<T> = { -readonly [Key in keyof T]: T[Key] };

class ChronicleReader {
  readonly sent: Writable<MessageTrace>[] = [];
  readonly received: MessageTrace[] = [];
  readonly #where: string;
  readonly #findings: Finding[];
  readonly #sentByKey = new Map<string, { readonly trace: Writable<MessageTrace>; readonly entry: LedgerEntry }>();
  readonly #lastSent = new Map<string, number>();
  readonly #lastReceived = new Map<string, number>();
  #lastTime = 0;

  constructor(where: string, findings: Finding[]) {
    this.#where = where;
    this.#findings = findings;
  }

  read(entry: LedgerEntry, index: number): void {
    if (entry.time < this.#lastTime) {
      this.#find(
        'TIME_DECREASED',
        index,
        `its time is ${this.#lastTime - entry.time} ms before that of the entry before it`,
      );
    }
    this.#lastTime = entry.time;
    switch (entry.kind) {
      case 'SENT':
        this.#next(this.#lastSent, entry, index, 'sent to');
        this.#remember(entry, index);
        return;
      case 'RECEIVED':
      case 'REFUSED':
        this.#next(this.#lastReceived, entry, index, 'received from');
        this.received.push({ ...traceOf(entry, index), refused: entry.kind === 'REFUSED' });
        return;
      case 'VOIDED':
      case 'RECEIPT_HELD':
        this.#settle(entry, index);
        return;
      case 'INCIDENT':
        this.#find(
          'INCIDENT_RECORDED',
          index,
          `this node recorded a contradiction${entry.peer === undefined ? '' : ` by ${entry.peer}`}`,
        );
        return;
      case 'OPENED':
      case 'ACTED':
      case 'WITNESSED':
      case 'EVIDENCE_COMPLETE':
      case 'MANIFEST':
      case 'KEY':
      case 'DISCLOSED':
        return;
      default:
        entry.kind satisfies never;
    }
  }

  #next(last: Map<string, number>, entry: LedgerEntry, index: number, direction: string): void {
    const expected = (last.get(entry.peer!) ?? 0) + 1;
    if (entry.seq !== expected) {
      this.#find('SEQUENCE_BROKEN', index, `message ${entry.seq} ${direction} ${entry.peer} where ${expected} was due`);
    }
    last.set(entry.peer!, entry.seq);
  }

  #remember(entry: LedgerEntry, index: number): void {
    const trace = { ...traceOf(entry, index), refused: false };
    this.sent.push(trace);
    this.#sentByKey.set(`${entry.peer} ${entry.seq}`, { trace, entry });
  }

  #settle(entry: LedgerEntry, index: number): void {
    const known = this.#sentByKey.get(`${entry.peer} ${entry.seq}`);
    const isSame =
      known !== undefined &&
      known.entry.message_id === entry.message_id &&
      equalBytes(known.entry.sealed_digest!, entry.sealed_digest!) &&
      equalBytes(known.entry.signed_digest!, entry.signed_digest!);
    const settled = entry.kind === 'VOIDED' ? known?.trace.voided : known?.trace.held;
    if (!isSame || settled !== undefined || known.trace.held !== undefined) {
      const what = settled === undefined ? 'it is about a message that this ledger did not send' : 'it is there twice';
      this.#find('RECEIPT_WITHOUT_MESSAGE', index, what);
      return;
    }
    if (entry.kind === 'VOIDED') known.trace.voided = { index, time: entry.time };
    else known.trace.held = { index, time: entry.time };
  }

  #find(code: Finding['code'], index: number, detail: string): void {
    this.#findings.push({ code, where: `${this.#where}: entry ${index}`, detail });
  }
}

function traceOf(entry: LedgerEntry, index: number): Omit<MessageTrace, 'refused'> {
  return {
    peer: entry.peer as JurisdictionCode,
    message_id: entry.message_id!,
    seq: entry.seq,
    index,
    time: entry.time,
  };
}
