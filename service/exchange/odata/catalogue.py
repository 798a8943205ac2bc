"""The sets of the feed, by name."""

from service.exchange.odata.model import LISTED, MILESTONE_FACTS, STATUS_UPDATES, VALUES, WORKSTREAM_PRIORITIES
from service.exchange.odata.quarters import PROGRESS_BY_QUARTER

SETS = {
    each.name: each
    for each in (*LISTED, STATUS_UPDATES, VALUES, WORKSTREAM_PRIORITIES, MILESTONE_FACTS, PROGRESS_BY_QUARTER)
}
