import { Link } from "wouter";

interface Props {
  label: string;
  /** The tabs by their names in the address. */
  tabs: Readonly<Record<string, { name: string }>>;
  /** The name of the shown tab in the address. */
  current: string;
  hrefOf: (tab: string) => string;
}

/** Links to the parts of a page. */
export function Tabs({ label, tabs, current, hrefOf }: Props) {
  return (
    <nav aria-label={label} className="tabs">
      {Object.entries(tabs).map(([tab, { name }]) => (
        <Link key={tab} href={hrefOf(tab)} aria-current={tab === current ? "page" : undefined}>
          {name}
        </Link>
      ))}
    </nav>
  );
}
