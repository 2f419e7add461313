# write_env: writes FILE from the lines WANTED. A line NAME=[secret] becomes, in this order: what the operator supplied
# ($PAYLOAD, lines of .env), the last value of that name in FILE as it is written there, or 32 new random bytes as
# base64url. In the line DATABASE_URL=…[DB_PASSWORD]… the password written before it is filled in. Nothing of it is
# ever printed. Needs mask.sh.

# Sets `found` to the last value of the name $1 in the file $2, as it is written there. Exit code 1 where it has none.
find_value() {
  local wanted=$1 is_there=
  if [ -e "$2" ]; then each_entry "$2" note_value; fi
  [ -n "$is_there" ]
}

note_value() { if [ "${3:-}" = "$wanted" ]; then is_there=1 found=$4; fi; }

secret() {
  local found
  if ! find_value "$1" "$PAYLOAD" && ! find_value "$1" "$FILE"; then
    found=$(head -c 32 /dev/urandom | base64 -w0 | tr '+/' '-_' | tr -d '=') || return
  fi
  printf '%s=%s\n' "$1" "$found"
}

# Without its quotes, which a person may have written: in a URL there are none.
derived() {
  local found='' value
  find_value DB_PASSWORD "$FILE.deployer-new" || true
  plain_value "$found"
  if [ -z "$value" ]; then echo "$FILE has no DB_PASSWORD" >&2; return 1; fi
  printf '%s%s%s\n' "${1%%\[*}" "$value" "${1#*\]}"
}

env_lines() {
  local line
  while IFS= read -r line; do
    case $line in
      *=\[secret\]) secret "${line%%=*}" || return ;;
      DATABASE_URL=*\[DB_PASSWORD\]*) derived "$line" || return ;;
      *) printf '%s\n' "$line" ;;
    esac
  done <<<"$WANTED"
}

write_env() (
  umask 077
  mkdir -p "$(dirname "$FILE")"
  env_lines >"$FILE.deployer-new" || return
  chown root:root "$FILE.deployer-new"
  sync "$FILE.deployer-new"
  mv -f "$FILE.deployer-new" "$FILE"
)
