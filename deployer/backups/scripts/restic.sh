# Functions: run restic with its credentials, which no other program gets and no argument holds. `output` is what it printed
# last, shown with all of them masked; `why` is why it failed, and what to do. Works with restic 0.12 to 0.18.
# Needs OFFSITE (a directory for its cache and stamps), OFFSITE_ENV (lines NAME=value, as they are); mask.sh in front of it.
short_limit=90 # seconds for a question; a repository that has not answered by then is not reachable

# Restic calls ssh itself. With these options ssh neither asks nor waits for ever, nor leaves a shared connection open.
sftp_command() {
  local endpoint=${1#sftp:} port=''
  case $endpoint in
    //*) endpoint=${endpoint#//}; endpoint=${endpoint%%/*}; case $endpoint in *:*) port=${endpoint##*:}; endpoint=${endpoint%:*} ;; esac ;;
    *) endpoint=${endpoint%%:*} ;;
  esac
  printf 'ssh -o BatchMode=yes -o ConnectTimeout=20 -o ServerAliveInterval=15 -o ServerAliveCountMax=4 -o ControlPath=none%s %s -s sftp' \
    "${port:+ -p $port}" "$endpoint"
}

# SECONDS ARGUMENTS…: runs restic at low priority; 0 seconds: no limit.
run_restic() (
  limit=$1 options=()
  shift
  while IFS= read -r line; do case $line in *=*) export "${line?}" ;; esac; done <"$OFFSITE_ENV" || exit
  export TZ=UTC RESTIC_CACHE_DIR=$OFFSITE/cache
  case ${RESTIC_REPOSITORY:-} in sftp:*) options=(-o "sftp.command=$(sftp_command "$RESTIC_REPOSITORY")") ;; esac
  exec timeout --foreground -k 10 "$limit" nice -n 10 ionice -t -c 2 -n 7 restic "${options[@]}" "$@"
)

# Gives the exit codes of restic 0.17 for earlier versions too: 10 there is no repository, 11 it is locked, 12 the password
# is not the repository's.
ask_restic() {
  local code=0
  output=$(run_restic "$@" </dev/null 2>&1) || code=$?
  case $code:$output in
    1:*"open config file"*"no such file"* | 1:*"open config file"*"does not exist"* | 1:*"open config file"*"not exist"*) code=10 ;;
    1:*"already locked"*) code=11 ;;
    1:*"wrong password or no key found"*) code=12 ;;
  esac
  return "$code"
}

# With --json, restic 0.17 and later print their errors as JSON too.
restic_tail() {
  sed -E 's/^\{"message_type":"exit_error".*"message":"(.*)"\}$/\1/; s/\\n/\n/g' <<<"$output" | tail -n 5 | mask "$OFFSITE_ENV" | sed 's/^/  | /'
}

# CODE WHAT: shows restic's last lines, and sets `why` to what failed and what to do about it.
explain_restic() {
  if [ -n "$output" ]; then restic_tail; fi
  case $1 in
    10) why="$2: there is no repository (any more); check that its disk is mounted and its path right" ;;
    11) why="$2: another restic has locked the repository; the next backup tries again" ;;
    12) why="$2: RESTIC_PASSWORD is not the repository's; set the right one in NAME.env and run deployer provision, or see restic key" ;;
    124 | 137) why="$2: the repository did not answer in time; the next backup tries again" ;;
    126 | 127) why="$2: restic is not installed; deployer provision installs it" ;;
    *) why="$2: the repository cannot be reached or used; the next backup tries again" ;;
  esac
  return 1
}

# SECONDS WHAT ARGUMENTS…
try_restic() {
  local code=0 limit=$1 what=$2
  shift 2
  ask_restic "$limit" "$@" || { code=$?; explain_restic "$code" "$what"; return 1; }
}

repository_opens() { ask_restic "$short_limit" --no-cache --no-lock cat config; }

# Installs $PAYLOAD as OFFSITE_ENV. Where its password is not the repository's, the present file is kept.
install_credentials() {
  local output='' why='' code=0
  OFFSITE_ENV=$PAYLOAD repository_opens || code=$?
  if [ "$code" = 12 ] || { [ "$code" != 0 ] && [ "$code" != 10 ] && password_changes; }; then
    OFFSITE_ENV=$PAYLOAD explain_restic "$code" "the new RESTIC_PASSWORD is not used" || true
    echo "$why"
    echo "Nothing was changed. A repository keeps its password until restic changes it: put the previous one back into"
    echo "NAME.env; or, while the host still has that one, change it there (sudo ${OFFSITE_ENV%/*}/bin/restic key passwd)."
    return 1
  fi
  if [ "$code" != 0 ] && [ "$code" != 10 ]; then echo "the repository does not answer now (the next backup tries again):"; explain_restic "$code" '' || true; fi
  (umask 077 && mkdir -p "$OFFSITE" && cat "$PAYLOAD" >"$OFFSITE_ENV.deployer-new") &&
    chown root:root "$OFFSITE_ENV.deployer-new" && sync "$OFFSITE_ENV.deployer-new" && mv -f "$OFFSITE_ENV.deployer-new" "$OFFSITE_ENV"
}

# Whether the password of the same repository changes.
password_changes() {
  [ -e "$OFFSITE_ENV" ] && cmp -s <(grep ^RESTIC_REPOSITORY= "$OFFSITE_ENV") <(grep ^RESTIC_REPOSITORY= "$PAYLOAD") &&
    ! cmp -s <(grep ^RESTIC_PASSWORD= "$OFFSITE_ENV") <(grep ^RESTIC_PASSWORD= "$PAYLOAD")
}
