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
// Each subscription opens its own socket when it starts; the headers editor's content is the
// payload of connection_init.
const send = createGraphiQLFetcher({
  url: url.href,
  subscriptionUrl: url.href.replace(/^http/, 'ws'),
});
// The fetcher recognizes subscriptions by the syntax tree, and the editor's tree lags behind its text.
const fetcher = (params, options) => send(params, { ...options, documentAST: parseOrUndefined(params.query) });

function parseOrUndefined(query) {
  try {
    return parse(query);
  } catch {
    return undefined;
  }
}

// GraphiQL ignores the variables of its first default tab. On later visits it restores all tabs.
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
