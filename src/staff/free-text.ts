import { z } from 'zod';
import { formatOf } from '../wire/mod.ts';

const { wants, matches } = formatOf('text');

/** Free text of this node's people: it is shown on other people's terminals, which control characters in it would command. */
export function freeText(maxLength: number): z.ZodType<string> {
  return z
    .string()
    .overwrite((text) => text.replaceAll('\r\n', '\n').normalize())
    .max(maxLength)
    .refine(matches, `must be ${wants}`);
}
