import { useMutation, useQueryClient } from "@tanstack/react-query";
import { requestCreation } from "../api/creation";
import { ApiError, request, requireNoUserErrors } from "../api/request";
import { useInvalidation } from "../api/useInvalidation";
import { CreateSegment, UpdateSegment } from "../segments/operations";
import type { FilterInput } from "./queries";

interface SaveInput {
  name: string;
  description: string;
  filter: FilterInput;
  /** `updatedAt` of the segment when the draft began. */
  updatedAt: string | undefined;
}

/** Creates the segment, or changes the one with the id. */
export function useSaveSegment(segmentId: string | undefined, onSaved: (id: string) => void) {
  const queryClient = useQueryClient();
  const invalidate = useInvalidation();
  return useMutation({
    mutationFn: (input: SaveInput) => saveSegment(segmentId, input),
    onError: (error) => {
      // The page shows what the others have changed.
      if (isOvertaken(error)) invalidate(["segment", segmentId]);
    },
    onSuccess: (id) => {
      queryClient.removeQueries({ queryKey: ["segment", id] });
      queryClient.removeQueries({ queryKey: ["members", id] });
      queryClient.removeQueries({ queryKey: ["memberCount", id] });
      invalidate(["segments"]);
      onSaved(id);
    },
  });
}

/** Whether somebody else has changed the segment since the draft began. */
export const isConflict = (error: Error) => error instanceof ApiError && error.code === "CONFLICT";

/** Whether somebody else has changed the segment, deleted it, or made it active. */
const isOvertaken = (error: Error) =>
  isConflict(error) ||
  (error instanceof ApiError && ["NOT_FOUND", "SEGMENT_NOT_EDITABLE"].includes(error.code));

async function saveSegment(
  id: string | undefined,
  { name, description, filter, updatedAt }: SaveInput,
): Promise<string> {
  const details = { name, description: description || null };
  const payload = id
    ? await request(UpdateSegment, {
        id,
        input: { ...details, filter, unchangedSince: updatedAt ?? null },
      }).then((data) => data.segmentUpdate)
    : await requestCreation(CreateSegment, { input: { ...details, definition: { filter } } }).then(
        (data) => data.segmentCreate,
      );
  requireNoUserErrors(payload.userErrors);
  if (!payload.segment) throw new Error("The API returned no segment.");
  return payload.segment.id;
}
