import { useReducer } from "react";
import { formatNumber } from "../ui/formats";
import { ChosenCustomers } from "./ChosenCustomers";
import { CustomerPicker } from "./CustomerPicker";
import { type Chosen, editChosen } from "./chosen";
import { PasteForm } from "./PasteForm";
import { SaveListForm } from "./SaveListForm";

interface Props {
  /** The maximum number of customers. */
  limit: number;
  initial: Chosen;
}

/** The name of a new fixed list, its customers so far, and ways to add more. */
export function ListEditor({ limit, initial }: Props) {
  const [chosen, edit] = useReducer(editChosen, initial);
  return (
    <>
      <p>
        A fixed list has at most {formatNumber(limit)} customers. They can’t be changed later; a
        changed copy can be made.
      </p>
      <SaveListForm chosen={chosen} edit={edit} limit={limit} />
      <div className="list-editor">
        <div>
          <PasteForm chosen={chosen} edit={edit} />
          <CustomerPicker chosen={chosen} edit={edit} limit={limit} />
        </div>
        <ChosenCustomers chosen={chosen} edit={edit} limit={limit} />
      </div>
    </>
  );
}
