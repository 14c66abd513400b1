/** Two or more nodes made as the commands make them, each to be run in a process of its own. */
import { execFile, fork } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { room } from './rooms.mjs';

const self = fileURLToPath(import.meta.url);

/**
 * Makes and enrols nodes, in a process that loads what theirs will load; gives the path of each one's configuration.
 * @param {string[]} execArgv options of Node, such as a loader of the bench's own
 * @returns {Promise<Record<string, string>>} by code
 */
export async function makeFederation(folder, codes, execArgv = []) {
  const { stdout } = await promisify(execFile)(process.execPath, [...execArgv, self, folder, ...codes]);
  return JSON.parse(stdout);
}

// A code with a region only dials out: of a hundred peers that are to connect to one, none dials another.
const dialsOnly = (code) => code.includes('-');

async function make(folder, codes) {
  const { createCouncil, enrolMember, fingerprintOf, initNode, installManifest, signDraft } = await room('node');
  const { nodePaths } = await room('config');
  const { verifyManifest } = await room('trust');
  const dirOf = (code) => join(folder, code.toLowerCase());
  for (const code of codes) {
    const port = await freePort();
    await initNode({
      code,
      dir: dirOf(code),
      name: code,
      authority: `Central authority of ${code}`,
      endpoint: dialsOnly(code) ? '' : `wss://127.0.0.1:${port}/federation`,
      listen: dialsOnly(code) ? undefined : { host: '127.0.0.1', port },
      origin: `${code.toLowerCase()}.bench.example`,
      passphrase: undefined,
    });
  }
  const council = join(folder, 'council');
  await createCouncil(council, { keys: 1, threshold: 1 });
  for (const code of codes) await enrolMember(council, await readFile(nodePaths(dirOf(code)).enrolment, 'utf8'));
  const manifest = await signDraft(council);
  const verified = verifyManifest(manifest, { selfSigned: true });
  if (!verified.ok) throw new Error(verified.detail);
  const fingerprint = fingerprintOf(verified.value);
  for (const code of codes) await installManifest(dirOf(code), manifest, fingerprint);
  return Object.fromEntries(codes.map((code) => [code, nodePaths(dirOf(code)).config]));
}

/** Starts a node in its own process and gives a way to ask it things. */
export async function startNode(config, execArgv = []) {
  return startProcess('node-process.mjs', [config], execArgv);
}

/** Starts one of the bench's own processes that answers questions, and waits until it says that it has started. */
export async function startProcess(name, args, execArgv = []) {
  const child = fork(fileURLToPath(new URL(name, import.meta.url)), args, {
    execArgv,
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  let settle = () => undefined;
  let fail = () => undefined;
  child.on('message', (answer) => {
    settle(answer);
  });
  child.on('exit', (code, signal) => {
    fail(new Error(`a node ended: ${code ?? signal}`));
  });
  const answer = () =>
    new Promise((resolve, reject) => {
      settle = resolve;
      fail = reject;
    });
  const started = answer();
  await started;
  return {
    pid: child.pid,
    ask: async (question) => {
      const coming = answer();
      child.send(question);
      const answered = await coming;
      if (answered.error !== undefined) throw new Error(answered.error);
      return answered;
    },
    stop: async () => {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const ended = new Promise((resolve) => child.once('exit', resolve));
      fail = () => undefined;
      child.send({ act: 'stop' });
      await ended;
    },
  };
}

/** A port that nobody uses right now, and that none of the connections of a measurement is given. */
export async function freePort() {
  const built = await import(new URL('../../.build/cli/sandbox/free-port.js', import.meta.url).href);
  return built.freePort();
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [folder, ...codes] = process.argv.slice(2);
  process.stdout.write(JSON.stringify(await make(folder, codes)));
}
