import { COLOURS, heightOf, rounds } from './marks.ts';
import type { Measured, Plot } from './plot.ts';

interface Ingest extends Measured {
  measured: Record<string, { rounds: Record<Server, { beaconsASecond: number }[]> }>;
}
type Server = keyof typeof SERVERS;

const SERVERS = {
  bare: { row: 'bare uWebSockets.js', colour: COLOURS.grey },
  footfall: { row: 'Footfall', colour: COLOURS.blue },
  fastify: { row: 'Fastify', colour: COLOURS.rust },
};

export const ingest: Plot<Ingest> = {
  name: 'ingest',
  results: ['ingest'],
  title: 'Beacons a second of one core: every round, and the median',
  drawing: ({ measured }) => ({
    height: heightOf(3, 2),
    marginRight: 100,
    x: { type: 'log', tickFormat: ',', nice: true, grid: true, label: 'beacons a second (logarithmic)' },
    y: { label: null, padding: 0, domain: Object.values(SERVERS).map(({ row }) => row) },
    fy: { label: null, domain: Object.keys(measured) },
    marks: rounds(
      Object.entries(measured).flatMap(([panel, { rounds }]) =>
        Object.entries(SERVERS).flatMap(([server, { row, colour }]) =>
          rounds[server as Server].map(({ beaconsASecond }) => ({
            panel,
            row,
            colour,
            value: beaconsASecond,
          })),
        ),
      ),
    ),
  }),
};
