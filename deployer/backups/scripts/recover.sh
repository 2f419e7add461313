# Back from a restore that failed or was broken off, and its end. The restore runs as a unit of systemd's of its own, which
# runs `recover` when it ended, however it did; where the power went, or that was killed too, the next run does it under
# the lock, or the next boot: by `$beside/program`, which is this same text.
# Needs restore.sh in front of it, with what that needs, and mask.sh.
unit=deployer-$NAME-restore

# -- back --------------------------------------------------------------------------------------------------------------

# Exit code 4: what served before serves again; 1: nothing did; 5: not all could be put back. What the journal says after
# it decides whether a further try is needed; the code is kept for who waits for the unit.
recover() {
  local code=0
  case $(state) in
    serving) open_site; return 0 ;;
    swapping) ;;
    *) return 0 ;;
  esac
  echo "the former state is put back"
  close_site
  await 300 docker_is_up || echo "Docker does not answer"
  olds=$(cat "$beside/olds") SERVICES=$(cat "$beside/services") services=$(to_start)
  remove_restored
  if swap_files_back && database_swap_back && cp -a "$beside/upstreams" "$upstreams"; then
    rm -f "$upstreams".{new,next,former} # of a switch that was broken off
    agree_on_password || echo "PostgreSQL does not take the password of the former .env"
    start_former || code=$?
    open_site
    phase back
    keep_what_served
  else code=5; fi
  echo "$code" >"$beside/code"
  return "$code"
}

remove_restored() {
  local service name
  for service in $services; do
    for name in $(of_service "$service"); do if [[ " $olds " != *" $name "* ]]; then docker rm -f "$name" >/dev/null; fi; done
  done
}

# Its files are in place whatever becomes of this.
start_former() {
  local service name
  if [ -n "${olds// /}" ]; then docker start $olds >/dev/null || return 5; fi
  reload_proxy || return 5
  if [ -z "${olds// /}" ] && [ -n "$services" ]; then return 1; fi
  SERVICES=$(cat "$beside/services.former")
  if [ -z "$SERVICES" ]; then return 4; fi
  for service in $services; do
    for name in $(of_kind "$service" "$olds"); do healthy "$name" "$(check_of "$service")" || return 1; done
  done
  are_reached "$services" "$olds" && return 4
}

# What visitors wrote to the restored state until it was taken back.
keep_what_served() {
  if [ ! -e "$beside/served" ]; then return; fi
  mv -T "$beside/new" "${former}_taken_back"
  echo "what was restored, and served for a moment, is kept in ${former}_taken_back until the next backup"
}

# After the look from outside.
restore_back() {
  local code=0
  if [ "$(state)" = serving ]; then phase swapping; fi
  recover || code=$?
  forget_unpacked
  return "$code"
}

# -- end ---------------------------------------------------------------------------------------------------------------

# The containers of before go; their state is kept until the next backup.
restore_end() {
  local service name
  SERVICES=$(cat "$beside/services")
  for service in $(to_start); do
    for name in $(unnamed "$service"); do docker rm -f "$name" >/dev/null; done
  done
  rm -rf "$beside"
  echo "restored $ID; what was there before is kept in $former until the next backup"
}

# What was unpacked goes, unless it is, or may be, in place.
forget_unpacked() { case $(state) in swapping | serving) ;; *) rm -rf "$beside" ;; esac; }

# For the next run under the lock, and at boot: whatever was broken off is brought to an end.
mend() {
  deaf
  case $(state) in
    serving) open_site; restore_end; return ;;
    swapping) echo "the restore of $ID was broken off"; recover || true ;;
  esac
  forget_unpacked
  if [ ! -e "$beside" ]; then return; fi
  echo "the former state could not be put back: it lies in $former, what was restored in $beside/new; mend what the lines above name, then run any command again"
  return 5
}

# -- the unit ----------------------------------------------------------------------------------------------------------

unit_ended() { case $(systemctl show --property=ActiveState --value "$unit.service") in inactive | failed) ;; *) return 1 ;; esac; }

# It holds the lock as well (its standard input is the lock's descriptor), and outlives whoever started it. Where it is killed
# what it had started goes at once (KillMode=mixed), and is not waited for; at a shutdown it is let come to its end.
restore_guarded() {
  local code=0
  not_half_way
  cp "$0" "$beside/program"
  rm -f "$beside/code"
  : >restore.output
  if [ -e "$beside/new/.env" ]; then cp -a "$beside/new/.env" "$beside/env"; fi
  systemctl reset-failed "$unit.service" 2>/dev/null || true
  systemd-run --quiet --collect --wait --pipe --unit="$unit" --property=After=docker.service --property=KillMode=mixed --property=TimeoutStopSec=900 \
    --property="ExecStopPost=-/bin/bash -u $beside/program recover" \
    /bin/bash -euo pipefail "$beside/program" swap <&9 >restore.output 2>&1 &
  tail -n +1 -s 0.1 --pid=$! -f restore.output | mask "$beside/env" || true
  wait $! || code=$?
  await 7200 unit_ended # it goes on without who waited for it
  if [ "$(state)" = serving ]; then code=0; fi
  if [ -e "$beside/code" ]; then code=$(cat "$beside/code"); fi
  return "$code"
}

# Nothing stops it half-way, nor does a reader who went away.
in_unit() { deaf; exec 9<&0; "$1"; }

# The same file is the job's script, the unit's two commands, and what is left for a next run.
act() {
  case $1 in
    swap) in_unit restore_swap ;;
    recover) in_unit recover ;;
    mend) mend 2>&1 | mask "$ENV_FILE"; return "${PIPESTATUS[0]}" ;;
    *) restore_guarded ;;
  esac
}
