# take_lock: a program that cron starts takes the lock of the host, and waits for it at most ten minutes; started by an
# operator's run it uses that run's lock, inherited on descriptor 9. It records its owner as session.sh does.
# Needs NAME, ROOT, DOING (the command's name).
lock=/run/deployer/$NAME.lock
lock_seconds=600

# Call it outside a pipeline: the lock would be released with the pipeline's shell.
take_lock() {
  if { true >&9; } 2>/dev/null; then return; fi
  install -d -m 0700 "${lock%/*}"
  exec 9>>"$lock"
  flock -n 9 || wait_for_lock || { with_times echo "another run holds the lock: $DOING was skipped"; exit 6; }
  printf '%s %s\n{"who": "cron@%s", "command": "%s", "since": "%s"}\nhere\n' "$$" "$(cut -d' ' -f22 "/proc/$$/stat")" \
    "$(hostname | tr -cd '[:alnum:].-')" "$DOING" "$(date -u +%FT%TZ)" >"$lock.holder"
  with_times recover_restore || exit 5
}

# Recover from an interrupted restore first (recover.sh): no program may build on a half-restored state.
recover_restore() {
  local journal=$ROOT/.deployer/restoring
  if [ -e "$journal/program" ]; then bash -u "$journal/program" mend; else rm -rf "$journal"; fi
}

wait_for_lock() {
  with_times echo "waiting for the lock, at most $lock_seconds s; held by $(sed -n 2p "$lock.holder" 2>/dev/null || echo "a process on this host")"
  flock -w "$lock_seconds" 9
}

# For the logs of cron: each line with the time at which it was printed. $@ is a function and its arguments.
with_times() {
  "$@" 2>&1 | while IFS= read -r line; do printf '%s %s\n' "$(date -u +%FT%TZ)" "$line"; done
  return "${PIPESTATUS[0]}"
}
