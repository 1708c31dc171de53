# Completion of bkt for nushell. Other commands keep the completer that they have.
let others = $env.config.completions?.external?.completer?
$env.config.completions.external.completer = {|words|
    if $words.0 == "bkt" {
        ^bkt complete --for nushell -- ...($words | skip 1) | from json
    } else if $others != null {
        do $others $words
    }
}
