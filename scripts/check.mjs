/** `npm run check`: types, lint without warnings, format, unused code, and the house's walls. Runs all, then says what failed. */
import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bootstrap } from './bootstrap.mjs';

const top = dirname(dirname(fileURLToPath(import.meta.url)));
const bin = (name) => join(top, 'node_modules', '.bin', name);
const CHECKS = [
  ['types', bin('tsc'), ['-p', '.']],
  ['types of the page', bin('tsc'), ['-p', 'src/auditor']],
  ['lint', bin('eslint'), ['--config', 'scripts/eslint.config.js', '--max-warnings', '0', 'src', 'test', 'scripts']],
  ['format', bin('prettier'), ['--check', '--log-level', 'warn', '.']],
  ['unused', bin('knip'), ['--no-progress', '--treat-config-hints-as-errors']],
  ['architecture', process.execPath, [join(top, 'scripts', 'test.mjs'), 'test/architecture.test.ts', '--reporter=dot']],
];

await bootstrap();
const failed = [];
for (const [name, command, args] of CHECKS) {
  const start = performance.now();
  const { status, stdout, stderr } = spawnSync(command, args, { cwd: top, encoding: 'utf8' });
  const seconds = ((performance.now() - start) / 1000).toFixed(1);
  process.stdout.write(`${status === 0 ? 'ok    ' : 'FAILED'} ${name.padEnd(18)} ${seconds} s\n`);
  if (status === 0) continue;
  failed.push(name);
  process.stdout.write(`${stdout}${stderr}\n`);
}
process.stdout.write(`${CHECKS.length - failed.length} passed, ${failed.length} failed\n`);
process.exitCode = failed.length === 0 ? 0 : 1;
