/**
 * A token behind PKCS #11: a hardware security module, a smart card, or SoftHSM. Private keys never leave it; the process keeps one session
 * and asks. The library is a process-wide thing, and so is being logged in: one token is opened once, however many ask for it.
 * @see PKCS #11 v3.0 §5; mechanisms CKM_EC_EDWARDS_KEY_PAIR_GEN, CKM_EDDSA, CKM_ECDH1_DERIVE
 */
import { randomBytes } from 'node:crypto';
import { createRequire } from 'node:module';
import type { TokenConfig } from '../config/mod.ts';
import { NodeError } from './error.ts';

/** A pair of keys in the token. */
export interface TokenPair {
  /** CKA_ID, which both objects of a pair have. */
  readonly id: Buffer;
  /** 32 bytes. */
  readonly publicKey: Uint8Array;
}

/** What is used of `pkcs11js`, which is not there on a machine that has no use for it. */
interface Cryptoki {
  load(path: string): void;
  C_Initialize(): void;
  C_GetSlotList(withToken: boolean): Buffer[];
  C_GetTokenInfo(slot: Buffer): { readonly label: string };
  C_OpenSession(slot: Buffer, flags: number): Buffer;
  C_Login(session: Buffer, user: number, pin: string): void;
  C_CloseSession(session: Buffer): void;
  C_GenerateKeyPair(session: Buffer, mechanism: Mechanism, open: Template, secret: Template): unknown;
  C_CreateObject(session: Buffer, template: Template): Buffer;
  C_DestroyObject(session: Buffer, object: Buffer): void;
  C_FindObjectsInit(session: Buffer, template: Template): void;
  C_FindObjects(session: Buffer, count: number): Buffer[];
  C_FindObjectsFinal(session: Buffer): void;
  C_GetAttributeValue(session: Buffer, object: Buffer, template: { type: number }[]): { value: Buffer }[];
  C_SignInit(session: Buffer, mechanism: Mechanism, key: Buffer): void;
  C_Sign(session: Buffer, data: Buffer, out: Buffer): Buffer;
  C_DeriveKey(session: Buffer, mechanism: Mechanism, key: Buffer, template: Template): Buffer;
}

interface Mechanism {
  readonly mechanism: number;
  readonly parameter?: object;
}

type Template = readonly { readonly type: number; readonly value: Buffer | number | boolean | string }[];

// Numbers of PKCS #11 v3.0, appendix A.
const CLASS = { type: 0x0, publicKey: 2, privateKey: 3, secretKey: 4 };
const KEY_TYPE = { type: 0x100, edwards: 0x40, genericSecret: 0x10 };
const [TOKEN, PRIVATE, LABEL, VALUE, ID, SENSITIVE] = [0x1, 0x2, 0x3, 0x11, 0x102, 0x103];
const [SIGN, VERIFY, DERIVE, VALUE_LENGTH, EXTRACTABLE, PARAMETERS, POINT] = [
  0x108, 0x10a, 0x10c, 0x161, 0x162, 0x180, 0x181,
];
const MECHANISM = { generate: 0x1055, eddsa: 0x1057, ecdh: 0x1050 };
const READ_WRITE_SESSION = 0x6;
const USER = 1;
// The type is a number of pkcs11js's own.
const ECDH_PARAMETERS = { type: 6, kdf: 1 };
const OID = { ed25519: Buffer.from('06032b6570', 'hex'), x25519: Buffer.from('06032b656e', 'hex') };
const CKR = { alreadyInitialized: 0x191, alreadyLoggedIn: 0x100 };
// The PIN is not right, out of range, expired or locked.
const PIN_REFUSED = [0xa0, 0xa1, 0xa2, 0xa3, 0xa4];
// The session is gone, and with it the handles of its objects: a token that was unplugged, or a module that was restarted.
const LOST = [0x30, 0x31, 0x32, 0x60, 0x82, 0xb0, 0xb3, 0xe0, 0x101];

const modules = new Map<string, Cryptoki>();
const tokens = new Map<string, Token>();

/** One token that this process is logged in to. */
export class Token {
  readonly #cryptoki: Cryptoki;
  readonly #config: TokenConfig;
  readonly #pin: string;
  readonly #handles = new Map<string, Buffer>();
  #session: Buffer;

  private constructor(cryptoki: Cryptoki, config: TokenConfig, pin: string) {
    this.#cryptoki = cryptoki;
    this.#config = config;
    this.#pin = pin;
    this.#session = this.#open();
  }

  /** @throws {NodeError} NODE_TOKEN_UNAVAILABLE, NODE_TOKEN_PIN */
  static open(config: TokenConfig, pin: string): Token {
    const name = `${config.module}\n${config.token}`;
    const known = tokens.get(name);
    if (known !== undefined) return known;
    const token = new Token(loadModule(config.module), config, pin);
    tokens.set(name, token);
    return token;
  }

  /** Every pair under a label. */
  pairs(label: string): TokenPair[] {
    return this.#attempt(() =>
      this.#find(CLASS.publicKey, { type: LABEL, value: label }).map((object) => {
        const [id, point] = this.#cryptoki.C_GetAttributeValue(this.#session, object, [{ type: ID }, { type: POINT }]);
        // DER: an octet string of 32 bytes. Some tokens give the bytes alone.
        return { id: id!.value, publicKey: new Uint8Array(point!.value.subarray(-32)) };
      }),
    );
  }

  /** Makes an Ed25519 pair that the token never gives out. */
  generate(label: string): TokenPair {
    const id = randomBytes(16);
    this.#attempt(() =>
      this.#cryptoki.C_GenerateKeyPair(
        this.#session,
        { mechanism: MECHANISM.generate },
        [
          ...common(CLASS.publicKey, OID.ed25519, label, id),
          { type: PRIVATE, value: false },
          { type: VERIFY, value: true },
        ],
        [...common(CLASS.privateKey, undefined, label, id), ...KEPT, { type: SIGN, value: true }],
      ),
    );
    return this.pairs(label).find((pair) => pair.id.equals(id))!;
  }

  /** Takes an X25519 pair in, which the token does not give out again. @param privateKey @param publicKey 32 bytes each */
  take(label: string, privateKey: Uint8Array, publicKey: Uint8Array): TokenPair {
    const id = randomBytes(16);
    const point = Buffer.concat([Buffer.of(0x04, publicKey.length), publicKey]);
    this.#attempt(() => {
      this.#cryptoki.C_CreateObject(this.#session, [
        ...common(CLASS.privateKey, OID.x25519, label, id),
        ...KEPT,
        { type: DERIVE, value: true },
        { type: VALUE, value: Buffer.from(privateKey) },
      ]);
      this.#cryptoki.C_CreateObject(this.#session, [
        ...common(CLASS.publicKey, OID.x25519, label, id),
        { type: PRIVATE, value: false },
        { type: POINT, value: point },
      ]);
    });
    return { id, publicKey };
  }

  /** Ed25519 over these bytes; 64 bytes. */
  sign({ id }: TokenPair, message: Uint8Array): Uint8Array {
    return this.#attempt(() => {
      this.#cryptoki.C_SignInit(this.#session, { mechanism: MECHANISM.eddsa }, this.#privateKey(id));
      return new Uint8Array(this.#cryptoki.C_Sign(this.#session, Buffer.from(message), Buffer.alloc(64)));
    });
  }

  /** The X25519 secret with a public key of 32 bytes. */
  agree({ id }: TokenPair, publicKey: Uint8Array): Uint8Array {
    return this.#attempt(() => {
      const parameter = { ...ECDH_PARAMETERS, sharedData: null, publicData: Buffer.from(publicKey) };
      const derived = this.#cryptoki.C_DeriveKey(
        this.#session,
        { mechanism: MECHANISM.ecdh, parameter },
        this.#privateKey(id),
        [
          { type: CLASS.type, value: CLASS.secretKey },
          { type: KEY_TYPE.type, value: KEY_TYPE.genericSecret },
          { type: TOKEN, value: false },
          { type: SENSITIVE, value: false },
          { type: EXTRACTABLE, value: true },
          { type: VALUE_LENGTH, value: 32 },
        ],
      );
      const [secret] = this.#cryptoki.C_GetAttributeValue(this.#session, derived, [{ type: VALUE }]);
      this.#cryptoki.C_DestroyObject(this.#session, derived);
      return new Uint8Array(secret!.value);
    });
  }

  /** Does it, and once more in a new session where the token was away. @throws {NodeError} NODE_TOKEN_FAILED */
  #attempt<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      if (!LOST.includes(numberOf(error))) throw this.#failure(error);
    }
    this.#handles.clear();
    this.#session = this.#open();
    try {
      return work();
    } catch (error) {
      throw this.#failure(error);
    }
  }

  #failure(cause: unknown): NodeError {
    if (cause instanceof NodeError) return cause;
    return new NodeError('NODE_TOKEN_FAILED', `The token ${this.#config.token} refused: ${nameOf(cause)}.`, { cause });
  }

  #open(): Buffer {
    const { module: path, token: label } = this.#config;
    try {
      const slot = this.#cryptoki
        .C_GetSlotList(true)
        .find((candidate) => this.#cryptoki.C_GetTokenInfo(candidate).label.trim() === label);
      if (slot === undefined)
        throw new NodeError('NODE_TOKEN_UNAVAILABLE', `${path} has no token with the label ${label}.`);
      const session = this.#cryptoki.C_OpenSession(slot, READ_WRITE_SESSION);
      try {
        this.#cryptoki.C_Login(session, USER, this.#pin);
      } catch (error) {
        if (numberOf(error) !== CKR.alreadyLoggedIn) throw error;
      }
      return session;
    } catch (cause) {
      if (cause instanceof NodeError) throw cause;
      if (PIN_REFUSED.includes(numberOf(cause)))
        throw new NodeError('NODE_TOKEN_PIN', `The token ${label} refuses the PIN: ${nameOf(cause)}.`, { cause });
      throw new NodeError('NODE_TOKEN_UNAVAILABLE', `The token ${label} does not answer: ${nameOf(cause)}.`, { cause });
    }
  }

  #privateKey(id: Buffer): Buffer {
    const name = id.toString('hex');
    const known = this.#handles.get(name);
    if (known !== undefined) return known;
    const [handle] = this.#find(CLASS.privateKey, { type: ID, value: id });
    if (handle === undefined)
      throw new NodeError(
        'NODE_TOKEN_FAILED',
        `The token ${this.#config.token} no longer has the private key ${name}.`,
      );
    this.#handles.set(name, handle);
    return handle;
  }

  #find(kind: number, by: Template[number]): Buffer[] {
    this.#cryptoki.C_FindObjectsInit(this.#session, [{ type: CLASS.type, value: kind }, by]);
    try {
      return this.#cryptoki.C_FindObjects(this.#session, 256);
    } finally {
      this.#cryptoki.C_FindObjectsFinal(this.#session);
    }
  }
}

const KEPT: Template = [
  { type: PRIVATE, value: true },
  { type: SENSITIVE, value: true },
  { type: EXTRACTABLE, value: false },
];

/** @param oid left out where the other half of a pair says it */
function common(kind: number, oid: Buffer | undefined, label: string, id: Buffer): Template {
  return [
    { type: CLASS.type, value: kind },
    { type: KEY_TYPE.type, value: KEY_TYPE.edwards },
    { type: TOKEN, value: true },
    ...(oid === undefined ? [] : [{ type: PARAMETERS, value: oid }]),
    { type: LABEL, value: label },
    { type: ID, value: id },
  ];
}

function loadModule(path: string): Cryptoki {
  const known = modules.get(path);
  if (known !== undefined) return known;
  let cryptoki: Cryptoki;
  try {
    const { PKCS11 } = createRequire(import.meta.url)('pkcs11js') as { readonly PKCS11: new () => Cryptoki };
    cryptoki = new PKCS11();
  } catch (cause) {
    const message = 'The package pkcs11js is not built here: “npm rebuild pkcs11js”, which needs a C++ compiler.';
    throw new NodeError('NODE_TOKEN_UNAVAILABLE', message, { cause });
  }
  try {
    cryptoki.load(path);
    cryptoki.C_Initialize();
  } catch (cause) {
    if (numberOf(cause) !== CKR.alreadyInitialized)
      throw new NodeError('NODE_TOKEN_UNAVAILABLE', `The PKCS #11 module ${path} cannot be loaded.`, { cause });
  }
  modules.set(path, cryptoki);
  return cryptoki;
}

function numberOf(error: unknown): number {
  const { code } = error as { readonly code?: unknown };
  return typeof code === 'number' ? code : -1;
}

/** The name of a CKR value; never more of an error of the module, which may quote what it was given. */
function nameOf(error: unknown): string {
  return /CKR_[A-Z0-9_]+/.exec(error instanceof Error ? error.message : '')?.[0] ?? 'an unknown error';
}
