import { useMutation } from "@tanstack/react-query";
import { type Dispatch, useState } from "react";
import { useLocation } from "wouter";
import { useCanWrite } from "../access/viewer";
import { request, requireNoUserErrors } from "../api/request";
import { useInvalidation } from "../api/useInvalidation";
import type { Customer } from "../customers/queries";
import { routes } from "../routes";
import { CreateSegment } from "../segments/operations";
import { ActionButton } from "../ui/ActionButton";
import { Problem } from "../ui/Problem";
import type { Chosen, ChosenEdit } from "./chosen";

interface Props {
  chosen: Chosen;
  edit: Dispatch<ChosenEdit>;
  limit: number;
}

const MAX_NAMED_CUSTOMERS = 5;

/** Names the list and creates it. */
export function SaveListForm({ chosen, edit, limit }: Props) {
  const [name, setName] = useState("");
  const [description, setDescription] = useState("");
  const [, navigate] = useLocation();
  const canWrite = useCanWrite();
  const invalidate = useInvalidation();
  const creation = useMutation({
    mutationFn: () => createList(name, description, [...chosen.values()]),
    onError: (error) => {
      if (error instanceof DeletedCustomersError) edit({ type: "remove", ids: error.ids });
    },
    onSuccess: (id) => {
      invalidate(["segments"]);
      navigate(routes.segment(id));
    },
  });
  const canCreate = canWrite && name && chosen.size > 0 && chosen.size <= limit;
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        if (canCreate) creation.mutate();
      }}
    >
      {creation.error && <Problem error={creation.error} />}
      <div className="toolbar">
        <label>
          Name
          <input required value={name} onChange={(event) => setName(event.target.value)} />
        </label>
        <label>
          Description
          <input value={description} onChange={(event) => setDescription(event.target.value)} />
        </label>
        {canWrite && (
          <ActionButton
            type="submit"
            className="primary"
            disabled={!canCreate}
            isPending={creation.isPending}
          >
            Create the list
          </ActionButton>
        )}
      </div>
    </form>
  );
}

/** Customers were deleted after they were chosen. */
class DeletedCustomersError extends Error {
  readonly ids: string[];

  constructor(customers: readonly Customer[]) {
    const names = customers.slice(0, MAX_NAMED_CUSTOMERS).map(({ sourceId }) => sourceId);
    const more = customers.length > names.length ? " and others" : "";
    super(
      `No longer in the shop, and so taken off the list: ${names.join(", ")}${more}. ` +
        "Create the list again.",
    );
    this.ids = customers.map(({ id }) => id);
  }
}

/** Creates the list; returns the id of the segment. */
async function createList(
  name: string,
  description: string,
  customers: readonly Customer[],
): Promise<string> {
  const { segmentCreate } = await request(CreateSegment, {
    input: {
      name,
      description: description || null,
      definition: { customers: customers.map(({ id }) => ({ id })) },
    },
  });
  const deleted = segmentCreate.userErrors.flatMap(({ code, path }) => {
    const customer = code === "NOT_FOUND" ? customers[Number(path.at(-1))] : undefined;
    return customer ? [customer] : [];
  });
  if (deleted.length > 0) throw new DeletedCustomersError(deleted);
  requireNoUserErrors(segmentCreate.userErrors);
  if (!segmentCreate.segment) throw new Error("The API returned no segment.");
  return segmentCreate.segment.id;
}
