-- works with: 0016
-- What the charts of the home page count by day: runs, and entities that came and went.
create index discovery_history_started on discovery_history (started_at);
create index entity_changes_came_and_went on entity_changes (changed_at, operation) where operation <> 'updated';
