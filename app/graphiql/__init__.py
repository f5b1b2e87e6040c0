"""GraphiQL, bundled from npm's packages so that it needs no network beyond this server."""
