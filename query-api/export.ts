/** The export: CSV streamed day by day, or the same rows as Arrow. */
import { ExportParams, type ExportRow } from '../contract/query.ts';
import { ARROW_TYPE, arrowStream } from './arrow.ts';
import { csvLine } from './csv.ts';
import { answer, type Endpoint, wantsArrow } from './endpoint.ts';
import { parseParameters } from './parameters.ts';
import { textStream } from './text-stream.ts';

const COLUMNS = ['total_visitors', 'authenticated_visitors', 'anonymous_visitors', 'page_views'] as const;
const HEADER = csvLine(['date', ...COLUMNS]);

export const exportEndpoint: Endpoint = {
  method: 'get',
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
      const stream = await arrowStream({ text: 'date', counts: COLUMNS, rows: all });
      return answer(request, ARROW_TYPE, stream, attachment('arrow'));
    }
    return new Response(await textStream(csvText(rows)), {
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

/** The head comes with the first row, so that there is nothing before the store has answered. */
async function* csvText(rows: AsyncGenerator<ExportRow>): AsyncGenerator<string> {
  let head = HEADER;
  for await (const row of rows) {
    yield head + lineOf(row);
    head = '';
  }
  if (head !== '') yield head;
}
