/** The days of the range as a file. */
import { useState } from 'react';
import { useAPI } from '../hooks/analytics-context.tsx';
import type { ExportQuery } from '../services/visitor-analytics-api.ts';

type Format = 'csv' | 'arrow';

export function ExportButtons({ params }: { params: ExportQuery }) {
  const api = useAPI();
  const [busy, setBusy] = useState<Format>();
  const [failure, setFailure] = useState<string>();

  async function save(format: Format): Promise<void> {
    setBusy(format);
    setFailure(undefined);
    try {
      const file = await (format === 'csv' ? api.exportCSV(params) : api.exportArrow(params));
      offer(file, `visitors-${params.start_date}-to-${params.end_date}.${format}`);
    } catch (error) {
      setFailure(error instanceof Error ? error.message : String(error));
    } finally {
      setBusy(undefined);
    }
  }

  return (
    <span className="ff-export">
      {failure !== undefined && <span role="alert">Not exported: {failure}</span>}
      <button
        type="button"
        className="ff-button"
        disabled={busy !== undefined}
        onClick={() => void save('csv')}
      >
        Export CSV
      </button>
      <button
        type="button"
        className="ff-button"
        disabled={busy !== undefined}
        onClick={() => void save('arrow')}
      >
        Arrow
      </button>
    </span>
  );
}

function offer(file: Blob, name: string): void {
  const url = URL.createObjectURL(file);
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  URL.revokeObjectURL(url);
}
