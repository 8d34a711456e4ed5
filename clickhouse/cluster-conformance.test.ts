/** The conformance suite over HTTP, on the tables of a cluster. */
import { describeAnalyticsStore } from './conformance.case.ts';
import { openOverHttp } from './http-conformance.fixture.ts';

describeAnalyticsStore('a cluster of ClickHouse servers', () => openOverHttp({ cluster: 'main' }));
