import { basename } from 'node:path';
import { auditBundles, parsePolicy, reportPage } from '../../audit/mod.ts';
import { auditLines } from '../audit-lines.ts';
import type { Command } from '../command.ts';
import { CliError } from '../error.ts';
import { openFile, readInput, writeOutput, type InputFile } from '../files.ts';

export const auditVerify: Command = {
  name: 'audit verify',
  summary: 'verify bundles offline, each by itself and every pair against each other',
  operands: 'A.zip [B.zip …]',
  options: {
    fingerprint: { value: 'HEX', help: 'expected fingerprint of the first manifest, from the council' },
    policy: { value: 'FILE', help: 'witnesses that have to vouch for each ledger, as C2SP tlog-policy' },
    late: { value: 'SECONDS', help: 'a receipt that took longer, or is missing for longer, is a finding' },
    html: { value: 'FILE', help: 'also write the report as one HTML page: no script, nothing from elsewhere' },
  },
  details: 'Needs no node and no network. Exit status: 0 when nothing at all was found wrong, 1 otherwise.',
  async run(args, io) {
    if (args.operands.length === 0) throw new CliError('CLI_USAGE', 'Give at least one bundle.');
    const policyFile = args.optional('policy');
    const policy =
      policyFile === undefined ? undefined : parsePolicy((await readInput(policyFile, 1_000_000)).toString('utf8'));
    const files: InputFile[] = [];
    try {
      for (const path of args.operands) files.push(await openFile(path));
      const bundles = files.map((bytes, i) => ({ name: basename(args.operands[i]!), bytes }));
      const late = args.optional('late') === undefined ? undefined : args.integer('late', 0, 999_999_999) * 1000;
      const report = await auditBundles(bundles, {
        fingerprint: args.optional('fingerprint'),
        policy,
        lateMs: late,
        onProgress: progressNotes(io.note),
      });
      const html = args.optional('html');
      if (html !== undefined) await writeOutput(html, Buffer.from(reportPage(report)));
      io.result(report, auditLines(report));
      return report.ok ? 0 : 1;
    } finally {
      for (const file of files) await file.close();
    }
  },
};

/** A line now and then for whoever waits; a small bundle is done before the first. */
function progressNotes(note: (line: string) => void): (name: string, done: number, total: number) => void {
  let [last, lastName] = [performance.now(), ''];
  return (name, done, total) => {
    const now = performance.now();
    if (now - last < 2_000 && (name === lastName || now - last < 500)) return;
    [last, lastName] = [now, name];
    note(`${name}: ${Math.floor((100 * done) / Math.max(1, total))} %`);
  };
}
