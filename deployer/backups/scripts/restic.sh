# Functions: restic with its credentials, which no other program gets and no argument holds. `said` is what it said last,
# told with all of them masked; `why` is why it failed, and what to do. Understands restic from 0.12 to 0.18.
# Needs OFFSITE (a directory for its cache and stamps), OFFSITE_ENV (lines NAME=value, as they are); mask.sh in front of it.
quick=90 # seconds for a question; an answer that is not there by then will not come

# Restic would call ssh itself; so it neither asks nor waits for ever, nor leaves a connection that others share.
sftp_command() {
  local place=${1#sftp:} port=''
  case $place in
    //*) place=${place#//}; place=${place%%/*}; case $place in *:*) port=${place##*:}; place=${place%:*} ;; esac ;;
    *) place=${place%%:*} ;;
  esac
  printf 'ssh -o BatchMode=yes -o ConnectTimeout=20 -o ServerAliveInterval=15 -o ServerAliveCountMax=4 -o ControlPath=none%s %s -s sftp' \
    "${port:+ -p $port}" "$place"
}

# SECONDS WORDS…: restic at low priority; 0 seconds: no limit.
run_restic() (
  limit=$1 options=()
  shift
  while IFS= read -r line; do case $line in *=*) export "${line?}" ;; esac; done <"$OFFSITE_ENV" || exit
  export TZ=UTC RESTIC_CACHE_DIR=$OFFSITE/cache
  case ${RESTIC_REPOSITORY:-} in sftp:*) options=(-o "sftp.command=$(sftp_command "$RESTIC_REPOSITORY")") ;; esac
  exec timeout --foreground -k 10 "$limit" nice -n 10 ionice -t -c 2 -n 7 restic "${options[@]}" "$@"
)

# Codes as restic 0.17 and later give them, from earlier ones too: 10 there is no repository, 11 another works on it,
# 12 the password is not its own.
ask_restic() {
  local code=0
  said=$(run_restic "$@" </dev/null 2>&1) || code=$?
  case $code:$said in
    1:*"open config file"*"no such file"* | 1:*"open config file"*"does not exist"* | 1:*"open config file"*"not exist"*) code=10 ;;
    1:*"already locked"*) code=11 ;;
    1:*"wrong password or no key found"*) code=12 ;;
  esac
  return "$code"
}

# Asked for JSON, restic 0.17 and later also fail in it.
last_words() {
  sed -E 's/^\{"message_type":"exit_error".*"message":"(.*)"\}$/\1/; s/\\n/\n/g' <<<"$said" | tail -n 5 | mask "$OFFSITE_ENV" | sed 's/^/  | /'
}

# CODE WHAT: tells restic's last lines; `why` is what failed, and what to do about it.
explain_restic() {
  if [ -n "$said" ]; then last_words; fi
  case $1 in
    10) why="$2: there is no repository (any more); is its disk mounted, its path right?" ;;
    11) why="$2: another restic works on the repository; the next backup tries again" ;;
    12) why="$2: RESTIC_PASSWORD is not the repository's; set the right one in NAME.env and provision, or see restic key" ;;
    124 | 137) why="$2: the repository did not answer in time; the next backup tries again" ;;
    126 | 127) why="$2: restic is not installed; deployer provision installs it" ;;
    *) why="$2: the repository cannot be reached or used; the next backup tries again" ;;
  esac
  return 1
}

# SECONDS WHAT WORDS…
try_restic() {
  local code=0 limit=$1 what=$2
  shift 2
  ask_restic "$limit" "$@" || { code=$?; explain_restic "$code" "$what"; return 1; }
}

repository_opens() { ask_restic "$quick" --no-cache --no-lock cat config; }

# Lays down $PAYLOAD as OFFSITE_ENV. Where its password is not the repository's, what stands there goes on working.
install_credentials() {
  local said='' why='' code=0
  OFFSITE_ENV=$PAYLOAD repository_opens || code=$?
  if [ "$code" = 12 ] || { [ "$code" != 0 ] && [ "$code" != 10 ] && password_changes; }; then
    OFFSITE_ENV=$PAYLOAD explain_restic "$code" "the new RESTIC_PASSWORD is not used" || true
    echo "$why"
    echo "Nothing was changed. A repository keeps its password until it is told another one: put the former back into"
    echo "NAME.env; or, where that still stands on the host, change it there (sudo ${OFFSITE_ENV%/*}/bin/restic key passwd)."
    return 1
  fi
  if [ "$code" != 0 ] && [ "$code" != 10 ]; then echo "the repository does not answer now (the next backup tries it):"; explain_restic "$code" '' || true; fi
  (umask 077 && mkdir -p "$OFFSITE" && cat "$PAYLOAD" >"$OFFSITE_ENV.deployer-new") &&
    chown root:root "$OFFSITE_ENV.deployer-new" && sync "$OFFSITE_ENV.deployer-new" && mv -f "$OFFSITE_ENV.deployer-new" "$OFFSITE_ENV"
}

# Of the same repository.
password_changes() {
  [ -e "$OFFSITE_ENV" ] && cmp -s <(grep ^RESTIC_REPOSITORY= "$OFFSITE_ENV") <(grep ^RESTIC_REPOSITORY= "$PAYLOAD") &&
    ! cmp -s <(grep ^RESTIC_PASSWORD= "$OFFSITE_ENV") <(grep ^RESTIC_PASSWORD= "$PAYLOAD")
}
