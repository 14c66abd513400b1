export * from './bytes.ts';
export * from './clock.ts';
export * from './counted.ts';
export * from './durable-file.ts';
export * from './ed25519.ts';
export * from './error.ts';
export * from './failpoint.ts';
export * from './ids.ts';
export * from './jwk.ts';
export {
  bytesToBase64,
  bytesToBase64url,
  crc32,
  randomFew,
  sha256,
  sha512,
  utf8Reader,
  utf8ToBytes,
} from './platform.ts';
export * from './shell-word.ts';
export * from './suite.ts';
export * from './transient-map.ts';
export * from './verdict.ts';
