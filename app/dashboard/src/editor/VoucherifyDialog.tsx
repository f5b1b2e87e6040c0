import { request } from "../api/request";
import { readFilterJson } from "../drafts/serialize";
import { FilterDialog, type FilterDialogProps, parseJson } from "./FilterDialog";
import { ConvertFilter } from "./operations";

/** Converts the filter of a Voucherify segment, and puts it into the editor. */
export default function VoucherifyDialog(props: FilterDialogProps) {
  return (
    <FilterDialog
      title="A filter from Voucherify"
      label="“filter” of a Voucherify segment"
      initialText=""
      action="Convert and use"
      read={convert}
      {...props}
    />
  );
}

async function convert(text: string) {
  const { filterFromVoucherify } = await request(ConvertFilter, { filter: parseJson(text) });
  const { filter, userErrors } = filterFromVoucherify;
  if (userErrors.length > 0) {
    throw new Error(
      userErrors.map(({ path, message }) => [path.join("."), message].join(": ")).join("\n"),
    );
  }
  const tree = readFilterJson(filter);
  if (!tree) throw new Error("The editor can’t show this filter.");
  return tree;
}
