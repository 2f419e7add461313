# Functions for PostgreSQL, where the deployment has one: restoring the dump of a backup.
# Needs NAME, DATABASE (empty: there is none), DATABASE_USER; the directory `staging`, and proxy.sh.
database_server() { docker ps -q --filter status=running --filter "label=com.docker.compose.project=$NAME" --filter label=com.docker.compose.service=postgres; }
ask_database() { docker exec -i "$(database_server)" psql -X -q -v ON_ERROR_STOP=1 -tA -U "$DATABASE_USER" -d "${1:-$DATABASE}"; }

# The rows of each table, as JSON.
counting="select coalesce(json_object_agg(format('%I.%I', schemaname, tablename), (xpath('/row/c/text()', query_to_xml(
  format('select count(*) as c from %I.%I', schemaname, tablename), false, true, '')))[1]::text::bigint), '{}')
  from pg_tables where schemaname not in ('pg_catalog', 'information_schema')"

rename_database() {
  ask_database postgres <<<"select pg_terminate_backend(pid) from pg_stat_activity where datname in ('$1', '$2');
    alter database \"$1\" rename to \"$2\"" >/dev/null
}

# Restores into a second database, alongside the live one.
database_unpack() {
  local dump
  dump=$(file_of "$1" database)
  if [ -z "$DATABASE" ] || ! in_scope database || [ -z "$dump" ]; then return 0; fi
  ask_database postgres <<<"drop database if exists \"${DATABASE}_restoring\"" && ask_database postgres <<<"create database \"${DATABASE}_restoring\"" || return
  docker exec -i "$(database_server)" pg_restore --exit-on-error --no-owner -U "$DATABASE_USER" -d "${DATABASE}_restoring" <"$dump" ||
    { echo "the database could not be restored alongside the live one"; return 1; }
  rows=$(ask_database "${DATABASE}_restoring" <<<"$counting")
  if [ "$(field "$1/manifest.json" rows)" != "$(python3 -c 'import json, sys; print(json.dumps(json.load(sys.stdin)))' <<<"$rows")" ]; then
    echo "the restored database does not have the rows that were backed up: $rows"
    return 1
  fi
  : >"$staging/database"
}

has_database() { [ "$(ask_database postgres <<<"select count(*) from pg_database where datname = '$1'")" = 1 ]; }

# Whether this restore unpacked a database: one that an earlier restore left must not be used.
is_unpacked() { [ -e "$staging/database" ]; }

database_swap() {
  if ! is_unpacked; then return 0; fi
  if has_database "$DATABASE"; then
    ask_database postgres <<<"drop database if exists \"${DATABASE}_former\"" && rename_database "$DATABASE" "${DATABASE}_former" || return
  fi
  rename_database "${DATABASE}_restoring" "$DATABASE"
}

server_answers() { [ -n "$(database_server)" ] && ask_database postgres <<<'select 1' >/dev/null 2>&1; }

# Undoes as much as was swapped, and can be repeated where it was interrupted. While the server does not answer, nothing is
# known of its databases.
database_swap_back() {
  if ! is_unpacked; then return 0; fi
  await 60 server_answers || { echo "PostgreSQL does not answer"; return 1; }
  if has_database "$DATABASE"; then
    if has_database "${DATABASE}_restoring"; then return 0; fi
    rename_database "$DATABASE" "${DATABASE}_restoring" || return
  fi
  if has_database "${DATABASE}_former"; then rename_database "${DATABASE}_former" "$DATABASE"; fi
}
