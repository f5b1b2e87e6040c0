interface Props {
  /** The sentence of the filter that is saved now. */
  theirs: string | null;
  /** The sentence of the filter in the editor. */
  mine: string | undefined;
  onKeepMine: () => void;
  onTakeTheirs: () => void;
}

/** Two versions of the segment, of which the user takes one. */
export function Conflict({ theirs, mine, onKeepMine, onTakeTheirs }: Props) {
  return (
    <div className="notice" role="alert">
      <p>Somebody else has changed this segment since you began.</p>
      <dl>
        <dt>Theirs</dt>
        <dd>{theirs}</dd>
        <dt>Yours</dt>
        <dd>{mine ?? "not finished"}</dd>
      </dl>
      <div className="toolbar">
        <button type="button" onClick={onKeepMine}>
          Keep mine
        </button>
        <button type="button" onClick={onTakeTheirs}>
          Take theirs
        </button>
      </div>
    </div>
  );
}
