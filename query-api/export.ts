/** The export: CSV streamed day by day, or the same rows as Arrow. */
import { ExportParams, type ExportRow } from '../contract/query.ts';
import { ARROW_TYPE, arrowStream } from './arrow.ts';
import { csvLine } from './csv.ts';
import { answer, type Endpoint, wantsArrow } from './endpoint.ts';
import { parseParameters } from './parameters.ts';

const COLUMNS = ['total_visitors', 'authenticated_visitors', 'anonymous_visitors', 'page_views'] as const;
const HEADER = csvLine(['date', ...COLUMNS]);

export const exportEndpoint: Endpoint = {
  path: 'export/',
  summary: 'Visitors by day, as CSV or Arrow',
  access: 'staff_or_moderator',
  params: ExportParams,
  answers: { 'text/csv': null, [ARROW_TYPE]: null },
  async respond(request) {
    const params = parseParameters(ExportParams, request.given);
    const rows = request.services.analytics.exportRows(params);
    if (wantsArrow(params, request)) {
      const all: ExportRow[] = [];
      for await (const row of rows) all.push(row);
      const stream = arrowStream({ text: 'date', counts: COLUMNS, rows: all });
      return answer(request, ARROW_TYPE, stream, attachment('arrow'));
    }
    return new Response(await csvStream(rows), {
      headers: {
        'Content-Type': 'text/csv; charset=utf-8',
        'Cache-Control': 'private, no-store',
        ...attachment('csv'),
      },
    });
  },
};

const attachment = (ending: string) => ({
  'Content-Disposition': `attachment; filename="visitor-analytics.${ending}"`,
  Vary: 'Accept',
});

const lineOf = (row: ExportRow) => csvLine([row.date, ...COLUMNS.map((name) => row[name])]);

/**
 * Reads the first row before it answers, so that a store that is down gives a status and not a broken file;
 * one that goes down later breaks the connection off.
 */
async function csvStream(rows: AsyncGenerator<ExportRow>): Promise<ReadableStream<Uint8Array>> {
  const encoder = new TextEncoder();
  const first = await rows.next();
  const begin = HEADER + (first.done ? '' : lineOf(first.value));
  return new ReadableStream({
    start: (controller) => controller.enqueue(encoder.encode(begin)),
    async pull(controller) {
      const next = await rows.next();
      if (next.done) controller.close();
      else controller.enqueue(encoder.encode(lineOf(next.value)));
    },
    async cancel() {
      await rows.return(undefined);
    },
  });
}
