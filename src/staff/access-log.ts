/** Who read and did what, by person; and whether the ledger still says so. */
import { equalBytes, isUuid, sha256 } from '../base/mod.ts';
import { parseLedgerEntry } from '../wire/mod.ts';
import { carryOut, type Actor } from './act.ts';
import type { StaffContext } from './context.ts';
import { StaffError } from './error.ts';
import { staffKeys, type AccessRecord } from './record.ts';

/** Which lines are wanted. */
export interface AccessFilter {
  readonly person?: string | undefined;
  readonly case_id?: string | undefined;
  readonly limit: number;
}

/** A line, and the ledger's entry that commits to it. */
export interface AccessLine extends AccessRecord {
  readonly index: number;
  /** The entry at that index commits to exactly this line. */
  readonly verified: boolean;
}

/** The lines, and what the ledger says of all of them. */
export interface AccessLog {
  readonly lines: readonly AccessLine[];
  /** Entries of the ledger whose line is not here: it was deleted. */
  readonly missing: readonly number[];
}

/** The newest lines, the latest first. @throws {StaffError} STAFF_ROLE_MISSING, STAFF_INVALID */
export async function readAccessLog(context: StaffContext, actor: Actor, filter: AccessFilter): Promise<AccessLog> {
  const { person, case_id: caseId, limit } = filter;
  if (caseId !== undefined && !isUuid(caseId)) throw new StaffError('STAFF_INVALID', 'A case is named by its UUID.');
  const target = caseId === undefined ? { about: person } : { case_id: caseId, about: person };
  await carryOut(context, { actor, action: 'READ_ACCESS_LOG', target }, () => Promise.resolve({ value: undefined }));
  const lines: AccessLine[] = [];
  const kept = new Set<number>();
  for await (const [key, bytes] of context.store.scan(staffKeys.accesses, { reverse: true })) {
    const index = Number(key.slice(staffKeys.accesses.length));
    kept.add(index);
    const record = JSON.parse(Buffer.from(bytes).toString('utf8')) as AccessRecord;
    const isWanted =
      (person === undefined || record.person === person || record.about === person) &&
      (caseId === undefined || record.case_id === caseId);
    if (isWanted && lines.length < limit)
      lines.push({ ...record, index, verified: await isCommitted(context, index, bytes) });
  }
  return { lines, missing: await missingFrom(context, kept) };
}

async function isCommitted({ ledger }: StaffContext, index: number, line: Uint8Array): Promise<boolean> {
  if (index >= ledger.size) return false;
  const { detail } = parseLedgerEntry(await ledger.entry(index));
  return detail?.type === 'act' && equalBytes(detail.value.record, sha256(line));
}

async function missingFrom({ ledger }: StaffContext, kept: ReadonlySet<number>): Promise<number[]> {
  const missing: number[] = [];
  for (let index = 0; index < ledger.size; index++) {
    if (!kept.has(index) && parseLedgerEntry(await ledger.entry(index)).detail?.type === 'act') missing.push(index);
  }
  return missing;
}
