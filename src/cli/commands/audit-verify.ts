import { basename } from 'node:path';
import { auditBundles, parsePolicy } from '../../audit/mod.ts';
import { auditLines } from '../audit-lines.ts';
import type { Command } from '../command.ts';
import { CliError } from '../error.ts';
import { readInput } from '../files.ts';

export const auditVerify: Command = {
  name: 'audit verify',
  summary: 'verify bundles offline, each by itself and every pair against each other',
  operands: 'A.zip [B.zip …]',
  options: {
    fingerprint: { value: 'HEX', help: 'expected fingerprint of the first manifest, from the council' },
    policy: { value: 'FILE', help: 'witnesses that have to vouch for each ledger, as C2SP tlog-policy' },
  },
  details: 'Needs no node and no network. Exit status: 0 when nothing at all was found wrong, 1 otherwise.',
  async run(args, io) {
    if (args.operands.length === 0) throw new CliError('CLI_USAGE', 'Give at least one bundle.');
    const bundles = await Promise.all(
      args.operands.map(async (path) => ({ name: basename(path), bytes: await readInput(path) })),
    );
    const policyFile = args.optional('policy');
    const policy =
      policyFile === undefined ? undefined : parsePolicy((await readInput(policyFile, 1_000_000)).toString('utf8'));
    const report = await auditBundles(bundles, { fingerprint: args.optional('fingerprint'), policy });
    io.result(report, auditLines(report));
    return report.ok ? 0 : 1;
  },
};
