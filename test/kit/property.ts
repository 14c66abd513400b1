/** fast-check, with values that are the same every time; see `random.ts`. */
import fc from 'fast-check';
import { firstSeed } from './random.ts';

fc.configureGlobal({ seed: firstSeed });

export { fc };
