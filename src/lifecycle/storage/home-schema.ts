/** Format of `home.db`, kept in `PRAGMA user_version`. A home of a higher format is refused. */
export const HOME_FORMAT = 3;

/**
 * Tables of `home.db`. Only generations store a status; who serves, who served before and who is the candidate are
 * read off them. `revision` is the transaction that last changed a row's skill, `state` the last one that changed
 * its generations. A secret without a skill is the home's. What is large stands in tables of its own, so that looking over all skills stays cheap. The audit
 * can only grow.
 */
export const HOME_SCHEMA = `
create table home (
  home_id text not null,
  revision integer not null,
  projected integer not null,
  created_at integer not null
) strict;
create table skills (
  id text primary key,
  revision integer not null,
  state integer not null,
  snapshot text
) strict, without rowid;
create index skills_revision on skills (revision);
create table builds (
  skill_id text not null references skills (id),
  build text not null,
  script text not null,
  resolved text not null,
  primary key (skill_id, build)
) strict, without rowid;
create table generations (
  skill_id text not null references skills (id),
  number integer not null,
  name text not null,
  version text not null,
  slot text not null check (slot in ('A', 'B')),
  build text not null,
  digest text not null,
  status text not null check (status in ('pending', 'testing', 'active', 'disabled', 'quarantined')),
  last_error text,
  activated integer,
  installed_at integer not null,
  updated_at integer not null,
  primary key (skill_id, number),
  foreign key (skill_id, build) references builds (skill_id, build)
) strict, without rowid;
create table tests (
  skill_id text not null,
  number integer not null,
  report text not null,
  primary key (skill_id, number),
  foreign key (skill_id, number) references generations (skill_id, number)
) strict, without rowid;
create unique index one_active on generations (skill_id) where status = 'active';
create table triggers (
  skill_id text not null references skills (id),
  sentence text not null,
  added_at integer not null,
  primary key (skill_id, sentence)
) strict, without rowid;
create table proposals (
  id text primary key,
  status text not null check (status in ('pending', 'approved', 'rejected', 'installed')),
  skill_id text not null,
  digest text not null,
  body text not null,
  reason text,
  created_at integer not null,
  decided_at integer
) strict, without rowid;
create index proposals_status on proposals (status, created_at);
create table secrets (
  skill_id text not null,
  name text not null,
  sealed text not null,
  updated_at integer not null,
  primary key (skill_id, name)
) strict, without rowid;
create table skill_env (
  skill_id text primary key,
  env text not null
) strict, without rowid;
create table skill_state (
  skill_id text not null,
  schema_version integer not null,
  folder text not null,
  used integer not null,
  primary key (skill_id, schema_version)
) strict, without rowid;
create table removed (
  skill_id text primary key,
  revision integer not null,
  last_number integer not null,
  keep_data integer not null,
  scripts text not null,
  digests text not null
) strict, without rowid;
create table audit (
  revision integer primary key,
  at integer not null,
  via text not null,
  name text,
  action text not null,
  skill_id text,
  digest text,
  details text
) strict;
create trigger audit_is_not_rewritten before update on audit begin select raise(abort, 'the audit can only grow'); end;
create trigger audit_is_not_erased before delete on audit begin select raise(abort, 'the audit can only grow'); end;
`;
