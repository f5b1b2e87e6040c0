import { createGraphiQLFetcher } from '@graphiql/toolkit';
import { GraphiQL } from 'graphiql';
import { parse } from 'graphql';
import { createRoot } from 'react-dom/client';
import 'graphiql/style.css';

const here = document.currentScript.src;
const workers = { json: 'json.worker.js', graphql: 'graphql.worker.js' };
globalThis.MonacoEnvironment = {
  getWorker: (_, label) => new Worker(new URL(workers[label] ?? 'editor.worker.js', here)),
};

const root = document.getElementById('graphiql');
const tabs = JSON.parse(root.dataset.tabs);
const url = new URL(root.dataset.endpoint, location.href);
// Each subscription opens a socket of its own, with what the headers editor holds as its
// connection_init, and only when it starts.
const send = createGraphiQLFetcher({
  url: url.href,
  subscriptionUrl: url.href.replace(/^http/, 'ws'),
});
// The editor's own tree lags behind what was just typed, and a subscription is known by its tree.
const fetcher = (params, options) => send(params, { ...options, documentAST: tree(params.query) });

function tree(query) {
  try {
    return parse(query);
  } catch {
    return undefined;
  }
}

// GraphiQL shows the variables of its first tab only so; who comes back finds the tabs as left.
const returning = localStorage.getItem('graphiql:tabState') !== null;

createRoot(root).render(
  <GraphiQL
    fetcher={fetcher}
    defaultTabs={tabs.length > 0 ? tabs : undefined}
    initialVariables={returning ? undefined : tabs[0]?.variables}
    defaultEditorToolsVisibility="variables"
    inputValueDeprecation
    schemaDescription
    shouldPersistHeaders={false}
  />,
);
