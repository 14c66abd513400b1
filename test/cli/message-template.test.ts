import { expect, test } from 'vitest';
import { contentFaults } from '../../src/casework/mod.ts';
import { BODY_TYPES, parseDraft } from '../../src/wire/mod.ts';
import { XA, XB } from '../kit/casework.ts';
import { runCommand } from '../kit/command.ts';

test.each([...BODY_TYPES])('what is printed of a %s can be sent today', async (type) => {
  const { status, stdout } = await runCommand('message', 'template', type);
  expect(status).toBe(0);
  expect(contentFaults(parseDraft(JSON.parse(stdout)).body, { from: XA, to: XB, issued_at: Date.now() })).toEqual([]);
});
