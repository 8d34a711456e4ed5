/** The frame around the answer to one question: asked once it comes near to what the reader sees. */
import type { ReactNode } from 'react';
import { useAnalyticsQuery } from '../hooks/use-analytics-query.ts';
import { useInView } from '../hooks/use-in-view.ts';
import type { ParamsOf, QueryName, ResultOf } from '../services/queries.ts';
import { Answer } from './answer.tsx';
import { Frame, type FrameProps } from './frame.tsx';

interface PanelProps<Name extends QueryName> extends Omit<FrameProps, 'children' | 'target' | 'busy'> {
  query: Name;
  params: ParamsOf<Name>;
  /** Asked again so often; undefined: once. */
  everyMs?: number | undefined;
  isEmpty?(result: ResultOf<Name>): boolean;
  whenEmpty?: string;
  children(result: ResultOf<Name>): ReactNode;
}

export function Panel<Name extends QueryName>(props: PanelProps<Name>) {
  const { query, params, everyMs, isEmpty, whenEmpty, children, ...frame } = props;
  const [target, seen] = useInView<HTMLElement>();
  const answer = useAnalyticsQuery(query, params, { enabled: seen, everyMs });
  const busy = answer.data === undefined ? answer.isFetching : answer.isPlaceholderData;
  return (
    <Frame {...frame} target={target} busy={busy}>
      <Answer answer={answer} {...(isEmpty && { isEmpty })} {...(whenEmpty !== undefined && { whenEmpty })}>
        {children}
      </Answer>
    </Frame>
  );
}
