import { ApiError } from '../client/mod.ts';

/**
 * A number of things, or the place of one, as it stands in a path or query.
 * @param what to call it in the refusal
 * @throws {ApiError} API_BAD_REQUEST
 */
export function parseCount(text: string, what: string): number {
  if (!/^(0|[1-9][0-9]{0,14})$/.test(text))
    throw new ApiError('API_BAD_REQUEST', `${what} is a whole number, and “${text.slice(0, 40)}” is none.`);
  return Number(text);
}
