/** Which evidence a node takes, where it rests, and how long: the parts of `node.json` about files and data. */
import { isIntegerIn, members } from './member-reader.ts';

/** Which files this node takes, and where they rest. */
export interface EvidenceConfig {
  /** Most bytes of one peer's files; undefined for no bound. */
  readonly quotaBytes: number | undefined;
  /** Media types taken, such as `image/tiff` or `image/*`; undefined for all. */
  readonly mediaTypes: readonly string[] | undefined;
  /** A store that speaks S3, for whole files; undefined to keep them in the node's folder. */
  readonly s3: S3Config | undefined;
}

/** Where whole files rest in an S3-compatible store. Its key is a secret, and not here. */
export interface S3Config {
  readonly endpoint: string | undefined;
  readonly region: string;
  readonly bucket: string;
  readonly prefix: string;
  readonly pathStyle: boolean;
}

/** What this node does about data that may be kept for a time. */
export interface RetentionConfig {
  /** Erases received content by itself when its time is over; otherwise a person does. */
  readonly eraseAutomatically: boolean;
}

/** Reads `evidence`. @param code names the folder in a store, where nothing else is said */
export function parseEvidence(json: unknown, code: string, faults: string[]): EvidenceConfig {
  const given = members(json ?? {}, 'evidence.', ['quota_bytes', 'media_types', 's3'], faults);
  const { quota_bytes: quota, media_types: types } = given;
  if (quota !== undefined && !isIntegerIn(quota, 0, Number.MAX_SAFE_INTEGER))
    faults.push('evidence.quota_bytes must be a number of bytes');
  const areTypes =
    Array.isArray(types) && types.every((type) => typeof type === 'string' && /^[^/\s]+\/[^/\s]+$/.test(type));
  if (types !== undefined && !areTypes)
    faults.push('evidence.media_types must be a list such as ["image/*", "text/csv"]');
  return {
    quotaBytes: quota as number | undefined,
    mediaTypes: types as string[] | undefined,
    s3: given['s3'] === undefined ? undefined : parseS3(given['s3'], code, faults),
  };
}

function parseS3(json: unknown, code: string, faults: string[]): S3Config {
  const known = ['endpoint', 'region', 'bucket', 'prefix', 'path_style'];
  const { endpoint, region = 'us-east-1', bucket, prefix, path_style } = members(json, 'evidence.s3.', known, faults);
  const isUrl = typeof endpoint === 'string' && /^https?:\/\/[^\s]+$/.test(endpoint) && URL.canParse(endpoint);
  if (endpoint !== undefined && !isUrl)
    faults.push('evidence.s3.endpoint must be an https URL, or http on this machine');
  if (typeof bucket !== 'string' || !/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(bucket))
    faults.push('evidence.s3.bucket must be the name of a bucket');
  if (typeof region !== 'string' || region === '') faults.push('evidence.s3.region must be the name of a region');
  // It ends what belongs to this node: another node's files must not look like leftovers of this one.
  if (prefix !== undefined && !(typeof prefix === 'string' && /^([A-Za-z0-9._-]+\/)+$/.test(prefix)))
    faults.push('evidence.s3.prefix must be like "aldovia/evidence/"');
  if (path_style !== undefined && typeof path_style !== 'boolean')
    faults.push('evidence.s3.path_style must be true or false');
  return {
    endpoint: endpoint as string | undefined,
    region: region as string,
    bucket: bucket as string,
    prefix: (prefix as string | undefined) ?? `${code.toLowerCase()}/`,
    // Stores other than AWS's seldom have a host name for each bucket.
    pathStyle: (path_style as boolean | undefined) ?? endpoint !== undefined,
  };
}

/** Reads `retention`. */
export function parseRetention(json: unknown, faults: string[]): RetentionConfig {
  const { erase_automatically: automatically = false } = members(
    json ?? {},
    'retention.',
    ['erase_automatically'],
    faults,
  );
  if (typeof automatically !== 'boolean') faults.push('retention.erase_automatically must be true or false');
  return { eraseAutomatically: automatically === true };
}
