import { useQueryClient } from "@tanstack/react-query";
import type { Deletion } from "../ui/DeleteDialog";
import { DeleteSegment } from "./operations";
import type { ShownSegment } from "./queries";

type DeletedSegment = Pick<ShownSegment, "id" | "name" | "usedBy">;

/** Returns how the segment is deleted: for a button, or for a dialog alone. */
export function useSegmentDeletion(
  { id, name, usedBy }: DeletedSegment,
  onDeleted: () => void,
): Deletion {
  const queryClient = useQueryClient();
  return {
    noun: "segment",
    id,
    name,
    uses: usedBy,
    mutation: DeleteSegment,
    affectedKeys: [["segments"]],
    onDeleted: () => {
      queryClient.removeQueries({ queryKey: ["segment", id] });
      onDeleted();
    },
    children: "This can’t be undone. The customers stay.",
  };
}
