/** F01, seen from the kernel: a process may die at any write. */
import { describe } from 'vitest';
import { CAN_TRACE, FAULTS_REQUIRED } from '../kit/strace.ts';
import { testDeathsAt } from '../kit/traced-deaths.ts';

describe.runIf(CAN_TRACE && FAULTS_REQUIRED)('what the kernel sees', () => {
  testDeathsAt('pwrite64', [1, 2, 3, 4, 5, 6]);
  testDeathsAt('pwritev', [1, 2, 3, 4, 5, 6]);
});
