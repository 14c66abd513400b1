import { join } from 'node:path';
import { counted, makeFolder } from '../../base/mod.ts';
import type { EvidenceList } from '../../api/mod.ts';
import { EvidenceError, caseFaults, exportCase, importCase, parseCaseGraph } from '../../evidence/mod.ts';
import { parseJson } from '../../wire/mod.ts';
import { nodeClient } from '../acting.ts';
import type { Command } from '../command.ts';
import { readJsonInput, requireFree, writeOutput } from '../files.ts';

const MAX_GRAPH_BYTES = 256 * 1024 * 1024;

export const evidenceCaseExport: Command = {
  name: 'evidence case-export',
  summary: 'write a case’s exhibits, files and custody as CASE/UCO JSON-LD, for forensic and prosecution software',
  options: {
    node: { value: 'D', help: 'folder of the running node', required: true },
    case: { value: 'ID', help: 'the case', required: true },
    output: { value: 'FILE.jsonld', short: 'o', help: 'where to write the graph', required: true },
  },
  details:
    'What is written keeps the shapes that both ontologies publish, as far as it uses them. Signatures are in the dossier, not here.',
  async run(args, io) {
    args.noOperands();
    const [caseId, output] = [args.id('case'), args.text('output')];
    const { items, files } = await nodeClient(args).get<EvidenceList>(`evidence?case=${caseId}&for=EXPORT`);
    if (items.length === 0) throw new EvidenceError('EVIDENCE_UNKNOWN', `Case ${caseId} has no exhibits at this node.`);
    const exhibits = items.map(({ origin, item }) => ({ origin, item: parseJson('EvidenceItem', item) }));
    const graph = exportCase(caseId, exhibits, files);
    const nodes = parseCaseGraph(graph);
    const [fault] = caseFaults(nodes);
    if (fault !== undefined) throw new TypeError(`${fault.node}: ${fault.message}`);
    await writeOutput(output, Buffer.from(`${JSON.stringify(graph, undefined, 1)}\n`));
    io.result({ ok: true, output, exhibits: items.length, nodes: nodes.size }, [
      `Wrote ${output}: ${counted(items.length, 'exhibit')} in ${counted(nodes.size, 'node')}.`,
    ]);
    return 0;
  },
};

export const evidenceCaseImport: Command = {
  name: 'evidence case-import',
  summary: 'turn the provenance records of a CASE/UCO graph into descriptions of exhibits, for “evidence add --item”',
  operands: 'FILE.jsonld',
  options: { output: { value: 'FOLDER', short: 'o', help: 'where to write one file an exhibit', required: true } },
  details:
    'Needs no node, and follows no address in the file. A graph that breaks the ontologies’ shapes is refused with every fault. What it does not\n' +
    'tell is listed: a person adds it to the description before “evidence add --item” takes it.',
  async run(args, io) {
    const exhibits = importCase(await readJsonInput(args.operand('graph'), MAX_GRAPH_BYTES));
    const folder = args.text('output');
    makeFolder(folder);
    // A person may have added to what was written before.
    for (const { item } of exhibits) await requireFree(pathOf(folder, item));
    const written: { readonly path: string; readonly missing: readonly string[] }[] = [];
    for (const { item, missing } of exhibits) {
      const path = pathOf(folder, item);
      await writeOutput(path, Buffer.from(`${JSON.stringify(item, undefined, 2)}\n`));
      written.push({ path, missing });
    }
    io.result(
      { ok: true, exhibits: exhibits.map((exhibit, i) => ({ ...exhibit, path: written[i]!.path })) },
      written.map(({ path, missing }) => `${path}${missing.length === 0 ? '' : `  lacks ${missing.join(', ')}`}`),
    );
    return 0;
  },
};

function pathOf(folder: string, item: Readonly<Record<string, unknown>>): string {
  return join(folder, `${String(item['item_id'])}.json`);
}
