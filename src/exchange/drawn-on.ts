/**
 * What a message that leaves draws on: received messages, cases and files that it names, files whose content it passes on, and what its
 * author says that it uses. A paraphrase that names nothing is the author's and the approver's to declare, in `draws_on`.
 */
import { bytesToHex, parseUuid, type JurisdictionCode, type Uuid } from '../base/mod.ts';
import { isFurnishing, proceedingOf, type Case, type IntendedUse } from '../casework/mod.ts';
import type { Body, Draft, Message } from '../wire/mod.ts';
import type { StepView } from './committer.ts';
import type { ExchangeContext } from './context.ts';
import { evidenceKeys, type EvidenceRecord } from './evidence-record.ts';
import { keys, type MessageRecord } from './record.ts';
import { limitOf, readMessage, type Withheld } from './withholding.ts';

type Reading = Pick<StepView, 'get' | 'getRecord' | 'keysUnder'>;
type Timed = Pick<ExchangeContext, 'clock'>;

/** A received message that is used, and the items of it where it is not all of them. */
export interface Material {
  readonly record: MessageRecord;
  readonly items?: readonly string[] | undefined;
}

// Cases are opened under cases a few deep; what goes deeper is a circle.
const MAX_LINEAGE = 16;
const UUID = /[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}/g;

/** Everything that forbids a draft to leave, because of what it draws on. */
export async function withheldFrom(
  context: Timed,
  view: Reading,
  draft: Draft,
  target: { readonly to: JurisdictionCode; readonly case_id: Uuid },
): Promise<Withheld[]> {
  const found: Withheld[] = [];
  for (const material of await materialOf(view, draft, target.to)) {
    const use = await useOf(view, draft, material, target);
    const withheld = use && (await limitOf(context, view, material.record, use));
    if (withheld !== undefined) found.push(withheld);
  }
  return found;
}

/** The message that brought a file, and the items that it belongs to; undefined for a file of this node's own. */
export async function materialOfFile(view: Reading, fileId: string): Promise<Material | undefined> {
  const file = await view.getRecord<EvidenceRecord>(evidenceKeys.file(fileId));
  if (file?.direction !== 'IN' || file.message_id === undefined) return undefined;
  const record = await view.getRecord<MessageRecord>(keys.message(file.message_id));
  const message = await readMessage(view, file.message_id);
  return record && { record, items: message && itemsWith(message, fileId) };
}

/**
 * Messages that brought information or evidence into a case from the other side.
 * @param to whoever is told of the case: one that they are a party to is theirs, whoever else has one under the same id
 */
export async function furnishedIn(view: Reading, caseId: Uuid, to?: JurisdictionCode): Promise<Material[]> {
  const found: Material[] = [];
  const isTheirs = to !== undefined && (await view.get(keys.case(caseId, to))) !== undefined;
  // What has come in this very batch is bound as well.
  for (const key of await view.keysUnder(keys.casesOf(caseId))) {
    const peer = key.slice(key.lastIndexOf('/') + 1);
    if (isTheirs && peer !== to) continue;
    const { steps } = (await view.getRecord<Case>(key))!;
    for (const step of steps.filter(({ by, type }) => by === peer && isFurnishing(type))) {
      const record = await view.getRecord<MessageRecord>(keys.message(step.message_id));
      if (record !== undefined) found.push({ record });
    }
  }
  return found;
}

async function materialOf(
  view: Reading,
  { body, draws_on: declared }: Draft,
  to: JurisdictionCode,
): Promise<Material[]> {
  const found = new Map<string, Material>();
  const add = (material: Material | undefined): void => {
    if (material !== undefined) found.set(`${material.record.message_id} ${material.items?.join() ?? ''}`, material);
  };
  for (const id of new Set([...namedIn(body.value, []), ...declared])) {
    const record = await view.getRecord<MessageRecord>(keys.message(parseUuid(id)));
    if (record !== undefined) add({ record });
    else if ((await view.get(evidenceKeys.file(id))) !== undefined) add(await materialOfFile(view, id));
    else for (const each of await furnishedIn(view, parseUuid(id), to)) add(each);
  }
  for (const digest of digestsIn(body)) {
    for (const key of await view.keysUnder(evidenceKeys.cameOf(digest)))
      add(await materialOfFile(view, key.slice(key.lastIndexOf('/') + 1)));
  }
  return [...found.values()];
}

/** What sending would be, for a received message: nothing of its own kind where it stays between the same two, in the same matter. */
async function useOf(
  view: Reading,
  { body, case_id: known }: Draft,
  { record, items }: Material,
  target: { readonly to: JurisdictionCode; readonly case_id: Uuid },
): Promise<IntendedUse | undefined> {
  const { to, case_id } = target;
  // A team shares one id, and so do the copies of an alert: what one of them brought is for all.
  if (record.case_id === case_id) return undefined;
  if (record.peer !== to) return { purpose: 'FORWARD', onward_to: to, items };
  const parent = 'parent_id' in body.value ? (body.value.parent_id as Uuid | undefined) : undefined;
  const wanted = statedProceeding(body) ?? (await proceedingOfCase(view, known ?? parent, to));
  const given = await proceedingOfCase(view, record.case_id, record.peer);
  if (wanted === undefined || given === undefined || wanted === given) return undefined;
  return { purpose: 'OTHER_PROCEEDING', items };
}

function statedProceeding({ type, value }: Body): string | undefined {
  const request = type === 'supplementary_request' ? value.request : type === 'assistance_request' ? value : undefined;
  return request && proceedingOf(request.proceeding);
}

/** The proceeding that a case is about: its own, or that of the case it was opened under. */
async function proceedingOfCase(
  view: Reading,
  id: Uuid | undefined,
  peer: JurisdictionCode,
): Promise<string | undefined> {
  let next = id;
  for (let depth = 0; next !== undefined && depth < MAX_LINEAGE; depth++) {
    const current: Case | undefined = await view.getRecord<Case>(keys.case(next, peer));
    const stated = current?.steps.find(({ said }) => said?.proceeding !== undefined)?.said?.proceeding;
    if (stated !== undefined) return stated;
    next = current?.parent_id;
  }
  return undefined;
}

function itemsWith({ body }: Message, fileId: string): readonly string[] | undefined {
  if (!('items' in body.value) || body.type === 'evidence_receipt') return undefined;
  return body.value.items.filter(({ files }) => files.includes(fileId)).map(({ item_id: id }) => id);
}

/** Every UUID in whatever a body says, in fields and in words, put after those found so far. */
function namedIn(value: unknown, found: string[]): string[] {
  if (typeof value === 'string') {
    if (value.includes('-7')) found.push(...(value.match(UUID) ?? []));
  } else if (Array.isArray(value)) for (const item of value) namedIn(item, found);
  else if (typeof value === 'object' && value !== null && !(value instanceof Uint8Array))
    for (const name of Object.keys(value)) namedIn((value as Readonly<Record<string, unknown>>)[name], found);
  return found;
}

/** Digests of contents that a body passes on, in hexadecimal. */
function digestsIn({ value }: Body): string[] {
  return 'files' in value ? value.files.map(({ sha256 }) => bytesToHex(sha256)) : [];
}
