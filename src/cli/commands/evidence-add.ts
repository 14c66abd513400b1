import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { basename, join, relative } from 'node:path';
import type { ApiClient } from '../../client/mod.ts';
import type { EvidenceAnswer, ItemAnswer } from '../../exchange/mod.ts';
import { nodeClient } from '../acting.ts';
import { formatBytes } from '../bytes.ts';
import type { Command } from '../command.ts';
import { CliError } from '../error.ts';
import { readJsonInput, unreadable } from '../files.ts';
import { Progress } from '../progress.ts';

/** A file to take in. */
interface Source {
  readonly path: string;
  readonly name: string;
  readonly size: number | undefined;
}

const MAX_ITEM_BYTES = 1024 * 1024;

export const evidenceAdd: Command = {
  name: 'evidence add',
  summary: 'take files into a case’s evidence: digested, sealed and kept by the node',
  operands: 'FILE…',
  options: {
    node: { value: 'D', help: 'folder of the running node', required: true },
    case: { value: 'ID', help: 'the case', required: true },
    item: {
      value: 'item.json|ID',
      help: 'the exhibit that the files belong to: its description, or its id if it is described',
    },
    task: { value: 'ID', help: 'the task that an agency brings them for' },
    type: { value: 'TYPE', help: 'media type; application/octet-stream by default' },
    name: { value: 'NAME', help: 'what to call standard input' },
  },
  details:
    'A FILE may be a folder, of which every file is taken, or - for standard input. Links are not followed. The same content under the\n' +
    'same name is kept once. Without FILE, only the exhibit is described.',
  async run(args, io) {
    const api = nodeClient(args);
    const caseId = args.text('case');
    const item = args.optional('item');
    const itemId = item === undefined ? undefined : await describe(api, caseId, item);
    const sources = (
      await Promise.all(args.operands.map((path) => sourcesAt(path, args.optional('name'), io.note)))
    ).flat();
    if (sources.length === 0 && item === undefined) throw new CliError('CLI_USAGE', 'Give at least one file.');
    const added: EvidenceAnswer[] = [];
    for (const { path, name, size } of sources) {
      const query = new URLSearchParams({ case: caseId, name, ...(itemId === undefined ? {} : { item: itemId }) });
      const task = args.optional('task');
      if (task !== undefined) query.set('task', task);
      const type = args.optional('type');
      if (type !== undefined) query.set('type', type);
      const input = path === '-' ? process.stdin : createReadStream(path);
      const counted = new Progress(name, size, io.note).count(readable(input, path));
      added.push(await api.postStream<EvidenceAnswer>(`evidence?${query.toString()}`, counted));
    }
    io.result({ ok: true, item_id: itemId, files: added }, [
      ...added.map((file) => `${file.file_id}  ${formatBytes(file.size).padStart(10)}  ${file.sha256}  ${file.name}`),
      ...(itemId === undefined
        ? []
        : [`Exhibit ${itemId}: “rogatory evidence custody show --node … --case ${caseId}” shows its chain.`]),
    ]);
    return 0;
  },
};

/** Describes the exhibit, if a file does; returns its id. */
async function describe(api: ApiClient, caseId: string, item: string): Promise<string> {
  if (!item.endsWith('.json')) return item;
  const json = await readJsonInput(item, MAX_ITEM_BYTES);
  const answer = await api.post<ItemAnswer>('items', { case_id: caseId, item: json });
  return answer.item['item_id'] as string;
}

async function sourcesAt(path: string, stdinName: string | undefined, note: (line: string) => void): Promise<Source[]> {
  if (path === '-') {
    if (stdinName === undefined) throw new CliError('CLI_USAGE', 'Standard input needs a --name.');
    return [{ path, name: stdinName, size: undefined }];
  }
  const found = await stat(path).catch((cause: unknown) => {
    throw unreadable(path, cause);
  });
  if (found.isFile()) return [{ path, name: basename(path), size: found.size }];
  if (!found.isDirectory()) throw new CliError('CLI_FILE_UNREADABLE', `${path} is neither a file nor a folder.`);
  const sources: Source[] = [];
  for (const entry of await readdir(path, { recursive: true, withFileTypes: true })) {
    const at = join(entry.parentPath, entry.name);
    if (entry.isDirectory()) continue;
    if (!entry.isFile()) {
      note(`left out ${at}: it is not a regular file`);
      continue;
    }
    // A name is never a path: where a file lay is told by its name’s parts.
    sources.push({ path: at, name: relative(path, at).replaceAll(/[/\\]/g, '_'), size: (await stat(at)).size });
  }
  return sources.sort((a, b) => (a.name < b.name ? -1 : 1));
}

async function* readable(input: AsyncIterable<Buffer>, path: string): AsyncIterable<Uint8Array> {
  try {
    yield* input;
  } catch (cause) {
    throw unreadable(path, cause);
  }
}
