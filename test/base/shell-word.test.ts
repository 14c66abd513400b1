import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { shellWord } from '../../src/base/mod.ts';

const PATHS = [
  'demo/xa',
  "O'Brien's node",
  'a  b\tc\nd',
  '$HOME/`id`',
  '*',
  '~',
  '#x',
  'é',
  'a\\b"c"',
  "''",
  '',
  '!x',
  'a;b&c|d>e',
];

test('a shell takes the word for what it was', () => {
  for (const path of PATHS) {
    const { stdout } = spawnSync('/bin/sh', ['-c', `printf %s ${shellWord(path)}`], { encoding: 'utf8' });
    expect(stdout).toBe(path);
  }
});

test('a plain path stays as it is, and none becomes an option', () => {
  expect(shellWord('/srv/rogatory-1/xa@home,2%+=:')).toBe('/srv/rogatory-1/xa@home,2%+=:');
  expect(shellWord('-xa')).toBe('./-xa');
  expect(shellWord('- x')).toBe("'./- x'");
});
