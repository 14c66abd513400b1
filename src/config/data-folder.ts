/** Reads the data that a jurisdiction can change without touching the program: treaties, calendars, code lists. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { LineCounter, isNode, parseDocument, type Document } from 'yaml';
import { ConfigError } from './error.ts';

/** A YAML file: its value, and on which line a member stands. */
export interface DataDocument {
  /** Its name without the folder. */
  readonly file: string;
  readonly value: unknown;
  readonly lineOf: (path: readonly (string | number)[]) => number | undefined;
}

/** The kinds of data, each in a folder of its own. */
export type DataKind = 'treaties' | 'states' | 'code-lists';

/**
 * Where the data is: the folder that `ROGATORY_DATA` names, so that a jurisdiction keeps its own; otherwise the project's `node-config`.
 */
export function dataFolder(env: Readonly<Record<string, string | undefined>>): string {
  const own = env['ROGATORY_DATA'];
  return own === undefined || own === '' ? projectDataFolder() : own;
}

/**
 * Reads every YAML file of one kind, in the order of their names.
 * @throws {ConfigError} CONFIG_UNREADABLE; CONFIG_INVALID with every place where the text is not YAML
 */
export function readDataFolder(root: string, kind: DataKind): DataDocument[] {
  const folder = join(root, kind);
  let names: string[];
  try {
    names = readdirSync(folder)
      .filter((name) => name.endsWith('.yaml'))
      .sort();
  } catch (cause) {
    throw new ConfigError('CONFIG_UNREADABLE', `Cannot read the folder ${folder}.`, { cause });
  }
  const faults: string[] = [];
  const built = builtValues(kind);
  const documents = names.map((name) => {
    const text = readText(join(folder, name));
    const digest = createHash('sha256').update(text).digest('hex');
    return Object.hasOwn(built, digest)
      ? { file: name, value: built[digest], lineOf: lineIn(text) }
      : parseDataDocument(name, text, faults);
  });
  if (faults.length > 0) throw new ConfigError('CONFIG_INVALID', faults.join('\n'));
  return documents;
}

/** Reads one YAML text; what is not YAML is added to `faults`. */
export function parseDataDocument(file: string, text: string, faults: string[]): DataDocument {
  const { document, lines } = parseYaml(text);
  for (const { message, pos } of [...document.errors, ...document.warnings]) {
    faults.push(`${file}:${lines.linePos(pos[0]).line}: ${message}`);
  }
  return {
    file,
    // A file of one page needs no aliases to speak of: more of them is how a small text becomes a large value.
    value: document.errors.length > 0 ? undefined : document.toJS({ maxAliasCount: 20 }),
    lineOf: (path) => lineOf(document, lines, path),
  };
}

/** Where members of a text stand that is only parsed when somebody asks, which is when something of it is wrong. */
function lineIn(text: string): DataDocument['lineOf'] {
  return (path) => {
    const { document, lines } = parseYaml(text);
    return lineOf(document, lines, path);
  };
}

function parseYaml(text: string): { readonly document: Document; readonly lines: LineCounter } {
  const lines = new LineCounter();
  return { document: parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: true }), lines };
}

function lineOf(document: Document, lines: LineCounter, path: readonly (string | number)[]): number | undefined {
  const node = document.getIn(path, true);
  return isNode(node) && Array.isArray(node.range) ? lines.linePos(node.range[0]).line : undefined;
}

/** What the build has parsed, by the SHA-256 of its text: to parse the same again takes as long as all else that a start does. */
function builtValues(kind: DataKind): Readonly<Record<string, unknown>> {
  try {
    const file = join(dirname(projectDataFolder()), '.build', 'data', `${kind}.json`);
    return JSON.parse(readFileSync(file, 'utf8')) as Readonly<Record<string, unknown>>;
  } catch {
    return {};
  }
}

// From `src/` or from `.build/`: both lie in the project's top folder, as `node-config/` does.
function projectDataFolder(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'node-config', 'treaties')) && dirname(folder) !== folder) folder = dirname(folder);
  return join(folder, 'node-config');
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new ConfigError('CONFIG_UNREADABLE', `Cannot read ${path}.`, { cause });
  }
}
