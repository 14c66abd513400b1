import { join, resolve } from 'node:path';

/** Where a node keeps things; all absolute. */
export interface NodePaths {
  readonly dir: string;
  readonly config: string;
  readonly keys: string;
  readonly store: string;
  readonly ledger: string;
  /** The external record of the ledger's head. Never part of a backup. */
  readonly head: string;
  /** Files of evidence, sealed. */
  readonly evidence: string;
  readonly manifest: string;
  readonly enrolment: string;
  readonly controlSocket: string;
}

/** The paths of a node that lives in `dir`. */
export function nodePaths(dir: string): NodePaths {
  const at = (name: string): string => join(resolve(dir), name);
  return {
    dir: resolve(dir),
    config: at('node.json'),
    keys: at('keys'),
    store: at('store'),
    ledger: at('ledger'),
    head: at('head'),
    evidence: at('evidence'),
    manifest: at('manifest.json'),
    enrolment: at('enrolment.json'),
    controlSocket: at('control.sock'),
  };
}
