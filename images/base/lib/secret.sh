# shellcheck shell=sh
# To be sourced: secrets are files, named by environment variables that end in _FILE.

fail() { # MESSAGE: end with one line that says why
    echo "error: $1" >&2
    exit 1
}

secret() { # NAME: print the one line in the file that the variable NAME names
    eval "secret_file=\${$1:-}"
    [ -n "$secret_file" ] || fail "$1: must name a file with the secret"
    [ -r "$secret_file" ] || fail "$1: $secret_file can't be read"
    secret_text=$(cat "$secret_file")
    [ -n "$secret_text" ] || fail "$1: $secret_file is empty"
    case $secret_text in
    *"
"*) fail "$1: $secret_file must have a single line" ;;
    esac
    printf %s "$secret_text"
}
