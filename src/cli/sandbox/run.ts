import { createHash, randomBytes } from 'node:crypto';
import type { SentAnswer } from '../../api/mod.ts';
import type { ApiClient } from '../../client/mod.ts';
import { bytesToBase64url, newUuid, type JurisdictionCode } from '../../base/mod.ts';
import type { MessageRecord } from '../../exchange/mod.ts';
import { CliError } from '../error.ts';
import { fillPlaceholders, type References } from './placeholder.ts';
import type { Scenario } from './scenario.ts';
import type { SandboxOffices, SandboxStaff } from './staff.ts';
import type { ScenarioFile } from './step.ts';

/** A message that was played, as its sender's node tells it. */
export interface PlayedMessage extends MessageRecord {
  readonly step: string;
  readonly from: JurisdictionCode;
  readonly to: JurisdictionCode;
  readonly receipt: SentAnswer['receipt'];
}

/** What the steps of a scenario have made so far, for the steps that refer to it. */
export class Run {
  readonly scenario: Scenario;
  readonly played: PlayedMessage[] = [];
  readonly tell: (line: string) => void;
  readonly #staff: SandboxOffices;
  readonly #cases = new Map<string, string>();
  readonly #ids = new Map<string, string>();
  readonly #digests: ReadonlyMap<string, string>;

  constructor(scenario: Scenario, staff: SandboxOffices, tell: (line: string) => void) {
    this.scenario = scenario;
    this.tell = tell;
    this.#staff = staff;
    const files = scenario.steps.flatMap((step) => (step.kind === 'exhibit' ? step.then : []));
    this.#digests = new Map(
      files.flatMap((each) => ('file' in each ? [[each.file.name, digestOf(contentOf(each.file))]] : [])),
    );
  }

  office(code: JurisdictionCode): SandboxStaff {
    return this.#staff.get(code)!;
  }

  /** A node as the person at the keyboard sees it, who is cleared for every case. */
  client(code: JurisdictionCode): ApiClient {
    return this.office(code).as('desk');
  }

  /** The copy of a step's message that went between two, or else the first. */
  messageOf(step: string, a: JurisdictionCode, b?: JurisdictionCode): PlayedMessage | undefined {
    const copies = this.played.filter((message) => message.step === step);
    return (
      copies.find(({ from, to }) => (from === a && to === b) || (from === b && to === a)) ??
      copies.find(({ from, to }) => from === a || to === a) ??
      copies[0]
    );
  }

  references(a: JurisdictionCode, b?: JurisdictionCode): References {
    return (kind, name) => {
      switch (kind) {
        case 'case':
          return this.#cases.get(name);
        case 'message':
          return this.messageOf(name, a, b)?.message_id;
        case 'file':
          return this.#digests.get(name);
        case 'id':
          if (!this.#ids.has(name)) this.#ids.set(name, newUuid(Date.now(), randomBytes(10)));
          return this.#ids.get(name);
        default:
          return kind satisfies never;
      }
    };
  }

  filled<T>(value: T, step: string, a: JurisdictionCode, b?: JurisdictionCode): T {
    return fillPlaceholders(value, Date.now(), step, this.references(a, b)) as T;
  }

  /** Labels with the ids of their cases. */
  get cases(): ReadonlyMap<string, string> {
    return this.#cases;
  }

  /** @throws {CliError} CLI_SCENARIO_INVALID */
  caseId(label: string, step: string): string {
    const id = this.#cases.get(label);
    if (id === undefined) throw failed(step, `there is no case “${label}” yet`);
    return id;
  }

  record(message: PlayedMessage, label: string | undefined): void {
    this.played.push(message);
    if (label !== undefined && message.case_id !== undefined) this.#cases.set(label, message.case_id);
  }
}

/** A step that did not go as the scenario says. */
export function failed(step: string, what: string): CliError {
  return new CliError('CLI_SCENARIO_INVALID', `Step “${step}”: ${what}.`);
}

/** What a scenario's file holds. Bytes of one seed are always the same, and look random. */
export function contentOf({ content }: ScenarioFile): Uint8Array {
  if (typeof content === 'string') return Buffer.from(content, 'utf8');
  const bytes = new Uint8Array(content.bytes);
  let state = content.seed;
  for (let i = 0; i < bytes.length; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    bytes[i] = state >>> 24;
  }
  return bytes;
}

function digestOf(content: Uint8Array): string {
  return bytesToBase64url(createHash('sha256').update(content).digest());
}
