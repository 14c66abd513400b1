/**
 * What a message costs before any of our code: the primitives alone, one after another in one process, on 3 KB. Nothing here uses the
 * built rooms, so that a slow room cannot lower its own bar.
 */
import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  randomBytes,
  sign,
  verify,
} from 'node:crypto';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { openEcho } from './echo.mjs';
import { median, percentile, repeat } from './measure.mjs';

/** Payload of the message that everything is measured with. */
export const MESSAGE_BYTES = 3072;
const BATCH = 128;
const FLOORS = ['sign', 'verify', 'seal', 'open', 'fsync', 'storeOne', 'storeBatch', 'echo'];

/** Opens everything that the floors need. */
export async function openFloors(folder) {
  const payload = randomBytes(MESSAGE_BYTES);
  const signer = generateKeyPairSync('ed25519');
  const recipient = generateKeyPairSync('x25519');
  const restKey = randomBytes(32);
  const token = payload.toString('base64url');
  const input = Buffer.from(token, 'latin1');
  const signature = sign(null, input, signer.privateKey);
  const sealed = sealOnce(payload, signer.privateKey, recipient.publicKey);
  const file = await open(join(folder, 'floor.log'), 'a');
  const log = await open(join(folder, 'floor.store'), 'a');
  const echo = await openEcho(folder);
  const putBatch = async (size) => {
    // Every value rests encrypted, so that belongs to what storing costs.
    await log.writev(Array.from({ length: size }, () => restSealed(restKey, payload)));
    await log.datasync();
  };
  // A message that is alone shares nothing: three checkpoints are signed for it, and two are verified. What it waits for between its steps
  // (sockets, the disk, threads that were asleep) is in it too, and in no sum of the parts.
  const checkpoint = randomBytes(128);
  const noted = sign(null, checkpoint, signer.privateKey);
  const signCheckpoint = () => sign(null, checkpoint, signer.privateKey);
  const verifyCheckpoint = () => verify(null, checkpoint, signer.publicKey, noted);
  const oneMessage = async () => {
    sealOnce(payload, signer.privateKey, recipient.publicKey);
    await putBatch(1);
    signCheckpoint();
    await echo.exchange(1);
    verifyCheckpoint();
    openOnce(sealed, signer.publicKey, recipient.privateKey);
    await putBatch(1);
    signCheckpoint();
    verifyCheckpoint();
    await putBatch(1);
    signCheckpoint();
  };
  return {
    turns: (ms) => ({
      sign: () => repeat(() => sign(null, input, signer.privateKey), ms),
      verify: () => repeat(() => verify(null, input, signer.publicKey, signature), ms),
      seal: () => repeat(() => sealOnce(payload, signer.privateKey, recipient.publicKey), ms),
      open: () => repeat(() => openOnce(sealed, signer.publicKey, recipient.privateKey), ms),
      fsync: () =>
        repeat(async () => {
          await file.write(payload);
          await file.datasync();
        }, ms),
      storeOne: () => repeat(() => putBatch(1), ms),
      storeBatch: () => repeat(() => putBatch(BATCH), ms, BATCH),
      echo: () => repeat(() => echo.exchange(64), ms, 64),
      // As long as a turn of the exchange, for the sake of the slowest of a hundred.
      alone: () => timesOf(oneMessage, 6 * ms),
    }),
    close: async () => {
      await echo.close();
      await log.close();
      await file.close();
    },
  };
}

/**
 * What the floors add up to, from the results of their turns.
 *
 * A message is signed and sealed once, opened and verified once, crosses the wire once with a receipt coming back, and is stored durably
 * once at either side; checkpoint signatures and flushes are shared by a batch and weigh nothing at 256 in flight. Two nodes work on it at
 * once, so the ceiling is that of as many cores as there are, at most two.
 */
export function addUp(results, cores) {
  const mediansOf = (member) =>
    Object.fromEntries(FLOORS.map((name) => [name, median(results[name].map((round) => round[member]))]));
  const [cpu, wall] = [mediansOf('cpuUs'), mediansOf('wallUs')];
  const messageCpuUs = cpu.seal + cpu.open + cpu.echo + 2 * cpu.storeBatch;
  return {
    cpu,
    wall,
    messageCpuUs,
    ceilingPerSecond: (Math.min(2, cores) * 1e6) / messageCpuUs,
    aloneMs: median(results.alone.map(({ wallUs }) => wallUs)) / 1000,
    aloneP99Ms:
      percentile(
        results.alone.flatMap(({ times }) => times),
        0.99,
      ) / 1000,
    // Stored, taken, held: three synced writes one after another, around one sealing and one opening.
    partsMs: (3 * wall.storeOne + cpu.seal + cpu.open + cpu.echo) / 1000,
  };
}

/** Repeats an operation for a while; how long it takes half of the times, and every time, in microseconds. */
async function timesOf(act, forMs) {
  const times = [];
  for (const start = performance.now(); performance.now() - start < forMs;) {
    const begun = performance.now();
    await act();
    times.push((performance.now() - begun) * 1000);
  }
  return { wallUs: median(times), times };
}

function restSealed(key, bytes) {
  const nonce = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', key, nonce);
  return Buffer.concat([nonce, cipher.update(bytes), cipher.final(), cipher.getAuthTag()]);
}

/** Sign, then seal: base64url twice, one X25519 key pair, one agreement, one AES-256-GCM. */
function sealOnce(payload, signKey, recipientKey) {
  const input = `eyJhbGciOiJFZDI1NTE5In0.${payload.toString('base64url')}`;
  const jws = `${input}.${sign(null, Buffer.from(input, 'latin1'), signKey).toString('base64url')}`;
  const ephemeral = generateKeyPairSync('x25519', { publicKeyEncoding: { format: 'jwk' } });
  const secret = diffieHellman({ privateKey: ephemeral.privateKey, publicKey: recipientKey });
  const iv = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', createHash('sha256').update(secret).digest(), iv);
  const ciphertext = cipher.update(jws, 'latin1');
  cipher.final();
  const { x } = ephemeral.publicKey;
  return `${x}.${iv.toString('base64url')}.${ciphertext.toString('base64url')}.${cipher.getAuthTag().toString('base64url')}`;
}

function openOnce(sealed, verifyKey, recipientKey) {
  const [x, iv, ciphertext, tag] = sealed.split('.');
  const publicKey = createPublicKey({ key: { kty: 'OKP', crv: 'X25519', x }, format: 'jwk' });
  const secret = diffieHellman({ privateKey: recipientKey, publicKey });
  const key = createHash('sha256').update(secret).digest();
  const decipher = createDecipheriv('aes-256-gcm', key, Buffer.from(iv, 'base64url'));
  decipher.setAuthTag(Buffer.from(tag, 'base64url'));
  const jws = decipher.update(Buffer.from(ciphertext, 'base64url')).toString('latin1');
  decipher.final();
  const end = jws.lastIndexOf('.');
  const input = Buffer.from(jws.slice(0, end), 'latin1');
  if (!verify(null, input, verifyKey, Buffer.from(jws.slice(end + 1), 'base64url'))) throw new Error('does not verify');
  return Buffer.from(jws.slice(jws.indexOf('.') + 1, end), 'base64url');
}
