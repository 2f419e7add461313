# Prints for a certificate FILE and its KEY: both digests, the names, whether it lasts DAYS more days, and whether the key
# belongs to it. Nothing where there is none. Every run asks this: each program that is started counts.
[ -e "$FILE" ] && [ -e "$KEY" ] || exit 0
sums=$(sha256sum <"$FILE" && sha256sum <"$KEY")
shown=$(openssl x509 -in "$FILE" -noout -ext subjectAltName -pubkey -checkend $((DAYS * 86400)) 2>/dev/null) && echo lasts=yes
printf 'certificate=%s\nkey=%s\n' "${sums:0:64}" "${sums:68:64}"
names=$(printf '%s\n' "$shown" | sed -n 's/[[:blank:]]//g; /^DNS:\|,DNS:/ s/DNS://gp')
printf 'names=%s\n' "$names"
key=$(openssl pkey -in "$KEY" -pubout 2>/dev/null)
if [ -n "$key" ] && [[ $shown == *"$key"* ]]; then echo pair=yes; fi
