import { useMutation } from "@tanstack/react-query";
import { readFilterJson } from "../drafts/serialize";
import { copyText } from "../ui/copyText";
import { FilterDialog, type FilterDialogProps, parseJson } from "./FilterDialog";

/** The filter as the API takes it: to copy, and to replace by another one. */
export default function JsonDialog(props: FilterDialogProps) {
  const shown = props.filter ? JSON.stringify(props.filter, null, 2) : "";
  const copying = useMutation({ mutationFn: copyShown });
  return (
    <FilterDialog
      title="The filter as JSON"
      label="FilterInput of the API"
      initialText={shown}
      action="Use this filter"
      read={async (text) => {
        const tree = readFilterJson(parseJson(text));
        if (!tree) throw new Error("This is JSON, but no filter of the API.");
        return tree;
      }}
      {...props}
    >
      {(text) => (
        <>
          <button type="button" onClick={() => copying.mutate(text)}>
            Copy
          </button>
          {copying.data && <span className="hint">{copying.data}</span>}
        </>
      )}
    </FilterDialog>
  );
}

/** Copies the text. Returns what it did. */
async function copyShown(text: string): Promise<string> {
  if (await copyText(text)) return "Copied.";
  return "The browser does not let this page copy: select the text and copy it.";
}
