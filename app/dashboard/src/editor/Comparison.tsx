import { formatNumber } from "../ui/formats";
import { CustomerSample } from "./CustomerSample";
import type { FilterComparison } from "./queries";

/** Who would enter and who would leave if the filter took the place of the saved one. */
export function Comparison({ comparison }: { comparison: FilterComparison }) {
  const { enteringCount, leavingCount, stayingCount, entering, leaving } = comparison;
  return (
    <>
      <h3>Against the saved filter</h3>
      <p>
        +{formatNumber(enteringCount)} would enter, −{formatNumber(leavingCount)} would leave,{" "}
        {formatNumber(stayingCount)} stay
      </p>
      <NamedSample title="Would enter" customers={entering} count={enteringCount} />
      <NamedSample title="Would leave" customers={leaving} count={leavingCount} />
    </>
  );
}

interface SampleProps {
  title: string;
  customers: FilterComparison["entering"];
  /** How many there are in all. */
  count: number;
}

function NamedSample({ title, customers, count }: SampleProps) {
  if (customers.length === 0) return null;
  const isWhole = customers.length >= count;
  return (
    <>
      <p className="hint">{isWhole ? `${title}:` : `${title}, for example:`}</p>
      <CustomerSample customers={customers} />
    </>
  );
}
