/** A chart that is loaded when the first one is to be drawn. */
import { Component, lazy, type ReactNode, Suspense } from 'react';
import type { TimeChartProps } from './time-chart.tsx';

const TimeChart = lazy(() => import('./time-chart.tsx'));

export function LazyChart(props: TimeChartProps) {
  return (
    <NoChart>
      <Suspense fallback={<div className="ff-chart" data-plain={props.plain || undefined} />}>
        <TimeChart {...props} />
      </Suspense>
    </NoChart>
  );
}

/** Where the code of charts does not come, the numbers beside them stay. */
class NoChart extends Component<{ children: ReactNode }, { failed: boolean }> {
  override state = { failed: false };

  static getDerivedStateFromError(): { failed: boolean } {
    return { failed: true };
  }

  override render(): ReactNode {
    if (!this.state.failed) return this.props.children;
    return <p className="ff-empty">The chart could not be loaded. Reload the page to try again.</p>;
  }
}
