/** What people copy files with: age through ssh, and scp, both to an ssh server of one's own on loopback. */
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { freePort } from './federation.mjs';

const SSHD = '/usr/sbin/sshd';
const isThere = (name) => ['/usr/bin', '/bin', '/usr/local/bin'].some((folder) => existsSync(join(folder, name)));

/** Why they cannot be measured here; undefined when they can. */
export function copiersObjection() {
  if (!existsSync(SSHD) || !isThere('scp'))
    return 'no ssh server (Debian: apt-get install openssh-server openssh-client)';
  if (!isThere('age')) return 'no age (Debian: apt-get install age)';
  return process.getuid() === 0 ? undefined : 'an ssh server can only be started by root';
}

/** Starts the server; both contestants copy `source` and sync what they wrote. Gives seconds. */
export async function openCopiers(folder, source) {
  const port = await freePort();
  const at = (name) => join(folder, name);
  mkdirSync('/run/sshd', { recursive: true });
  for (const name of ['host', 'user']) execFileSync('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', at(name)]);
  execFileSync('age-keygen', ['-o', at('age')], { stdio: 'ignore' });
  const recipient = /age1\w+/.exec(readFileSync(at('age'), 'utf8'))[0];
  writeFileSync(
    at('sshd.conf'),
    [
      `Port ${port}`,
      'ListenAddress 127.0.0.1',
      `HostKey ${at('host')}`,
      `AuthorizedKeysFile ${at('user.pub')}`,
      `PidFile ${at('sshd.pid')}`,
      'StrictModes no',
      'UsePAM no',
      'PasswordAuthentication no',
      'PermitRootLogin yes',
      'Subsystem sftp internal-sftp',
      '',
    ].join('\n'),
  );
  const server = spawn(SSHD, ['-D', '-e', '-f', at('sshd.conf')], { stdio: 'ignore' });
  await untilListening(port, server);
  const options = `-i ${at('user')} -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o LogLevel=ERROR`;
  const host = `${userInfo().username}@127.0.0.1`;
  const timed = async (command) => {
    const start = performance.now();
    await run(command);
    const seconds = (performance.now() - start) / 1000;
    rmSync(at('copy'), { force: true });
    return seconds;
  };
  return {
    age: () =>
      timed(
        `age -r ${recipient} <${source} | ssh -p ${port} ${options} ${host} 'age -d -i ${at('age')} >${at('copy')} && sync ${at('copy')}'`,
      ),
    scp: () => timed(`scp -q -P ${port} ${options} ${source} ${host}:${at('copy')} && sync ${at('copy')}`),
    close: async () => {
      const ended = new Promise((resolve) => server.once('exit', resolve));
      server.kill();
      await ended;
    },
  };
}

function run(command) {
  return new Promise((resolve, reject) => {
    const child = spawn('bash', ['-o', 'pipefail', '-c', command], { stdio: ['ignore', 'inherit', 'inherit'] });
    child.once('exit', (code) => (code === 0 ? resolve() : reject(new Error(`a copy failed with status ${code}`))));
  });
}

async function untilListening(port, server) {
  for (let tries = 0; tries < 200; tries++) {
    if (server.exitCode !== null) throw new Error('the ssh server did not start');
    const isUp = await new Promise((resolve) => {
      const socket = createConnection(port, '127.0.0.1', () => {
        socket.destroy();
        resolve(true);
      });
      socket.once('error', () => resolve(false));
    });
    if (isUp) return;
    await wait(50);
  }
  throw new Error('the ssh server does not answer');
}
