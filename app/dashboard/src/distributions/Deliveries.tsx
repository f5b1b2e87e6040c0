import { useInfiniteQuery, useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { useIsAdmin } from "../access/viewer";
import { request, requireNoUserErrors } from "../api/request";
import { useInvalidation } from "../api/useInvalidation";
import { ActionButton } from "../ui/ActionButton";
import { formatCount, formatNumber } from "../ui/formats";
import { PagedList } from "../ui/PagedList";
import { Problem } from "../ui/Problem";
import { announce } from "../ui/Status";
import { Table } from "../ui/Table";
import { DeliveryRow } from "./DeliveryRow";
import { RetryDeliveries, RetryDelivery } from "./operations";
import { countOf, deliveriesQuery, type ShownDistribution } from "./queries";
import { type DeliveryStatus, STATUS_NAMES } from "./words";

/** The deliveries of a distribution, by status. Failed ones can be sent again. */
export function Deliveries({ distribution }: { distribution: ShownDistribution }) {
  const { id, counts } = distribution;
  const [status, setStatus] = useState<DeliveryStatus | null>(null);
  const isAdmin = useIsAdmin();
  const query = useInfiniteQuery(deliveriesQuery(id, status));
  const retry = useRetry(id);
  const deliveries = query.data?.pages.flatMap((page) => page?.nodes ?? []) ?? [];
  const failedCount = countOf(counts, "FAILED");
  return (
    <>
      <div className="toolbar">
        <label>
          Deliveries
          <select
            value={status ?? ""}
            onChange={({ target }) => setStatus((target.value || null) as DeliveryStatus | null)}
          >
            <option value="">All</option>
            {counts.map(({ status: name, count }) => (
              <option key={name} value={name}>
                {STATUS_NAMES[name]} ({formatNumber(count)})
              </option>
            ))}
          </select>
        </label>
        {isAdmin && failedCount > 0 && (
          <ActionButton isPending={retry.isPending} onClick={() => retry.mutate(null)}>
            Send all failed ones again ({formatNumber(failedCount)})
          </ActionButton>
        )}
      </div>
      {retry.error && <Problem error={retry.error} />}
      <PagedList
        query={query}
        isEmpty={deliveries.length === 0}
        waiting="Loading deliveries …"
        empty="There are no deliveries."
      >
        <Table
          caption={`${formatCount(deliveries.length, "delivery", "deliveries")} shown`}
          columns={["Customer", "Status", "Code", "Created"]}
          hasActions={isAdmin}
        >
          {deliveries.map((delivery) => (
            <DeliveryRow
              key={delivery.id}
              delivery={delivery}
              onRetry={isAdmin ? () => retry.mutate(delivery.id) : null}
            />
          ))}
        </Table>
      </PagedList>
    </>
  );
}

/** Sends one failed delivery again, or all of the distribution. */
function useRetry(distributionId: string) {
  const invalidate = useInvalidation();
  return useMutation({
    mutationFn: async (deliveryId: string | null) => {
      if (deliveryId === null) {
        return (await request(RetryDeliveries, { distributionId })).deliveriesRetry;
      }
      const { deliveryRetry } = await request(RetryDelivery, { id: deliveryId });
      requireNoUserErrors(deliveryRetry.userErrors);
      return 1;
    },
    onSuccess: (count) => {
      announce(`${formatCount(count, "delivery", "deliveries")} will be sent again.`);
      invalidate(["distribution", distributionId], ["deliveries", distributionId]);
    },
  });
}
