/** The part of the doctor that looks at where evidence is kept. */
import { loadObjectStoreKey, type NodeConfig } from '../config/mod.ts';
import type { Diagnosis, RunningNode } from './doctor.ts';
import { openVault } from './evidence-vault.ts';

/** Whether files can be taken in, kept and read: asked by the node that is running, or for one that is not. */
export async function checkEvidence(config: NodeConfig, running: RunningNode | undefined): Promise<Diagnosis[]> {
  const { s3 } = config.evidence;
  const fault = running === undefined ? await faultOf(config) : running.evidence_fault;
  // The node's own folder is worth a word only where something is wrong with it.
  if (s3 === undefined && fault === undefined) return [];
  const store =
    s3 === undefined ? 'the node’s own folder' : `bucket ${s3.bucket} at ${s3.endpoint ?? `AWS in ${s3.region}`}`;
  if (fault === undefined) return [{ check: 'evidence', level: 'ok', text: `${store} answers` }];
  const advice =
    s3 === undefined
      ? 'Messages go on, files wait. See whether the disk is mounted there and whether the node’s user may write to it.'
      : 'Messages go on, files wait. See whether the store runs and is reached from here, and whether the key is right and may get, put, delete and list.';
  return [{ check: 'evidence', level: 'warn', text: `${store}: ${fault}`, advice }];
}

/** What is wrong with the store, or with what is given to open it; either is told, and the doctor goes on. */
async function faultOf(config: NodeConfig): Promise<string | undefined> {
  try {
    const vault = await openVault(config, loadObjectStoreKey(process.env));
    try {
      return await vault.storeFault();
    } finally {
      await vault.close();
    }
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
