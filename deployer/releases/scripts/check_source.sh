# Function: refuses a commit whose content is not all in its repository. Needs SOURCE; runs with bash 3.2, too.
in_source() { git -c safe.directory='*' -C "$SOURCE" "$@"; }

submodules_of() { in_source ls-tree -r "$1" | awk -F'\t' '$1 ~ /^160000 / { print $2 }'; }

# Files that Git LFS keeps elsewhere: the commit has a pointer in place of each.
lfs_files_of() {
  local pointer='version https://git-lfs.github.com/spec/v1' name
  in_source grep -q 'filter=lfs' "$1" -- '*.gitattributes' || return 0
  { in_source grep -I -l "^$pointer\$" "$1" || [ "$?" = 1 ]; } | while IFS= read -r name; do
    if [ "$(in_source cat-file -p "$name" | sed -n 1p)" = "$pointer" ]; then echo "${name#"$1":}"; fi
  done
}

# Of the paths in standard input those below one of the directories, in one line, the first ten.
below() {
  awk -v directories="$*" '
    BEGIN { count = split(directories, words, " ") }
    {
      for (n = 1; n <= count; n++) {
        if (words[n] == "." || index($0 "/", words[n] "/") == 1) { if (++found <= 10) line = line ", " $0; next }
      }
    }
    END { if (found) print substr(line, 3) (found > 10 ? " and " (found - 10) " more" : "") }'
}

# The commit $1 cannot be built where one of the directories $2… (. for all) has what only another server has.
refuse_incomplete() {
  local commit=$1 found code=0
  shift
  found=$(submodules_of "$commit" | below "$@")
  if [ -n "$found" ]; then echo "the commit has submodules, which would be empty: $found"; code=1; fi
  found=$(lfs_files_of "$commit" | below "$@")
  if [ -n "$found" ]; then echo "the commit has files in Git LFS, of which only pointers would be there: $found"; code=1; fi
  if [ "$code" != 0 ]; then
    echo "commit these files themselves, or build the images where they are complete and set [build] where = \"registry\""
  fi
  return "$code"
}
