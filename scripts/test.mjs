/** `npm test`: makes the clone ready, then runs the tests; arguments go to vitest. */
import { spawn } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bootstrap } from './bootstrap.mjs';

const top = dirname(dirname(fileURLToPath(import.meta.url)));
try {
  await bootstrap();
  const vitest = join(top, 'node_modules', 'vitest', 'vitest.mjs');
  const args = [vitest, 'run', '--config', 'scripts/vitest.config.ts', '--root', '.', ...process.argv.slice(2)];
  const child = spawn(process.execPath, args, { cwd: top, stdio: 'inherit' });
  process.exitCode = await new Promise((resolve) => {
    child.on('exit', (code) => {
      resolve(code ?? 1);
    });
  });
} catch (error) {
  process.stderr.write(`rogatory: ${error.message}\n`);
  process.exitCode = 1;
}
