# Functions for PostgreSQL, where the deployment has one: its part of a backup. A snapshot is exported while the
# application is paused, and the dump made of that afterwards (pg_dump(1), --snapshot).
# Needs NAME, DATABASE (empty: there is none), DATABASE_USER; for a backup `report` and the directories `work` and
# `messages`; for a restore the directory `staging`, and proxy.sh.
database_server() { docker ps -q --filter status=running --filter "label=com.docker.compose.project=$NAME" --filter label=com.docker.compose.service=postgres; }
ask_database() { docker exec -i "$(database_server)" psql -X -q -v ON_ERROR_STOP=1 -tA -U "$DATABASE_USER" -d "${1:-$DATABASE}"; }

# The rows of each table, as JSON.
counting="select coalesce(json_object_agg(format('%I.%I', schemaname, tablename), (xpath('/row/c/text()', query_to_xml(
  format('select count(*) as c from %I.%I', schemaname, tablename), false, true, '')))[1]::text::bigint), '{}')
  from pg_tables where schemaname not in ('pg_catalog', 'information_schema')"

database_size() { if [ -z "$DATABASE" ]; then echo 0; else ask_database <<<'select pg_database_size(current_database())'; fi; }
database_tables() { if [ -n "$DATABASE" ]; then ask_database <<<"select tablename from pg_tables where schemaname not in ('pg_catalog', 'information_schema') limit 1"; fi; }

database_answers() {
  local output
  if [ -z "$DATABASE" ]; then return; fi
  output=$(ask_database 2>&1 <<<'select 1') && return
  report "PostgreSQL does not answer: $(tail -n 1 <<<"$output"); see deployer logs postgres"
  return 1
}

# Opens a session that keeps the snapshot until `database_dump` has read it.
database_snapshot() {
  if [ -z "$DATABASE" ]; then return; fi
  mkfifo "$work/ask" "$work/answer"
  # It must not inherit the pipe from which tar reads its names: tar would never end.
  (exec {to}>&- {from}<&-; ask_database <"$work/ask" >"$work/answer" 2>>"$messages/other") &
  exec {database_to}>"$work/ask" {database_from}<"$work/answer"
  rm "$work/ask" "$work/answer"
  printf 'begin isolation level repeatable read, read only;\nselect pg_export_snapshot();\n' >&"$database_to"
  read -r -t 20 snapshot <&"$database_from" || { report "PostgreSQL exported no snapshot"; return 1; }
}

database_dump() {
  rows=null
  if [ -z "$DATABASE" ]; then return; fi
  docker exec "$(database_server)" pg_dump -Fc --snapshot="$snapshot" -U "$DATABASE_USER" "$DATABASE" >"$1" 2>"$messages/other" ||
    { report "the dump of the database ended early:"; tail -n 5 "$messages/other" | sed 's/^/  | /'; return 1; }
  docker exec -i "$(database_server)" pg_restore --list <"$1" >/dev/null 2>"$messages/other" ||
    { report "the dump of the database cannot be read: $(tail -n 1 "$messages/other")"; return 1; }
  printf '%s;\n' "$counting" >&"$database_to"
  read -r rows <&"$database_from" || { report "PostgreSQL could not count its rows"; return 1; }
  exec {database_to}>&- {database_from}<&-
}

database_rows() { printf '%s' "${rows:-null}"; }

database_forget_former() { if [ -n "$DATABASE" ]; then ask_database postgres <<<"drop database if exists \"${DATABASE}_former\""; fi; }

# -- to restore --------------------------------------------------------------------------------------------------------

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
