# Shows FILE with its mode and owner first and every secret replaced by [secret STATE DIGEST]; only those named in
# SUPPLIED, which the operator has too, get a digest to be compared by. Prints nothing where there is no file.
[ -e "$FILE" ] || exit 0
named=" $SUPPLIED $(sed -n 's/^# secrets: //p' "$FILE") "
stat -c '%a %U:%G' "$FILE"
while IFS= read -r line || [ -n "$line" ]; do
  name=${line%%=*}
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
  case " $SUPPLIED " in *" $name "*) digest=$(printf %s "$value" | sha256sum); digest=${digest%% *} ;; esac
  printf '%s=[secret %s %s]\n' "$name" "$state" "$digest"
done <"$FILE"
