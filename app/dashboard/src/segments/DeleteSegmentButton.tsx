import { useQueryClient } from "@tanstack/react-query";
import { request, requireNoUserErrors } from "../api/request";
import { useInvalidation } from "../api/useInvalidation";
import { DeleteButton } from "../ui/DeleteButton";
import { DeleteSegment } from "./operations";
import type { ShownSegment } from "./queries";

interface Props {
  segment: ShownSegment;
  onDeleted: () => void;
}

/** Deletes the segment after a question. It names what uses the segment, and so prevents it. */
export function DeleteSegmentButton({ segment: { id, name, usedBy }, onDeleted }: Props) {
  const queryClient = useQueryClient();
  const invalidate = useInvalidation();
  return (
    <DeleteButton
      noun="segment"
      name={name}
      uses={usedBy}
      onDelete={async () =>
        requireNoUserErrors((await request(DeleteSegment, { id })).segmentDelete.userErrors)
      }
      onDeleted={() => {
        queryClient.removeQueries({ queryKey: ["segment", id] });
        invalidate(["segments"]);
        onDeleted();
      }}
    >
      This can’t be undone. The customers stay.
    </DeleteButton>
  );
}
