/**
 * A credential: what the office of a node says of a person, under the office's signature, and the person's own key. The node believes
 * the statement by its signature and the request by the key; the file never leaves the person's machine.
 */
import { createPrivateKey, createPublicKey, generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import { z } from 'zod';
import { isAdmissibleEd25519Key, parseBase64url, utf8ToBytes, verifyEd25519 } from '../base/mod.ts';
import { CredentialError } from './error.ts';
import { AGENCIES, ROLES } from './role.ts';

const line = z
  .string()
  .min(1)
  .max(200)
  .regex(/^[^\p{C}]*$/u, 'holds control characters')
  .refine((text) => text.trim() === text && text.normalize('NFC') === text, 'is blank at an end, or not in NFC');
const timeMs = z.number().int().nonnegative();

/** A person's name for commands and records: `anna.feld`. */
export const personId = z.string().regex(/^[a-z0-9]([a-z0-9.-]{0,62}[a-z0-9])?$/, 'is not like anna.feld');

const said = {
  person: personId,
  name: line,
  roles: z.array(z.enum(ROLES)).min(1).max(ROLES.length),
  agency: z.strictObject({ kind: z.enum(AGENCIES), unit: line }).optional(),
  clearance: z.enum(['ASSIGNED', 'ALL']),
  expires_at: timeMs,
  /** The person's Ed25519 public key, 32 bytes in base64url: the private one stays with the person. */
  x: z.string().length(43),
};

/** What is said of a person when they are registered. */
export const registration = z.strictObject(said).superRefine(({ roles, agency, clearance }, context) => {
  const isAgency = roles.includes('AGENCY');
  const fault = (path: string, message: string): void => {
    context.addIssue({ code: 'custom', path: [path], message });
  };
  if (new Set(roles).size !== roles.length) fault('roles', 'names a role twice');
  if (isAgency !== (agency !== undefined)) fault('agency', 'goes with the role AGENCY and no other');
  if (isAgency && roles.length > 1) fault('roles', 'an agency’s person has no role in the office');
  if (isAgency && clearance === 'ALL') fault('clearance', 'an agency’s person sees tasks, not cases');
});

/** The statement that the office signs. */
const statementSchema = z.strictObject({
  version: z.literal(1),
  /** Name of the ledger of the node that issued it. */
  origin: line,
  serial: z.uuid(),
  ...said,
  issued_at: timeMs,
});

/** A registration as the registrar asks for it. */
export type Registration = z.infer<typeof registration>;

/** What the office states of a person. */
export type Statement = z.infer<typeof statementSchema>;

/** What the office gives a person. */
export interface SignedStatement {
  /** JSON text: the very bytes that are signed. */
  readonly statement: string;
  /** By the office key, base64url. */
  readonly signature: string;
}

/** A credential as a person's file holds it. */
export interface Credential extends SignedStatement {
  readonly version: 1;
  /** The person's private key, PKCS #8 in base64. */
  readonly key: string;
}

/** A key of the office, or of a person. */
export interface StaffKey {
  readonly privateKey: KeyObject;
  /** The public key in base64url. */
  readonly x: string;
}

export function generateStaffKey(): StaffKey {
  const { privateKey } = generateKeyPairSync('ed25519');
  return { privateKey, x: publicX(privateKey) };
}

/** A private key as text, and back. */
export function encodeStaffKey({ privateKey }: StaffKey): string {
  return privateKey.export({ format: 'der', type: 'pkcs8' }).toString('base64');
}

/** @throws {CredentialError} CREDENTIAL_MALFORMED */
export function parseStaffKey(text: string): StaffKey {
  try {
    const privateKey = createPrivateKey({ key: Buffer.from(text, 'base64'), format: 'der', type: 'pkcs8' });
    if (privateKey.asymmetricKeyType === 'ed25519') return { privateKey, x: publicX(privateKey) };
  } catch (cause) {
    throw malformed('its private key cannot be read', cause);
  }
  throw malformed('its private key is not an Ed25519 key');
}

/** A statement under the office key. */
export function signStatement(office: StaffKey, statement: Statement): SignedStatement {
  const text = JSON.stringify(statement);
  return { statement: text, signature: sign(null, signedText(text), office.privateKey).toString('base64url') };
}

/** The file that a person keeps: what the office signed, and the private key that it is about. */
export function encodeCredential(signed: SignedStatement, person: StaffKey): string {
  const credential: Credential = { version: 1, ...signed, key: encodeStaffKey(person) };
  return `${JSON.stringify(credential, undefined, 2)}\n`;
}

/** Whether the office key signed the statement. */
export function isSignedBy(officeX: string, statement: string, signature: string): boolean {
  try {
    return verifyEd25519(parseBase64url(signature), signedText(statement), parseBase64url(officeX));
  } catch {
    return false;
  }
}

/** Reads what an office says it stated. @throws {CredentialError} CREDENTIAL_MALFORMED */
export function parseStatement(text: string): Statement {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw malformed('its statement is not JSON', cause);
  }
  const parsed = statementSchema.safeParse(json);
  if (!parsed.success) throw malformed(faultsOf(parsed.error));
  if (!isAdmissibleEd25519Key(parseBase64url(parsed.data.x))) throw malformed('its key is not an admissible one');
  return parsed.data;
}

/** Reads a person's file. @throws {CredentialError} CREDENTIAL_MALFORMED */
export function parseCredential(text: string): Credential {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw malformed('it is not JSON', cause);
  }
  const schema = z.strictObject({
    version: z.literal(1),
    statement: z.string().max(4096),
    signature: z.string().max(128),
    key: z.string().max(256),
  });
  const parsed = schema.safeParse(json);
  if (!parsed.success) throw malformed(faultsOf(parsed.error));
  parseStatement(parsed.data.statement);
  return parsed.data;
}

/** Every fault of a value, by path, in one line. */
export function faultsOf(error: z.ZodError): string {
  return error.issues.map(({ path, message }) => `${path.length === 0 ? 'it' : path.join('.')}: ${message}`).join('; ');
}

function signedText(statement: string): Uint8Array {
  return utf8ToBytes(`rogatory-credential/v1\n${statement}`);
}

function publicX(key: KeyObject): string {
  return createPublicKey(key).export({ format: 'jwk' }).x!;
}

function malformed(what: string, cause?: unknown): CredentialError {
  return new CredentialError('CREDENTIAL_MALFORMED', `This is not a credential: ${what}.`, { cause });
}
