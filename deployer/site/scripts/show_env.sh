# Shows FILE with its mode and owner first and every secret replaced by [secret STATE DIGEST]; only those named in
# SUPPLIED, which the operator has too, get a digest to be compared by. The line DERIVED, with [DB_PASSWORD] in place of
# that password, is shown as it is given when it is up to date. Of comments only the tool's own are shown: MARKER and the
# list of secrets. Nothing where there is no file. Needs mask.sh.
[ -e "$FILE" ] || exit 0
listed="$SUPPLIED $(listed_secrets "$FILE")"
broken=

show_other() {
  case $1 in
    "$MARKER"|"# secrets: "*|"") printf '%s\n' "$1" ;;
    \#*) echo "# [not shown]" ;;
    *) echo "[not a variable]" ;;
  esac
}

# Behind a quote that never ends a line may be a part of that value.
show_public() {
  if [ -n "$broken" ]; then echo "[not shown]"; else printf '%s\n' "${1//$'\n'/\\n}"; fi
}

# Sets `state`: kept, or what is wrong with the value.
assess() {
  state=kept
  if [ "${#value}" -lt 32 ]; then state=short; fi
  case $value in \<*|*CHANGE_ME*|*change_me*|*changeme*|your[-_]*) state=placeholder ;; esac
  if [ "$2" = DB_PASSWORD ] && ! [[ $value =~ ^[A-Za-z0-9._~-]{8,}$ ]]; then state=unfit; fi
  if [ "$1" = unclosed ]; then state=unclosed; fi
}

show_entry() {
  local kind=$1 head=$2 name=${3:-} text=${4:-} value state digest=
  if [ "$kind" = other ] && [ -z "$broken" ]; then show_other "$head"; return; fi
  if [ "$kind" = other ]; then echo "[not shown]"; return; fi
  if [ -n "$password" ] && [ "$head$text" = "${DERIVED%%\[*}$password${DERIVED#*\]}" ] && [[ " $SUPPLIED " != *" $name "* ]]; then
    printf '%s\n' "$DERIVED"
    return
  fi
  if ! is_secret "$name" "$listed"; then
    if [ "$kind" = unclosed ]; then broken=1; fi
    show_public "$head$text"
    return
  fi
  plain_value "$text"
  assess "$kind" "$name"
  if [ "$kind" = unclosed ]; then broken=1; fi
  case " $SUPPLIED " in *" $name "*) digest=$(printf %s "$value" | sha256sum); digest=${digest%% *} ;; esac
  printf '%s[secret %s %s]\n' "$head" "$state" "$digest"
}

password=
note_password() { local value; if [ "${3:-}" = DB_PASSWORD ]; then plain_value "$4"; password=$value; fi; }
each_entry "$FILE" note_password
stat -c '%a %U:%G' "$FILE"
each_entry "$FILE" show_entry
