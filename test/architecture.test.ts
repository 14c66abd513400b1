import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { HOUSE, houseFaults } from './kit/architecture.ts';

function trackedFiles(): string[] {
  return execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard'], { encoding: 'utf8' })
    .trim()
    .split('\n');
}

const isClone = (() => {
  try {
    return trackedFiles().length > 0;
  } catch {
    return false;
  }
})();

describe.runIf(isClone)('the house as it stands', () => {
  test('no import goes up, sideways or past a door', () => {
    const sources = trackedFiles()
      .filter((path) => path.startsWith('src/') && path.endsWith('.ts'))
      .map((path) => ({ path, text: readFileSync(path, 'utf8') }));
    expect(sources.length).toBeGreaterThan(80);
    expect(houseFaults(sources)).toEqual([]);
  });

  test('the top level holds what was agreed and nothing else', () => {
    const top = new Set(trackedFiles().map((path) => path.split('/')[0]!));
    const agreed = [
      'package.json',
      'package-lock.json',
      'tsconfig.json',
      'proto',
      'src',
      'node-config',
      'test',
      'scripts',
      'README.md',
    ];
    expect([...top].filter((name) => !name.startsWith('.') && !agreed.includes(name))).toEqual([]);
  });

  test('no file names the host of a package registry', () => {
    const hosts = [
      ['registry', 'npmjs'].join('.'),
      ['registry', 'yarnpkg'].join('.'),
      ['npm', 'pkg', 'github'].join('.'),
    ];
    const naming = trackedFiles().filter((path) => {
      const text = readFileSync(path, 'utf8');
      return hosts.some((host) => text.includes(host));
    });
    expect(naming).toEqual([]);
    expect(readFileSync('package-lock.json', 'utf8')).not.toContain('"resolved"');
  });

  test('every version is pinned', () => {
    const { dependencies, devDependencies } = JSON.parse(readFileSync('package.json', 'utf8')) as Record<
      string,
      Record<string, string>
    >;
    const loose = Object.entries({ ...dependencies, ...devDependencies }).filter(
      ([, version]) => !/^\d+\.\d+\.\d+$/.test(version),
    );
    expect(loose).toEqual([]);
  });
});

describe('the rules themselves', () => {
  const faultsOf = (path: string, text: string): string[] => houseFaults([{ path, text }]);

  test.each([
    ['upward', 'src/wire/a.ts', `import { x } from '../exchange/mod.ts';`, 'wire must not import exchange'],
    ['sideways', 'src/sealing/a.ts', `import type { x } from '../store/mod.ts';`, 'sealing must not import store'],
    ['re-export', 'src/base/a.ts', `export * from '../wire/mod.ts';`, 'base must not import wire'],
    ['dynamic', 'src/ledger/a.ts', `const x = await import('../trust/mod.ts');`, 'ledger must not import trust'],
    ['type position', 'src/ledger/a.ts', `type X = import('../trust/mod.ts').X;`, 'ledger must not import trust'],
    ['deep', 'src/exchange/a.ts', `import { x } from '../wire/codec.ts';`, 'goes past the door of wire'],
    ['unknown room', 'src/utils/a.ts', ``, 'is in no room'],
    ['no room', 'src/a.ts', ``, 'is in no room'],
    ['platform', 'src/audit/a.ts', `import { createHash } from 'node:crypto';`, 'does not exist in a browser'],
    ['codec', 'src/exchange/a.ts', `import x from 'protobufjs/minimal.js';`, 'only wire may import'],
    ['default export', 'src/base/a.ts', `export default 1;`, 'has a default export'],
  ])('finds a fault: %s', (_name, path, text, expected) => {
    expect(faultsOf(path, text).join('\n')).toContain(expected);
  });

  test('lets through what is right', () => {
    expect(faultsOf('src/exchange/a.ts', `import { x } from '../wire/mod.ts'; import { y } from './b.ts';`)).toEqual(
      [],
    );
    expect(faultsOf('src/base/platform.ts', `import { createHash } from 'node:crypto';`)).toEqual([]);
  });

  test('the plan has no circle: every room stands on rooms that are listed before it or beside it', () => {
    const placed = new Set<string>();
    let left = Object.keys(HOUSE);
    while (left.length > 0) {
      const ready = left.filter((room) => HOUSE[room]!.every((below) => placed.has(below)));
      expect(ready).not.toEqual([]);
      for (const room of ready) placed.add(room);
      left = left.filter((room) => !placed.has(room));
    }
  });
});
