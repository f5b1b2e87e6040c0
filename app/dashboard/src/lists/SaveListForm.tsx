import { useMutation } from "@tanstack/react-query";
import type { Dispatch, SetStateAction } from "react";
import { useLocation } from "wouter";
import { useCanWrite } from "../access/viewer";
import { requestCreation } from "../api/creation";
import { requireNoUserErrors } from "../api/request";
import { useInvalidation } from "../api/useInvalidation";
import type { Customer } from "../customers/queries";
import { routes } from "../routes";
import { CreateSegment } from "../segments/operations";
import { ActionButton } from "../ui/ActionButton";
import { FOCUS_HEADING } from "../ui/headingFocus";
import { Problem } from "../ui/Problem";
import { editChosen, isNobody, toFilter } from "./chosen";
import { forgetList, type ListDraft } from "./keptList";

interface Props {
  draft: ListDraft;
  setDraft: Dispatch<SetStateAction<ListDraft>>;
  /** The number of customers; undefined until it is known. */
  count: number | undefined;
  limit: number;
  /** Under which name this tab keeps the list. */
  scope: string;
}

const MAX_NAMED_CUSTOMERS = 5;

/** Names the list and creates it. */
export function SaveListForm({ draft, setDraft, count, limit, scope }: Props) {
  const [, navigate] = useLocation();
  const canWrite = useCanWrite();
  const invalidate = useInvalidation();
  const creation = useMutation({
    mutationFn: () => createList(draft),
    onError: (error) => {
      if (!(error instanceof DeletedCustomersError)) return;
      const { customers } = error;
      setDraft((before) => ({
        ...before,
        chosen: editChosen(before.chosen, { type: "remove", customers }),
      }));
    },
    onSuccess: (id) => {
      forgetList(scope);
      invalidate(["segments"]);
      navigate(routes.segment(id), FOCUS_HEADING);
    },
  });
  const { name, description, chosen } = draft;
  // What the API still counts, it checks.
  const canCreate =
    canWrite && name && !isNobody(chosen) && (count ?? 1) > 0 && (count ?? 0) <= limit;
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        if (canCreate) creation.mutate();
      }}
    >
      {creation.error && <Problem error={creation.error} />}
      <div className="fields">
        <label>
          Name
          <input
            required
            value={name}
            onChange={({ target }) => setDraft((before) => ({ ...before, name: target.value }))}
          />
        </label>
        <label>
          Description
          <input
            value={description}
            onChange={({ target }) =>
              setDraft((before) => ({ ...before, description: target.value }))
            }
          />
        </label>
      </div>
      {canWrite && (
        <div className="toolbar">
          <ActionButton
            type="submit"
            className="primary"
            disabled={!canCreate}
            isPending={creation.isPending}
          >
            Create the list
          </ActionButton>
        </div>
      )}
    </form>
  );
}

/** Customers were deleted after they were chosen. */
class DeletedCustomersError extends Error {
  readonly customers: readonly Customer[];

  constructor(customers: readonly Customer[]) {
    const names = customers.slice(0, MAX_NAMED_CUSTOMERS).map(({ sourceId }) => sourceId);
    const more = customers.length > names.length ? " and others" : "";
    super(
      `No longer in the shop, and so taken off the list: ${names.join(", ")}${more}. ` +
        "Create the list again.",
    );
    this.customers = customers;
  }
}

/** Creates the list; returns the id of the segment. */
async function createList({ name, description, chosen }: ListDraft): Promise<string> {
  const customers = [...chosen.customers.values()];
  const { segmentCreate } = await requestCreation(CreateSegment, {
    input: {
      name,
      description: description || null,
      definition:
        chosen.groups.length > 0
          ? { snapshot: toFilter(chosen) }
          : { customers: customers.map(({ id }) => ({ id })) },
    },
  });
  const deleted = segmentCreate.userErrors.flatMap(({ code, path }) => {
    const isOfCustomer = code === "NOT_FOUND" && path.includes("customers");
    const customer = isOfCustomer ? customers[Number(path.at(-1))] : undefined;
    return customer ? [customer] : [];
  });
  if (deleted.length > 0) throw new DeletedCustomersError(deleted);
  requireNoUserErrors(segmentCreate.userErrors);
  if (!segmentCreate.segment) throw new Error("The API returned no segment.");
  return segmentCreate.segment.id;
}
