import { useState } from "react";
import { useLocation } from "wouter";
import { DraftOffer } from "../drafts/DraftOffer";
import type { DraftOrigin } from "../drafts/editedDraft";
import { createDraft, type Draft, toDraft } from "../drafts/history";
import { readKept } from "../drafts/keptDraft";
import { forgetDraft } from "../drafts/storage";
import { routes } from "../routes";
import type { ShownSegment } from "../segments/queries";
import { FOCUS_HEADING } from "../ui/headingFocus";
import { Editor } from "./Editor";

interface Props {
  /** The segment as it is saved now; null for a new one. */
  segment: ShownSegment | null;
  /** The draft to begin with: one in the address, or a copy. */
  proposed: Draft | null;
  /** The other segment whose kept draft that is. */
  strandedId?: string | undefined;
}

/** Offers a kept draft, and opens the editor with it or without it. */
export function EditorSession({ segment, proposed, strandedId }: Props) {
  const [, navigate] = useLocation();
  const [kept] = useState(() => readKept(segment?.id));
  const [origin, setOrigin] = useState(() => (kept ? null : createOrigin(segment, proposed)));
  // A new segment needs a name first. After an offer, the button that had the focus is gone.
  const [takesFocus, setTakesFocus] = useState(segment === null || kept !== null);

  function restart(initial: Draft | null) {
    forgetDraft(segment?.id);
    setOrigin(createOrigin(segment, initial));
    setTakesFocus(true);
  }
  if (!origin) {
    return (
      kept && (
        <DraftOffer
          editedAt={kept.editedAt}
          onContinue={() =>
            setOrigin({ ...createOrigin(segment, kept.draft), updatedAt: kept.updatedAt })
          }
          onDiscard={() => restart(proposed)}
        />
      )
    );
  }
  return (
    <Editor
      key={origin.updatedAt}
      segment={segment}
      origin={origin}
      takesFocus={takesFocus}
      onRestart={() => restart(null)}
      onSaved={(id) => {
        forgetDraft(segment?.id);
        if (strandedId) forgetDraft(strandedId);
        navigate(routes.segment(id), FOCUS_HEADING);
      }}
    />
  );
}

function createOrigin(segment: ShownSegment | null, initial: Draft | null): DraftOrigin {
  const unchanged = segment ? toDraft(segment) : createDraft();
  return {
    segmentId: segment?.id,
    updatedAt: segment?.updatedAt,
    unchanged,
    initial: initial ?? unchanged,
  };
}
