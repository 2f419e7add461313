# Functions for PostgreSQL: start its container alone, wait until it accepts the application's password, and give the
# role that password where it has another. A password travels through pipes, and is never an argument.
# Needs NAME, ROOT, ENV_FILE, IMAGE, ROLE, DATABASE, DATA (its directory on the host) and LIMIT (seconds); log_tail.sh.
database() { docker ps -a --filter "label=com.docker.compose.project=$NAME" --filter label=com.docker.compose.service=postgres --format '{{.Names}}' | head -n 1; }

password() { sed -n 's/^DB_PASSWORD=//p' "$ENV_FILE" 2>/dev/null | tail -n 1 | sed -E "s/^'(.*)'\$/\1/; s/^\"(.*)\"\$/\1/"; }

# As the application does: by that name, over the network. On its socket and on 127.0.0.1 the image accepts everybody.
login() {
  password | docker exec -i "$1" sh -c \
    'IFS= read -r PGPASSWORD; export PGPASSWORD PGCONNECT_TIMEOUT=5; exec psql -X -w -h postgres -U "$1" -d "$2" -Atqc "select 1"' \
    login "$ROLE" "$DATABASE"
}

# `accepted` where a database runs and accepts the password; changes nothing.
login_state() {
  local name
  name=$(database) || return
  if [ -n "$name" ] && login "$name" >/dev/null 2>&1; then echo accepted; fi
}

# Over the socket. The server must not log the statement, also where it refuses it.
set_password() {
  {
    echo "SET log_statement = 'none'; SET log_min_duration_statement = -1; SET log_min_error_statement = 'panic';"
    printf "ALTER ROLE \"%s\" PASSWORD '%s';\n" "$ROLE" "$(password)"
  } | docker exec -i "$1" psql -X -q -v ON_ERROR_STOP=1 -U "$ROLE" -d "$DATABASE"
}

# The image creates role and database at its first start only, so later settings can miss them. $1 is the error.
report_other_data() {
  echo "$1"
  echo "$DATA was created for another role or database than $ROLE and $DATABASE: restore postgres.user and"
  echo "postgres.database in the inventory, or create them: docker exec -it $(database) psql -U FORMER_ROLE postgres"
  return 1
}

agree() {
  local name error
  name=$(database)
  await_ready "$name" || return
  if error=$(login "$name" 2>&1); then return; fi
  case $error in
    *"password authentication failed"*) ;;
    *"does not exist"*) report_other_data "$error"; return ;;
    *) echo "$error"; show_log_tail "$name" "refuses the application"; return 1 ;;
  esac
  error=$(set_password "$name" 2>&1) || { report_other_data "$error"; return; }
  echo "the role $ROLE had another password than .env; it has the one of .env now"
  login "$name" >/dev/null
}

restarts() { docker inspect --format '{{.State.Status}} {{.RestartCount}}' "$1"; }

# While the image creates a database its server listens on the socket only, which does not count as ready.
await_ready() {
  local deadline=$((SECONDS + LIMIT)) before
  before=$(restarts "$1") || return
  until docker exec "$1" pg_isready -q -h 127.0.0.1 -U "$ROLE" -d "$DATABASE" 2>/dev/null; do
    if [ "$(restarts "$1")" != "running ${before#* }" ]; then show_log_tail "$1" "does not keep running"; return 1; fi
    if [ "$SECONDS" -ge "$deadline" ]; then show_log_tail "$1" "is not ready after $LIMIT s"; return 1; fi
    sleep 0.3
  done
}

major_of_image() { docker image inspect --format '{{range .Config.Env}}{{println .}}{{end}}' "$IMAGE" | sed -n 's/^PG_MAJOR=//p'; }

# `present MAJOR` where the host has the image; nothing where it does not.
image_state() { if docker image inspect "$IMAGE" >/dev/null 2>&1; then echo "present $(major_of_image)"; fi; }

# Checked again, since the image may have been pulled after the plan was made.
can_read_data() {
  local has
  has=$(cat "$DATA/PG_VERSION" 2>/dev/null || major_of_image)
  if [ "$(major_of_image)" != "" ] && [ "$(major_of_image)" != "$has" ]; then
    echo "$DATA holds data of PostgreSQL $has, and $IMAGE is PostgreSQL $(major_of_image), which cannot read them"
    return 1
  fi
}

start_database() {
  local output
  can_read_data || return
  output=$(docker compose --project-directory "$ROOT" -f "$ROOT/docker-compose.yml" up -d --no-deps --no-build --force-recreate postgres 2>&1) || {
    echo "$output"
    return 1
  }
  agree
}
