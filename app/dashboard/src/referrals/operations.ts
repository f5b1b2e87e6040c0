import { graphql } from "../api/graphql";

export const ListReferralPrograms = graphql(`
  query ListReferralPrograms {
    referralPrograms {
      id
      name
      tiers {
        id
        name
        minReferrals
        segment {
          id
          name
        }
        points
        program {
          name
        }
        codePool {
          id
          name
        }
      }
    }
  }
`);

export const CreateReferralProgram = graphql(`
  mutation CreateReferralProgram($input: ReferralProgramInput!, $idempotencyKey: String) {
    referralProgramCreate(input: $input, idempotencyKey: $idempotencyKey) {
      userErrors {
        code
        message
        path
      }
    }
  }
`);

export const DeleteReferralProgram = graphql(`
  mutation DeleteReferralProgram($id: ID!) {
    referralProgramDelete(id: $id) {
      userErrors {
        code
        message
        path
      }
    }
  }
`);
