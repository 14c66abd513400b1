/**
 * A draft as people write it: where a file or an exhibit of their own node belongs, its id alone may stand. Nobody has to copy digests,
 * and nobody ever sees the key of a file.
 */

type Json = Record<string, unknown>;

/** What stands behind an id, as JSON. */
export interface Referred {
  readonly file: (fileId: string) => Promise<Json>;
  /** The exhibit, with the files that belong to it. */
  readonly item: (itemId: string) => Promise<{ readonly item: Json; readonly files: readonly Json[] }>;
}

const BESIDE = ['case_id', 'in_reply_to', 'expires_at'];
const WITH_ITEMS = ['evidence_transfer', 'jit_contribution'];

/** The draft with everything in its place. What is no draft at all stays what it is: whoever parses it says so. */
export async function completedDraft(json: unknown, referred: Referred): Promise<unknown> {
  if (!isObject(json)) return json;
  const type = Object.keys(json).find((name) => !BESIDE.includes(name));
  const body = type === undefined ? undefined : json[type];
  if (type === undefined || !isObject(body)) return json;
  const completed: Json = { ...body };
  if (Array.isArray(body['files'])) completed['files'] = await each(body['files'], referred.file);
  const { order } = body;
  if (isObject(order) && isReference(order['copy'], 'file_id'))
    completed['order'] = { ...order, copy: await referred.file(order['copy'].file_id) };
  if (WITH_ITEMS.includes(type) && Array.isArray(body['items']))
    await completeItems(completed, body['items'], referred);
  return { ...json, [type]: completed };
}

async function completeItems(body: Json, items: readonly unknown[], referred: Referred): Promise<void> {
  const files = [...((body['files'] ?? []) as readonly unknown[])];
  const completed: unknown[] = [];
  for (const item of items) {
    if (!isReference(item, 'item_id')) {
      completed.push(item);
      continue;
    }
    const found = await referred.item(item.item_id);
    completed.push(found.item);
    const known = new Set(files.map((file) => (isObject(file) ? file['file_id'] : undefined)));
    files.push(...found.files.filter((file) => !known.has(file['file_id'])));
  }
  body['items'] = completed;
  if (files.length > 0) body['files'] = files;
}

async function each(files: readonly unknown[], describe: Referred['file']): Promise<unknown[]> {
  const completed: unknown[] = [];
  for (const file of files) completed.push(isReference(file, 'file_id') ? await describe(file.file_id) : file);
  return completed;
}

function isReference<K extends string>(value: unknown, member: K): value is Record<K, string> {
  return isObject(value) && Object.keys(value).join() === member && typeof value[member] === 'string';
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
