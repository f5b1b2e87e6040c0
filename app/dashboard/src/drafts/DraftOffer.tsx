import { formatInstant } from "../ui/formats";

interface Props {
  /** When the draft was last edited. */
  editedAt: string;
  continueLabel?: string;
  onContinue: () => void;
  onDiscard: () => void;
}

/** Asks whether to go on with an unsaved change. */
export function DraftOffer(props: Props) {
  const { editedAt, continueLabel = "Continue editing", onContinue, onDiscard } = props;
  return (
    <div className="notice">
      <p>This browser has an unsaved change of {formatInstant(editedAt)}.</p>
      <div className="toolbar">
        <button type="button" className="primary" onClick={onContinue}>
          {continueLabel}
        </button>
        <button type="button" onClick={onDiscard}>
          Discard it
        </button>
      </div>
    </div>
  );
}
