# write_env: writes FILE from the lines WANTED. A line NAME=[secret] becomes, in this order: what the operator supplied
# ($PAYLOAD, lines of .env), what stands in FILE already, or 32 new random bytes as base64url. In the line
# DATABASE_URL=…[DB_PASSWORD]… stands the password that was written before it. Nothing of it is ever printed.
value_of() { [ ! -e "$2" ] || sed -n "s/^$1=//p" "$2" | tail -n 1; }

secret() {
  local value
  value=$(value_of "$1" "$PAYLOAD")
  if [ -z "$value" ]; then value=$(value_of "$1" "$FILE"); fi
  if [ -z "$value" ]; then value=$(head -c 32 /dev/urandom | base64 -w0 | tr '+/' '-_' | tr -d '=') || return; fi
  printf '%s=%s\n' "$1" "$value"
}

# Without its quotes, which a person may have written: in a URL there are none.
derived() {
  local password
  password=$(value_of DB_PASSWORD "$FILE.deployer-new" | sed -E "s/^'(.*)'\$/\1/; s/^\"(.*)\"\$/\1/")
  if [ -z "$password" ]; then echo "there is no DB_PASSWORD for $FILE" >&2; return 1; fi
  printf '%s%s%s\n' "${1%%\[*}" "$password" "${1#*\]}"
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
