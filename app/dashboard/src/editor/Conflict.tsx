interface Version {
  name: string;
  description: string | null;
  /** The sentence of the filter; absent while no condition is finished. */
  filterText: string | null | undefined;
}

interface Props {
  /** What is saved now. */
  theirs: Version;
  /** What is in the editor. */
  mine: Version;
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
        <dd>{describe(theirs)}</dd>
        <dt>Yours</dt>
        <dd>{describe(mine)}</dd>
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

const describe = ({ name, description, filterText }: Version) =>
  [`“${name}”`, description, filterText ?? "not finished"].filter(Boolean).join(": ");
