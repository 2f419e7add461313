# Holds the lock of one run and starts its jobs. Spoken to line by line on standard input:
#   (an empty line)  heartbeat: without one for 30 s the operator is gone
#   start ID         start the job that was laid into $work/ID; it inherits the lock and outlives this session
#   stop             break off the running job, unless it is critical: then wait for it
#   audit JSON       keep a line in the audit log
#   quit             the run is over
# Needs NAME, ROOT, HOLDER (one line of JSON), WAIT (seconds) and a function `survey`.
# flock(1) on an open descriptor: the lock is free when the last process that has it open is gone, however it ended.
LC_ALL=C
lock=/run/lock/deployer-$NAME.lock
work=/run/deployer/$NAME
started=0
finished=0

start_time() { cut -d' ' -f22 "/proc/$1/stat" 2>/dev/null; }

# What cron started is here as long as it lives. A holder whose operator was not heard for 15 s (a heartbeat comes every 10) is about to give up: not refused for it.
holder_lives() {
  local pid began
  read -r pid began 2>/dev/null <"$lock.holder" || return 1
  [ "$(start_time "$pid")" = "$began" ] &&
    { [ "$(sed -n 3p "$lock.holder")" = here ] || [ -n "$(find "$lock.holder" -newermt '15 seconds ago')" ]; }
}

running_job() { cat "$work"/*/title 2>/dev/null | tail -n 1; }

# Waits for the lock at most $1 seconds, and says so now and then: an operator who hears nothing takes us for dead.
wait_for_lock() {
  local deadline=$((SECONDS + $1))
  while [ "$SECONDS" -lt "$deadline" ]; do
    if flock -w $((deadline - SECONDS < 10 ? deadline - SECONDS : 10)) 9; then return; fi
    echo "waiting $(running_job)"
  done
  return 1
}

acquire() {
  exec 9>>"$lock"
  flock -n 9 && return
  if holder_lives; then
    echo "held $(sed -n 2p "$lock.holder")"
    wait_for_lock "$WAIT" && return
  else
    echo "attached $(running_job)"
    wait_for_lock 3600 && return
  fi
  echo busy
  exit 0
}

take_over() {
  rm -rf "$work"
  install -d -m 0700 "$work"
  printf '%s\n' "$HOLDER" >"$work/holder"
  printf '%s %s\n%s\n' "$$" "$(start_time $$)" "$HOLDER" >"$lock.holder"
}

# What a restore left that was broken off is put right first (recover.sh): nothing is built on a half state. It says what
# it does to a file: nobody who goes away stops it.
mend_restore() {
  local left=$ROOT/.deployer/restoring code=0
  if [ ! -e "$left/program" ]; then rm -rf "$left"; return; fi
  echo mending
  bash -u "$left/program" mend >"$work/mended" 2>&1 || code=$?
  sed 's/^/mended /' "$work/mended"
  if [ "$code" != 0 ]; then rm -f "$lock.holder"; echo stuck; exit 0; fi
}

# The runner gets the lock's descriptor 9 and keeps it; `setsid` and a scope of its own detach it from this login.
# No child of this shell: bash would leave it a zombie while it waits for a line, and who follows it would not see its end.
start_job() {
  started=1
  (
    setsid systemd-run --quiet --scope --collect --unit="deployer-$NAME-$$-$1" \
      bash "$work/$1/runner.sh" "$work/$1" </dev/null >>"$work/$1/output" 2>&1 &
    echo "$!" >"$work/$1/process"
  )
}

# $1 is the job's directory, $2 its process. A job that was started a moment ago may not have its unit yet, and one that
# has not begun does not begin any more (runner.sh).
end_job() {
  local unit=deployer-$NAME-$$-${1##*/}.scope deadline=$((SECONDS + 3))
  : >"$1/stopped"
  until systemctl kill --signal=TERM "$unit" 2>/dev/null || [ ! -d "/proc/$2" ] || [ "$SECONDS" -ge "$deadline" ]; do
    sleep 0.1
  done
  flock -w 15 "$1/running" true || { [ -e "$1/critical" ] && flock "$1/running" true; } ||
    systemctl kill --signal=KILL "$unit" 2>/dev/null
}

# It has the lock from the moment it is forked, long before it says so: the lock is free when it is gone.
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

farewell() {
  if [ "$started" = 1 ] && [ "$finished" = 0 ]; then
    audit "{\"run\": ${HOLDER%\}}, \"result\": \"connection lost\"}, \"changed\": null, \"ended\": \"$(date -u +%FT%TZ)\"}"
  fi
  rm -f "$lock.holder"
}

acquire
take_over
mend_restore
trap farewell EXIT
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
