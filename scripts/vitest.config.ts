import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/kit/run-folder.ts'],
    // Loading the program, and the tools, took most files longer than their tests: a process goes on with the next file.
    pool: 'forks',
    isolate: false,
    // Much of the time a test waits, for a disk or a peer.
    maxWorkers: 3,
    testTimeout: 180_000,
    hookTimeout: 180_000,
  },
});
