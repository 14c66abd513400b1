import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { open, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { makeFolder } from '../../base/mod.ts';
import type { EvidenceList } from '../../api/mod.ts';
import { RemoteError, type ApiClient } from '../../client/mod.ts';
import { EvidenceError } from '../../evidence/mod.ts';
import type { EvidenceAnswer } from '../../exchange/mod.ts';
import { nodeClient } from '../acting.ts';
import type { Command } from '../command.ts';
import { CliError } from '../error.ts';
import { requireFree, unwritable } from '../files.ts';
import { Progress } from '../progress.ts';
import { safeNames } from '../safe-name.ts';
import { transferText } from '../transfer-text.ts';

const MAX_WAIT_SECONDS = 7 * 24 * 3600;
const POLL_MS = 500;

export const evidenceGet: Command = {
  name: 'evidence get',
  summary: 'take a file of evidence out of the node, after it was compared with what its sender announced',
  operands: '[FILE_ID]',
  options: {
    node: { value: 'D', help: 'folder of the running node', required: true },
    case: { value: 'ID', help: 'instead of one file: every file of a case that is here, into a folder' },
    for: {
      value: 'PURPOSE',
      help: 'EXPORT (the proceeding it was given for) unless said: COURT, AGENCY, DISCLOSURE or OTHER_PROCEEDING',
    },
    wait: { value: 'SECONDS', help: 'how long to wait for files that are still on their way; not at all by default' },
    output: { value: 'PATH', short: 'o', help: 'where to write the file, or the folder with --case', required: true },
  },
  details:
    'What the sender’s conditions forbid for that purpose is refused, and the attempt is in the ledger (“message template use_consent_request” asks\n' +
    'for consent).\n\n' +
    'With --case, the folder also gets a SHA256SUMS that “sha256sum -c” reads. Names that its sender chose are made harmless; a file that is\n' +
    'there already is not overwritten.',
  async run(args, io) {
    const api = nodeClient(args);
    const caseId = args.optionalId('case');
    const output = args.text('output');
    if (caseId !== undefined) args.noOperands();
    if (output === '-')
      throw new CliError(
        'CLI_USAGE',
        'Evidence is written to a file, where it can be compared: give --output its name.',
      );
    const fileId = caseId === undefined ? args.operandId('file') : undefined;
    const choose = async (): Promise<readonly EvidenceAnswer[]> => {
      const { files } = await api.get<EvidenceList>(caseId === undefined ? 'evidence' : `evidence?case=${caseId}`);
      return fileId === undefined ? files : [one(files, fileId)];
    };
    const found = await arrived(choose, args.integer('wait', 0, MAX_WAIT_SECONDS), io.note);
    const wanted = fileId === undefined ? found.filter(({ status }) => status === 'STORED') : found;
    if (wanted.length === 0) throw new EvidenceError('EVIDENCE_UNKNOWN', `No file of case ${caseId} is here.`);
    const names = safeNames(wanted.map(({ name }) => name));
    const paths = caseId === undefined ? [output] : names.map((name) => join(output, name));
    const sumsPath = caseId === undefined ? undefined : join(output, 'SHA256SUMS');
    // Told before anything is written.
    for (const path of sumsPath === undefined ? paths : [...paths, sumsPath]) await requireFree(path);
    for (const [i, file] of wanted.entries())
      await fetchTo(api, file, { path: paths[i]!, purpose: args.optional('for') }, io.note);
    if (sumsPath !== undefined) {
      const sums = wanted.map(({ sha256 }, i) => `${sha256}  ${names[i]}\n`).join('');
      await writeFile(sumsPath, sums, { flag: 'wx' });
    }
    io.result(
      { ok: true, files: wanted.map((file, i) => ({ ...file, path: paths[i] })) },
      wanted.map(({ sha256 }, i) => `${sha256}  ${paths[i]}`),
    );
    return 0;
  },
};

/** The files once none of them is on its way any more, or the time is over; tells how far they are. */
async function arrived(
  choose: () => Promise<readonly EvidenceAnswer[]>,
  waitSeconds: number,
  note: (line: string) => void,
): Promise<readonly EvidenceAnswer[]> {
  const end = performance.now() + waitSeconds * 1000;
  const told = new Map<string, string>();
  for (;;) {
    const files = await choose();
    const coming = files.filter(({ status }) => status === 'AWAITED');
    if (coming.length === 0 || performance.now() >= end) return files;
    for (const { file_id: id, name, size, progress } of coming) {
      const line = `${name}: ${transferText(size, progress)}`;
      if (told.get(id) !== line) note(line);
      told.set(id, line);
    }
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

function one(files: readonly EvidenceAnswer[], id: string): EvidenceAnswer {
  const file = files.find(({ file_id: fileId }) => fileId === id);
  if (file === undefined)
    throw new EvidenceError('EVIDENCE_UNKNOWN', `There is no file ${id} at this node: “evidence list” shows what is.`);
  return file;
}

/** Writes beside its place first: a file under its name is whole. */
async function fetchTo(
  api: ApiClient,
  file: EvidenceAnswer,
  { path, purpose }: { readonly path: string; readonly purpose: string | undefined },
  note: (line: string) => void,
): Promise<void> {
  const temporary = `${path}.${process.pid}.part`;
  const hash = createHash('sha256');
  try {
    makeFolder(dirname(path));
    const content = await api.getStream(
      `evidence/${file.file_id}/content${purpose === undefined ? '' : `?for=${encodeURIComponent(purpose)}`}`,
    );
    const counted = new Progress(file.name, file.size, note).count(content as AsyncIterable<Buffer>);
    await pipeline(counted, hashed(hash), createWriteStream(temporary, { flags: 'wx', mode: 0o600 }));
    const handle = await open(temporary, 'r+');
    await handle.sync();
    await handle.close();
  } catch (cause) {
    await rm(temporary, { force: true });
    const isOfDisk = !(cause instanceof RemoteError) && (cause as { code?: unknown }).code !== undefined;
    throw isOfDisk ? unwritable(path, cause) : cause;
  }
  if (hash.digest('hex') !== file.sha256) {
    await rm(temporary, { force: true });
    throw new CliError(
      'CLI_FILE_UNWRITABLE',
      `${file.name} did not come out of the node as it is: nothing was written.`,
    );
  }
  await rename(temporary, path);
}

function hashed(hash: ReturnType<typeof createHash>): (source: AsyncIterable<Uint8Array>) => AsyncIterable<Uint8Array> {
  return async function* (source) {
    for await (const bytes of source) {
      hash.update(bytes);
      yield bytes;
    }
  };
}
