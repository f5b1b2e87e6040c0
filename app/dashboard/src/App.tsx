import { Redirect, Route, Switch } from "wouter";
import { KeyGate } from "./access/KeyDialog";
import { RequireWrite } from "./access/RequireWrite";
import { Shortcuts } from "./keyboard/Shortcuts";
import { routes } from "./routes";
import { SegmentPage } from "./segments/SegmentPage";
import { SegmentsPage } from "./segments/SegmentsPage";
import { Main } from "./shell/Main";
import { Navigation } from "./shell/Navigation";
import { loadable } from "./ui/loadable";
import { NotFound } from "./ui/NotFound";
import { Status } from "./ui/Status";

// Most visits need only segments. Other pages are loaded when they are opened.
const NewSegmentPage = loadable(async () => (await import("./editor/EditorPage")).NewSegmentPage);
const EditSegmentPage = loadable(async () => (await import("./editor/EditorPage")).EditSegmentPage);
const NewListPage = loadable(async () => (await import("./lists/NewListPage")).NewListPage);
const CustomersPage = loadable(
  async () => (await import("./customers/CustomersPage")).CustomersPage,
);
const CustomerPage = loadable(async () => (await import("./customers/CustomerPage")).CustomerPage);
const RulesPage = loadable(async () => (await import("./rules/RulesPage")).RulesPage);
const DistributionsPage = loadable(
  async () => (await import("./distributions/DistributionsPage")).DistributionsPage,
);
const DistributionPage = loadable(
  async () => (await import("./distributions/DistributionPage")).DistributionPage,
);
const EnginePage = loadable(async () => (await import("./engine/EnginePage")).EnginePage);
const ImportPage = loadable(async () => (await import("./imports/ImportPage")).ImportPage);
const PoolsPage = loadable(async () => (await import("./codes/PoolsPage")).PoolsPage);
const PoolPage = loadable(async () => (await import("./codes/PoolPage")).PoolPage);
const LoyaltyPage = loadable(async () => (await import("./loyalty/LoyaltyPage")).LoyaltyPage);
const ReferralsPage = loadable(
  async () => (await import("./referrals/ReferralsPage")).ReferralsPage,
);

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
