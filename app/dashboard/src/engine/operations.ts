import { graphql } from "../api/graphql";

export const ListWorkers = graphql(`
  query ListWorkers {
    engineStatus {
      workers {
        id
      }
    }
  }
`);

export const ShowEngine = graphql(`
  query ShowEngine {
    engineStatus {
      at
      reachedAt
      lagSeconds
      lagChanges {
        number
        exact
      }
      changesPerSecond
      transitionsPerSecond
      lastSequence
      activeSegments
      dueTimers {
        number
        exact
      }
      nextTimerAt
      backfillProgress
      oplogSeconds
      imageRetentionSeconds
      historyWindowSeconds
      partitions {
        number
        reachedAt
        state
        worker {
          host
          pid
        }
        poisonChange {
          customerId
        }
      }
      workers {
        id
        host
        pid
        beganAt
        changes
        transitions
        changesPerSecond
        transitionsPerSecond
        errors
        lastError {
          message
          at
        }
      }
      findings {
        subject
        state
        remedy
      }
      lastError {
        message
        at
        host
        pid
      }
    }
  }
`);
