# Shows FILE with its mode and owner first and every secret replaced by [secret STATE DIGEST]; only those named in
# SUPPLIED, which the operator has too, get a digest to be compared by. The line DERIVED, with [DB_PASSWORD] in place of
# that password, is shown as it is given: what stands there can be known to be of today. Nothing where there is no file.
[ -e "$FILE" ] || exit 0
named=" $SUPPLIED $(sed -n 's/^# secrets: //p' "$FILE") "
password=$(sed -n 's/^DB_PASSWORD=//p' "$FILE" | tail -n 1 | sed -E "s/^'(.*)'\$/\1/; s/^\"(.*)\"\$/\1/")
stat -c '%a %U:%G' "$FILE"
while IFS= read -r line || [ -n "$line" ]; do
  name=${line%%=*}
  if [ -n "$password" ] && [ "$line" = "${DERIVED%%\[*}$password${DERIVED#*\]}" ] && [[ " $SUPPLIED " != *" $name "* ]]; then
    printf '%s\n' "$DERIVED"
    continue
  fi
  case $line in
    \#*SECRET*|\#*PASSWORD*|\#*TOKEN*|\#*KEY*|\#*DATABASE_URL*) printf '%s\n' "# [not shown]"; continue ;;
    \#*|"") printf '%s\n' "$line"; continue ;;
    *=*) ;;
    *) printf '%s\n' "[not a variable]"; continue ;;
  esac
  case $name in
    *SECRET*|*PASSWORD*|*TOKEN*|*KEY*|*DATABASE_URL*) ;;
    *) case $named in *" $name "*) ;; *) printf '%s\n' "$line"; continue ;; esac ;;
  esac
  value=${line#*=}
  case $value in \'*\') value=${value#\'}; value=${value%\'}; value=${value//\\\'/\'} ;; \"*\") value=${value#\"}; value=${value%\"} ;; esac
  state=kept digest=
  if [ "${#value}" -lt 32 ]; then state=short; fi
  case $value in \<*|*CHANGE_ME*|*change_me*|*changeme*|your[-_]*) state=placeholder ;; esac
  if [ "$name" = DB_PASSWORD ] && ! [[ $value =~ ^[A-Za-z0-9._~-]{8,}$ ]]; then state=unfit; fi
  case " $SUPPLIED " in *" $name "*) digest=$(printf %s "$value" | sha256sum); digest=${digest%% *} ;; esac
  printf '%s=[secret %s %s]\n' "$name" "$state" "$digest"
done <"$FILE"
