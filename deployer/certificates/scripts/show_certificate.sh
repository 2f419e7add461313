# Prints for a certificate FILE and its KEY: both digests, the names, whether it lasts DAYS more days, and whether the key
# belongs to it. Nothing where there is none.
[ -e "$FILE" ] && [ -e "$KEY" ] || exit 0
sum() { local all; all=$(sha256sum <"$1"); printf '%s=%s\n' "$2" "${all%% *}"; }
sum "$FILE" certificate
sum "$KEY" key
printf 'names=%s\n' "$(openssl x509 -in "$FILE" -noout -ext subjectAltName 2>/dev/null | tr -d ' \n' | sed 's/.*Name:\(critical\)*//; s/DNS://g')"
if openssl x509 -in "$FILE" -noout -checkend $((DAYS * 86400)) >/dev/null 2>&1; then echo lasts=yes; fi
if [ "$(openssl x509 -in "$FILE" -noout -pubkey 2>/dev/null)" = "$(openssl pkey -in "$KEY" -pubout 2>/dev/null)" ]; then echo pair=yes; fi
