import { useState } from "react";
import { useLocation } from "wouter";
import { DraftOffer } from "../drafts/DraftOffer";
import { readKept } from "../drafts/keptDraft";
import { forgetDraft } from "../drafts/storage";
import { routes } from "../routes";

/** Offers a kept draft of a segment that can no longer be edited. */
export function StrandedDraft({ segmentId }: { segmentId: string }) {
  const [, navigate] = useLocation();
  const [kept, setKept] = useState(() => readKept(segmentId));
  if (!kept) return null;
  return (
    <DraftOffer
      editedAt={kept.editedAt}
      continueLabel="Make a new segment of it"
      onContinue={() => navigate(routes.newFromDraft(segmentId))}
      onDiscard={() => {
        forgetDraft(segmentId);
        setKept(null);
      }}
    />
  );
}
