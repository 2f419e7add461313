# Tests a backup by restoring it into a copy: `drill [ID]`, run by cron and by `deployer drill`. The backup is verified,
# unpacked, and compared with its list of files. Then its release is started on the copy, in a network without a way out,
# without a port, on nothing of the live data, and the application's own check decides. However it ends, the copy is
# removed and the evidence kept. What a killed drill left is removed by the next one.
# Needs NAME, ROOT, COPY (a directory), COMPOSE (the copy's compose file, [image] for the backend's), HEALTH and CHECK
# (shell), LIMIT (seconds), EVIDENCE (a file), EVIDENCE_PROGRAM (the text of evidence.py); archive.sh, verify.sh,
# database.sh, unpack.sh (for files alone), proxy.sh, log_tail.sh, health.sh and mask.sh in front of it.
staging=$COPY # unpack.sh unpacks there, instead of where a restore does
copy_root=$staging/new
label=deployer.drill=$NAME

report() { printf '%s\n' "$*"; }

# Keeps why the drill fails, for its last line and for the evidence.
fail_because() { why=$(paste -sd ' ' <<<"$*"); return 1; }

# -- the copy ----------------------------------------------------------------------------------------------------------

drill_containers() { docker ps -a --filter "label=$label" "$@"; }

# Finds the copy by its label, not by its project: another deployment may have that name.
tear_down() {
  local containers networks
  containers=$(drill_containers -q) && networks=$(docker network ls -q --filter "label=$label") || return
  if [ -n "$containers" ]; then docker rm -f -v $containers >/dev/null || return; fi
  if [ -n "$networks" ]; then docker network rm $networks >/dev/null || return; fi
  rm -rf "${COPY:?}"
}

remove_previous() {
  local left
  docker_is_up || fail_because "Docker does not answer on this host" || return
  left=$(drill_containers --format '{{.Names}}' | paste -sd ' ')
  if [ -n "$left" ]; then report "removing what an earlier drill left: $left"; fi
  tear_down || fail_because "what an earlier drill left could not be removed" || return
  if [ -n "$(docker ps -a -q --filter "label=com.docker.compose.project=$NAME-drill")" ]; then
    fail_because "another deployment on this host is called $NAME-drill, so the copy cannot have that name"
  fi
}

compose() { docker compose --project-directory "$copy_root" -f "$COPY/compose.yml" "$@"; }

masked() { mask "$copy_root/.env"; }

indent() { sed 's/^/  | /'; }

# Starts one service of the copy; `container` is its name then.
start_copy() {
  local output
  output=$(compose up --detach --no-deps --no-build "$1" 2>&1 | masked) || { indent <<<"$output"; fail_because "$1 could not be started in the copy"; return; }
  container=$(drill_containers --filter "label=com.docker.compose.service=$1" --format '{{.Names}}')
}

# -- its files ---------------------------------------------------------------------------------------------------------

choose_backup() {
  local newer
  id=$1
  if [ -z "$id" ]; then
    id=$(complete_backups | tail -n 1)
    for newer in $(list_backups | ids | awk -v id="$id" '$0 > id'); do report "skipping $newer, which is incomplete: $(problem_of "$newer")"; done
  fi
  [ -n "$id" ] || fail_because "no complete backup in $DIRECTORY"
}

# Only the size of the dump is known: the space for the server and its database is estimated from it.
fits() {
  local dump free
  dump=$(file_of "$1" database)
  if [ -z "$dump" ]; then return; fi
  free=$(free_in "$ROOT")
  [ "$free" -ge $(($(field "$1/manifest.json" unpacked) + $(stat -c %s "$dump") * 8 + 80000000)) ] ||
    fail_because "not enough disk space below $ROOT to restore the database into the copy: $((free / 1000000)) MB are free"
}

# Compares the files with the list of files (unpack.sh), and their number and size in each part with the manifest.
unpack_copy() {
  local output part counted=()
  output=$(unpack_backup "$id" 2>&1) || fail_because "$output" || return
  for part in $parts; do counted+=("$part $(names_of "$part" | paste -sd ' ')"); done
  output=$(listing_of "$1" | python3 -c "$EVIDENCE_PROGRAM" count "$1/manifest.json" "${counted[@]}") || fail_because "$output" || return
  files=$output
}

# -- its containers ----------------------------------------------------------------------------------------------------

describe_copy() {
  local image
  image=$(field "$1/manifest.json" release tags backend-api)
  [[ $image =~ ^[A-Za-z0-9._/:@-]+$ ]] || fail_because "the backup does not name the release that was running, so no image is known to start on it" || return
  docker image inspect "$image" >/dev/null 2>&1 ||
    fail_because "the image $image of the backup's release is not on this host any more: test a newer backup, or keep more releases (releases.retain)" || return
  (umask 077 && printf '%s\n' "${COMPOSE//'[image]'/"$image"}" >"$COPY/compose.yml")
}

in_copy() { local NAME=$NAME-drill; "$@"; }

wait_until_healthy() {
  healthy "$container" "$1" 2>&1 | masked || fail_because "$2"
}

# Restores the dump into an empty server of the copy, and compares the number of rows in each table.
fill_database() {
  local dump output wanted
  dump=$(file_of "$1" database)
  if [ -z "$dump" ]; then return 0; fi
  [ -n "$DATABASE" ] || fail_because "the backup holds a database, but postgres.enabled is false: the copy has no server for it" || return
  start_copy postgres && wait_until_healthy "pg_isready -q -h 127.0.0.1 -U '$DATABASE_USER' -d '$DATABASE'" "the copy's PostgreSQL does not start" || return
  output=$(docker exec -i "$container" pg_restore --exit-on-error --no-owner -U "$DATABASE_USER" -d "$DATABASE" <"$dump" 2>&1 | masked) ||
    { tail -n 5 <<<"$output" | indent; fail_because "the dump could not be restored into an empty server"; return; }
  rows=$(in_copy ask_database <<<"$counting") || { rows=null; fail_because "the copy's PostgreSQL does not count its rows"; return; }
  wanted=$(field "$1/manifest.json" rows)
  output=$(python3 -c "$EVIDENCE_PROGRAM" rows "$wanted" "$rows") || fail_because "$output" || return
  report "the database is restored: $output"
}

start_application() {
  start_copy backend-api && wait_until_healthy "$HEALTH" "the application does not become healthy on the restored data" || return
  report "the application runs on the copy and is healthy"
}

check_application() {
  local code=0
  if [ -z "$CHECK" ]; then report "backup.check is not set: the application did not check its data"; return 0; fi
  check=$(timeout 600 docker exec "$container" sh -c "$CHECK" 2>&1 | masked | tail -c 4000) || code=$?
  indent <<<"$check"
  [ "$code" = 0 ] || fail_because "the application's check (backup.check) ended with exit code $code" || return
  running "$container" || fail_because "the application ended during the check"
}

# -- the procedure -----------------------------------------------------------------------------------------------------

rehearse() {
  local backup output
  remove_previous && choose_backup "$1" || return
  backup=$DIRECTORY/$id
  output=$(verify_backup "$id") || fail_because "$output" || return
  report "$id is intact"
  fits "$backup" && unpack_copy "$backup" || return
  report "unpacked $files files into the copy, each as it was backed up"
  describe_copy "$backup" && fill_database "$backup" && start_application && check_application
}

who() { sed -n 2p "/run/deployer/$NAME.lock.holder" 2>/dev/null | sed -nE 's/.*"who": "([^"\\]*)".*/\1/p'; }

record_drill() {
  python3 -c "$EVIDENCE_PROGRAM" record "$EVIDENCE" "$(date -u +%FT%TZ)" "$id" "$result" "$why" "$seconds" "$files" "$check" "$rows" "$(who)"
}

# Runs also where the drill is interrupted.
conclude() {
  trap '' TERM
  trap - EXIT
  seconds=$(awk -v a="$EPOCHREALTIME" -v b="$began" 'BEGIN { printf "%.1f", a - b }')
  tear_down || { result=failed; why+="${why:+; }the copy could not be removed"; }
  if [ "$result" != passed ]; then why=${why:-it was interrupted}; fi
  record_drill || report "the evidence could not be written to $EVIDENCE"
  if [ "$result" = passed ]; then report "drill passed: $id, $files files, $seconds s"; else report "drill of ${id:-a backup} failed: $why"; fi
}

drill() {
  began=$EPOCHREALTIME id='' result=failed why='' files=0 check='' rows=null
  set -o pipefail
  renice -n 10 -p $$ >/dev/null 2>&1 || true
  trap conclude EXIT
  trap 'exit 143' TERM
  if rehearse "${1:-}"; then result=passed; else why=${why:-a command failed; its last lines are shown above}; fi
  conclude
  [ "$result" = passed ]
}
