"""The plan: organisations, owners, boards, areas, strategies, priorities, workstreams, milestones, and the rest."""
