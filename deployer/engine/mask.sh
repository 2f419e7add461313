# Reads .env files as Compose does, and masks their secrets in standard input: on the host, before anything is sent.
# The words in is_secret are filled in when this text is loaded: deployer/text/dotenv.py owns the rule.

# Whether the name $1 is that of a secret: it contains one of the words, or is one of the names $2.
is_secret() {
  local LC_ALL=C any='@SECRET_WORDS@'
  [[ ${1^^} =~ $any || " $2 " == *" $1 "* ]]
}

# The names that the file's line "# secrets: NAME …" adds.
listed_secrets() { sed -n 's/\r$//; s/^# secrets: //p' "$1" 2>/dev/null | tr '\n' ' '; }

# Calls `$2 KIND HEAD NAME TEXT` for each entry of the file $1: HEAD is everything before the value, TEXT the value.
# As in Compose there may be `export`, blanks, `:` for `=`, a quoted value of several lines, and CRLF. KIND is variable,
# unclosed (the quote never ends: one line only) or other (HEAD is the complete line). With $3 each line is an entry.
each_entry() {
  local LC_ALL=C file_lines line text kind closed last number
  local entry='^([[:space:]]*(export[[:space:]]+)?([^[:space:]=:#][^[:space:]=:]*)[[:space:]]*[=:][[:space:]]*)(.*)$'
  mapfile -t file_lines 2>/dev/null <"$1" || return 0
  for ((number = 0; number < ${#file_lines[@]}; number++)); do
    line=${file_lines[number]%$'\r'}
    if ! [[ $line =~ $entry ]]; then "$2" other "$line"; continue; fi
    local head=${BASH_REMATCH[1]} name=${BASH_REMATCH[3]}
    text=${BASH_REMATCH[4]} kind=variable last=$number
    case ${3:-}$text in \'*|\"*)
      closed=$(closed_quote "$text")
      until [[ $text =~ $closed ]]; do
        last=$((last + 1))
        if [ "$last" = "${#file_lines[@]}" ]; then kind=unclosed; break; fi
        text+=$'\n'${file_lines[last]%$'\r'}
      done ;;
    esac
    if [ "$kind" = unclosed ]; then text=${line#"$head"}; else number=$last; fi
    "$2" "$kind" "$head" "$name" "$text"
  done
}

# An expression for a text that begins with a quote and has its end; a backslash escapes what follows.
closed_quote() { printf '^%s([^%s\\\\]|\\\\.)*%s' "${1:0:1}" "${1:0:1}" "${1:0:1}"; }

# Sets `value` to what a program gets of an entry's TEXT: without quotes, or without blanks and a comment at its end.
plain_value() {
  local LC_ALL=C quote=${1:0:1} closed
  value=$1
  case $1 in
    \'*|\"*)
      closed=$(closed_quote "$1")
      if [[ $1 =~ $closed ]]; then value=${BASH_REMATCH[0]:1:-1} value=${value//"\\$quote"/"$quote"}; fi ;;
    *) value=${value%% #*} value=${value%"${value##*[![:space:]]}"} ;;
  esac
}

# Every form in which a program may print a secret; a value of several lines is printed, and masked, line by line.
print_forms() {
  local value
  if [ "$1" = other ] || ! is_secret "$3" "$listed"; then return 0; fi
  plain_value "$4"
  printf '%s\n' "$4" "$value"
  case $4 in \'*\'|\"*\") printf '%s\n' "${4:1:-1}" ;; esac
  case $4 in \"*) printf '%b\n' "${value//\\\$/\$}" ;; esac
}

# The secrets of the file $1, of at least 8 characters, a line each, the longest first: one may be a part of another.
# What begins and ends every PEM file is none. The file is read line by line too: not every file is meant for Compose.
secrets_of() {
  local listed
  listed=$(listed_secrets "$1")
  { each_entry "$1" print_forms; each_entry "$1" print_forms by_line; } |
    awk 'length >= 8 && !/^["\047]?-----(BEGIN|END) [A-Z0-9 ]+-----["\047]?$/ { print length "\t" $0 }' |
    sort -rn | cut -f 2-
}

# The values go to sed through a pipe, never into an argument.
mask() { sed -u -f <(secrets_of "$1" | sed -e 's/[]\/$*.^[]/\\&/g' -e 's/.*/s\/&\/[secret]\/g/'); }
