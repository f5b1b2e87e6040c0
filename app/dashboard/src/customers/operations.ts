import { graphql } from "../api/graphql";

export const SearchCustomers = graphql(`
  query SearchCustomers($search: String, $filter: FilterInput, $first: Int!, $after: String) {
    customers(first: $first, after: $after, search: $search, filter: $filter) {
      nodes {
        id
        sourceId
        name
        email
      }
      pageInfo {
        hasNextPage
        endCursor
      }
    }
  }
`);

export const CountCustomers = graphql(`
  query CountCustomers($search: String, $filter: FilterInput) {
    customers(first: 1, search: $search, filter: $filter) {
      totalCount
    }
  }
`);

export const ShowCustomer = graphql(`
  query ShowCustomer($sourceId: String!) {
    customer(ref: { sourceId: $sourceId }) {
      name
      email
      phone
      description
      birthdate
      source
      createdAt
      updatedAt
      address {
        line1
        line2
        city
        state
        postalCode
        country
      }
      orders {
        totalCount
        totalAmount
        averageAmount
        lastOrderAmount
        firstOrderAt
        lastOrderAt
      }
      loyalty {
        points
      }
      metadata
    }
    metadataDefinitions {
      key
      label
    }
    project {
      currency
    }
  }
`);

export const ListMemberships = graphql(`
  query ListMemberships($sourceId: String!, $overrides: JSON) {
    segmentMembership(customer: { sourceId: $sourceId }, overrides: $overrides) {
      segment {
        id
        name
        kind
      }
      isMember
      changesAt
    }
  }
`);

export const ExplainMembership = graphql(`
  query ExplainMembership($sourceId: String!, $segmentId: ID!, $overrides: JSON) {
    segmentMembership(
      customer: { sourceId: $sourceId }
      segmentIds: [$segmentId]
      overrides: $overrides
    ) {
      explanation
    }
  }
`);

export const ListTimeline = graphql(`
  query ListTimeline($sourceId: String!, $after: String) {
    customer(ref: { sourceId: $sourceId }) {
      timeline(first: 50, after: $after) {
        nodes {
          __typename
          ... on CustomEvent {
            id
            at
            name
            properties
          }
          ... on Order {
            id
            at
            sourceId
            amount
            orderStatus: status
            items {
              sku
              name
              quantity
            }
          }
          ... on SegmentTransition {
            id
            at
            type
            cause
            segmentId
            segmentName
          }
          ... on LedgerEntry {
            id
            at
            points
            balance
            reason
            program {
              name
            }
          }
          ... on Delivery {
            id
            createdAt
            deliveryStatus: status
            code
            lastError
            transition {
              type
              segmentName
            }
          }
        }
        pageInfo {
          hasNextPage
          endCursor
        }
      }
    }
    project {
      currency
    }
  }
`);
