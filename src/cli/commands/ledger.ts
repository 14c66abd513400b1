import { ApiClient } from '../../api/mod.ts';
import type { IncidentRecord } from '../../exchange/mod.ts';
import type { Command } from '../command.ts';
import { CliError } from '../error.ts';

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
