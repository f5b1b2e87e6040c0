import { keepPreviousData, type QueryFunctionContext, useQuery } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import { ComboboxField } from "./ComboboxField";
import { useDebounced } from "./useDebounced";

const TYPING_PAUSE_MS = 200;

interface Props<Item> {
  label: string;
  isLabelShown?: boolean;
  value: string;
  placeholder: string;
  /** The query of the items that a text finds. */
  search: (text: string) => {
    queryKey: readonly unknown[];
    queryFn: (context: QueryFunctionContext) => Promise<readonly Item[]>;
  };
  renderItem: (item: Item) => ReactNode;
  /** Whether an item can't be chosen. Those are listed last. */
  isDisabled?: (item: Item) => boolean;
  onChoose: (item: Item) => void;
}

/** A field that searches over the API, and a list of what it finds. */
export function Combobox<Item extends { id: string }>({
  search,
  isDisabled = () => false,
  ...field
}: Props<Item>) {
  const [text, setText] = useState<string | null>(null);
  const isOpen = text !== null;
  const settledText = useDebounced(text ?? "", TYPING_PAUSE_MS);
  const query = useQuery({
    ...search(settledText),
    enabled: isOpen,
    placeholderData: keepPreviousData,
  });
  const items = (query.data ?? []).toSorted(
    (a, b) => Number(isDisabled(a)) - Number(isDisabled(b)),
  );
  return (
    <ComboboxField
      {...field}
      isDisabled={isDisabled}
      text={text}
      onTextChange={setText}
      items={items}
      isSearching={query.isLoading || query.isPlaceholderData || settledText !== (text ?? "")}
    >
      {isOpen && query.data?.length === 0 && <span className="hint">Nothing found.</span>}
      {query.error && <span className="field-problem">{query.error.message}</span>}
    </ComboboxField>
  );
}
