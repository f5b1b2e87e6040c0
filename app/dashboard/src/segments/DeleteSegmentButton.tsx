import { useQueryClient } from "@tanstack/react-query";
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
  return (
    <DeleteButton
      noun="segment"
      id={id}
      name={name}
      uses={usedBy}
      mutation={DeleteSegment}
      affectedKeys={[["segments"]]}
      onDeleted={() => {
        queryClient.removeQueries({ queryKey: ["segment", id] });
        onDeleted();
      }}
    >
      This can’t be undone. The customers stay.
    </DeleteButton>
  );
}
