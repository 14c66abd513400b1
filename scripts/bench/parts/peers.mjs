/** What authorities use today, on this machine and in the same minutes: S/MIME over two Postfix. */
import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { MESSAGE_BYTES } from '../floors.mjs';
import { interleave, median, repeat, round } from '../measure.mjs';
import { startPair, turn } from '../pair.mjs';
import { openPostfix, postfixObjection, submit, untilArrived } from '../postfix.mjs';
import { inFolder } from '../rooms.mjs';
import { openSmime } from '../smime.mjs';

const [FROM, TO] = ['xa.bench.example', 'xb.bench.example'];
const CONNECTIONS = 32;

/** @param {{quick: boolean, say: (what: string) => void}} options */
export async function run({ quick, say }) {
  const objection = postfixObjection();
  if (objection !== undefined) {
    say(`skipped: ${objection}`);
    return { result: { skipped: objection }, lines: [`skipped: ${objection}`] };
  }
  return inFolder(async (folder) => {
    const [rounds, count, turnMs] = quick ? [1, 20, 300] : [3, 400, 2000];
    mkdirSync(join(folder, 'postfix'));
    const postfix = await openPostfix(join(folder, 'postfix'), FROM, TO);
    let pair;
    try {
      pair = await startPair(join(folder, 'exchange'));
      const smime = openSmime(FROM, TO);
      const ready = smime(randomBytes(MESSAGE_BYTES));
      let expected = 0;
      const mail = (make) => async () => {
        const start = performance.now();
        await submit({ port: postfix.port, connections: CONNECTIONS, count, from: FROM, to: TO, make });
        expected += count;
        await untilArrived(postfix, expected);
        return { perSecond: (count / (performance.now() - start)) * 1000 };
      };
      say(`${rounds} rounds of ${count} mails, with and without making S/MIME, and of the exchange`);
      const results = await interleave(
        {
          smime: () => repeat(() => smime(randomBytes(MESSAGE_BYTES)), turnMs / 4),
          postfixSmime: mail(() => smime(randomBytes(MESSAGE_BYTES))),
          postfix: mail(() => ready),
          exchange: () => turn(pair, 256, turnMs),
        },
        rounds,
      );
      return report(results);
    } finally {
      await pair?.stop();
      postfix.close();
    }
  });
}

function report(results) {
  const rate = (name) => round(median(results[name].map(({ perSecond }) => perSecond)));
  const ratio = (name) => round(median(results.exchange.map((one, i) => one.perSecond / results[name][i].perSecond)));
  const result = {
    exchangePerSecond: rate('exchange'),
    postfixSmimePerSecond: rate('postfixSmime'),
    postfixAlonePerSecond: rate('postfix'),
    smimePerSecond: rate('smime'),
    ratioToPostfixSmime: ratio('postfixSmime'),
    ratioToPostfixAlone: ratio('postfix'),
  };
  return {
    result,
    lines: [
      `exchange            ${result.exchangePerSecond}/s, with a durable receipt back`,
      `Postfix + S/MIME    ${result.postfixSmimePerSecond}/s, one way: the exchange is ${result.ratioToPostfixSmime} × that`,
      `Postfix alone       ${result.postfixAlonePerSecond}/s: ${result.ratioToPostfixAlone} ×`,
      `S/MIME alone        ${result.smimePerSecond}/s in one process`,
    ],
  };
}
