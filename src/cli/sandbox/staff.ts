/** The people of a sandbox’s nodes: one for each role, two agencies, and the person at the keyboard. */
import { join } from 'node:path';
import type { SentAnswer } from '../../api/mod.ts';
import { makeFolder, replaceFile, type JurisdictionCode } from '../../base/mod.ts';
import { ApiClient } from '../../client/mod.ts';
import {
  encodeCredential,
  generateStaffKey,
  parseCredential,
  type Credential,
  type Registration,
  type Role,
  type SignedStatement,
} from '../../credential/mod.ts';
import { writerOf, type DraftRecord } from '../../staff/mod.ts';
import type { BodyType } from '../../wire/mod.ts';
import { DEFAULTS_FILE, STAFF_FOLDER, type StaffDefaults } from '../acting.ts';
import type { SandboxNode } from './federation.ts';

type Person = Pick<Registration, 'person' | 'name' | 'roles' | 'agency' | 'clearance'>;

const REGISTRAR: Person = {
  person: 'registrar',
  name: 'The registrar',
  roles: ['REGISTRAR'],
  clearance: 'ASSIGNED',
};
// A sandbox has one person at its keyboard, who sees everything and writes everything; a message still needs the approver.
const DESK: Person = {
  person: 'desk',
  name: 'Whoever tries the sandbox',
  roles: ['REGISTRAR', 'DRAFTER', 'APPROVER', 'REVIEWER', 'EXECUTOR', 'AUDITOR'],
  clearance: 'ALL',
};
const OTHERS: readonly Person[] = [
  { person: 'drafter', name: 'The drafter', roles: ['DRAFTER'], clearance: 'ASSIGNED' },
  { person: 'approver', name: 'The approver', roles: ['APPROVER'], clearance: 'ALL' },
  { person: 'reviewer', name: 'The reviewer', roles: ['REVIEWER'], clearance: 'ASSIGNED' },
  { person: 'executor', name: 'The executor', roles: ['EXECUTOR'], clearance: 'ASSIGNED' },
  { person: 'auditor', name: 'The auditor', roles: ['AUDITOR'], clearance: 'ASSIGNED' },
  {
    person: 'police',
    name: 'An officer',
    roles: ['AGENCY'],
    agency: { kind: 'POLICE', unit: 'Serious crime division' },
    clearance: 'ASSIGNED',
  },
  {
    person: 'regulator',
    name: 'An examiner',
    roles: ['AGENCY'],
    agency: { kind: 'FINANCIAL_REGULATOR', unit: 'Payments supervision' },
    clearance: 'ASSIGNED',
  },
  DESK,
];
const DEFAULTS: StaffDefaults = { as: 'desk.json', second: 'approver.json' };
const DAYS_MS = 365 * 24 * 3_600_000;
const SECRET_MODE = 0o600;
const WRITERS: Readonly<Partial<Record<Role, string>>> = {
  DRAFTER: 'drafter',
  REVIEWER: 'reviewer',
  EXECUTOR: 'executor',
};

/** The people of every node of a sandbox. */
export type SandboxOffices = ReadonlyMap<JurisdictionCode, SandboxStaff>;

/** One node's people, at work. */
export class SandboxStaff {
  readonly #node: SandboxNode;
  readonly #credentials: ReadonlyMap<string, Credential>;
  readonly #assigned = new Set<string>();

  private constructor(node: SandboxNode, credentials: ReadonlyMap<string, Credential>) {
    this.#node = node;
    this.#credentials = credentials;
  }

  /** Registers everybody at a node that runs, as an operator and then a registrar do, and keeps their credentials in its folder. */
  static async register(node: SandboxNode): Promise<SandboxStaff> {
    const folder = join(node.dir, STAFF_FOLDER);
    makeFolder(folder, 0o700);
    const credentials = new Map<string, Credential>();
    const add = async (person: Person, by?: Credential): Promise<Credential> => {
      const key = generateStaffKey();
      const asked: Registration = { ...person, expires_at: Date.now() + DAYS_MS, x: key.x };
      const signed = await new ApiClient(node.dir, by).post<SignedStatement>('staff', asked);
      const file = encodeCredential(signed, key);
      await replaceFile(join(folder, `${person.person}.json`), file, SECRET_MODE);
      const credential = parseCredential(file);
      credentials.set(person.person, credential);
      return credential;
    };
    const registrar = await add(REGISTRAR);
    await Promise.all(OTHERS.map((person) => add(person, registrar)));
    await replaceFile(join(folder, DEFAULTS_FILE), `${JSON.stringify(DEFAULTS)}\n`, SECRET_MODE);
    return new SandboxStaff(node, credentials);
  }

  /** The node as one of its people sees it. */
  as(person: string): ApiClient {
    return new ApiClient(this.#node.dir, this.#credentials.get(person));
  }

  /**
   * Has a message written by whoever writes such messages and approved by another person.
   * @param told who writes it
   */
  async send(
    draft: Readonly<Record<string, unknown>>,
    type: BodyType,
    caseId: string | undefined,
    waitMs: number,
    told: (author: string) => void,
  ): Promise<SentAnswer> {
    const author = WRITERS[writerOf(type)]!;
    if (caseId !== undefined) await this.#assign(caseId, author);
    const { draft_id: id } = await this.as(author).post<DraftRecord>('drafts', draft);
    told(author);
    const answer = await this.as('approver').post<SentAnswer>(`drafts/${id}/approve`, { wait_ms: waitMs });
    this.#assigned.add(`${answer.message.case_id}/${author}`);
    return answer;
  }

  /** Lets somebody know a case, unless they know it. */
  async #assign(caseId: string, person: string): Promise<void> {
    const name = `${caseId}/${person}`;
    if (this.#assigned.has(name)) return;
    await this.as('registrar').post(`cases/${caseId}/assign`, { person });
    this.#assigned.add(name);
  }
}
