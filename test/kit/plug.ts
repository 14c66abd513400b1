import { ApiClient } from '../../src/client/mod.ts';
import type { FailpointName } from '../../src/base/mod.ts';
import { nodePaths } from '../../src/config/mod.ts';
import { blamesIn } from './blame.ts';
import type { TestFederation } from './federation.ts';
import { runCommand, type Outcome } from './process.ts';

type Life = ReturnType<typeof runCommand> & { over: boolean };

/** A node in a process of its own whose plug can be pulled, by a test or by the node itself at a named step; and put in again. */
export class Plug {
  readonly api: ApiClient;
  /** How many lives ended by themselves, at each step that one ended at. */
  readonly reached = new Map<FailpointName, number>();
  deaths = 0;
  readonly #config: string;
  readonly #env: Readonly<Record<string, string>>;
  #life: Life | undefined;
  #armed: FailpointName | undefined;

  /** @param env beside the tests' own */
  constructor(federation: TestFederation, code: string, env: Readonly<Record<string, string>> = {}) {
    this.#env = env;
    this.#config = nodePaths(federation.dirOf(code)).config;
    this.api = new ApiClient(federation.dirOf(code));
  }

  /** Starts the node. @param armed where it is to die, and at which passage */
  start(armed?: { readonly name: FailpointName; readonly passage: number }): void {
    this.#armed = armed?.name;
    const failpoint = armed === undefined ? {} : { ROGATORY_TEST_FAILPOINT: `${armed.name}:${armed.passage}` };
    const env = { ...this.#env, ...failpoint };
    const life = {
      ...runCommand([process.execPath, 'scripts/rogatory', 'serve', '--config', this.#config], env),
      over: false,
    };
    void life.outcome.then(() => (life.over = true));
    this.#life = life;
  }

  isArmedFor(name: FailpointName): boolean {
    return this.#armed === name;
  }

  /** Resolves once the node answers, or is dead. */
  async answersOrDies(): Promise<void> {
    const life = this.#life!;
    while (!life.over) {
      const answers = await this.api.get('checkpoint').then(
        () => true,
        () => false,
      );
      if (answers) return;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /**
   * Waits for the node to die where it is armed, and pulls the plug if it does not.
   * @param patienceMs from when it answers
   * @returns how the life ended, for a node that failed
   */
  async die(patienceMs: number, signal: 'SIGKILL' | 'SIGTERM' = 'SIGKILL'): Promise<Outcome | undefined> {
    const life = this.#life!;
    await this.answersOrDies();
    let timer: NodeJS.Timeout | undefined;
    const patience = new Promise((resolve) => (timer = setTimeout(resolve, patienceMs)));
    await Promise.race([patience, life.outcome]);
    clearTimeout(timer);
    const byItself = life.over;
    if (!byItself) life.child.kill(signal);
    const outcome = await life.outcome;
    requireNoBlame(outcome);
    this.deaths++;
    if (life.child.signalCode !== 'SIGKILL') return signal === 'SIGTERM' && outcome.status === 0 ? undefined : outcome;
    if ((byItself || signal === 'SIGTERM') && this.#armed !== undefined)
      this.reached.set(this.#armed, (this.reached.get(this.#armed) ?? 0) + 1);
    return undefined;
  }

  /** Ends the node for good. */
  async end(): Promise<void> {
    if (this.#life === undefined) return;
    await this.#life.end();
    requireNoBlame(await this.#life.outcome);
  }
}

/** Nodes that die keep the protocol all the same, and so do those that outlive them. */
function requireNoBlame({ stderr }: Outcome): void {
  const blames = blamesIn(stderr);
  if (blames.length > 0) throw new Error(`a session ended with ${blames.join(', ')}:\n${stderr.slice(-4000)}`);
}
