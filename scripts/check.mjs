/**
 * `npm run check`: types, lint without warnings, format, unused code, and the house's walls. Runs all, as many at a time
 * as there are processors, then says what failed.
 */
import { spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bootstrap } from './bootstrap.mjs';

const top = dirname(dirname(fileURLToPath(import.meta.url)));
const bin = (name) => join(top, 'node_modules', '.bin', name);
// The one that takes longest is begun first.
const CHECKS = [
  ['lint', bin('eslint'), ['--config', 'scripts/eslint.config.js', '--max-warnings', '0', 'src', 'test', 'scripts']],
  ['types', bin('tsc'), ['-p', '.']],
  ['types of the page', bin('tsc'), ['-p', 'src/auditor']],
  ['format', bin('prettier'), ['--check', '--log-level', 'warn', '.']],
  ['unused', bin('knip'), ['--no-progress', '--treat-config-hints-as-errors']],
  ['architecture', process.execPath, [join(top, 'scripts', 'test.mjs'), 'test/architecture.test.ts', '--reporter=dot']],
];

await bootstrap();
const waiting = [...CHECKS];
let failed = 0;
await Promise.all(Array.from({ length: availableParallelism() }, work));
process.stdout.write(`${CHECKS.length - failed} passed, ${failed} failed\n`);
process.exitCode = failed === 0 ? 0 : 1;

async function work() {
  for (let check = waiting.shift(); check !== undefined; check = waiting.shift()) {
    const [name, command, args] = check;
    const start = performance.now();
    const { ok, output } = await run(command, args);
    const seconds = ((performance.now() - start) / 1000).toFixed(1);
    process.stdout.write(`${ok ? 'ok    ' : 'FAILED'} ${name.padEnd(18)} ${seconds} s\n`);
    if (ok) continue;
    failed++;
    process.stdout.write(`${output}\n`);
  }
}

/** Runs a command to its end; what it says is one text. */
function run(command, args) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: top, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr])
      stream.setEncoding('utf8').on('data', (piece) => {
        output += piece;
      });
    child.on('error', reject).on('close', (status) => {
      resolve({ ok: status === 0, output });
    });
  });
}
