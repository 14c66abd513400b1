import type { EvidenceList } from '../../api/mod.ts';
import { counted } from '../../base/mod.ts';
import { RemoteError, type ApiClient } from '../../client/mod.ts';
import { EvidenceError } from '../../evidence/mod.ts';
import type { EvidenceAnswer, ItemAnswer } from '../../exchange/mod.ts';
import { ONCE, nodeClient, sendOrDraft, waitingLines } from '../acting.ts';
import { transferText } from '../transfer-text.ts';
import { formatBytes } from '../bytes.ts';
import type { Command } from '../command.ts';
import { readJsonInput } from '../files.ts';
import { onOneLine } from '../free-text.ts';
import { knownCase } from '../known-case.ts';
import { messageLines } from '../message-lines.ts';

const NODE = { value: 'D', help: 'folder of the running node', required: true } as const;
const CASE = { value: 'ID', help: 'the case', required: true } as const;
const MAX_FILE_BYTES = 3 * 1024 * 1024;

export const evidenceList: Command = {
  name: 'evidence list',
  summary: 'files of evidence and how far they have come',
  options: { node: NODE, case: { value: 'ID', help: 'only of this case' } },
  async run(args, io) {
    args.noOperands();
    const caseId = args.optionalId('case');
    const api = nodeClient(args);
    const list = await api.get<EvidenceList>(caseId === undefined ? 'evidence' : `evidence?case=${caseId}`);
    if (caseId !== undefined && list.files.length + list.items.length === 0) await knownCase(api, caseId);
    io.result(list, [
      ...(list.files.length === 0 ? ['No files.'] : list.files.flatMap(fileLines)),
      ...list.items.map(
        ({ origin, item, faults, differing }) =>
          `exhibit ${String(item['item_id'])} of ${origin}: ${counted((item['files'] as string[] | undefined)?.length ?? 0, 'file')}, ` +
          `${counted((item['custody'] as unknown[] | undefined)?.length ?? 0, 'custody event')}${faults.length === 0 ? '' : ', BROKEN CHAIN'}${differing.length === 0 ? '' : ', NOT WHAT IT STATES'}`,
      ),
    ]);
    return 0;
  },
};

export const evidenceVerify: Command = {
  name: 'evidence verify',
  summary: 'read files back from disk and compare every chunk and digest',
  operands: '[FILE_ID…]',
  options: { node: NODE, case: { value: 'ID', help: 'every file of this case that is here' } },
  details:
    'Without a file id and without --case, every file that is here: so after a restored backup. Exit status: 0 when all are whole and\n' +
    'unchanged, 1 when one is not.',
  async run(args, io) {
    const api = nodeClient(args);
    const caseId = args.optionalId('case');
    const asked = args.operandIds('file');
    const { files } = await api.get<EvidenceList>(caseId === undefined ? 'evidence' : `evidence?case=${caseId}`);
    const isAsked = ({ file_id: id, status }: EvidenceAnswer): boolean =>
      asked.length > 0 ? asked.some((wish) => wish === id) : status === 'STORED';
    const wanted = files.filter(isAsked);
    const missing = asked.find((id) => !wanted.some((file) => file.file_id === id));
    if (missing !== undefined) throw new EvidenceError('EVIDENCE_UNKNOWN', `There is no file ${missing} at this node.`);
    if (wanted.length === 0) throw new EvidenceError('EVIDENCE_UNKNOWN', 'No file is here.');
    const results: VerifiedFile[] = [];
    for (const [index, file] of wanted.entries()) {
      if (wanted.length > 1) io.note(`${index + 1} of ${wanted.length}: ${file.name}, ${formatBytes(file.size)}`);
      results.push({ ...file, ...(await verifyOne(api, file.file_id)) });
    }
    const ok = results.every(({ code }) => code === undefined);
    io.result(
      { ok, files: results },
      results.map(({ file_id: id, sha256, name, code, message }) =>
        code === undefined
          ? `${id}  whole and unchanged  ${sha256}  ${name}`
          : // What could not be read may be whole, as far as anybody knows.
            `${id}  ${code === 'EVIDENCE_STORE_FAILED' ? 'NOT READ' : 'NOT WHOLE'}  ${code}: ${message}  ${name}`,
      ),
    );
    return ok ? 0 : 1;
  },
};

interface VerifiedFile extends EvidenceAnswer {
  /** What is wrong with it; nothing, most likely. */
  readonly code?: string;
  readonly message?: string;
}

/** One file that is not whole must not hide what is to be said of the others. */
async function verifyOne(api: ApiClient, id: string): Promise<{ readonly code?: string; readonly message?: string }> {
  try {
    await api.post<EvidenceAnswer>(`evidence/${encodeURIComponent(id)}/verify`, {});
    return {};
  } catch (error) {
    if (!(error instanceof RemoteError)) throw error;
    return { code: error.code, message: error.message };
  }
}

export const evidenceDelete: Command = {
  name: 'evidence delete',
  summary: 'delete the content of a file for good; the ledger keeps its root, and why',
  operands: 'FILE_ID',
  options: {
    node: NODE,
    why: { value: 'WHY', help: 'RETENTION_ENDED, ERASURE, RETURNED or MISTAKE', required: true },
  },
  async run(args, io) {
    const id = args.operandId('file');
    const answer = await nodeClient(args).post<EvidenceAnswer>(`evidence/${id}/delete`, {
      why: args.text('why'),
    });
    io.result({ ok: true, file: answer }, [`Deleted ${answer.name}. Its root ${answer.root} stays in the ledger.`]);
    return 0;
  },
};

export const evidenceSend: Command = {
  name: 'evidence send',
  summary: 'announce exhibits and their files to the other side, which fetches them',
  operands: 'ITEM_ID…',
  options: {
    node: NODE,
    case: CASE,
    to: { value: 'CC', help: 'the recipient', required: true },
    measure: { value: 'm1,m2', help: 'the measures that produced it', required: true },
    transfer: { value: 'transfer.json', help: 'conditions, certificates and other members of the message' },
    ...ONCE,
    wait: { value: 'SECONDS', help: 'how long to wait for the receipt of the message; 30 by default' },
  },
  async run(args, io) {
    const file = args.optional('transfer');
    const transfer = file === undefined ? {} : ((await readJsonInput(file, MAX_FILE_BYTES)) as object);
    const to = args.jurisdiction('to');
    const evidence = {
      case_id: args.id('case'),
      items: args.operands,
      transfer: { ...transfer, measure_ids: args.text('measure').split(',') },
    };
    const wait_ms = args.integer('wait', 30, 300) * 1000;
    const direct = { route: 'transfers', body: { to, ...evidence, wait_ms } } as const;
    const { answer, draft } = await sendOrDraft(args, direct, { to, evidence });
    if (draft !== undefined) {
      io.result({ ok: true, draft }, waitingLines(draft));
      return 0;
    }
    io.result({ ok: answer.message.status !== 'REFUSED', ...answer }, [
      ...messageLines(answer.message),
      `Next: ${answer.next}`,
      'The files follow as the other side fetches them: “rogatory evidence list” shows how far they are.',
    ]);
    return answer.message.status === 'REFUSED' ? 1 : 0;
  },
};

export const custodyAdd: Command = {
  name: 'evidence custody add',
  summary: 'sign one more event into an exhibit’s chain of custody',
  operands: 'EVENT.json',
  options: { node: NODE, case: CASE, item: { value: 'ID', help: 'the exhibit', required: true } },
  details:
    'The file holds kind, to and place, and what else the event says: from, seal_no, hash_before, hash_after, note, at.',
  async run(args, io) {
    const event = await readJsonInput(args.operand('file'), MAX_FILE_BYTES);
    const answer = await nodeClient(args).post<ItemAnswer>('custody', {
      case_id: args.id('case'),
      item_id: args.text('item'),
      event,
    });
    io.result({ ok: true, ...answer }, custodyLines(answer));
    return 0;
  },
};

export const custodyShow: Command = {
  name: 'evidence custody show',
  summary: 'the chains of custody of a case’s exhibits, verified',
  options: { node: NODE, case: CASE },
  async run(args, io) {
    args.noOperands();
    const [api, id] = [nodeClient(args), args.id('case')];
    const { items } = await api.get<EvidenceList>(`evidence?case=${id}`);
    if (items.length === 0) await knownCase(api, id);
    const ok = items.every(({ faults }) => faults.length === 0);
    io.result({ ok, items }, items.length === 0 ? ['No exhibits.'] : items.flatMap(custodyLines));
    return ok ? 0 : 1;
  },
};

interface ShownRecord {
  readonly event: Readonly<Record<string, unknown>>;
  readonly jurisdiction: string;
}

function custodyLines({ origin, item, faults, differing }: ItemAnswer): string[] {
  const records = (item['custody'] ?? []) as readonly ShownRecord[];
  return [
    `Exhibit ${String(item['item_id'])} of ${origin}: ${onOneLine((item['description'] as { text: string }).text)}`,
    ...records.map(({ event, jurisdiction }) => {
      const { number, kind, from, to, at, place } = event as Readonly<Record<string, string | number | undefined>>;
      const time = new Date(at as number).toISOString();
      const parties = from === undefined ? String(to) : `${String(from)} → ${String(to)}`;
      return `  ${String(number).padStart(3)}  ${time}  ${String(kind).padEnd(8)} ${parties}, ${String(place)}  [signed by ${jurisdiction}]`;
    }),
    ...faults.map(({ path, message }) => `  BROKEN: ${path} ${message}`),
    ...differing.map((digest) => `  DIFFERS: no file has the SHA-256 that the exhibit states: ${digest}`),
  ];
}

function fileLines(file: EvidenceAnswer): string[] {
  const from = file.direction === 'OWN' ? 'own' : `from ${file.peer}`;
  const verified =
    file.direction === 'IN' && file.status === 'STORED'
      ? file.verified_at === undefined
        ? ', not compared yet'
        : ', compared'
      : '';
  const reason = file.reason === undefined ? '' : ` (${file.reason})`;
  return [
    `${file.file_id}  ${formatBytes(file.size).padStart(10)}  ${file.status}${reason}${verified}, ${from}  ${file.name}`,
    ...(file.status === 'AWAITED' ? [`    ${transferText(file.size, file.progress)}`] : []),
    ...file.offers.map(({ peer, status, reason: why, progress }) => {
      const moving = progress === undefined ? '' : `, ${transferText(file.size, progress)}`;
      return `    announced to ${peer}: ${status}${why === undefined ? '' : ` (${why})`}${moving}`;
    }),
  ];
}
