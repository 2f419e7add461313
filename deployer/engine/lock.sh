# take_lock: what cron starts takes the lock of the host, and waits for it at most ten minutes; under a run of the
# operator's it is the run's own, inherited on descriptor 9. Who holds it is told to others as a run tells it.
# Needs NAME, ROOT, DOING (the command's name).
lock=/run/lock/deployer-$NAME.lock
lock_seconds=600

# In this shell itself: in a pipeline's the lock would go with it.
take_lock() {
  if { true >&9; } 2>/dev/null; then return; fi
  exec 9>>"$lock"
  flock -n 9 || wait_for_lock || { with_times echo "another run holds the lock: no $DOING now"; exit 6; }
  printf '%s %s\n{"who": "cron@%s", "command": "%s", "since": "%s"}\nhere\n' "$$" "$(cut -d' ' -f22 "/proc/$$/stat")" \
    "$(hostname | tr -cd '[:alnum:].-')" "$DOING" "$(date -u +%FT%TZ)" >"$lock.holder"
  with_times mend_restore || exit 5
}

# What a restore left that was broken off is put right first (recover.sh): nothing is built on a half state.
mend_restore() {
  local left=$ROOT/.deployer/restoring
  if [ -e "$left/program" ]; then bash -u "$left/program" mend; else rm -rf "$left"; fi
}

wait_for_lock() {
  with_times echo "waiting for the lock, at most $lock_seconds s; it is held by $(sed -n 2p "$lock.holder" 2>/dev/null || echo "a process on this host")"
  flock -w "$lock_seconds" 9
}

# For cron: each line with the time it was said. $@ is a function and its words.
with_times() {
  "$@" 2>&1 | while IFS= read -r line; do printf '%s %s\n' "$(date -u +%FT%TZ)" "$line"; done
  return "${PIPESTATUS[0]}"
}
