# Passes standard input on with every secret of the .env file $1 replaced: on the host, before anything is sent.
# A secret is any value of at least 8 characters whose name says so, or stands in the file's line "# secrets: NAME …".
# The values go to sed through a pipe, never into an argument; without their quotes, as a program prints them; the longest
# first, where one is a part of another.
secrets_of() {
  local named
  named=$(sed -n 's/^# secrets: //p' "$1" 2>/dev/null | tr ' ' '|')
  sed -nE "s/^([A-Za-z0-9_]*(SECRET|PASSWORD|TOKEN|KEY|DATABASE_URL)[A-Za-z0-9_]*${named:+|$named})=//Ip" "$1" 2>/dev/null |
    sed -E -e "s/^'(.*)'\$/\1/; t single" -e 's/^"(.*)"$/\1/; s/\\"/"/g; b' -e ":single; s/\\\\'/'/g" |
    awk 'length >= 8 { print length "\t" $0 }' | sort -rn | cut -f 2-
}

mask() { sed -u -f <(secrets_of "$1" | sed -e 's/[]\/$*.^[]/\\&/g' -e 's/.*/s\/&\/[secret]\/g/'); }
