# Completion of bkt for fish.
function __bkt_complete
    set -l word (commandline -ct)
    set -l lines (bkt complete --for fish -- (commandline -opc)[2..] $word 2>/dev/null)
    set -l flag (string match -r -- '^--[^=]*=' $word)
    set -l path (string replace -r -- '^--[^=]*=' '' $word)
    switch "$lines[1]"
        case files
            string replace -r -- '^' "$flag" (__fish_complete_path "$path")
        case folders
            string replace -r -- '^' "$flag" (__fish_complete_directories "$path")
        case '*'
            string join \n -- $lines[2..]
    end
end
complete -c bkt -f -k -a '(__bkt_complete)'
