/** Commands are loaded one at a time, and the list of them says what they say of themselves. */
import { readFileSync, readdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { COMMANDS } from '../../src/cli/catalogue.ts';

test('every entry is the command of its name, and no name is another’s or stands for its first word', async () => {
  for (const { name, load } of COMMANDS) expect((await load()).name).toBe(name);
  const names = COMMANDS.map(({ name }) => name);
  expect(names.filter((name, n) => names.indexOf(name) !== n)).toEqual([]);
  // The first entry whose words are typed is taken.
  expect(names.filter((name) => names.some((other) => name.startsWith(`${other} `)))).toEqual([]);
});

test('every command is in the list', () => {
  const folder = 'src/cli/commands';
  const defined = readdirSync(folder).flatMap((file) =>
    [...readFileSync(`${folder}/${file}`, 'utf8').matchAll(/^export const (\w+): Command\b/gm)].map(
      (match) => match[1],
    ),
  );
  expect(defined.length).toBeGreaterThan(40);
  const listed = readFileSync('src/cli/catalogue.ts', 'utf8');
  expect(defined.filter((name) => !listed.includes(`).${name} }`) && !listed.includes(`).${name},`))).toEqual([]);
});

// What asks a running node needs neither a node nor the rooms that one is made of: the answer is there before those were loaded.
test.each(['status', 'why', 'message-list', 'message-withdraw', 'case'])('%s loads no more than it needs', (file) => {
  const text = readFileSync(`src/cli/commands/${file}.ts`, 'utf8');
  // As whom a command acts is found out beside the commands.
  const acting = text.includes("'../acting.ts'") ? readFileSync('src/cli/acting.ts', 'utf8') : '';
  const rooms = [...(text + acting).matchAll(/^import (?!type )[^;]* from '(?:\.\.\/)+(\w+)\/mod\.ts';$/gm)].map(
    (match) => match[1],
  );
  expect(rooms).toContain('client');
  expect(rooms.filter((room) => room === undefined || !['client', 'credential', 'base'].includes(room))).toEqual([]);
});
