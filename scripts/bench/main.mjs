/**
 * `npm run bench [-- PART …] [--json] [--quick]`: measures this machine's floors and the software on top of them in one run, and says
 * how they compare. A part is a file of `parts/`; a new one needs nothing else.
 */
import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { bootstrap } from '../bootstrap.mjs';
import { machine } from './machine.mjs';

const folder = join(dirname(fileURLToPath(import.meta.url)), 'parts');
const known = readdirSync(folder)
  .filter((name) => name.endsWith('.mjs'))
  .map((name) => name.slice(0, -'.mjs'.length))
  .sort();
const HELP = `npm run bench [-- PART …] [--json] [--quick] [--size N] [--sparse]

Measures, and prints ratios to floors taken in the same run. Without a part, all: ${known.join(', ')}.

  --json    one JSON document on stdout, with one member a part
  --quick   small counts: shows that everything runs; the figures mean nothing
  --size N  of the file in “evidence”: bytes, or such as 512MiB or 20GiB; 4GiB by default
  --sparse  that file has a size and no content
  --help    this
`;

async function main(argv) {
  let args;
  try {
    args = parseArgs({
      args: argv,
      allowPositionals: true,
      options: {
        json: { type: 'boolean' },
        quick: { type: 'boolean' },
        size: { type: 'string' },
        sparse: { type: 'boolean' },
        help: { type: 'boolean' },
      },
    });
  } catch (error) {
    process.stderr.write(`${error.message}\n${HELP}`);
    return 2;
  }
  const { values, positionals } = args;
  if (values.help) {
    process.stdout.write(HELP);
    return 0;
  }
  const sizeBytes = values.size === undefined ? undefined : parseSize(values.size);
  if (Number.isNaN(sizeBytes)) {
    process.stderr.write(`--size is a number of bytes, or such as 512MiB or 20GiB.\n`);
    return 2;
  }
  const unknown = positionals.filter((part) => !known.includes(part));
  if (unknown.length > 0) {
    process.stderr.write(`There is no part ${unknown.join(', ')}. Parts: ${known.join(', ')}.\n`);
    return 2;
  }
  await bootstrap();
  const document = { machine: machine(), quick: values.quick === true };
  const lines = [];
  for (const part of positionals.length > 0 ? positionals : known) {
    const say = (what) => process.stderr.write(`bench ${part}: ${what}\n`);
    const { run } = await import(`./parts/${part}.mjs`);
    const start = performance.now();
    const { result, lines: own } = await run({
      quick: values.quick === true,
      sizeBytes,
      isSparse: values.sparse === true,
      say,
    });
    say(`done in ${Math.round((performance.now() - start) / 1000)} s`);
    document[part] = result;
    lines.push('', part, ...own.map((line) => `  ${line}`));
  }
  if (values.json) process.stdout.write(`${JSON.stringify(document, undefined, 2)}\n`);
  else process.stdout.write(`${[JSON.stringify(document.machine), ...lines].join('\n')}\n`);
  return 0;
}

function parseSize(text) {
  const [, number, unit] = /^([1-9][0-9]{0,14})(KiB|MiB|GiB)?$/.exec(text) ?? [];
  return Number(number) * 1024 ** ['', 'KiB', 'MiB', 'GiB'].indexOf(unit ?? '');
}

process.exitCode = await main(process.argv.slice(2)).catch((error) => {
  process.stderr.write(`bench: ${error instanceof Error ? error.stack : String(error)}\n`);
  return 1;
});
