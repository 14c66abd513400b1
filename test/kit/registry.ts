import { parseRegistry, type Registry } from '../../src/casework/mod.ts';
import { dataFolder, parseDataDocument, readDataFolder, type DataDocument } from '../../src/config/mod.ts';

/** The files of the project's own treaty registry. */
export const TREATY_FILES: readonly DataDocument[] = readDataFolder(dataFolder({}), 'treaties');

/** The registry as it is shipped. */
export const REGISTRY: Registry = parseRegistry(TREATY_FILES);

/** A file out of a text, as the loader would read it. */
export function documentOf(file: string, text: string): DataDocument {
  const faults: string[] = [];
  const document = parseDataDocument(file, text, faults);
  if (faults.length > 0) throw new Error(faults.join('\n'));
  return document;
}
