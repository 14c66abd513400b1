/** The exchange between two real nodes, each a process of its own, over real mutual TLS, against the floors of the same minutes. */
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { addUp, openFloors } from '../floors.mjs';
import { interleave, median, percentile, round } from '../measure.mjs';
import { startPair, turn } from '../pair.mjs';
import { inFolder } from '../rooms.mjs';
import { countFlushes } from '../strace.mjs';

const IN_FLIGHT = [1, 16, 64, 256];
// Measured once elsewhere, on the machine that performance goals were set on: a quorum queue, 256 in flight, without encryption.
const RABBITMQ_PER_SECOND = 20_000;

/** @param {{quick: boolean, say: (what: string) => void}} options */
export function run({ quick, say }) {
  return inFolder(async (folder) => {
    const [rounds, turnMs, floorMs] = quick ? [1, 300, 50] : [5, 1500, 250];
    const floors = await openFloors(folder);
    const pair = await startPair(join(folder, 'sealed'));
    const plain = await startPair(join(folder, 'plain'), ['--import', new URL('../plain.mjs', import.meta.url).href]);
    try {
      say(`${rounds} rounds of floors, exchange and exchange without cryptography`);
      const results = await interleave(
        {
          ...floors.turns(floorMs),
          ...Object.fromEntries(IN_FLIGHT.map((inFlight) => [`x${inFlight}`, () => turn(pair, inFlight, turnMs)])),
          plain: () => turn(plain, 256, turnMs),
        },
        rounds,
      );
      const traced = await countFlushes([pair.sender.pid, pair.receiver.pid], () => turn(pair, 64, turnMs), say);
      return report(results, traced);
    } finally {
      await Promise.all([pair.stop(), plain.stop(), floors.close()]);
    }
  });
}

function report(results, traced) {
  const { latencies: _latencies, ...medians } = mediansOf(results.x256);
  const { cpu, wall, messageCpuUs, ceilingPerSecond, aloneMs, aloneP99Ms, partsMs } = addUp(
    results,
    availableParallelism(),
  );
  const alone = results.x1.flatMap(({ latencies }) => latencies);
  const p50Ms = percentile(alone, 0.5);
  const plain = mediansOf(results.plain);
  const throughput = Object.fromEntries(
    IN_FLIGHT.map((inFlight) => {
      const { perSecond, flushes, senderCpuUs, receiverCpuUs } = mediansOf(results[`x${inFlight}`]);
      return [
        inFlight,
        rounded({ messagesPerSecond: perSecond, flushesPerMessage: flushes, senderCpuUs, receiverCpuUs }),
      ];
    }),
  );
  const result = {
    ...rounded({
      messagesPerSecond: medians.perSecond,
      ceilingPerSecond,
      ratioToCeiling: medians.perSecond / ceilingPerSecond,
      cpuRatioToCeiling: messageCpuUs / (medians.senderCpuUs + medians.receiverCpuUs),
      flushesPerMessage: mediansOf(results.x64).flushes,
      p50Ms,
      p99Ms: percentile(alone, 0.99),
      floorMs: aloneMs,
      floorP99Ms: aloneP99Ms,
      p50RatioToFloor: p50Ms / aloneMs,
      floorOfPartsMs: partsMs,
      p50RatioToFloorOfParts: p50Ms / partsMs,
      rssMiB: medians.rssMiB,
      senderCpuUs: medians.senderCpuUs,
      receiverCpuUs: medians.receiverCpuUs,
      floorCpuUs: messageCpuUs,
    }),
    throughput,
    flushesTraced: traced === undefined ? null : round(traced),
    withoutCryptography: {
      ...rounded({
        messagesPerSecond: plain.perSecond,
        senderCpuUs: plain.senderCpuUs,
        receiverCpuUs: plain.receiverCpuUs,
      }),
      rabbitmqDocumentedPerSecond: RABBITMQ_PER_SECOND,
      ratioToRabbitmqDocumented: round(plain.perSecond / RABBITMQ_PER_SECOND),
    },
    floors: Object.fromEntries(
      Object.keys(cpu).map((name) => [name, { cpuUs: round(cpu[name]), wallUs: round(wall[name]) }]),
    ),
  };
  return { result, lines: linesOf(result) };
}

function mediansOf(rounds) {
  const names = Object.keys(rounds[0]).filter((name) => typeof rounds[0][name] === 'number');
  return Object.fromEntries(names.map((name) => [name, median(rounds.map((one) => one[name]))]));
}

function rounded(numbers) {
  return Object.fromEntries(Object.entries(numbers).map(([name, value]) => [name, round(value)]));
}

function linesOf(result) {
  const { throughput, floors, withoutCryptography: plain } = result;
  return [
    `256 in flight    ${result.messagesPerSecond} messages/s, ${result.ratioToCeiling} of the ceiling of ${result.ceilingPerSecond}`,
    `CPU a message    sender ${result.senderCpuUs} µs, receiver ${result.receiverCpuUs} µs; floors ${result.floorCpuUs} µs: ${result.cpuRatioToCeiling}`,
    `alone            p50 ${result.p50Ms} ms = ${result.p50RatioToFloor} × its floor of ${result.floorMs} ms, ${result.p50RatioToFloorOfParts} × the sum of its parts of ${result.floorOfPartsMs} ms; p99 ${result.p99Ms} ms, that of the floor ${result.floorP99Ms} ms`,
    ...Object.entries(throughput).map(
      ([inFlight, one]) =>
        `${inFlight.padStart(3)} in flight    ${one.messagesPerSecond} messages/s, ${one.flushesPerMessage} flushes a message`,
    ),
    `flushes          ${result.flushesPerMessage} a message at 64 in flight; strace counts ${result.flushesTraced ?? '(not installed)'}`,
    `memory           ${result.rssMiB} MiB resident`,
    `no cryptography  ${plain.messagesPerSecond} messages/s, ${plain.ratioToRabbitmqDocumented} × the ${plain.rabbitmqDocumentedPerSecond}/s documented for RabbitMQ (not measured here)`,
    ...Object.entries(floors).map(
      ([name, { cpuUs, wallUs }]) => `floor ${name.padEnd(10)} ${cpuUs} µs CPU, ${wallUs} µs`,
    ),
  ];
}
