import { lazy } from "react";
import { Redirect, Route, Switch } from "wouter";
import { KeyGate } from "./access/KeyDialog";
import { RequireWrite } from "./access/RequireWrite";
import { Shortcuts } from "./keyboard/Shortcuts";
import { routes } from "./routes";
import { SegmentPage } from "./segments/SegmentPage";
import { SegmentsPage } from "./segments/SegmentsPage";
import { Main } from "./shell/Main";
import { Navigation } from "./shell/Navigation";
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
          <Route path={routes.newSegment}>
            <RequireWrite title="New segment">
              <NewSegmentPage />
            </RequireWrite>
          </Route>
          <Route path={routes.newList}>
            <RequireWrite title="New fixed list">
              <NewListPage />
            </RequireWrite>
          </Route>
          <Route path="/segments/:id/edit">
            {(params) => (
              <RequireWrite title="Edit a segment">
                <EditSegmentPage params={params} />
              </RequireWrite>
            )}
          </Route>
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
      <Shortcuts />
      <KeyGate />
    </>
  );
}
