# Holds the lock of one run and starts its jobs. Takes commands line by line on standard input:
#   (an empty line)  heartbeat: without one for 30 s the operator counts as disconnected
#   start ID         start the job whose files are in $work/ID; it inherits the lock and outlives this session
#   stop             stop the running job, or wait for it where it is critical
#   audit JSON       add a line to the audit log
#   quit             end the session
# Needs NAME, ROOT, OWNER (one line of JSON), WAIT (seconds) and a function `survey`.
# flock(1) on an open descriptor: the lock is free once the last process that has it open ends, for whatever reason.
# The file $lock.holder describes the lock owner: process id and start time, OWNER, `here` where cron started it.
LC_ALL=C
places=/run/deployer # root's alone: in /run/lock anybody could hold a lock, or plant a link
lock=$places/$NAME.lock
work=$places/$NAME
former=/run/lock/deployer-$NAME.lock.holder # of versions before 0.2
started=0
finished=0

start_time() { cut -d' ' -f22 "/proc/$1/stat" 2>/dev/null; }

# A program of cron owns the lock as long as it lives. A session without a heartbeat for 15 s (one comes every 10) is
# about to end: wait for it instead of reporting the lock as held.
owner_lives() {
  local pid began
  read -r pid began 2>/dev/null <"$1" || return 1
  [ "$(start_time "$pid")" = "$began" ] &&
    { [ "$(sed -n 3p "$1")" = here ] || [ -n "$(find "$1" -newermt '15 seconds ago')" ]; }
}

running_job() { cat "$work"/*/title 2>/dev/null | tail -n 1; }

# Waits for the lock at most $1 seconds, and prints a line every 10 s: the operator's end treats silence as a failure.
wait_for_lock() {
  local deadline=$((SECONDS + $1))
  while [ "$SECONDS" -lt "$deadline" ]; do
    if flock -w $((deadline - SECONDS < 10 ? deadline - SECONDS : 10)) 9; then return; fi
    echo "waiting $(running_job)"
  done
  return 1
}

acquire() {
  install -d -m 0700 "$places"
  if [ -O "$former" ] && [ ! -L "$former" ] && owner_lives "$former"; then
    echo "held $(sed -n 2p "$former")"
    echo busy
    exit 0
  fi
  exec 9>>"$lock"
  flock -n 9 && return
  if owner_lives "$lock.holder"; then
    echo "held $(sed -n 2p "$lock.holder")"
    wait_for_lock "$WAIT" && return
  else
    echo "attached $(running_job)"
    wait_for_lock 3600 && return
  fi
  echo busy
  exit 0
}

record_owner() {
  rm -rf "$work"
  install -d -m 0700 "$work"
  printf '%s\n' "$OWNER" >"$work/holder"
  printf '%s %s\n%s\n' "$$" "$(start_time $$)" "$OWNER" >"$lock.holder"
}

# Recover from an interrupted restore first: no run may build on a half-restored state. The program that the restore has
# left does it. Its output goes to a file: a disconnected operator must not stop it. Every version's program knows `mend`.
recover_restore() {
  local journal=$ROOT/.deployer/restoring code=0
  if [ ! -e "$journal/program" ]; then rm -rf "$journal"; return; fi
  echo recovering
  bash -u "$journal/program" mend >"$work/recovery" 2>&1 || code=$?
  sed 's/^/recovery /' "$work/recovery"
  if [ "$code" != 0 ]; then rm -f "$lock.holder"; echo stuck; exit 0; fi
}

# The runner gets the lock's descriptor 9 and keeps it; `setsid` and a scope of its own detach it from this login.
# It is no child of this shell: bash would leave it a zombie while reading a line, and follow.sh would not see its end.
start_job() {
  started=1
  (
    setsid systemd-run --quiet --scope --collect --unit="deployer-$NAME-$$-$1" \
      bash "$work/$1/runner.sh" "$work/$1" </dev/null >>"$work/$1/output" 2>&1 &
    echo "$!" >"$work/$1/process"
  )
}

# $1 is the job's directory, $2 its process. A job that was started a moment ago may have no unit yet, and one that has
# not begun will not begin once `stopped` exists (runner.sh).
end_job() {
  local unit=deployer-$NAME-$$-${1##*/}.scope deadline=$((SECONDS + 3))
  : >"$1/stopped"
  until systemctl kill --signal=TERM "$unit" 2>/dev/null || [ ! -d "/proc/$2" ] || [ "$SECONDS" -ge "$deadline" ]; do
    sleep 0.1
  done
  flock -w 15 "$1/running" true || { [ -e "$1/critical" ] && flock "$1/running" true; } ||
    systemctl kill --signal=KILL "$unit" 2>/dev/null
}

# A job has the lock from its fork on, before it reports anything: the lock is free once its process has ended.
await_end() {
  local deadline=$((SECONDS + 15))
  while [ -d "/proc/$1" ] && [ "$SECONDS" -lt "$deadline" ]; do sleep 0.05; done
}

stop_job() {
  local job process
  for job in "$work"/*/; do
    job=${job%/}
    process=$(cat "$job/process" 2>/dev/null) || continue
    if [ -e "$job/critical" ]; then flock "$job/running" true; fi
    if [ ! -e "$job/rc" ]; then end_job "$job" "$process"; fi
    await_end "$process"
  done
}

audit() {
  install -d -m 0755 "$ROOT/.deployer" && printf '%s\n' "$1" >>"$ROOT/.deployer/audit.jsonl"
}

end_session() {
  if [ "$started" = 1 ] && [ "$finished" = 0 ]; then
    audit "{\"run\": ${OWNER%\}}, \"result\": \"connection lost\"}, \"changed\": null, \"ended\": \"$(date -u +%FT%TZ)\"}"
  fi
  rm -f "$lock.holder"
}

acquire
record_owner
recover_restore
trap end_session EXIT
echo locked
reply=$(survey)$'\n'
printf '%d\n%s' "${#reply}" "$reply"
while IFS= read -r -t 30 line; do
  case $line in
    "") touch "$lock.holder" ;;
    start\ *) start_job "${line#start }" ;;
    stop) stop_job; echo stopped ;;
    audit\ *) audit "${line#audit }"; finished=1 ;;
    quit) finished=1; break ;;
  esac
done
