/** The part of the doctor that looks at the store of evidence, where that is not the node's own folder. */
import { loadObjectStoreKey, type NodeConfig } from '../config/mod.ts';
import type { Diagnosis, RunningNode } from './doctor.ts';
import { openVault } from './evidence-vault.ts';

/** Whether whole files can be kept and read: asked by the node that is running, or for one that is not. */
export async function checkEvidence(config: NodeConfig, running: RunningNode | undefined): Promise<Diagnosis[]> {
  const { s3 } = config.evidence;
  if (s3 === undefined) return [];
  const store = `bucket ${s3.bucket} at ${s3.endpoint ?? `AWS in ${s3.region}`}`;
  const fault = running === undefined ? await faultOf(config) : running.evidence_fault;
  if (fault === undefined) return [{ check: 'evidence', level: 'ok', text: `${store} answers` }];
  return [
    {
      check: 'evidence',
      level: 'warn',
      text: `${store}: ${fault}`,
      advice:
        'Messages go on, files wait. See whether the store runs and is reached from here, and whether the key is right and may get, put, delete and list.',
    },
  ];
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
