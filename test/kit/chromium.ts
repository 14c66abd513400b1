/** A headless Chromium, driven over its DevTools protocol: enough to hand files to a page and read what it shows. */
import { spawn, spawnSync } from 'node:child_process';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';
import { onTestFinished } from 'vitest';
import { WebSocket } from 'ws';
import { temporaryFolder } from './folder.ts';

/** The browser’s program, where one is installed. */
export const CHROMIUM = ['chromium', 'chromium-browser', 'google-chrome'].find(
  (name) => spawnSync(name, ['--version'], { stdio: 'ignore' }).status === 0,
);

/** A page under a test's control. */
export interface Page {
  /** The value of an expression in the page, as JSON. */
  evaluate<T>(expression: string): Promise<T>;
  /** Chooses files in a file input. */
  setFiles(selector: string, paths: readonly string[]): Promise<void>;
  /** What the page wrote to its console, and what its policy stopped. */
  readonly complaints: string[];
}

/** Opens a local file in a browser of its own, which ends with the test. */
export async function openPage(path: string): Promise<Page> {
  const child = spawn(
    CHROMIUM!,
    [
      '--headless=new',
      '--no-sandbox',
      '--disable-gpu',
      // Nothing but the page: the browser itself must not look for the network either.
      '--no-first-run',
      '--disable-quic',
      '--disable-sync',
      '--disable-background-networking',
      '--disable-component-update',
      '--remote-debugging-port=0',
      `--user-data-dir=${temporaryFolder()}`,
      'about:blank',
    ],
    // A group of its own: the processes that it starts in turn write into its folder for as long as they do not notice that it is gone.
    { stdio: ['ignore', 'ignore', 'pipe'], detached: true },
  );
  const ended = new Promise((resolve) => child.once('exit', resolve));
  onTestFinished(async () => {
    if (child.exitCode === null && child.signalCode === null) process.kill(-child.pid!, 'SIGKILL');
    await ended;
  });
  const endpoint = await new Promise<string>((resolve, reject) => {
    createInterface({ input: child.stderr }).on('line', (line) => {
      const match = /DevTools listening on (ws:\S+)/.exec(line);
      if (match !== null) resolve(match[1]!);
    });
    child.once('exit', () => {
      reject(new Error('the browser ended before it listened'));
    });
  });
  const targets = (await (await fetch(`http://${new URL(endpoint).host}/json`)).json()) as {
    readonly type: string;
    readonly webSocketDebuggerUrl: string;
  }[];
  const socket = new WebSocket(targets.find(({ type }) => type === 'page')!.webSocketDebuggerUrl, {
    perMessageDeflate: false,
    maxPayload: 1e8,
  });
  await new Promise((resolve) => socket.once('open', resolve));
  const waiting = new Map<number, (message: { result?: never; error?: { message: string } }) => void>();
  const events = new Map<string, () => void>();
  const complaints: string[] = [];
  socket.on('message', (data: Buffer) => {
    const message = JSON.parse(data.toString()) as {
      id?: number;
      method?: string;
      params?: { entry?: { text: string } };
    };
    if (message.id !== undefined) waiting.get(message.id)?.(message as never);
    if (message.method === 'Log.entryAdded') complaints.push(message.params!.entry!.text);
    if (message.method === 'Runtime.exceptionThrown' || message.method === 'Runtime.consoleAPICalled')
      complaints.push(JSON.stringify(message.params));
    if (message.method !== undefined) events.get(message.method)?.();
  });
  let last = 0;
  const call = <T>(method: string, params: object = {}): Promise<T> =>
    new Promise((resolve, reject) => {
      const id = ++last;
      waiting.set(id, ({ result, error }) => {
        waiting.delete(id);
        if (error === undefined) resolve(result as T);
        else reject(new Error(`${method}: ${error.message}`));
      });
      socket.send(JSON.stringify({ id, method, params }));
    });
  const loaded = new Promise<void>((resolve) => events.set('Page.loadEventFired', resolve));
  for (const domain of ['Page', 'Runtime', 'DOM', 'Log']) await call(`${domain}.enable`);
  await call('Page.navigate', { url: pathToFileURL(path).href });
  await loaded;
  return {
    complaints,
    evaluate: async <T>(expression: string) => {
      const answer = await call<{ result: { value: T }; exceptionDetails?: object }>('Runtime.evaluate', {
        expression,
        returnByValue: true,
        awaitPromise: true,
      });
      if (answer.exceptionDetails !== undefined) throw new Error(JSON.stringify(answer.exceptionDetails));
      return answer.result.value;
    },
    setFiles: async (selector, paths) => {
      // By reference: ids of nodes are given anew whenever the page is looked at again.
      const { result } = await call<{ result: { objectId: string } }>('Runtime.evaluate', {
        expression: `document.querySelector(${JSON.stringify(selector)})`,
      });
      await call('DOM.setFileInputFiles', { objectId: result.objectId, files: paths });
    },
  };
}
