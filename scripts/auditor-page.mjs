/**
 * Builds the auditor's page: one HTML file, `.build/auditor.html`, with the auditing code inside it and a policy that allows nothing else:
 * no network, no other script, no other style. `npm run build` runs it after the rest.
 */
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

const top = dirname(dirname(fileURLToPath(import.meta.url)));
const read = (name) => readFileSync(join(top, 'src', 'auditor', name), 'utf8');
const hashOf = (text) => `sha256-${createHash('sha256').update(text).digest('base64')}`;

const bundle = await rolldown({
  input: join(top, 'src', 'auditor', 'page.ts'),
  platform: 'browser',
  // A module that nothing is used of is left out, whatever it does when it is loaded: that is how everything of Node stays outside.
  treeshake: { moduleSideEffects: false },
  plugins: [
    {
      name: 'browser-platform',
      resolveId(source, importer) {
        const isPlatform = source === './platform.ts' && importer?.startsWith(join(top, 'src', 'base'));
        return isPlatform ? join(top, 'src', 'base', 'platform.browser.ts') : null;
      },
    },
  ],
  external: /^node:/,
});
const { output } = await bundle.generate({ format: 'esm', minify: true });
await bundle.close();
const [chunk, ...more] = output;
if (more.length > 0 || chunk.imports.length > 0)
  throw new Error(
    `the page would need more than itself: ${[...chunk.imports, ...more.map(({ fileName }) => fileName)].join(', ')}`,
  );

// A closing tag inside a string of the code would end the script early.
const script = chunk.code.replaceAll('</script', '<\\/script');
const style = read('page.css');
const page = read('page.html')
  .replace('SCRIPT-HASH', () => hashOf(script))
  .replace('STYLE-HASH', () => hashOf(style))
  .replace(/>\s*STYLE\s*</, () => `>${style}<`)
  .replace(/>\s*SCRIPT;?\s*</, () => `>${script}<`);
if (!page.includes(style) || !page.includes(script))
  throw new Error('page.html has no place for the style or the script');
writeFileSync(join(top, '.build', 'auditor.html'), page);
process.stderr.write(`rogatory: .build/auditor.html, ${Math.round(page.length / 1024)} KiB\n`);
