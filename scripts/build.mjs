/**
 * Builds the program into a folder: `build.mjs FOLDER`. Types are not looked at: `npm run check` does that.
 *
 * - `rogatory/`: what runs. Every command with what it needs, packages too, in few files: to find and open a thousand small ones takes a
 *   process longer than everything else that it does to start.
 * - one file a module of `src/`: what makes vectors takes rooms out of it one by one, and what measures puts others in their place.
 * - `data/`: the values of the YAML files of `node-config/`, each under the digest of its text, because to parse YAML takes as long as to
 *   start. A file that is changed has another digest, and is parsed where it is read.
 */
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isDeepStrictEqual } from 'node:util';
import { rolldown } from 'rolldown';
import { parse } from 'yaml';

const top = dirname(dirname(fileURLToPath(import.meta.url)));
const src = join(top, 'src');
const out = resolve(process.argv[2]);
const MAIN = join(src, 'cli', 'main.ts');
const THREADS = {
  'chunk-thread': join(src, 'evidence', 'chunk-thread.ts'),
  'tile-thread': join(src, 'ledger', 'tile-thread.ts'),
};
// Packages that come with compiled code, that look for others when they run, or that most processes never load.
const APART = /^(?:node:|level$|protobufjs|pino$|prom-client$|pkcs11js$|bufferutil$|utf-8-validate$|@aws-sdk\/)/;
// What the bench runs nodes out of: the same files as the program's.
const ROOMS = ['base', 'config', 'exchange', 'ledger', 'node', 'store', 'trust', 'wire'];
const DATA = ['treaties', 'states', 'code-lists'];

const doors = Object.fromEntries(ROOMS.map((name) => [`rooms/${name}`, join(src, name, 'mod.ts')]));
await write({ input: { main: MAIN, ...THREADS, ...doors }, external: APART }, { dir: join(out, 'rogatory') });
await write(
  { input: modules(), external: (id) => !/^[./]/.test(id), treeshake: false },
  { dir: out, preserveModules: true, preserveModulesRoot: src },
);
mkdirSync(join(out, 'data'));
for (const kind of DATA) writeFileSync(join(out, 'data', `${kind}.json`), JSON.stringify(valuesOf(kind)));

async function write(input, output) {
  const bundle = await rolldown({ platform: 'node', logLevel: 'warn', ...input });
  await bundle.write({ format: 'esm', comments: false, ...output });
  await bundle.close();
}

/** Every module that is not the page's. */
function modules() {
  const files = readdirSync(src, { recursive: true }).filter(
    (file) => file.endsWith('.ts') && !/^auditor\b|\.d\.ts$|\.browser\.ts$/.test(file),
  );
  return Object.fromEntries(files.map((file) => [file.slice(0, -'.ts'.length), join(src, file)]));
}

function valuesOf(kind) {
  const folder = join(top, 'node-config', kind);
  const texts = readdirSync(folder)
    .filter((name) => name.endsWith('.yaml'))
    .map((name) => readFileSync(join(folder, name), 'utf8'));
  return Object.fromEntries(texts.map((text) => [createHash('sha256').update(text).digest('hex'), valueOf(text)]));
}

function valueOf(text) {
  const value = parse(text, { maxAliasCount: 20 });
  if (!isDeepStrictEqual(JSON.parse(JSON.stringify(value)), value)) throw new Error(`more than JSON can say: ${text}`);
  return value;
}
