// Reads the feed at the address given with the token given, and prints what it found as JSON.
import { FetchClient } from "@odata2ts/http-client-fetch";
import { TrackerService } from "./client/TrackerService";

async function main(root: string, token: string): Promise<void> {
  const client = new FetchClient({ headers: { Authorization: `Bearer ${token}` } });
  const service = new TrackerService(client, root);
  const rows = {
    Organisations: (await service.Organisations().query()).data.value,
    Owners: (await service.Owners().query()).data.value,
    Boards: (await service.Boards().query()).data.value,
    Strategies: (await service.Strategies().query()).data.value,
    Priorities: (await service.Priorities().query()).data.value,
    Workstreams: (await service.Workstreams().query()).data.value,
    Milestones: (await service.Milestones().query()).data.value,
    Decisions: (await service.Decisions().query()).data.value,
    FundingAwards: (await service.FundingAwards().query()).data.value,
    Indicators: (await service.Indicators().query()).data.value,
    StatusUpdates: (await service.StatusUpdates().query()).data.value,
    Observations: (await service.Observations().query()).data.value,
    WorkstreamPriorities: (await service.WorkstreamPriorities().query()).data.value,
    MilestoneFacts: (await service.MilestoneFacts().query()).data.value,
    ProgressByQuarter: (await service.ProgressByQuarter().query()).data.value,
  };
  const overdue = await service
    .Milestones()
    .query((builder, milestone) =>
      builder
        .select("ref", "due_on")
        .filter(milestone.overdue.eq(true), milestone.due_on.gt("2018-01-01"), milestone.title.contains("e"))
        .orderBy(milestone.ref.desc())
        .count()
        .top(3),
    );
  const first = await service.Milestones(1).query((builder) => builder.select("ref"));
  const link = await service.WorkstreamPriorities({ workstream_id: 1, priority_id: 1 }).query();
  console.log(JSON.stringify({ rows, overdue: overdue.data, first: first.data, link: link.data }));
}

main(process.argv[2], process.argv[3]).catch((error) => {
  console.error(error);
  process.exit(1);
});
