/** What somebody else wrote does not pass for a line of the program's. */
import { expect, test, vi } from 'vitest';
import { ApiClient } from '../../src/client/mod.ts';
import { runCommand } from '../kit/command.ts';

const ID = '019c0000-0000-7000-8000-000000000000';
const FORGED = '  9  2026-01-01T00:00:00.000Z  RECEIVE  XA, Safe  [signed by XA]';

test.each([
  [
    ['evidence', 'custody', 'show', '--case', ID],
    {
      items: [
        {
          origin: 'XB',
          item: { item_id: 'e1', description: { text: `A disk\n${FORGED}` } },
          faults: [],
          differing: [],
        },
      ],
    },
    [`Exhibit e1 of XB: A disk ${FORGED.trim().replaceAll(/ +/g, ' ')}`],
  ],
  [
    ['task', 'list'],
    [
      {
        task_id: ID,
        agency: 'POLICE',
        measure_ids: ['m1'],
        instructions: 'Ask.',
        answer: { unit: 'D4', text: `No\n${ID}  OPEN`, file_ids: [ID] },
      },
    ],
    [`${ID}  POLICE  m1  answered by D4`, '    Ask.', '    → No', `    → ${ID}  OPEN`, `    → file ${ID}`],
  ],
])('%j', async (args, answer, lines) => {
  const spy = vi.spyOn(ApiClient.prototype, 'get').mockResolvedValue(answer);
  try {
    const { stdout } = await runCommand(...args, '--node', '/nowhere');
    expect(stdout.trimEnd().split('\n')).toEqual(lines);
  } finally {
    spy.mockRestore();
  }
});
