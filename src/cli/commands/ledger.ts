import { cp, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { counted, makeFolder } from '../../base/mod.ts';
import { ApiClient, ApiError } from '../../client/mod.ts';
import { loadNodeConfig, nodePaths } from '../../config/mod.ts';
import type { IncidentRecord } from '../../exchange/mod.ts';
import type { Arguments, Command, Terminal } from '../command.ts';
import { PASSPHRASE_FD, passphraseFor } from '../passphrase.ts';
import { openNodeStorage } from '../../node/mod.ts';
import { CliError } from '../error.ts';
import { readInput, unreadable, unwritable, writeOutput } from '../files.ts';

const NODE = { value: 'D', help: 'folder of the running node', required: true } as const;

export const ledgerCheckpoint: Command = {
  name: 'ledger checkpoint',
  summary: 'the ledger’s latest signed checkpoint',
  options: { node: NODE },
  async run(args, io) {
    args.noOperands();
    const answer = await new ApiClient(args.text('node')).get<{ readonly checkpoint: string }>('checkpoint');
    io.result(answer, answer.checkpoint.trimEnd().split('\n'));
    return 0;
  },
};

export const ledgerProof: Command = {
  name: 'ledger proof',
  summary: 'an entry’s inclusion proof as c2sp.org/tlog-proof@v1',
  operands: 'INDEX',
  options: { node: NODE },
  async run(args, io) {
    const index = readNumber(args.operand('index'));
    const answer = await new ApiClient(args.text('node')).get<{ readonly entry: string; readonly proof: string }>(
      `proofs/${index}`,
    );
    io.result(answer, answer.proof.trimEnd().split('\n'));
    return 0;
  },
};

export const ledgerConsistency: Command = {
  name: 'ledger consistency',
  summary: 'the proof that the ledger continues what it was at an earlier size',
  operands: 'OLD',
  options: { node: NODE },
  async run(args, io) {
    const old = readNumber(args.operand('size'));
    const answer = await new ApiClient(args.text('node')).get<{ readonly proof: string }>(`consistency/${old}`);
    io.result(answer, answer.proof.trimEnd().split('\n'));
    return 0;
  },
};

export const ledgerSeen: Command = {
  name: 'ledger seen',
  summary: 'the newest head of a peer’s ledger that this node has seen: what the peer needs to restore a backup',
  operands: 'CC',
  options: { node: NODE },
  async run(args, io) {
    const code = args.operandJurisdiction();
    const answer = await new ApiClient(args.text('node')).get<{ readonly checkpoint?: string }>(`seen/${code}`);
    const { checkpoint } = answer;
    io.result(answer, checkpoint?.trimEnd().split('\n') ?? [`This node has never seen the ledger of ${code}.`]);
    return checkpoint === undefined ? 1 : 0;
  },
};

export const ledgerExport: Command = {
  name: 'ledger export',
  summary: 'copy the ledger’s tlog-tiles files, up to the latest checkpoint; the node may be running or stopped',
  options: {
    node: { value: 'D', help: 'the node’s folder', required: true },
    output: { value: 'FOLDER', short: 'o', help: 'where to copy them to; made if it is not there', required: true },
    ...PASSPHRASE_FD,
  },
  async run(args, io) {
    args.noOperands();
    const [dir, output] = [args.text('node'), args.text('output')];
    await bringUpToDate(dir, args, io);
    try {
      makeFolder(output);
    } catch (cause) {
      throw unwritable(output, cause);
    }
    const paths = nodePaths(dir);
    // Read before the tiles, which a running node goes on writing, and written after them: whoever reads it finds all that it covers.
    const checkpoint = await readInput(join(paths.ledger, 'checkpoint'));
    await copyTiles(join(paths.ledger, 'tile'), join(output, 'tile'));
    await writeOutput(join(output, 'checkpoint'), checkpoint);
    const [, size] = checkpoint.toString('utf8').split('\n');
    io.result({ ok: true, output, size: Number(size) }, [
      `Copied ${counted(Number(size), 'entry', 'entries')} to ${output}.`,
    ]);
    return 0;
  },
};

/** Copies a folder of tiles; a ledger without entries has none. */
async function copyTiles(from: string, to: string, attempts = 5): Promise<void> {
  try {
    // What a running node has not finished writing is no tile yet, and gone before it is copied.
    await cp(from, to, { recursive: true, force: true, filter: (path) => !path.endsWith('.tmp') });
  } catch (cause) {
    if (!isMissing(cause)) throw unwritable(to, cause);
    const isEmpty = await stat(from).then(() => false, isMissing);
    if (isEmpty) return;
    // A partial tile goes when the whole one is there: what is left is copied again.
    if (attempts === 1) throw unreadable(from, cause);
    await copyTiles(from, to, attempts - 1);
  }
}

function isMissing(error: unknown): boolean {
  return (error as { readonly code?: unknown }).code === 'ENOENT';
}

async function bringUpToDate(dir: string, args: Arguments, io: Terminal): Promise<void> {
  try {
    await new ApiClient(dir).post('publish', {});
  } catch (error) {
    if (!(error instanceof ApiError) || error.code !== 'API_NODE_NOT_RUNNING') throw error;
    const storage = await openNodeStorage(
      loadNodeConfig(nodePaths(dir).config, process.env),
      await passphraseFor(dir, args, io),
    );
    await storage.close();
  }
}

export const ledgerIncidents: Command = {
  name: 'ledger incidents',
  summary: 'contradictions by peers that this node noticed, with the signed evidence',
  options: { node: NODE },
  async run(args, io) {
    args.noOperands();
    const incidents = await new ApiClient(args.text('node')).get<IncidentRecord[]>('incidents');
    io.result(
      incidents,
      incidents.length === 0
        ? ['No incidents.']
        : incidents.flatMap(({ noticed_at: time, peer, kind, detail, exhibits }) => [
            `${time}  ${peer}  ${kind}: ${detail}`,
            ...exhibits.flatMap((exhibit, i) => [
              `  exhibit ${i + 1}`,
              ...exhibit
                .trimEnd()
                .split('\n')
                .map((line) => `    ${line}`),
            ]),
          ]),
    );
    return 0;
  },
};

function readNumber(text: string): number {
  if (!/^(0|[1-9][0-9]{0,14})$/.test(text)) throw new CliError('CLI_USAGE', `“${text}” is not a number.`);
  return Number(text);
}
