import { lazy, type ReactNode, Suspense, useEffect, useRef } from "react";
import { Link, Redirect, Route, Switch, useLocation } from "wouter";
import { ForgetKeyButton } from "./access/ForgetKeyButton";
import { KeyGate } from "./access/KeyDialog";
import { routes } from "./routes";
import { SegmentPage } from "./segments/SegmentPage";
import { SegmentsPage } from "./segments/SegmentsPage";
import { ErrorBoundary } from "./ui/ErrorBoundary";
import { NotFound } from "./ui/NotFound";
import { Status } from "./ui/Status";

// Most visits need only segments. Other pages are loaded when they are opened.
const NewSegmentPage = lazy(async () => ({
  default: (await import("./editor/EditorPage")).NewSegmentPage,
}));
const EditSegmentPage = lazy(async () => ({
  default: (await import("./editor/EditorPage")).EditSegmentPage,
}));
const NewListPage = lazy(async () => ({
  default: (await import("./lists/NewListPage")).NewListPage,
}));
const CustomersPage = lazy(async () => ({
  default: (await import("./customers/CustomersPage")).CustomersPage,
}));
const CustomerPage = lazy(async () => ({
  default: (await import("./customers/CustomerPage")).CustomerPage,
}));
const RulesPage = lazy(async () => ({
  default: (await import("./rules/RulesPage")).RulesPage,
}));
const DistributionsPage = lazy(async () => ({
  default: (await import("./distributions/DistributionsPage")).DistributionsPage,
}));
const DistributionPage = lazy(async () => ({
  default: (await import("./distributions/DistributionPage")).DistributionPage,
}));
const EnginePage = lazy(async () => ({
  default: (await import("./engine/EnginePage")).EnginePage,
}));
const ImportPage = lazy(async () => ({
  default: (await import("./imports/ImportPage")).ImportPage,
}));
const PoolsPage = lazy(async () => ({ default: (await import("./codes/PoolsPage")).PoolsPage }));
const PoolPage = lazy(async () => ({ default: (await import("./codes/PoolPage")).PoolPage }));
const LoyaltyPage = lazy(async () => ({
  default: (await import("./loyalty/LoyaltyPage")).LoyaltyPage,
}));
const ReferralsPage = lazy(async () => ({
  default: (await import("./referrals/ReferralsPage")).ReferralsPage,
}));

const ENGAGEMENT_PAGES = [
  { name: "Segments", href: routes.segments },
  { name: "Customers", href: routes.customers },
  { name: "Import", href: routes.import },
  { name: "Validation rules", href: routes.rules },
  { name: "Distributions", href: routes.distributions },
  { name: "Code pools", href: routes.codePools },
  { name: "Loyalty", href: routes.loyalty },
  { name: "Referrals", href: routes.referrals },
];

/** The shell: navigation, and the page of the address. */
export function App() {
  return (
    <>
      <a className="skip-link" href="#main">
        Skip to content
      </a>
      <Navigation />
      <Main>
        <Switch>
          <Route path="/">
            <Redirect to={routes.segments} replace />
          </Route>
          <Route path={routes.segments} component={SegmentsPage} />
          <Route path={routes.newSegment} component={NewSegmentPage} />
          <Route path={routes.newList} component={NewListPage} />
          <Route path="/segments/:id/edit" component={EditSegmentPage} />
          <Route path="/segments/:id/:tab?" component={SegmentPage} />
          <Route path={routes.customers} component={CustomersPage} />
          <Route path="/customers/:sourceId/:tab?" component={CustomerPage} />
          <Route path={routes.rules} component={RulesPage} />
          <Route path={routes.distributions} component={DistributionsPage} />
          <Route path="/distributions/:id" component={DistributionPage} />
          <Route path={routes.import} component={ImportPage} />
          <Route path={routes.engine} component={EnginePage} />
          <Route path={routes.codePools} component={PoolsPage} />
          <Route path="/codes/:id" component={PoolPage} />
          <Route path={routes.loyalty} component={LoyaltyPage} />
          <Route path={routes.referrals} component={ReferralsPage} />
          <Route component={NotFound} />
        </Switch>
      </Main>
      <Status />
      <KeyGate />
    </>
  );
}

function Navigation() {
  const [location] = useLocation();
  return (
    <header className="shell-header">
      <span className="shell-product">Customer segments</span>
      <nav aria-label="Main">
        <h2 className="shell-group" id="engagement">
          Engagement
        </h2>
        <ul aria-labelledby="engagement">
          {ENGAGEMENT_PAGES.map(({ name, href }) => (
            <li key={href}>
              <Link href={href} aria-current={location.startsWith(href) ? "page" : undefined}>
                {name}
              </Link>
            </li>
          ))}
        </ul>
        <h2 className="shell-group" id="developers">
          Developers
        </h2>
        <ul aria-labelledby="developers">
          <li>
            <Link
              href={routes.engine}
              aria-current={location === routes.engine ? "page" : undefined}
            >
              Engine
            </Link>
          </li>
          <li>
            <a href="/graphql">GraphiQL</a>
          </li>
        </ul>
      </nav>
      <ForgetKeyButton />
    </header>
  );
}

/** Focuses the page after navigation, so that a screen reader begins to read there. */
function Main({ children }: { children: ReactNode }) {
  const [location] = useLocation();
  const main = useRef<HTMLElement>(null);
  const shownLocation = useRef(location);
  useEffect(() => {
    if (shownLocation.current === location) return;
    shownLocation.current = location;
    main.current?.focus();
  }, [location]);
  return (
    <main id="main" tabIndex={-1} ref={main}>
      <ErrorBoundary key={location}>
        <Suspense fallback={<p className="waiting">Loading the page …</p>}>{children}</Suspense>
      </ErrorBoundary>
    </main>
  );
}
