-- What the release of commit 07e0fda stored under keys and names that have changed since: each row gets the key that today's reading uses, so
-- that nothing is read as gone and nothing is stored twice.

-- The group of a Kubernetes type, as it stands in the name of a type.
create function elder_worker.group_suffix(name text) returns text language sql immutable as $$
    select trim(both '_' from regexp_replace(lower(name), '[^a-z0-9]+', '_', 'g'))
$$;

-- Types of groups that are not Kubernetes' own have the group in their name. Where the key of the scope did not tell it, its objects do.
create temporary table renamed on commit drop as
select s.id, s.resource_type as before, s.resource_type || '__' || elder_worker.group_suffix(g.name) as after,
       coalesce(substring(s.coverage from 'namespaces=[^;]*'), '') as coverage
from elder_worker.scopes s
cross join lateral (
    select coalesce(
        substring(s.coverage from '^group=([^;]+)'),
        (select nullif(split_part(e.attributes ->> 'apiVersion', '/', 1), e.attributes ->> 'apiVersion')
         from entities e where e.scope_id = s.id order by e.id desc limit 1)) as name
) as g
where s.provider = 'kubernetes' and s.resource_type <> '*' and g.name is not null
  and g.name not in ('admissionregistration.k8s.io', 'apiextensions.k8s.io', 'apiregistration.k8s.io', 'apps', 'authentication.k8s.io',
                     'authorization.k8s.io', 'autoscaling', 'batch', 'certificates.k8s.io', 'coordination.k8s.io', 'discovery.k8s.io',
                     'flowcontrol.apiserver.k8s.io', 'internal.apiserver.k8s.io', 'meta.k8s.io', 'networking.k8s.io', 'node.k8s.io', 'policy',
                     'rbac.authorization.k8s.io', 'resource.k8s.io', 'scheduling.k8s.io', 'storage.k8s.io', 'storagemigration.k8s.io');
update entities e set sub_type = r.after from renamed r where e.scope_id = r.id and e.sub_type = r.before;
update elder_worker.scopes s set resource_type = r.after, coverage = r.coverage
from renamed r
where s.id = r.id and not exists (
    select from elder_worker.scopes x
    where (x.owner, x.provider, x.account, x.region, x.resource_type, x.coverage) = (s.owner, s.provider, s.account, s.region, r.after, r.coverage));

-- The cluster itself is the same whatever the namespaces; a job that reads several of these has a scope for each.
update elder_worker.scopes s set coverage = ''
where s.provider = 'kubernetes' and s.resource_type = 'k8s_cluster' and s.coverage like 'namespaces=%' and not exists (
    select from elder_worker.scopes x
    where (x.owner, x.provider, x.account, x.region, x.resource_type, x.coverage) = (s.owner, s.provider, s.account, s.region, s.resource_type, ''));
insert into elder_worker.scopes (owner, provider, account, region, resource_type, coverage, last_complete_at, created_at, last_attempt_at,
                                 last_run, last_outcome, message, permission, state, state_since)
select s.owner, s.provider, s.account, s.region, s.resource_type, 'namespaces=' || n.name, s.last_complete_at, s.created_at,
       s.last_attempt_at, s.last_run, s.last_outcome, s.message, s.permission, s.state, s.state_since
from elder_worker.scopes s
cross join lateral unnest(string_to_array(substring(s.coverage from 'namespaces=(.*)'), ',')) as n (name)
where s.provider = 'kubernetes' and s.coverage like 'namespaces=%,%'
on conflict do nothing;
update entities e set scope_id = n.id
from elder_worker.scopes s
join elder_worker.scopes n on (n.owner, n.provider, n.account, n.region, n.resource_type) = (s.owner, s.provider, s.account, s.region, s.resource_type)
where e.scope_id = s.id and s.provider = 'kubernetes' and s.coverage like 'namespaces=%,%'
  and n.coverage = 'namespaces=' || (e.attributes -> 'metadata' ->> 'namespace');
delete from elder_worker.scopes s
where s.provider = 'kubernetes' and s.coverage like 'namespaces=%,%' and not exists (select from entities e where e.scope_id = s.id);

-- OpenShift shows each Namespace as a Project too, with the same uid: the row is the namespace's.
update entities e set scope_id = n.id, sub_type = 'k8s_namespace', entity_type = 'namespace'
from elder_worker.scopes s
join elder_worker.scopes n on (n.owner, n.provider, n.account, n.coverage) = (s.owner, s.provider, s.account, s.coverage)
where e.scope_id = s.id and s.provider = 'kubernetes' and s.resource_type = 'k8s_project__project_openshift_io' and n.resource_type = 'k8s_namespace';

-- What a subscription inherits from a management group or the tenant belongs to a scope of the tenant.
update entities set attributes = attributes - 'name' - 'id' where provider = 'azure' and sub_type = 'azure_role_assignment';
create temporary table inherited on commit drop as
select e.id, s.owner, t.tenant, s.last_complete_at, s.last_run,
       coalesce(nullif(regexp_replace(e.external_id, '/providers/[^/]+/[^/]+/[^/]+$', ''), ''), '/') as coverage
from entities e
join elder_worker.scopes s on s.id = e.scope_id
cross join lateral (
    select a.attributes ->> 'tenantId' as tenant
    from entities a where a.provider = 'azure' and a.sub_type = 'azure_subscription' and a.account = s.account and a.attributes ? 'tenantId' limit 1
) as t
where s.provider = 'azure' and s.resource_type = 'azure_role_assignment' and e.external_id not like '/subscriptions/%';
insert into elder_worker.scopes (owner, provider, account, region, resource_type, coverage, last_complete_at, last_run, last_outcome)
select distinct on (owner, tenant, coverage) owner, 'azure', tenant, '', 'azure_role_assignment', coverage, last_complete_at, last_run, 'complete'
from inherited order by owner, tenant, coverage, last_complete_at desc nulls last
on conflict do nothing;
update entities e set scope_id = n.id, account = n.account
from inherited i
join elder_worker.scopes n on (n.owner, n.provider, n.account, n.region, n.resource_type, n.coverage)
    = (i.owner, 'azure', i.tenant, '', 'azure_role_assignment', i.coverage)
where e.id = i.id;

-- A directory's key was its server's name and its base; now it is the id of the base entry, which only a reading can tell. The latest scope of each
-- type waits for that reading: it takes the account over, whatever the filter was.
alter table elder_worker.scopes add column account_open boolean not null default false;
with latest as (
    select distinct on (owner, resource_type) id from elder_worker.scopes
    where provider = 'ldap' and account like '%/%'
    order by owner, resource_type, last_complete_at desc nulls last, id desc
)
update elder_worker.scopes s set account_open = true, coverage = '' from latest l
where s.id = l.id and not exists (
    select from elder_worker.scopes x
    where (x.owner, x.provider, x.account, x.region, x.resource_type, x.coverage) = (s.owner, s.provider, s.account, s.region, s.resource_type, '')
      and x.id <> s.id);
create index scopes_account_open on elder_worker.scopes (owner) where account_open;

update elder_worker.scopes s set entities = counted.entities
from (select scope_id, count(*) filter (where is_active) as entities from entities group by scope_id) as counted
where counted.scope_id = s.id and s.entities <> counted.entities;

-- Tells whether two values of a field differ in nothing but what a catalogue decides: fields that one of them lacks, the order of a list, the type
-- of a value, the case and the escapes in which a name is spelt, and secrets that one of them has as a mark.
create function elder_worker.same_value(old jsonb, new jsonb) returns boolean language plpgsql immutable as $$
declare
    mark constant text := '***REDACTED***';
    escape constant text := '\\([0-9a-f]{2}|.)';
begin
    if old is not distinct from new or old is null or new is null
        or old in ('null', '""', '[]', '{}') or new in ('null', '""', '[]', '{}') or jsonb_typeof(old) <> jsonb_typeof(new) then
        return true;
    end if;
    if jsonb_typeof(old) = 'object' then
        return not exists (select from jsonb_each(old) o join jsonb_each(new) n using (key) where not elder_worker.same_value(o.value, n.value));
    end if;
    if jsonb_typeof(old) = 'array' then
        return jsonb_array_length(old) = jsonb_array_length(new) and (
            not exists (
                select from jsonb_array_elements(old) with ordinality o (value, nth)
                join jsonb_array_elements(new) with ordinality n (value, nth) using (nth)
                where not elder_worker.same_value(o.value, n.value))
            or not exists (
                select from (select value, row_number() over (order by value::text) as nth from jsonb_array_elements(old)) o
                join (select value, row_number() over (order by value::text) as nth from jsonb_array_elements(new)) n using (nth)
                where not elder_worker.same_value(o.value, n.value)));
    end if;
    return strpos(old #>> '{}', mark) > 0 or strpos(new #>> '{}', mark) > 0
        or regexp_replace(lower(old #>> '{}'), escape, '', 'g') = regexp_replace(lower(new #>> '{}'), escape, '', 'g');
end
$$;
