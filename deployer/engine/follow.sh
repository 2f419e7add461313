# Unpacks a job (a tar stream on standard input; files get the time of their arrival), prints `ready`, waits for the
# start of the job, then prints its output.
# Needs: work (the job's directory).
install -d -m 0700 "$work"
tar -x -m -C "$work" --no-same-permissions -p
if [ ! -e "$work/complete" ]; then echo "the job arrived incomplete" >&2; exit 1; fi
mkfifo "$work/started"
exec 6<>"$work/started"
: >"$work/output"
echo ready
if ! read -r -t 60 -u 6 pid; then echo "the job was not started within 60 s" >&2; exit 1; fi
tail -n +1 -s 0.1 --pid="$pid" -f "$work/output"
printf '\n\036exit %s\n' "$(cat "$work/rc" 2>/dev/null || echo lost)"
