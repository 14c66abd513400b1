import { createHash } from 'node:crypto';
import { basename } from 'node:path';
import type { EvidenceList } from '../../api/mod.ts';
import type { ApiClient } from '../../client/mod.ts';
import { parseHashList, type ListedAlgorithm, type ListedFile } from '../../evidence/mod.ts';
import type { EvidenceAnswer } from '../../exchange/mod.ts';
import { nodeClient } from '../acting.ts';
import type { Command } from '../command.ts';
import { readInput } from '../files.ts';
import { Progress } from '../progress.ts';

const MAX_LIST_BYTES = 256 * 1024 * 1024;

/** What came of one line of a list, or of a file that no line names. */
interface Checked {
  readonly path: string;
  readonly result: 'SAME' | 'DIFFERENT' | 'NOT_HERE' | 'NOT_LISTED';
  readonly file_id?: string;
  /** Algorithms that were compared. */
  readonly algorithms?: readonly ListedAlgorithm[];
}

export const evidenceCheck: Command = {
  name: 'evidence check',
  summary: 'hold the files of a case against a list of digests of sha256sum, md5sum, hashdeep or a BagIt manifest',
  operands: 'LIST',
  options: {
    node: { value: 'D', help: 'folder of the running node', required: true },
    case: { value: 'ID', help: 'the case', required: true },
  },
  details:
    'A file is found by its path in the list, as “evidence add” names the files of a folder, by its name, or by its SHA-256. Digests other than\n' +
    'SHA-256 are computed from the content. Exit status: 0 when every listed file is here and the same, 1 otherwise; files that no line names are told.',
  async run(args, io) {
    const [caseId, path] = [args.id('case'), args.operand('list')];
    const list = parseHashList((await readInput(path, MAX_LIST_BYTES)).toString('utf8'), basename(path));
    const api = nodeClient(args);
    const all = await api.get<EvidenceList>(`evidence?case=${caseId}`);
    const here = all.files.filter(({ status }) => status === 'STORED');
    const checked: Checked[] = [];
    const named = new Set<string>();
    for (const listed of list.files) {
      const found = await check(api, listed, { here, named }, io.note);
      if (found.file_id !== undefined) named.add(found.file_id);
      checked.push(found);
    }
    for (const { file_id: id, name } of here)
      if (!named.has(id)) checked.push({ path: name, result: 'NOT_LISTED', file_id: id });
    const ok = checked.every(({ result }) => result === 'SAME' || result === 'NOT_LISTED');
    io.result(
      { ok, format: list.format, files: checked },
      checked.map(({ path: at, result, algorithms = [] }) =>
        `${result.padEnd(10)}  ${at}  ${algorithms.join(', ')}`.trimEnd(),
      ),
    );
    return ok ? 0 : 1;
  },
};

/** Two files of a case may have one name: a line is about the one that is as it says, or else about one that no line was about. */
async function check(
  api: ApiClient,
  listed: ListedFile,
  { here, named }: { readonly here: readonly EvidenceAnswer[]; readonly named: ReadonlySet<string> },
  note: (line: string) => void,
): Promise<Checked> {
  let found: Checked = { path: listed.path, result: 'NOT_HERE' };
  const rank = ({ file_id: id, sha256 }: EvidenceAnswer): number =>
    sha256 === listed.digests.sha256 ? 0 : named.has(id) ? 2 : 1;
  for (const file of candidates(listed, here).toSorted((a, b) => rank(a) - rank(b))) {
    const compared = await compare(api, listed, file, note);
    if (compared.result === 'SAME') return compared;
    if (found.result === 'NOT_HERE') found = compared;
  }
  return found;
}

function candidates(listed: ListedFile, files: readonly EvidenceAnswer[]): EvidenceAnswer[] {
  const flat = listed.path.replace(/^\.?[/\\]+/, '').replaceAll(/[/\\]/g, '_');
  const last = listed.path.split(/[/\\]/).at(-1);
  const isIt: readonly ((file: EvidenceAnswer) => boolean)[] = [
    ({ name }) => name === flat,
    ({ name }) => name === last,
    ({ sha256 }) => sha256 === listed.digests.sha256,
  ];
  return isIt.map((is) => files.filter(is)).find((all) => all.length > 0) ?? [];
}

async function compare(
  api: ApiClient,
  listed: ListedFile,
  file: EvidenceAnswer,
  note: (line: string) => void,
): Promise<Checked> {
  const { digests, size } = listed;
  const algorithms = Object.keys(digests) as ListedAlgorithm[];
  const found: Partial<Record<ListedAlgorithm, string>> = { sha256: file.sha256 };
  const others = algorithms.filter((algorithm) => algorithm !== 'sha256');
  if (others.length > 0) {
    const hashes = others.map((algorithm) => [algorithm, createHash(algorithm)] as const);
    const content = (await api.getStream(`evidence/${file.file_id}/content`)) as AsyncIterable<Buffer>;
    for await (const bytes of new Progress(file.name, file.size, note).count(content))
      for (const [, hash] of hashes) hash.update(bytes);
    for (const [algorithm, hash] of hashes) found[algorithm] = hash.digest('hex');
  }
  const isSame =
    (size === undefined || size === file.size) &&
    algorithms.every((algorithm) => digests[algorithm] === found[algorithm]);
  return { path: listed.path, result: isSame ? 'SAME' : 'DIFFERENT', file_id: file.file_id, algorithms };
}
