# Print "pid parent name" for each process of this account whose environment has the line $1
# (a basic regular expression); name is what PM2 called it, "-" where PM2 did not start it.
for folder in /proc/[0-9]*; do
    grep -qzs -e "$1" "$folder/environ" 2>/dev/null || continue
    parent=$(sed -n 's/^PPid:[[:space:]]*//p' "$folder/status" 2>/dev/null) || continue
    state=$(sed -n 's/^State:[[:space:]]*\(.\).*/\1/p' "$folder/status" 2>/dev/null)
    [ "$state" = Z ] && continue
    name=$(tr '\0' '\n' <"$folder/environ" 2>/dev/null | sed -n 's/^name=//p' | head -n 1)
    echo "${folder#/proc/} ${parent:-0} ${name:--}"
done
