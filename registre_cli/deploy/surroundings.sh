# Print "pid parent name" for each process of this account whose environment has a line for each
# argument (a basic regular expression); name is what PM2 called it, "-" where PM2 did not start it.
files=$(grep -lzs -e "$1" /proc/[0-9]*/environ)
shift
for pattern; do
    [ -z "$files" ] || files=$(grep -lzs -e "$pattern" $files)
done
for file in $files; do
    folder=${file%/environ}
    # What ended meanwhile, or waits to be buried, is none.
    parent=$(sed -n '/^State:[[:space:]]*Z/q; s/^PPid:[[:space:]]*//p' "$folder/status" 2>/dev/null)
    [ -n "$parent" ] || continue
    name=$(tr '\0' '\n' <"$file" 2>/dev/null | sed -n 's/^name=//p' | head -n 1)
    echo "${folder#/proc/} $parent ${name:--}"
done
