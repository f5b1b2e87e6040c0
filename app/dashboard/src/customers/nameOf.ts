export interface NamedCustomer {
  sourceId: string;
  name: string | null;
}

/** Returns what the page calls a customer: the name, or the sourceId of one without a name. */
export const nameOf = ({ name, sourceId }: NamedCustomer) => name ?? sourceId;
