# Prints for the certificates and keys in the directories SOURCE and INSTALLED, in lines `source …` and `installed …`: both
# digests, the names, whether it lasts (the one in SOURCE for DAYS more days), and whether the key belongs to it. Nothing
# where there is none. Every run asks this, and each program that is started counts: equal files are examined once.
examined='' examination=''

# $1 is the certificate, $2 the key, $3 a number of days.
examine() {
  local shown key
  shown=$(openssl x509 -in "$1" -noout -ext subjectAltName -pubkey -checkend $(($3 * 86400)) 2>/dev/null) && echo lasts=yes
  printf 'names=%s\n' "$(sed -n 's/[[:blank:]]//g; /^DNS:\|,DNS:/ s/DNS://gp' <<<"$shown")"
  key=$(openssl pkey -in "$2" -pubout 2>/dev/null)
  if [ -n "$key" ] && [[ $shown == *"$key"* ]]; then echo pair=yes; fi
}

show() {
  local certificate=$2/fullchain.pem key=$2/privkey.pem sums line
  [ -e "$certificate" ] && [ -e "$key" ] || return 0
  sums=$(sha256sum "$certificate" "$key") || return
  sums="certificate=${sums:0:64} key=${sums: -$((66 + ${#key})):64}"
  if [ "$sums" != "$examined" ] || [[ $examination != *lasts=yes* ]]; then
    examined=$sums examination=$(examine "$certificate" "$key" "$3")
  fi
  for line in $sums $examination; do echo "$1 $line"; done
}

show source "$SOURCE" "$DAYS" && show installed "$INSTALLED" 0
