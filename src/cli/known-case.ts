import { RogatoryError } from '../base/mod.ts';
import type { ApiClient } from '../client/mod.ts';
import type { CaseView } from '../exchange/mod.ts';

/** A case with each of its counterparts. @throws {RogatoryError} CASE_UNKNOWN */
export async function knownCase(api: ApiClient, id: string): Promise<CaseView[]> {
  const found = await api.get<CaseView[]>(`cases/${id}`);
  if (found.length === 0) throw new RogatoryError('CASE_UNKNOWN', `There is no case ${id} at this node.`);
  return found;
}
