import { graphql } from "../api/graphql";

export const ListDistributions = graphql(`
  query ListDistributions {
    distributions {
      id
      name
      on
      state
      pausedBecause
      segment {
        id
        name
      }
      counts {
        status
        count
      }
    }
  }
`);

export const ShowDistribution = graphql(`
  query ShowDistribution($id: ID!) {
    node(id: $id) {
      ... on Distribution {
        id
        name
        on
        state
        pausedBecause
        segment {
          id
          name
        }
        channel {
          webhook {
            url
            headerNames
          }
          email {
            subject
            body
          }
        }
        codePool {
          id
          name
          availableCount
        }
        maxPerCustomer
        counts {
          status
          count
        }
      }
    }
  }
`);

export const ListDeliveries = graphql(`
  query ListDeliveries($id: ID!, $statuses: [DeliveryStatus!], $after: String) {
    node(id: $id) {
      ... on Distribution {
        deliveries(first: 50, after: $after, statuses: $statuses) {
          nodes {
            id
            status
            attempts
            code
            lastError
            nextAttemptAt
            createdAt
            customer {
              sourceId
              name
            }
          }
          pageInfo {
            hasNextPage
            endCursor
          }
        }
      }
    }
  }
`);

export const SetDistributionState = graphql(`
  mutation SetDistributionState($id: ID!, $state: DistributionState!) {
    distributionSetState(id: $id, state: $state) {
      userErrors {
        code
        message
        path
      }
    }
  }
`);

export const RetryDelivery = graphql(`
  mutation RetryDelivery($id: ID!) {
    deliveryRetry(id: $id) {
      userErrors {
        code
        message
        path
      }
    }
  }
`);

export const RetryDeliveries = graphql(`
  mutation RetryDeliveries($distributionId: ID!) {
    deliveriesRetry(distributionId: $distributionId)
  }
`);

export const TestDistribution = graphql(`
  mutation TestDistribution($id: ID!, $customer: CustomerRef!) {
    distributionTest(id: $id, customer: $customer) {
      delivery {
        status
        lastError
      }
      userErrors {
        code
        message
        path
      }
    }
  }
`);

export const CreateDistribution = graphql(`
  mutation CreateDistribution($input: DistributionInput!, $idempotencyKey: String) {
    distributionCreate(input: $input, idempotencyKey: $idempotencyKey) {
      secret
      userErrors {
        code
        message
        path
      }
    }
  }
`);

export const UpdateDistribution = graphql(`
  mutation UpdateDistribution($id: ID!, $input: DistributionUpdateInput!) {
    distributionUpdate(id: $id, input: $input) {
      secret
      userErrors {
        code
        message
        path
      }
    }
  }
`);

export const RotateDistributionSecret = graphql(`
  mutation RotateDistributionSecret($id: ID!) {
    distributionRotateSecret(id: $id) {
      secret
      userErrors {
        code
        message
        path
      }
    }
  }
`);

export const DeleteDistribution = graphql(`
  mutation DeleteDistribution($id: ID!) {
    distributionDelete(id: $id) {
      userErrors {
        code
        message
        path
      }
    }
  }
`);
