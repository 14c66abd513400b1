/** Exhibits of a scenario: described and taken in at one node, taken out and compared at the other. */
import { createHash } from 'node:crypto';
import { bytesToBase64url } from '../../base/mod.ts';
import type { EvidenceList } from '../../api/mod.ts';
import type { EvidenceAnswer, ItemAnswer } from '../../exchange/mod.ts';
import { contentOf, failed, type Run } from './run.ts';
import type { ExhibitStep, FetchStep, ScenarioFile } from './step.ts';

const ARRIVAL_WAIT_MS = 60_000;

/** Describes an exhibit, and does with it what the step says, in order. */
export async function makeExhibit(run: Run, step: ExhibitStep): Promise<void> {
  const { id, at, exhibit, then } = step;
  const caseId = run.caseId(step.case, id);
  const client = run.client(at);
  const item = run.filled(exhibit, id, at);
  const itemId = String(item['item_id']);
  await client.post<ItemAnswer>('items', { case_id: caseId, item });
  for (const act of then) {
    if ('custody' in act) {
      const event = run.filled(act.custody, id, at);
      await client.post<ItemAnswer>('custody', { case_id: caseId, item_id: itemId, event });
      run.tell(`  ${at} signs into the chain of custody of ${itemId}: ${String(event['kind'])}`);
    } else {
      const { name, type } = act.file;
      const query = new URLSearchParams({ case: caseId, item: itemId, name, type });
      const { size } = await client.postStream<EvidenceAnswer>(`evidence?${query.toString()}`, streamOf(act.file));
      run.tell(`  ${at} takes ${name} in for ${itemId}: ${size} bytes, sealed`);
    }
  }
}

/**
 * Waits for the files of exhibits, takes each out of the node, and holds it against what was announced and what the exhibit says.
 * @throws {CliError} CLI_SCENARIO_INVALID when one differs that may not, or does not differ that has to
 */
export async function fetchExhibits(run: Run, step: FetchStep): Promise<void> {
  const { id, at, fetch, differing } = step;
  const path = `evidence?case=${run.caseId(step.case, id)}`;
  const deadline = Date.now() + ARRIVAL_WAIT_MS;
  for (const itemId of fetch) {
    const { item, files } = await arrived(run, step, path, itemId, deadline);
    const digests = await Promise.all(files.map((file) => digestOfContent(run, step, file)));
    const stated = (item['hashes'] ?? []) as readonly { readonly algorithm: string; readonly value: string }[];
    const missing = stated.filter(({ algorithm, value }) => algorithm === 'SHA256' && !digests.includes(value));
    if (missing.length > 0 !== differing.includes(itemId))
      throw failed(id, `${itemId} ${missing.length > 0 ? 'is not' : 'is'} what its own hashes say`);
    const chain = (item['custody'] as readonly { readonly event: { readonly kind: string } }[]).map(
      ({ event }) => event.kind,
    );
    if (step.chain !== undefined && chain.join() !== step.chain.join())
      throw failed(id, `the chain of custody of ${itemId} is ${chain.join(', ')}`);
    const found = missing.length > 0 ? ': NOT what the exhibit says of itself' : '';
    run.tell(
      `  ${at} has the ${files.length === 1 ? 'file' : `${files.length} files`} of ${itemId}, compared with what was announced${found}`,
    );
    run.tell(`  its chain of custody: ${chain.join(' → ')}`);
  }
}

async function arrived(
  run: Run,
  { id, at }: FetchStep,
  path: string,
  itemId: string,
  deadline: number,
): Promise<{ readonly item: Record<string, unknown>; readonly files: readonly EvidenceAnswer[] }> {
  for (;;) {
    const list = await run.client(at).get<EvidenceList>(path);
    const exhibit = list.items.find(({ origin, item }) => origin !== at && item['item_id'] === itemId);
    if (exhibit === undefined) throw failed(id, `${at} has no exhibit ${itemId} of another`);
    if (exhibit.faults.length > 0) throw failed(id, `the chain of custody of ${itemId} is broken`);
    const ids = (exhibit.item['files'] ?? []) as readonly string[];
    const files = list.files.filter(({ file_id: fileId }) => ids.includes(fileId));
    if (files.length === ids.length && files.every((file) => file.verified_at !== undefined))
      return { item: exhibit.item, files };
    const lost = files.find(({ status }) => status === 'FAILED' || status === 'REFUSED');
    if (lost !== undefined) throw failed(id, `${lost.name} is ${lost.status} (${lost.reason})`);
    if (Date.now() > deadline) throw failed(id, `the files of ${itemId} have not arrived`);
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

async function digestOfContent(run: Run, { id, at }: FetchStep, file: EvidenceAnswer): Promise<string> {
  const content = await run.client(at).getBytes(`evidence/${file.file_id}/content`);
  const digest = createHash('sha256').update(content).digest();
  if (digest.toString('hex') !== file.sha256) throw failed(id, `${file.name} came out otherwise than it was announced`);
  return bytesToBase64url(digest);
}

async function* streamOf(file: ScenarioFile): AsyncIterable<Uint8Array> {
  yield contentOf(file);
}
