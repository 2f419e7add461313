# write_env: writes FILE from the lines WANTED. A line NAME=[secret] becomes, in this order: what the operator supplied
# ($PAYLOAD, lines of .env), what stands in FILE already, or 32 new random bytes as base64url. Nothing of it is ever
# printed.
value_of() { [ ! -e "$2" ] || sed -n "s/^$1=//p" "$2" | tail -n 1; }

secret() {
  local value
  value=$(value_of "$1" "$PAYLOAD")
  if [ -z "$value" ]; then value=$(value_of "$1" "$FILE"); fi
  if [ -z "$value" ]; then value=$(head -c 32 /dev/urandom | base64 -w0 | tr '+/' '-_' | tr -d '='); fi
  printf '%s=%s\n' "$1" "$value"
}

env_lines() {
  local line
  while IFS= read -r line; do
    case $line in
      *=\[secret\]) secret "${line%%=*}" ;;
      *) printf '%s\n' "$line" ;;
    esac
  done <<<"$WANTED"
}

write_env() (
  umask 077
  mkdir -p "$(dirname "$FILE")"
  env_lines >"$FILE.deployer-new"
  chown root:root "$FILE.deployer-new"
  sync "$FILE.deployer-new"
  mv -f "$FILE.deployer-new" "$FILE"
)
