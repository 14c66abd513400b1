import { basename } from 'node:path';
import { auditBundles, parsePolicy, reportPage, type FoundEntry, type ProvedArrival } from '../../audit/mod.ts';
import type { Manifest } from '../../trust/mod.ts';
import { auditLines } from '../audit-lines.ts';
import { openDossier, type OpenedDossier } from '../dossier/archive.ts';
import { dossierLines, messageIdsOf, verifyDossier } from '../dossier/verify.ts';
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
  details:
    'A dossier of evidence is taken for the bundles in it, and its exhibits, chains of custody and files are held against them. Needs no node\n' +
    'and no network. Exit status: 0 when nothing at all was found wrong, 1 otherwise.',
  async run(args, io) {
    if (args.operands.length === 0) throw new CliError('CLI_USAGE', 'Give at least one bundle.');
    const policyFile = args.optional('policy');
    const policy =
      policyFile === undefined ? undefined : parsePolicy((await readInput(policyFile, 1_000_000)).toString('utf8'));
    const files: InputFile[] = [];
    try {
      for (const path of args.operands) files.push(await openFile(path));
      const dossiers: OpenedDossier[] = [];
      const bundles = [];
      for (const [i, bytes] of files.entries()) {
        const name = basename(args.operands[i]!);
        const dossier = await openDossier(name, bytes);
        if (dossier === undefined) bundles.push({ name, bytes });
        else {
          dossiers.push(dossier);
          bundles.push(...dossier.bundles);
        }
      }
      const arrivals: ProvedArrival[] = [];
      const entries: FoundEntry[] = [];
      const told = new Set(dossiers.flatMap(messageIdsOf));
      const manifests: Manifest[] = [];
      const late = args.optional('late') === undefined ? undefined : args.integer('late', 0, 999_999_999) * 1000;
      const report = await auditBundles(bundles, {
        fingerprint: args.optional('fingerprint'),
        policy,
        lateMs: late,
        onProgress: progressNotes(io.note),
        ...(dossiers.length === 0
          ? {}
          : {
              onArrival: (arrival) => arrivals.push(arrival),
              // A ledger may have millions, and a dossier is about a few.
              onEntry: (found) => {
                if (told.has(found.entry.message_id)) entries.push(found);
              },
              onManifests: (all) => manifests.push(...all.map(({ manifest }) => manifest)),
            }),
      });
      const html = args.optional('html');
      if (html !== undefined) await writeOutput(html, Buffer.from(reportPage(report)));
      const verdicts = dossiers.map((dossier) => verifyDossier(dossier, arrivals, entries, manifests));
      const ok = report.ok && verdicts.every((verdict) => verdict.ok);
      io.result(dossiers.length === 0 ? report : { ...report, ok, dossiers: verdicts }, [
        ...verdicts.flatMap(dossierLines),
        ...auditLines(report),
      ]);
      return ok ? 0 : 1;
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
