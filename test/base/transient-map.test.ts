import { spawnSync } from 'node:child_process';
import { pathToFileURL } from 'node:url';
import { describe, expect, test } from 'vitest';
import { TransientMap } from '../../src/base/mod.ts';
import { fc } from '../kit/property.ts';

type Act = readonly ['set' | 'delete', number] | readonly ['clear'];

const acts = fc.array(
  fc.oneof(
    { weight: 12, arbitrary: fc.tuple(fc.constantFrom('set' as const, 'delete' as const), fc.nat(24)) },
    { weight: 1, arbitrary: fc.constant(['clear'] as const) },
  ),
  { maxLength: 400 },
);

// Entries come and go; what one holds is of no use once it is gone. Prints how many kilobytes were moved to the old generation.
const CHURN = `
  import v8 from 'node:v8';
  const { TransientMap } = await import(process.argv[1]);
  const map = process.argv[2] === 'Map' ? new Map() : new TransientMap();
  globalThis.gc();
  const old = () => v8.getHeapSpaceStatistics().find(({ space_name: name }) => name === 'old_space').space_used_size;
  const before = old();
  for (let i = 0; i < 20_000; i++) {
    map.set('entry ' + i, new Array(100).fill(i));
    if (i >= 16) map.delete('entry ' + (i - 16));
  }
  console.log(Math.round((old() - before) / 1024));
`;

describe('a map of what comes and goes', () => {
  test('does what a Map does, in the same order', () => {
    fc.assert(
      fc.property(acts, (list: readonly Act[]) => {
        const [ours, model] = [new TransientMap<number, number>(), new Map<number, number>()];
        for (const [index, act] of list.entries()) {
          if (act[0] === 'set') {
            ours.set(act[1], index);
            model.set(act[1], index);
          } else if (act[0] === 'delete') expect(ours.delete(act[1])).toBe(model.delete(act[1]));
          else {
            ours.clear();
            model.clear();
          }
          expect(ours.size).toBe(model.size);
        }
        expect([...ours]).toEqual([...model]);
        expect([...ours.keys()]).toEqual([...model.keys()]);
        expect([...ours.values()]).toEqual([...model.values()]);
        for (let key = 0; key <= 24; key++) expect(ours.get(key)).toBe(model.get(key));
      }),
    );
  });

  test('can be emptied while it is walked through', () => {
    const map = new TransientMap<number, number>();
    for (let key = 0; key < 100; key++) map.set(key, key);
    const seen: number[] = [];
    for (const [key] of map) {
      seen.push(key);
      map.delete(key);
    }
    expect(seen).toEqual(Array.from({ length: 100 }, (_, key) => key));
    expect(map.size).toBe(0);
  });

  test('leaves nothing of what is gone to the old generation, as a Map does', () => {
    const moved = (kind: string): number => {
      const room = pathToFileURL('.build/base/transient-map.js').href;
      const flags = ['--expose-gc', '--max-semi-space-size=1', '--input-type=module', '--eval', CHURN];
      const { stdout, stderr } = spawnSync(process.execPath, [...flags, room, kind], { encoding: 'utf8' });
      expect(stderr).toBe('');
      return Number(stdout);
    };
    const [map, transient] = [moved('Map'), moved('TransientMap')];
    expect(map).toBeGreaterThan(2000);
    expect(transient).toBeLessThan(map / 4);
  });
});
