import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

// Those that take longest, in `npm test` or deep: begun last, one of them would keep everybody waiting, and one processor idle.
const FIRST = [
  'model/exchange-model',
  'faults/replay',
  'ledger/crash',
  'faults/f04-bit-flips',
  'faults/f04-other-files',
  'interop/verifier',
  'cli/commands',
  'faults/f01-traced',
];

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification): number => {
      const index = FIRST.findIndex((name) => moduleId.includes(name));
      return index < 0 ? FIRST.length : index;
    };
    return (await super.sort(files)).sort((a, b) => rank(a) - rank(b));
  }
}

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/kit/run-folder.ts'],
    // Loading the program, and the tools, took most files longer than their tests: a process goes on with the next file.
    pool: 'forks',
    isolate: false,
    sequence: { sequencer: LongestFirst },
    // Much of the time a test waits, for a disk or a peer.
    maxWorkers: 3,
    testTimeout: 180_000,
    hookTimeout: 180_000,
  },
});
