import { print } from "@0no-co/graphql.web";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { copyText } from "../ui/copyText";
import { announce } from "../ui/Status";
import { CreateSegment } from "./operations";
import { type ShownSegment, segmentQuery } from "./queries";

type Definition = Pick<ShownSegment, "name" | "description" | "filter">;

/** Returns the mutation that creates such a segment, and after an empty line its variables as JSON. */
export function toCreateMutation({ name, description, filter }: Definition): string {
  const variables = { input: { name, description, definition: { filter } } };
  return `${print(CreateSegment)}\n\n${JSON.stringify(variables, null, 2)}\n`;
}

/** Copies the mutation that creates a segment like the one with the id. Its data tell what it did. */
export function useCopyAsGraphQL(id: string) {
  const queryClient = useQueryClient();
  return useMutation({
    mutationFn: async () => {
      const segment = await queryClient.fetchQuery(segmentQuery(id));
      if (!segment) throw new Error("The segment was deleted.");
      const isCopied = await copyText(toCreateMutation(segment));
      return isCopied ? "Copied." : "The browser does not let this page copy.";
    },
    onSuccess: announce,
  });
}
