import ts from 'typescript';

/** One source file: its path from the top of the repository, and its text. */
export interface Source {
  readonly path: string;
  readonly text: string;
}

/**
 * The house. A room may import the rooms named here and no others; every import of another room goes through its `mod.ts`.
 * `trust` knows the ledger's verifier keys, because a manifest lists them.
 */
export const HOUSE: Readonly<Record<string, readonly string[]>> = {
  base: [],
  config: ['base'],
  client: ['base', 'config', 'credential'],
  wire: ['base'],
  sealing: ['base', 'wire'],
  ledger: ['base', 'wire'],
  store: ['base', 'wire'],
  trust: ['base', 'wire', 'ledger'],
  casework: ['base', 'wire', 'sealing', 'trust', 'ledger', 'store'],
  evidence: ['base', 'wire', 'sealing', 'trust', 'ledger', 'store'],
  audit: ['base', 'wire', 'sealing', 'trust', 'ledger'],
  auditor: ['base', 'audit'],
  exchange: ['base', 'wire', 'sealing', 'trust', 'ledger', 'store', 'casework', 'evidence'],
  transport: ['base', 'wire', 'sealing', 'trust', 'ledger', 'store', 'casework', 'evidence', 'exchange'],
  credential: ['base'],
  staff: ['base', 'credential', 'wire', 'ledger', 'store', 'casework', 'exchange'],
  node: [
    'base',
    'config',
    'credential',
    'wire',
    'sealing',
    'trust',
    'ledger',
    'store',
    'casework',
    'evidence',
    'audit',
    'exchange',
    'transport',
    'staff',
  ],
  api: [
    'base',
    'config',
    'credential',
    'wire',
    'sealing',
    'trust',
    'ledger',
    'store',
    'casework',
    'evidence',
    'audit',
    'exchange',
    'transport',
    'staff',
    'node',
    'client',
  ],
  console: ['base', 'config', 'wire', 'trust', 'ledger', 'casework', 'evidence', 'audit', 'exchange', 'node', 'api'],
  cli: [
    'base',
    'config',
    'credential',
    'wire',
    'sealing',
    'trust',
    'ledger',
    'store',
    'casework',
    'evidence',
    'audit',
    'exchange',
    'transport',
    'staff',
    'node',
    'client',
    'api',
  ],
};

/** Files that may name Node although their room also runs in a browser. */
const NODE_ONLY = new Set(['src/base/platform.ts', 'src/base/durable-file.ts']);
/** Files of other rooms that the auditor’s page takes with it. */
const BROWSER_FILES = new Set(['src/sealing/jws-grammar.ts', 'src/sealing/compact.ts']);
const BROWSER_ROOMS = new Set(['base', 'wire', 'audit', 'auditor']);
const CODEC_PACKAGE = 'protobufjs';

/** Every import, type import, re-export and dynamic import of a file. */
function importsOf({ path, text }: Source): string[] {
  const file = ts.createSourceFile(path, text, ts.ScriptTarget.ESNext, true);
  const found: string[] = [];
  const visit = (node: ts.Node): void => {
    const isDeclaration = ts.isImportDeclaration(node) || ts.isExportDeclaration(node);
    if (isDeclaration && node.moduleSpecifier !== undefined && ts.isStringLiteral(node.moduleSpecifier)) {
      found.push(node.moduleSpecifier.text);
    }
    if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      const [argument] = node.arguments;
      if (argument !== undefined && ts.isStringLiteral(argument)) found.push(argument.text);
    }
    if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument) && ts.isStringLiteral(node.argument.literal)) {
      found.push(node.argument.literal.text);
    }
    ts.forEachChild(node, visit);
  };
  visit(file);
  return found;
}

/** Everything that breaks the house's rules, as one line each. */
export function houseFaults(
  sources: readonly Source[],
  house: Readonly<Record<string, readonly string[]>> = HOUSE,
): string[] {
  return sources.flatMap((source) => fileFaults(source, house));
}

function fileFaults(source: Source, house: Readonly<Record<string, readonly string[]>>): string[] {
  const { path } = source;
  const room = path.split('/')[1] ?? '';
  const allowed = Object.hasOwn(house, room) ? house[room] : undefined;
  if (allowed === undefined || path.split('/').length < 3) return [`${path}: is in no room`];
  const faults: string[] = [];
  for (const specifier of importsOf(source)) {
    if (specifier.startsWith('.')) {
      const target = new URL(specifier, `file:///${path}`).pathname.slice(1);
      const targetRoom = target.split('/')[1] ?? '';
      if (targetRoom === room) continue;
      if (!allowed.includes(targetRoom)) faults.push(`${path}: ${room} must not import ${targetRoom}`);
      if (target !== `src/${targetRoom}/mod.ts`)
        faults.push(`${path}: ${specifier} goes past the door of ${targetRoom}`);
    } else {
      if (
        (BROWSER_ROOMS.has(room) || BROWSER_FILES.has(path)) &&
        !NODE_ONLY.has(path) &&
        specifier.startsWith('node:')
      ) {
        faults.push(`${path}: ${specifier} does not exist in a browser`);
      }
      if (specifier.startsWith(CODEC_PACKAGE) && room !== 'wire')
        faults.push(`${path}: only wire may import ${specifier}`);
    }
  }
  if (/^export default/m.test(source.text)) faults.push(`${path}: has a default export`);
  return faults;
}
