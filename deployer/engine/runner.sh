# Runs one job: the changes of one step, in order, and undoes them when one fails. Started detached: it continues
# when the operator's connection is lost, and it holds the lock (descriptor 9, inherited) until it ends.
# $1 is its directory: `plan` (a line for each change: NUMBER KIND LIMIT PAUSE), NUMBER.sh, NUMBER.undo.sh,
# NUMBER.explain.sh, files/NUMBER/FULL/PATH. Its output goes to `output` with every secret of .env masked,
# its exit code to `rc`, which exists only once the job has ended. Needs mask.sh in front of it.
LC_ALL=C.UTF-8
cd "$1" || exit 1
JOB=$PWD
exec 8>running
flock 8
done_changes=()

# On a line of its own, also where the last output has no end of line.
mark() { printf '\n\036%s\n' "$*"; }

install_file() {
  cp -a "$1" "$2.deployer-new" && sync "$2.deployer-new" && mv -fT "$2.deployer-new" "$2" && return
  rm -f "$2.deployer-new"
  return 1
}

# Stage, check, rename: a reader sees the old file or the new one, and a mounted directory keeps its inode.
write_files() {
  local staged=$JOB/files/$1 path
  export STAGED=$staged
  if [ -e "$1.sh" ]; then bash -euo pipefail "$1.sh" || return; fi
  while IFS= read -r path; do
    mkdir -p "$(dirname "$path")" "$JOB/old/$1$(dirname "$path")" || return
    if [ -e "$path" ]; then cp -a "$path" "$JOB/old/$1$path" || return; fi
    printf '%s\n' "$path" >>"$1.written"
    install_file "$staged$path" "$path" || return
  done < <(cd "$staged" && find . -type f | sed 's/^\.//')
}

# Only files that were written: where the check refused the new files the old ones are untouched.
restore_files() {
  local path code=0
  if [ ! -e "$1.written" ]; then return; fi
  while IFS= read -r path; do
    if [ ! -e "$JOB/old/$1$path" ]; then rm -f "$path"
    elif ! cmp -s "$JOB/old/$1$path" "$path"; then install_file "$JOB/old/$1$path" "$path" || code=1; fi
  done <"$1.written"
  return "$code"
}

# Exit code 100 of a gate's script means that it will never pass: do not wait.
pass_gate() {
  local deadline=$((SECONDS + $2)) code
  while :; do
    timeout -k 5 "$2" bash -euo pipefail "$1.sh" >gate 2>&1; code=$?
    if [ "$code" = 0 ]; then return; fi
    if [ "$code" = 100 ] || [ "$SECONDS" -ge "$deadline" ]; then break; fi
    sleep "$3"
  done
  cat gate
  if [ -e "$1.explain.sh" ]; then timeout -k 5 30 bash "$1.explain.sh"; fi
  return 1
}

act() {
  case $2 in
    files) write_files "$1" ;;
    run) PAYLOAD=$JOB/$1.payload timeout -k 10 "$3" bash -euo pipefail "$1.sh" ;;
    gate) pass_gate "$1" "$3" "$4" ;;
  esac
}

# Files first: the undo of another change (a reload, say) must see the files of before.
undo_changes() {
  local index number kind result=undone
  for ((index = ${#done_changes[@]} - 1; index >= 0; index--)); do
    read -r number kind <<<"${done_changes[index]}"
    if [ "$kind" = files ]; then restore_files "$number" || result=stuck; fi
  done
  for ((index = ${#done_changes[@]} - 1; index >= 0; index--)); do
    read -r number kind <<<"${done_changes[index]}"
    if [ -e "$number.undo.sh" ]; then
      PAYLOAD=$JOB/$number.payload timeout -k 10 300 bash -euo pipefail "$number.undo.sh" || result=stuck
    fi
  done
  mark "$result"
}

changes() {
  local number kind limit pause code
  while read -r number kind limit pause <&7; do
    mark "change $number"
    done_changes+=("$number $kind")
    act "$number" "$kind" "$limit" "$pause" || { code=$?; mark "failed $number $code"; undo_changes; return "$code"; }
    mark "done $number"
  done 7<plan
}

finish() { rm -rf files old ./*.payload; printf '%s\n' "$1" >rc.new; mv rc.new rc; }
trap 'finish 143; exit 143' TERM
if [ -e stopped ]; then finish 143; exit 143; fi
printf '%s\n' "$$" 1<>started
# The mask ignores TERM: without a reader, a script that is still running would die from its first line of output.
changes </dev/null 2>&1 | { trap '' TERM; mask "$(cat env_file)"; }
finish "${PIPESTATUS[0]}"
