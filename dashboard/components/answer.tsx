/** What is shown of an answer: that it is awaited, why it is not there, that it is empty, or what it says. */
import type { UseQueryResult } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import type { RequestError } from '../services/request-error.ts';

interface AnswerProps<Result> {
  answer: UseQueryResult<Result, RequestError>;
  isEmpty?(result: Result): boolean;
  whenEmpty?: string;
  children(result: Result): ReactNode;
}

/** An answer that was had before stays beside the reason why there is no newer one. */
export function Answer<Result>(props: AnswerProps<Result>) {
  const { answer, isEmpty, whenEmpty = 'Nothing was counted in these days.', children } = props;
  const { data, error, refetch } = answer;
  return (
    <>
      {error !== null && <Failure error={error} retry={() => void refetch()} />}
      {data === undefined && error === null && <Skeleton />}
      {data !== undefined && (isEmpty?.(data) ? <p className="ff-empty">{whenEmpty}</p> : children(data))}
    </>
  );
}

function Skeleton() {
  return (
    <div className="ff-skeleton" role="status">
      <span className="ff-sr">Loading…</span>
    </div>
  );
}

export function Failure({ error, retry }: { error: RequestError; retry(): void }) {
  return (
    <div className="ff-failure" role="alert">
      <p>{inWords(error)}</p>
      <button type="button" className="ff-button" onClick={retry}>
        Try again
      </button>
    </div>
  );
}

function inWords({ status, message, retryAfter }: RequestError): string {
  const later = retryAfter === undefined ? '' : ` It can be asked again in ${retryAfter} s.`;
  if (status === 0) return 'The server cannot be reached.';
  if (status === 403) return 'Your token does not allow this.';
  if (status === 429) return `Too many requests this hour.${later}`;
  return `No answer: ${message}.${later}`;
}
