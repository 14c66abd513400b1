import { createReadStream } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { basename, join, relative } from 'node:path';
import type { ApiClient } from '../../client/mod.ts';
import { EvidenceError } from '../../evidence/mod.ts';
import type { EvidenceAnswer, ItemAnswer } from '../../exchange/mod.ts';
import { WireError, faultsError, parseJson } from '../../wire/mod.ts';
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

/** Something in a folder that is not evidence: told, so that nobody takes it for kept. */
interface LeftOut {
  readonly path: string;
  readonly reason: string;
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
    'A FILE may be a folder, of which every file is taken, or - for standard input. Links are not followed, empty files not taken; both are\n' +
    'told. The same content under the same name is kept once. Without FILE, only the exhibit is described.',
  async run(args, io) {
    const api = nodeClient(args);
    const caseId = args.id('case');
    const item = args.optional('item');
    if (args.operands.length === 0 && item === undefined) throw new CliError('CLI_USAGE', 'Give at least one file.');
    const task = args.optionalId('task');
    const leftOut: LeftOut[] = [];
    const sources = (
      await Promise.all(args.operands.map((path) => sourcesAt(path, args.optional('name'), leftOut)))
    ).flat();
    for (const { path, reason } of leftOut) io.note(`left out ${path}: ${reason}`);
    // Whatever of a folder cannot be taken is told before any of it is.
    checkLabels(sources, args.optional('type'));
    const itemId = item === undefined ? undefined : await describe(api, caseId, item);
    const added: EvidenceAnswer[] = [];
    for (const { path, name, size } of sources) {
      const query = new URLSearchParams({ case: caseId, name, ...(itemId === undefined ? {} : { item: itemId }) });
      if (task !== undefined) query.set('task', task);
      const type = args.optional('type');
      if (type !== undefined) query.set('type', type);
      const input = path === '-' ? process.stdin : createReadStream(path);
      const counted = new Progress(name, size, io.note).count(readable(input, path));
      added.push(await api.postStream<EvidenceAnswer>(`evidence?${query.toString()}`, counted));
    }
    io.result({ ok: true, item_id: itemId, files: added, left_out: leftOut }, [
      ...added.map((file) => `${file.file_id}  ${formatBytes(file.size).padStart(10)}  ${file.sha256}  ${file.name}`),
      ...(itemId === undefined
        ? []
        : [
            `Exhibit ${itemId}: “rogatory evidence custody show --node … --case ${caseId}” shows its chain.`,
            `Next: “rogatory evidence send --node … --case ${caseId} --to CC --measure m1 ${itemId}” announces it to the other side.`,
          ]),
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

async function sourcesAt(path: string, stdinName: string | undefined, leftOut: LeftOut[]): Promise<Source[]> {
  if (path === '-') {
    if (stdinName === undefined) throw new CliError('CLI_USAGE', 'Standard input needs a --name.');
    return [{ path, name: stdinName, size: undefined }];
  }
  const found = await stat(path).catch((cause: unknown) => {
    throw unreadable(path, cause);
  });
  if (found.isFile()) {
    if (found.size === 0) throw new EvidenceError('EVIDENCE_EMPTY', `${path} is empty: there is nothing to keep.`);
    return [{ path, name: basename(path).normalize(), size: found.size }];
  }
  if (!found.isDirectory()) throw new CliError('CLI_FILE_UNREADABLE', `${path} is neither a file nor a folder.`);
  const sources: Source[] = [];
  for (const entry of await readdir(path, { recursive: true, withFileTypes: true })) {
    const at = join(entry.parentPath, entry.name);
    if (entry.isDirectory()) continue;
    const size = entry.isFile() ? (await stat(at)).size : undefined;
    if (size === undefined) leftOut.push({ path: at, reason: 'it is not a regular file' });
    else if (size === 0) leftOut.push({ path: at, reason: 'it is empty' });
    // A name is never a path: where a file lay is told by its name’s parts.
    else sources.push({ path: at, name: relative(path, at).replaceAll(/[/\\]/g, '_').normalize(), size });
  }
  if (sources.length === 0) throw new EvidenceError('EVIDENCE_EMPTY', `There is no file to keep in ${path}.`);
  return sources.sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** @throws {WireError} WIRE_FIELDS_INVALID with every file whose name or type cannot be kept */
function checkLabels(sources: readonly Source[], type = 'application/octet-stream'): void {
  const faults = sources.flatMap(({ path, name }) => {
    try {
      parseJson('EvidenceLabel', { name, media_type: type });
      return [];
    } catch (error) {
      if (!(error instanceof WireError) || error.faults.length === 0) throw error;
      return error.faults.map((fault) => ({ ...fault, path: `${JSON.stringify(path)}, ${fault.path}` }));
    }
  });
  if (faults.length > 0) throw faultsError(faults);
}

async function* readable(input: AsyncIterable<Buffer>, path: string): AsyncIterable<Uint8Array> {
  try {
    yield* input;
  } catch (cause) {
    throw unreadable(path, cause);
  }
}
