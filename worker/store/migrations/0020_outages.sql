-- works with: 0016
-- Deaths of a job's worker are counted apart from crashes of the job itself: only the fifth in a row counts towards parking.

alter table discovery_jobs add column losses integer not null default 0;
