/** Pages by visitors, most first, a screenful at a time. */
import { memo, useState } from 'react';
import type { Pages } from '../../contract/query.ts';
import { count, percent } from '../format.ts';
import { Panel } from './panel.tsx';
import type { PlacesProps } from './places.tsx';

const PAGE_SIZE = 10;

export const TopPages = memo(function TopPages({ range, everyMs, note }: PlacesProps) {
  const rangeKey = `${range.start_date} ${range.end_date}`;
  const [place, setPlace] = useState({ rangeKey, page: 1 });
  // Another range begins at its first page.
  const page = place.rangeKey === rangeKey ? place.page : 1;
  const turn = (to: number) => setPlace({ rangeKey, page: to });
  return (
    <Panel
      title="Top pages"
      help="Pages by different visitors. A page is its path with campaign parameters; all else after ? or # is never kept."
      query="pages"
      params={{ ...range, page, page_size: PAGE_SIZE }}
      everyMs={everyMs}
      note={note}
      className="ff-wide"
      isEmpty={({ total }) => total === 0}
      whenEmpty="No page was viewed in these days."
    >
      {(pages) => <PagesTable pages={pages} turn={turn} />}
    </Panel>
  );
});

function PagesTable({ pages, turn }: { pages: Pages; turn(page: number): void }) {
  const { results, total, page, page_size } = pages;
  const most = Math.max(1, ...results.map(({ unique_visitors }) => unique_visitors));
  const first = (page - 1) * page_size;
  return (
    <>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls has to be reached by keyboard */}
      <section className="ff-scroll" aria-label="Top pages, table" tabIndex={0}>
        <table className="ff-table">
          <thead>
            <tr>
              <th scope="col">Page</th>
              <th scope="col">Visitors</th>
              <th scope="col">Signed in</th>
              <th scope="col">Views</th>
            </tr>
          </thead>
          <tbody>
            {results.map((row) => (
              <tr key={row.page_url}>
                <th scope="row" title={row.page_url}>
                  <span className="ff-bar" style={{ inlineSize: `${(100 * row.unique_visitors) / most}%` }} />
                  <span className="ff-page">{row.page_url}</span>
                </th>
                <td>{count(row.unique_visitors)}</td>
                <td>{percent((100 * row.authenticated_visitors) / Math.max(1, row.unique_visitors))}</td>
                <td>{count(row.page_views)}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </section>
      <nav className="ff-pager" aria-label="Pages of the table">
        <span>
          {count(first + 1)}–{count(first + results.length)} of {count(total)}
        </span>
        <button type="button" className="ff-button" disabled={page === 1} onClick={() => turn(page - 1)}>
          Previous
        </button>
        <button
          type="button"
          className="ff-button"
          disabled={first + results.length >= total}
          onClick={() => turn(page + 1)}
        >
          Next
        </button>
      </nav>
    </>
  );
}
