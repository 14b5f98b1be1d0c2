-- works with: 0016
-- Each migration says which code works with its result, so that an older worker goes on beside a newer one. See docs/operations.md, "Upgrading".

alter table elder_worker.migrations add column works_with text;  -- version of the oldest schema whose code works with this one; null: this one
