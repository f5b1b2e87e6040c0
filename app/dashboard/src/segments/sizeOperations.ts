import { graphql } from "../api/graphql";

export const CountMembers = graphql(`
  query CountMembers($id: ID!) {
    segment(id: $id) {
      memberCount
    }
  }
`);

export const ReadSizeHistory = graphql(`
  query ReadSizeHistory($id: ID!, $from: DateTime!, $points: Int!) {
    segment(id: $id) {
      sizeHistory(from: $from, points: $points) {
        at
        memberCount
      }
    }
  }
`);

export const CountAllCustomers = graphql(`
  query CountAllCustomers {
    project {
      customerCount
    }
  }
`);
