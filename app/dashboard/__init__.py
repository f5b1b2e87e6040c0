"""The dashboard: a page over the GraphQL API for people who don't write GraphQL."""
