# Undoes a restore that failed or was interrupted, and finishes one that succeeded. The restore runs as a systemd unit of its
# own, which runs `recover` when it ends, however it ends. After a power failure, or where that was killed too, the next run
# does it under the lock, or the next boot: with `$staging/program`, which is this same text.
# Needs ENV_FILE; restore.sh in front of it, with what that needs, and mask.sh.
unit=deployer-$NAME-restore

# -- undo --------------------------------------------------------------------------------------------------------------

# Exit code 4: the previous release is serving again; 1: none was serving before; 5: not all could be undone. The journal
# decides whether a further try is needed; the code is kept for the process that waits for the unit.
recover() {
  local code=0
  case $(state) in
    serving) open_site; return 0 ;;
    swapping) ;;
    *) return 0 ;;
  esac
  echo "putting the previous state back"
  close_site
  await 300 docker_is_up || echo "Docker does not answer"
  olds=$(cat "$staging/olds") SERVICES=$(cat "$staging/services") services=$(to_start)
  remove_restored
  if swap_files_back && database_swap_back && cp -a "$staging/upstreams" "$upstreams"; then
    rm -f "$upstreams".{new,next,former} # of an interrupted switch
    agree_on_password || echo "PostgreSQL does not accept the password of the previous .env"
    start_previous || code=$?
    open_site
    phase back
    keep_restored_state
  else code=5; fi
  echo "$code" >"$staging/code"
  return "$code"
}

remove_restored() {
  local service name
  for service in $services; do
    for name in $(of_service "$service"); do if [[ " $olds " != *" $name "* ]]; then docker rm -f "$name" >/dev/null; fi; done
  done
}

# Starts the previous containers. Their files are in place, whatever happens here.
start_previous() {
  local service name
  if [ -n "${olds// /}" ]; then docker start $olds >/dev/null || return 5; fi
  reload_proxy || return 5
  if [ -z "${olds// /}" ] && [ -n "$services" ]; then return 1; fi
  SERVICES=$(cat "$staging/services.former")
  if [ -z "$SERVICES" ]; then return 4; fi
  for service in $services; do
    for name in $(of_kind "$service" "$olds"); do healthy "$name" "$(check_of "$service")" || return 1; done
  done
  are_reached "$services" "$olds" && return 4
}

# Keeps what visitors wrote to the restored state before it was undone.
keep_restored_state() {
  if [ ! -e "$staging/served" ]; then return; fi
  mv -T "$staging/new" "${former}_taken_back"
  echo "the restored state, which was live for a moment, is kept in ${former}_taken_back until the next backup"
}

# Undoes the restore after the check from outside.
restore_back() {
  local code=0
  if [ "$(state)" = serving ]; then phase swapping; fi
  recover || code=$?
  delete_unpacked
  return "$code"
}

# -- end ---------------------------------------------------------------------------------------------------------------

# Removes the previous containers; the previous state is kept until the next backup.
restore_end() {
  local service name
  SERVICES=$(cat "$staging/services")
  for service in $(to_start); do
    for name in $(unnamed "$service"); do docker rm -f "$name" >/dev/null; done
  done
  rm -rf "$staging"
  echo "restored $ID; the previous state is kept in $former until the next backup"
}

# Deletes the unpacked files unless they may be in use.
delete_unpacked() { case $(state) in swapping | serving) ;; *) rm -rf "$staging" ;; esac; }

# Finishes or undoes an interrupted restore, before the next run under the lock or at boot.
finish_interrupted() {
  ignore_signals
  case $(state) in
    serving) open_site; restore_end; return ;;
    swapping) echo "the restore of $ID was interrupted"; recover || true ;;
  esac
  delete_unpacked
  if [ ! -e "$staging" ]; then return; fi
  echo "The previous state could not be put back: it is in $former, the restored one in $staging/new. Fix the errors above, then run any command again."
  return 5
}

# -- the unit ----------------------------------------------------------------------------------------------------------

unit_ended() { case $(systemctl show --property=ActiveState --value "$unit.service") in inactive | failed) ;; *) return 1 ;; esac; }

# Runs the restore as a unit that holds the lock as well (its standard input is the lock's descriptor), and that goes on
# without the process that started it. When it is killed its children are killed at once (KillMode=mixed); a shutdown waits
# for its end.
restore_guarded() {
  local code=0
  not_half_way
  cp "$0" "$staging/program"
  rm -f "$staging/code"
  : >restore.output
  if [ -e "$staging/new/.env" ]; then cp -a "$staging/new/.env" "$staging/env"; fi
  systemctl reset-failed "$unit.service" 2>/dev/null || true
  systemd-run --quiet --collect --wait --pipe --unit="$unit" --property=After=docker.service --property=KillMode=mixed --property=TimeoutStopSec=900 \
    --property="ExecStopPost=-/bin/bash -u $staging/program recover" \
    /bin/bash -euo pipefail "$staging/program" swap <&9 >restore.output 2>&1 &
  tail -n +1 -s 0.1 --pid=$! -f restore.output | mask "$staging/env" || true
  wait $! || code=$?
  await 7200 unit_ended # it goes on when systemd-run is killed
  if [ "$(state)" = serving ]; then code=0; fi
  if [ -e "$staging/code" ]; then code=$(cat "$staging/code"); fi
  return "$code"
}

# Runs a function to its end: neither a signal nor a closed output stops it.
in_unit() { ignore_signals; exec 9<&0; "$1"; }

# This same file is the job's script, the unit's two commands, and the program that an interrupted restore leaves. Its verbs
# must stay: `mend` is what every version of the tool calls in the program that another version may have left.
act() {
  case $1 in
    swap) in_unit restore_swap ;;
    recover) in_unit recover ;;
    mend) finish_interrupted 2>&1 | mask "$ENV_FILE"; return "${PIPESTATUS[0]}" ;;
    *) restore_guarded ;;
  esac
}
