/**
 * Makes a fresh clone ready to run: installs packages, generates code from `proto/`, builds `src/` into `.build/`. Does only what is
 * missing or out of date, so that every start can call it. Needs nothing but Node and npm; everything it says goes to stderr.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';

const top = dirname(dirname(fileURLToPath(import.meta.url)));
const at = (...parts) => join(top, ...parts);
const MIN_NODE = [20, 19];
const PACKAGES_STAMP = at('node_modules', '.rogatory-lockfile');
const BUILD_STAMP = at('.build', '.stamp');
const LOCK = at('.build.lock');
const GENERATED = at('src', 'wire', 'generated');

/** @throws {Error} with a message for people when a step fails */
export async function bootstrap() {
  requireNode();
  if (isCurrent()) return;
  await lock();
  try {
    // Another process may have done it all while this one waited.
    if (!packagesAreCurrent()) installPackages();
    if (!buildIsCurrent()) build();
  } finally {
    rmSync(LOCK, { recursive: true, force: true });
  }
}

function requireNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > MIN_NODE[0] || (major === MIN_NODE[0] && minor >= MIN_NODE[1])) return;
  throw new Error(`Node ${MIN_NODE.join('.')} or newer is needed; this is ${process.versions.node}.`);
}

function isCurrent() {
  return packagesAreCurrent() && buildIsCurrent();
}

function packagesAreCurrent() {
  return readStamp(PACKAGES_STAMP) === fileDigest(at('package-lock.json'));
}

function buildIsCurrent() {
  return existsSync(GENERATED) && readStamp(BUILD_STAMP) === sourcesDigest();
}

function installPackages() {
  say('installing packages …');
  run('npm', ['ci', '--no-audit', '--no-fund', '--loglevel=error'], 'npm ci failed: is the network there?');
  writeFileSync(PACKAGES_STAMP, fileDigest(at('package-lock.json')));
}

function build() {
  say('building …');
  run(process.execPath, [at('scripts', 'generate.mjs')], 'generating code from proto/ failed.');
  // Built aside and moved into place, so that a build that fails or is interrupted leaves the one before.
  const fresh = at('.build.new');
  rmSync(fresh, { recursive: true, force: true });
  run(process.execPath, [at('scripts', 'build.mjs'), fresh], 'the build failed.');
  writeFileSync(join(fresh, '.stamp'), sourcesDigest());
  rmSync(at('.build'), { recursive: true, force: true });
  renameSync(fresh, at('.build'));
}

/** A folder as a lock: making it is atomic. One whose process is gone is broken. */
async function lock() {
  for (let waited = false; ; waited = true) {
    try {
      mkdirSync(LOCK);
      writeFileSync(join(LOCK, 'pid'), String(process.pid));
      return;
    } catch (error) {
      if (error.code !== 'EEXIST') throw new Error(`cannot write in ${top}: ${error.message}`, { cause: error });
    }
    if (!waited) say('waiting for another build …');
    await wait(250);
    if (!holderIsAlive()) rmSync(LOCK, { recursive: true, force: true });
  }
}

function holderIsAlive() {
  try {
    const pid = Number(readFileSync(join(LOCK, 'pid'), 'utf8'));
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Between making the folder and writing the pid there is nothing to read: that takes no second.
    return (
      error.code === 'EPERM' ||
      (error.code === 'ENOENT' && existsSync(LOCK) && Date.now() - statSync(LOCK).mtimeMs < 2000)
    );
  }
}

/** Names, sizes and times of everything that a build is made of. */
function sourcesDigest() {
  const hash = createHash('sha256').update(process.versions.node.split('.')[0]);
  const folders = ['src', 'proto', ...['treaties', 'states', 'code-lists'].map((kind) => join('node-config', kind))];
  for (const folder of folders) addFolder(hash, at(folder));
  for (const file of ['package-lock.json', 'scripts/generate.mjs', 'scripts/build.mjs']) addFile(hash, at(file));
  return hash.digest('hex');
}

function addFolder(hash, folder) {
  if (folder === GENERATED) return;
  for (const entry of readdirSync(folder, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) addFolder(hash, path);
    else addFile(hash, path);
  }
}

function addFile(hash, path) {
  const { size, mtimeMs } = statSync(path);
  hash.update(`${path}\n${size}\n${mtimeMs}\n`);
}

function fileDigest(path) {
  return createHash('sha256').update(readFileSync(path)).digest('hex');
}

function readStamp(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

function run(command, args, failure) {
  const { status, error } = spawnSync(command, args, { cwd: top, stdio: ['ignore', 2, 2] });
  if (status !== 0) throw new Error(failure, { cause: error });
}

function say(what) {
  process.stderr.write(`rogatory: ${what}\n`);
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  await bootstrap().catch((error) => {
    say(error.message);
    process.exitCode = 1;
  });
}
