# Proves a backup by restoring it into a copy: `drill [ID]`, run by cron and by `deployer drill`. It is read again, unpacked
# beside what serves, compared with its list of files, and only then its release is started on it: in a network without a way
# out, without a port, on nothing of the live data. The application's own check has the last word. Then the copy is
# removed and the evidence kept, however it ended. What a killed drill left is removed by the next one.
# Needs NAME, ROOT, COPY (a directory), COMPOSE (the copy's compose file, [image] for the backend's), HEALTH and CHECK
# (shell), LIMIT (seconds), EVIDENCE (a file), DRILLED (the text of drilled.py); archive.sh, database.sh, unpack.sh (for
# files alone), proxy.sh, last_words.sh, health.sh and mask.sh in front of it.
beside=$COPY # where unpack.sh unpacks: not where a restore does
copied=$beside/new
ours=deployer.drill=$NAME

say() { printf '%s\n' "$*"; }

# Why the drill fails: told as its last line, and in the evidence.
because() { why=$(paste -sd ' ' <<<"$*"); return 1; }

# -- the copy comes and goes -------------------------------------------------------------------------------------------

copies() { docker ps -a --filter "label=$ours" "$@"; }

# By its label, not by its project: another deployment may be called like that.
tear_down() {
  local containers networks
  containers=$(copies -q) && networks=$(docker network ls -q --filter "label=$ours") || return
  if [ -n "$containers" ]; then docker rm -f -v $containers >/dev/null || return; fi
  if [ -n "$networks" ]; then docker network rm $networks >/dev/null || return; fi
  rm -rf "${COPY:?}"
}

begin_clean() {
  local left
  docker_is_up || because "Docker does not answer on this host" || return
  left=$(copies --format '{{.Names}}' | paste -sd ' ')
  if [ -n "$left" ]; then say "removing what an earlier drill left: $left"; fi
  tear_down || because "what an earlier drill left could not be removed" || return
  if [ -n "$(docker ps -a -q --filter "label=com.docker.compose.project=$NAME-drill")" ]; then
    because "another deployment of this host is called $NAME-drill: the copy cannot have that name"
  fi
}

compose() { docker compose --project-directory "$copied" -f "$COPY/compose.yml" "$@"; }

masked() { mask "$copied/.env"; }

shown() { sed 's/^/  | /'; }

# Starts one service of the copy; `container` is its name then.
start_copy() {
  local said
  said=$(compose up --detach --no-deps --no-build "$1" 2>&1 | masked) || { shown <<<"$said"; because "$1 could not be started in the copy"; return; }
  container=$(copies --filter "label=com.docker.compose.service=$1" --format '{{.Names}}')
}

# -- what was unpacked -------------------------------------------------------------------------------------------------

choose_backup() {
  local newer
  id=$1
  if [ -z "$id" ]; then
    id=$(whole_ones | tail -n 1)
    for newer in $(shelf | ids | awk -v id="$id" '$0 > id'); do say "$newer is not whole and skipped: $(missing_in "$newer")"; done
  fi
  [ -n "$id" ] || because "there is no whole backup in $DIRECTORY"
}

# Of a database's size only that of its dump is known: room for the server, and for what the dump becomes.
fits() {
  local dump free
  dump=$(file_of "$1" database)
  if [ -z "$dump" ]; then return; fi
  free=$(free_in "$ROOT")
  [ "$free" -ge $(($(field "$1/manifest.json" unpacked) + $(stat -c %s "$dump") * 8 + 80000000)) ] ||
    because "not enough room below $ROOT to restore the database beside what serves: $((free / 1000000)) MB are free"
}

# Byte for byte what the list of files says (unpack.sh), and as many in each part as the manifest says.
unpack_copy() {
  local said part counted=()
  said=$(unpack_backup "$id" 2>&1) || because "$said" || return
  for part in $parts; do counted+=("$part $(names_of "$part" | paste -sd ' ')"); done
  said=$(listing_of "$1" | python3 -c "$DRILLED" count "$1/manifest.json" "${counted[@]}") || because "$said" || return
  files=$said
}

# -- what runs on it ---------------------------------------------------------------------------------------------------

describe_copy() {
  local image
  image=$(field "$1/manifest.json" release tags backend-api)
  [[ $image =~ ^[A-Za-z0-9._/:@-]+$ ]] || because "the backup does not say which release was running: there is nothing to start on it" || return
  docker image inspect "$image" >/dev/null 2>&1 ||
    because "the image $image of the backup's release is not on this host any more: drill a newer backup, or keep more releases (releases.retain)" || return
  (umask 077 && printf '%s\n' "${COMPOSE//'[image]'/"$image"}" >"$COPY/compose.yml")
}

in_copy() { local NAME=$NAME-drill; "$@"; }

wait_until_well() {
  healthy "$container" "$1" 2>&1 | masked || because "$2"
}

# The dump, into an empty server of the copy's own: as many rows in each table as there were.
fill_database() {
  local dump said wanted
  dump=$(file_of "$1" database)
  if [ -z "$dump" ]; then return 0; fi
  [ -n "$DATABASE" ] || because "the backup holds a database, but postgres.enabled is false: the copy has no server for it" || return
  start_copy postgres && wait_until_well "pg_isready -q -h 127.0.0.1 -U '$DATABASE_USER' -d '$DATABASE'" "the copy's PostgreSQL does not start" || return
  said=$(docker exec -i "$container" pg_restore --exit-on-error --no-owner -U "$DATABASE_USER" -d "$DATABASE" <"$dump" 2>&1 | masked) ||
    { tail -n 5 <<<"$said" | shown; because "the dump could not be restored into an empty server"; return; }
  rows=$(in_copy ask_database <<<"$counting") || { rows=null; because "the copy's PostgreSQL does not count its rows"; return; }
  wanted=$(field "$1/manifest.json" rows)
  said=$(python3 -c "$DRILLED" rows "$wanted" "$rows") || because "$said" || return
  say "the database is restored: $said"
}

start_application() {
  start_copy backend-api && wait_until_well "$HEALTH" "the application does not become healthy on what was restored" || return
  say "the application runs on it and is healthy"
}

ask_application() {
  local code=0
  if [ -z "$CHECK" ]; then say "backup.check is not set: what the application makes of its data was not asked"; return 0; fi
  check=$(timeout 600 docker exec "$container" sh -c "$CHECK" 2>&1 | masked | tail -c 4000) || code=$?
  shown <<<"$check"
  [ "$code" = 0 ] || because "the application's check (backup.check) ended with exit code $code" || return
  running "$container" || because "the application ended during the check"
}

# -- the road ----------------------------------------------------------------------------------------------------------

rehearse() {
  local backup said
  begin_clean && choose_backup "$1" || return
  backup=$DIRECTORY/$id
  said=$(verify_backup "$id") || because "$said" || return
  say "$id is as it was written"
  fits "$backup" && unpack_copy "$backup" || return
  say "unpacked beside what serves: $files files, each as it was backed up"
  describe_copy "$backup" && fill_database "$backup" && start_application && ask_application
}

who() { sed -n 2p "/run/lock/deployer-$NAME.lock.holder" 2>/dev/null | sed -nE 's/.*"who": "([^"\\]*)".*/\1/p'; }

record_drill() {
  python3 -c "$DRILLED" record "$EVIDENCE" "$(date -u +%FT%TZ)" "$id" "$result" "$why" "$seconds" "$files" "$check" "$rows" "$(who)"
}

# Also where it is broken off.
conclude() {
  trap '' TERM
  trap - EXIT
  seconds=$(awk -v a="$EPOCHREALTIME" -v b="$began" 'BEGIN { printf "%.1f", a - b }')
  tear_down || { result=failed; why+="${why:+; }what the drill made could not be removed"; }
  if [ "$result" != passed ]; then why=${why:-it was broken off}; fi
  record_drill || say "the evidence could not be written to $EVIDENCE"
  if [ "$result" = passed ]; then say "drill passed: $id, $files files, $seconds s"; else say "drill of ${id:-a backup} failed: $why"; fi
}

drill() {
  began=$EPOCHREALTIME id='' result=failed why='' files=0 check='' rows=null
  set -o pipefail
  renice -n 10 -p $$ >/dev/null 2>&1 || true
  trap conclude EXIT
  trap 'exit 143' TERM
  if rehearse "${1:-}"; then result=passed; else why=${why:-a command failed; its last words stand above}; fi
  conclude
  [ "$result" = passed ]
}
