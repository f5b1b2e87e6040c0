import { createGraphiQLFetcher } from '@graphiql/toolkit';
import { GraphiQL } from 'graphiql';
import { parse } from 'graphql';
import { useMemo, useState } from 'react';
import { createRoot } from 'react-dom/client';
import 'graphiql/style.css';

const here = document.currentScript.src;
const workers = { json: 'json.worker.js', graphql: 'graphql.worker.js' };
globalThis.MonacoEnvironment = {
  getWorker: (_, label) => new Worker(new URL(workers[label] ?? 'editor.worker.js', here)),
};

const KEY_ITEM = 'segments:key';
const root = document.getElementById('graphiql');
const tabs = JSON.parse(root.dataset.tabs);
const url = new URL(root.dataset.endpoint, location.href);

function createFetcher(key) {
  const authorization = key ? { authorization: `Bearer ${key}` } : {};
  // Each subscription opens its own socket when it starts; the payload of connection_init is the
  // key and the content of the headers editor.
  const send = createGraphiQLFetcher({
    url: url.href,
    headers: authorization,
    subscriptionUrl: url.href.replace(/^http/, 'ws'),
    wsConnectionParams: authorization,
  });
  // The fetcher recognizes subscriptions by the syntax tree, and the editor's tree lags behind its
  // text.
  return (params, options) => send(params, { ...options, documentAST: parseOrUndefined(params.query) });
}

function parseOrUndefined(query) {
  try {
    return parse(query);
  } catch {
    return undefined;
  }
}

// GraphiQL ignores the variables of its first default tab. On later visits it restores all tabs.
const returning = localStorage.getItem('graphiql:tabState') !== null;

function Page({ acceptedKey }) {
  const [key, setKey] = useState(acceptedKey);
  const fetcher = useMemo(() => createFetcher(key), [key]);
  if (key === undefined) {
    return <KeyForm onAccepted={setKey} />;
  }
  return (
    <GraphiQL
      fetcher={fetcher}
      defaultTabs={tabs.length > 0 ? tabs : undefined}
      initialVariables={returning ? undefined : tabs[0]?.variables}
      defaultEditorToolsVisibility="variables"
      inputValueDeprecation
      schemaDescription
      shouldPersistHeaders={false}
    />
  );
}

function KeyForm({ onAccepted }) {
  const [message, setMessage] = useState('This server needs a key. `segments keys create` makes one.');
  const submit = async (event) => {
    event.preventDefault();
    const key = new FormData(event.currentTarget).get('key').trim();
    if (await isAccepted(key)) {
      // Until the tab is closed.
      sessionStorage.setItem(KEY_ITEM, key);
      onAccepted(key);
    } else {
      setMessage('The server did not accept this key.');
    }
  };
  return (
    <form onSubmit={submit} style={{ font: '16px sans-serif', padding: '2em' }}>
      <p role="status">{message}</p>
      <label>
        Key <input name="key" type="password" size="60" autoComplete="off" autoFocus required />
      </label>{' '}
      <button>Continue</button>
    </form>
  );
}

async function isAccepted(key) {
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(key && { authorization: `Bearer ${key}` }) },
    body: JSON.stringify({ query: '{ __typename }' }),
  });
  return response.status !== 401;
}

// Empty where keys are off.
const storedKey = sessionStorage.getItem(KEY_ITEM) ?? '';
isAccepted(storedKey).then((accepted) =>
  createRoot(root).render(<Page acceptedKey={accepted ? storedKey : undefined} />),
);
