/** What is kept about people, and under which keys. No key names a person: keys rest in the clear. */
import type { JurisdictionCode, Uuid } from '../base/mod.ts';
import type { Agency, Role, Statement } from '../credential/mod.ts';
import type { ActRole, BodyType } from '../wire/mod.ts';
import type { Action } from './rule.ts';

/** The office key, private as it is: the store is sealed. */
export interface OfficeRecord {
  readonly x: string;
  readonly key: string;
}

/** A credential that was issued. */
export interface IssuedRecord extends Statement {
  readonly revoked?: { readonly at: number; readonly why: string } | undefined;
}

/** Who may know a case. */
export interface AssignmentRecord {
  readonly persons: readonly string[];
}

/** A message between being written and being sent. */
export interface DraftRecord {
  readonly draft_id: Uuid;
  readonly to: JurisdictionCode;
  /** EVIDENCE: exhibits, which are taken out of their chains of custody when they leave. */
  readonly kind: 'MESSAGE' | 'EVIDENCE';
  readonly type: BodyType;
  /** As it was written: a draft of a message, or which exhibits to announce. */
  readonly content: Readonly<Record<string, unknown>>;
  /** Absent for one that opens a case. */
  readonly case_id?: Uuid | undefined;
  readonly author: string;
  readonly role: Role;
  readonly created_at: number;
  readonly status: 'WAITING' | 'SENT' | 'REJECTED';
  readonly decided_by?: string | undefined;
  readonly decided_at?: number | undefined;
  readonly why?: string | undefined;
  readonly message_id?: Uuid | undefined;
}

/** A part of a case that an agency works on. */
export interface TaskRecord {
  readonly task_id: Uuid;
  readonly case_id: Uuid;
  readonly peer: JurisdictionCode;
  readonly agency: Agency;
  readonly instructions: string;
  /** Measures of the request, and files of evidence, that the agency gets to see. */
  readonly measure_ids: readonly string[];
  readonly file_ids: readonly string[];
  /** ISO 8601 date. */
  readonly due?: string | undefined;
  readonly created_by: string;
  readonly created_at: number;
  readonly answer?:
    | {
        readonly text: string;
        readonly file_ids: readonly string[];
        readonly by: string;
        readonly unit: string;
        readonly at: number;
      }
    | undefined;
}

/** What an act was about. */
export interface Target {
  readonly case_id?: Uuid | undefined;
  readonly message_id?: Uuid | undefined;
  readonly draft_id?: Uuid | undefined;
  readonly task_id?: Uuid | undefined;
  readonly file_id?: string | undefined;
  /** The person that was registered, revoked or assigned. */
  readonly about?: string | undefined;
}

/** One line of the access log. The ledger's entry holds the SHA-256 of exactly these bytes. */
export interface AccessRecord extends Target {
  /** 16 random bytes in base64url, so that the digest tells nobody what it is of. */
  readonly salt: string;
  readonly time: number;
  /** Absent for the operator. */
  readonly person?: string | undefined;
  readonly serial?: string | undefined;
  readonly role: ActRole;
  readonly action: Action;
  /** The error code of a refusal. */
  readonly refused?: string | undefined;
}

/** Keys of the store. */
export const staffKeys = {
  office: 'staff/office',
  issued: (serial: string): string => `staff/issued/${serial}`,
  allIssued: 'staff/issued/',
  assignment: (caseId: Uuid): string => `staff/case/${caseId}`,
  draft: (id: Uuid): string => `staff/draft/${id}`,
  drafts: 'staff/draft/',
  task: (id: Uuid): string => `staff/task/${id}`,
  tasks: 'staff/task/',
  /** By the index of the ledger's entry. */
  access: (index: number): string => `staff/access/${String(index).padStart(16, '0')}`,
  accesses: 'staff/access/',
} as const;
