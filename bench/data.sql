-- The data that is measured: one strategy to ask about, and others to be in the way.
-- Everything follows from the numbers of the rows, so that both engines hold the same; `calendar` turns day
-- numbers (0 is the first day) into dates. Names after a dollar sign are put in by filling.py.

INSERT INTO stamp (seq, at, actor_id, reason) VALUES (1, $start, NULL, 'Loaded');

INSERT INTO organisation (id, ref, version, created_at, updated_at, from_seq, name, kind, parent_id)
WITH RECURSIVE number (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM number WHERE i < 40)
SELECT i, 'org-' || i, 1, $start, $start, 1, 'Partner number ' || i, 'council', NULL FROM number;

INSERT INTO owner (id, ref, version, created_at, updated_at, from_seq, post, organisation_id, holder_name, email)
WITH RECURSIVE number (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM number WHERE i < 200)
SELECT i, 'post-' || i, 1, $start, $start, 1, 'Head of service ' || i, i % 40 + 1, NULL, NULL FROM number;

INSERT INTO strategy (id, ref, version, created_at, updated_at, from_seq, title, starts_on, ends_on)
WITH RECURSIVE number (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM number WHERE i < $strategies)
SELECT i, 'plan-' || i, 1, $start, $start, 1, 'Joint priorities of partnership ' || i, day, NULL
FROM number JOIN calendar ON k = 0;

INSERT INTO strategy_organisation (strategy_id, organisation_id, from_seq)
WITH RECURSIVE number (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM number WHERE i < $strategies)
SELECT i, organisation.id, 1 FROM number JOIN organisation ON organisation.id <= 8;

INSERT INTO priority (id, ref, version, created_at, updated_at, from_seq, strategy_id, title, description, position)
WITH RECURSIVE number (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM number WHERE i < $strategies * 5 - 1)
SELECT i + 1, 'priority-' || (i % 5), 1, $start, $start, 1, i / 5 + 1, 'Joint priority ' || (i % 5), '', i % 5 + 1
FROM number;

INSERT INTO workstream (id, ref, version, created_at, updated_at, from_seq, strategy_id, title, description, heading,
    status, lead_organisation_id, owner_id, starts_on, ends_on)
WITH RECURSIVE number (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM number WHERE i < $workstreams)
SELECT i, 'stream-' || i, 1, $start, $start, 1,
    CASE WHEN i <= $first_workstreams THEN 1 ELSE 2 + (i - $first_workstreams - 1) / $other_workstreams END,
    'Workstream number ' || i, 'What it does, and for whom.', 'Heading ' || (i % 7),
    CASE i % 30 WHEN 3 THEN 'on_hold' WHEN 4 THEN 'complete' WHEN 5 THEN 'proposed' ELSE 'active' END,
    i % 40 + 1, i % 200 + 1, NULL, NULL
FROM number;

INSERT INTO workstream_priority (workstream_id, priority_id, from_seq)
SELECT id, (strategy_id - 1) * 5 + id % 5 + 1, 1 FROM workstream;

INSERT INTO workstream_priority (workstream_id, priority_id, from_seq)
SELECT id, (strategy_id - 1) * 5 + (id + 2) % 5 + 1, 1 FROM workstream WHERE id % 5 < 2;

-- One in ten has no start, one in 25 no due date; one in eight was put off (see below).
INSERT INTO milestone (id, ref, version, created_at, updated_at, from_seq, strategy_id, workstream_id, kind, title,
    description, owner_id, weight, agreed_on, start_on, due_on, due_precision, baseline_due_on)
WITH RECURSIVE
    number (m) AS (SELECT 1 UNION ALL SELECT m + 1 FROM number WHERE m < $milestones),
    task AS (
        SELECT m, CASE WHEN m % 25 = 0 THEN NULL ELSE m * 37 % 1400 END AS due,
            CASE WHEN m <= $first_milestones THEN (m - 1) % $first_workstreams + 1
                ELSE (m - $first_milestones - 1) % ($workstreams - $first_workstreams) + $first_workstreams + 1
            END AS stream
        FROM number
    )
SELECT m, 'M-' || m, CASE WHEN m % 8 = 0 THEN 2 ELSE 1 END, $start, $start,
    CASE WHEN m % 8 = 0 THEN 2 + $updates / 4 + m % ($updates / 2) ELSE 1 END, workstream.strategy_id, stream,
    CASE m % 3 WHEN 0 THEN 'milestone' WHEN 1 THEN 'deliverable' ELSE 'action' END,
    'Milestone number ' || m || ' of the partnership plan',
    'What is to be done, by whom, and how anyone will be able to tell that it was. Number ' || m || '.',
    CASE WHEN m % 5 = 0 THEN NULL ELSE m % 200 + 1 END, m % 10 + 1, agreed.day,
    CASE WHEN m % 10 = 0 THEN NULL ELSE starts.day END, ends.day, 'day',
    CASE WHEN m % 8 = 0 THEN first_due.day ELSE ends.day END
FROM task
JOIN workstream ON workstream.id = stream
JOIN calendar AS agreed ON agreed.k = CASE WHEN m % 40 = 0 THEN 450 ELSE 0 END
LEFT JOIN calendar AS starts ON starts.k = due - 30 - m % 150
LEFT JOIN calendar AS ends ON ends.k = due
LEFT JOIN calendar AS first_due ON first_due.k = due - 60;

-- What was put off, as it was before.
INSERT INTO milestone_history (id, ref, version, created_at, updated_at, from_seq, strategy_id, workstream_id, kind,
    title, description, owner_id, weight, agreed_on, start_on, due_on, due_precision, baseline_due_on, to_seq)
SELECT id, ref, 1, created_at, created_at, 1, strategy_id, workstream_id, kind, title, description, owner_id, weight,
    agreed_on, start_on, baseline_due_on, due_precision, baseline_due_on, from_seq
FROM milestone WHERE version = 2;

-- Each report is a transaction of its own; all milestones are reported on in turn, in a scattered order.
INSERT INTO stamp (seq, at, actor_id, reason)
WITH RECURSIVE number (i) AS (SELECT CAST(0 AS BIGINT) UNION ALL SELECT i + 1 FROM number WHERE i < $updates - 1)
SELECT i + 2, $start + (i + 1) * $step, NULL, NULL FROM number;

INSERT INTO status_update (id, milestone_id, effective_on, status, percent_complete, forecast_on, confidence,
    narrative, evidence, seq)
WITH RECURSIVE
    number (i) AS (SELECT CAST(0 AS BIGINT) UNION ALL SELECT i + 1 FROM number WHERE i < $updates - 1),
    report AS (SELECT i, i / $milestones AS turn, i % $milestones * $stride % $milestones + 1 AS m FROM number),
    paced AS (SELECT i, turn, m, m * 7919 % 997 AS h, (turn + 1) * (5 + m * 7919 % 997 % 12) AS pace FROM report),
    stated AS (
        SELECT i, turn, m, h, CASE WHEN pace > 99 THEN 99 ELSE pace END AS pace,
            CASE
                WHEN h % 50 = 0 AND turn >= 6 THEN 'cancelled'
                WHEN h % 37 = 1 AND turn >= 4 THEN 'on_hold'
                WHEN h % 60 = 3 AND turn < 3 THEN 'proposed'
                WHEN h % 41 = 2 THEN 'not_started'
                WHEN pace >= 100 THEN 'complete'
                ELSE 'in_progress'
            END AS status
        FROM paced
    )
SELECT i + 1, m, effective.day, status,
    CASE WHEN status = 'complete' THEN 100 WHEN status IN ('proposed', 'not_started') THEN 0 ELSE pace END,
    forecast.day, CASE i % 4 WHEN 0 THEN 'green' WHEN 1 THEN 'amber' WHEN 2 THEN 'red' END,
    'Report number ' || turn || ' on the work: what was done since the last one, and what stands in its way.',
    '[]', i + 2
FROM stated
JOIN calendar AS effective ON effective.k = i * $days / $updates - h % 7
LEFT JOIN calendar AS forecast ON forecast.k = CASE WHEN m % 3 = 0 AND m % 25 > 0 THEN m * 37 % 1400 + 20 END;

INSERT INTO change (seq, position, resource, row_id, version, action)
SELECT 1, id, 'milestones', id, 1, 'created' FROM milestone;

INSERT INTO change (seq, position, resource, row_id, version, action)
SELECT seq, 0, 'updates', id, 1, 'created' FROM status_update;

INSERT INTO change (seq, position, resource, row_id, version, action)
SELECT from_seq, id, 'milestones', id, 2, 'changed' FROM milestone WHERE version = 2;
