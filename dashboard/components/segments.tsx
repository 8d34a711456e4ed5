/** A choice of one of a few, side by side. */
import { useId } from 'react';

interface SegmentsProps<Value extends string> {
  label: string;
  options: readonly { value: Value; title: string }[];
  /** Undefined: none of them. */
  value: Value | undefined;
  onChange(value: NoInfer<Value>): void;
}

export function Segments<Value extends string>({ label, options, value, onChange }: SegmentsProps<Value>) {
  const name = useId();
  return (
    <fieldset className="ff-segments">
      <legend className="ff-sr">{label}</legend>
      {options.map((option) => (
        <label key={option.value} className="ff-segment">
          <input
            type="radio"
            name={name}
            checked={option.value === value}
            onChange={() => onChange(option.value)}
          />
          <span>{option.title}</span>
        </label>
      ))}
    </fieldset>
  );
}
