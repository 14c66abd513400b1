/** Many nodes in one process, as peers of the one that is measured: `crowd.mjs CONFIG …`. */
import { room } from './rooms.mjs';

const [{ Node }, { loadNodeConfig }] = await Promise.all([room('node'), room('config')]);
const nodes = [];
for (const path of process.argv.slice(2)) {
  nodes.push(
    await Node.start({
      config: loadNodeConfig(path, {}),
      passphrase: undefined,
      log: () => undefined,
      onFatal: (error) => {
        process.stderr.write(`a peer failed: ${error instanceof Error ? error.stack : String(error)}\n`);
        process.exit(1);
      },
    }),
  );
}
process.on('message', () => {
  Promise.all(nodes.map((node) => node.stop())).then(() => process.exit(0));
});
process.on('disconnect', () => process.exit(0));
process.send({ started: true });
