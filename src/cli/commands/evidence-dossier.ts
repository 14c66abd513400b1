import { counted, shellWord } from '../../base/mod.ts';
import { nodeClient } from '../acting.ts';
import type { Command } from '../command.ts';
import { packDossier } from '../dossier/archive.ts';
import { gatherDossier } from '../dossier/data.ts';
import { dossierPage } from '../dossier/page.ts';
import { readInput, writeOutput } from '../files.ts';

const MAX_BUNDLE_BYTES = 2 ** 28;

export const evidenceDossier: Command = {
  name: 'evidence dossier',
  summary: 'put a case’s exhibits, custody, certificates, receipts and proofs into one file for a court',
  operands: '[OTHER-BUNDLE.zip…]',
  options: {
    node: { value: 'D', help: 'folder of the running node', required: true },
    case: { value: 'ID', help: 'the case', required: true },
    output: { value: 'DOSSIER.zip', short: 'o', help: 'where to write the dossier', required: true },
    html: { value: 'FILE', help: 'also write its page by itself' },
  },
  details:
    'The zip holds a page for people, the same as data, the digests of the files for “sha256sum -c”, and the audit bundle of the case; bundles of the other\n' +
    'side that are given are added. “rogatory audit verify DOSSIER.zip” verifies all of it offline. The files themselves are not in it: “evidence get”\n' +
    'writes them. The same evidence at the same head of the ledger gives the same bytes.',
  async run(args, io) {
    const [caseId, output] = [args.id('case'), args.text('output')];
    const others = await Promise.all(args.operands.map((path) => readInput(path, MAX_BUNDLE_BYTES)));
    const { dossier, bundle } = await gatherDossier(nodeClient(args), caseId);
    const bytes = packDossier(dossier, bundle, others);
    await writeOutput(output, bytes);
    const html = args.optional('html');
    if (html !== undefined) await writeOutput(html, Buffer.from(dossierPage(dossier)));
    const { exhibits, files, messages } = dossier;
    io.result(
      {
        ok: true,
        output,
        bytes: bytes.length,
        exhibits: exhibits.length,
        files: files.length,
        messages: messages.length,
      },
      [
        `Wrote ${output} (${bytes.length} bytes): ${counted(exhibits.length, 'exhibit')}, ${counted(files.length, 'file')}, ${counted(messages.length, 'message')}.`,
        `Next: “rogatory audit verify ${shellWord(output)}”, by anybody, without a network.`,
      ],
    );
    return 0;
  },
};
