"""The plan as an OData 4.0 feed, read-only (OASIS, OData Version 4.0, parts 1 to 3)."""
