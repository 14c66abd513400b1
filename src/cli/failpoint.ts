import { FAILPOINTS, noFailpoint, type Failpoint } from '../base/mod.ts';
import { CliError } from './error.ts';

const VARIABLE = 'ROGATORY_TEST_FAILPOINT';
const SHARE_VARIABLE = 'ROGATORY_TEST_STORE_SHARE';

/**
 * For tests only: `ROGATORY_TEST_FAILPOINT=name:n` makes the node end as if its plug were pulled, the n-th time it comes to that step.
 * @throws {CliError} CLI_USAGE for a step that does not exist: a test that waits for it would prove nothing
 */
export function failpointFrom(env: Readonly<Record<string, string | undefined>>, die: () => void): Failpoint {
  const text = env[VARIABLE];
  if (text === undefined || text === '') return noFailpoint;
  const [name, count = '1'] = text.split(':');
  if (!FAILPOINTS.some((known) => known === name) || !/^[1-9][0-9]{0,5}$/.test(count))
    throw new CliError('CLI_USAGE', `${VARIABLE} is not NAME:N with the name of a failpoint.`);
  let left = Number(count);
  return (reached) => {
    if (reached === name && --left === 0) die();
  };
}

/**
 * For tests only: `ROGATORY_TEST_STORE_SHARE=0.01` has the store's segments be full at that part of their size, so that a short life sees
 * many of them settled.
 * @throws {CliError} CLI_USAGE
 */
export function storeShareFrom(env: Readonly<Record<string, string | undefined>>): number | undefined {
  const text = env[SHARE_VARIABLE];
  if (text === undefined || text === '') return undefined;
  if (!/^(?:1|0\.[0-9]{1,6})$/.test(text))
    throw new CliError('CLI_USAGE', `${SHARE_VARIABLE} is not a number from 0 to 1.`);
  return Number(text);
}
