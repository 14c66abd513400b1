export * from './bytes.ts';
export * from './clock.ts';
export * from './durable-file.ts';
export * from './ed25519.ts';
export * from './error.ts';
export * from './ids.ts';
export * from './jwk.ts';
export { bytesToBase64, crc32, sha256, sha512 } from './platform.ts';
export * from './verdict.ts';
