/** Loads a node whose messages are neither signed nor sealed and whose store is in the clear: to compare with queues that do neither. */
import { register } from 'node:module';

register(new URL('./plain-loader.mjs', import.meta.url));
process.env.ROGATORY_BENCH_PLAIN = '1';
