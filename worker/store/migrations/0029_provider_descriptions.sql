-- works with: 0016
-- Third parties' provider packages are imported in job processes only: what the API and the writer know of their providers stands here.

create table elder_worker.provider_descriptions (
    name         text not null,
    package_hash text not null,                    -- of the package's files; empty when they could not be read
    description  jsonb,                            -- null when the package cannot be used
    problem      text not null default '',         -- why it cannot be used, in a sentence
    described_at timestamptz not null default now(),
    primary key (name, package_hash)
);
