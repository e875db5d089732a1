#!/bin/sh
# Starts Virtuoso with its data in the current folder: virtuoso.sh CONFIGURATION
#
# Its database is made with a well-known password, so the first start serves nobody: it sets the password of dba, makes
# the user who publishes, and ends. Both get STORE_PASSWORD, by standard input, so that no list of processes shows it.
set -eu

configuration=$1
ready=.ready # written last: what an interrupted first start leaves behind is made again

if [ ! -e "$ready" ]; then
    case ${STORE_PASSWORD:?is not set: choose a password for the store} in
    *[!A-Za-z0-9._~-]*)
        echo "virtuoso.sh: STORE_PASSWORD may hold A-Z a-z 0-9 . _ ~ - only; choose another" >&2
        exit 1
        ;;
    esac
    rm -f virtuoso*.db virtuoso*.trx virtuoso.pxa virtuoso.lck
    sed '/^\[HTTPServer\]/,/^$/d' "$configuration" >first.ini
    sql=$(sed -n '/^\[Parameters\]/,/^$/s/^ServerPort *= *//p' first.ini)
    virtuoso-t +wait +configfile first.ini
    said=$(
        isql-vt "$sql" dba dba VERBOSE=OFF PROMPT=OFF ERRORS=STDOUT <<END
DB.DBA.USER_CREATE('publisher', '$STORE_PASSWORD');
GRANT SPARQL_UPDATE TO "publisher";
USER_SET_PASSWORD('dba', '$STORE_PASSWORD');
shutdown();
END
    )
    case $said in
    *'*** Error'*)
        printf 'virtuoso.sh: the passwords could not be set: %s\n' "$said" >&2
        exit 1
        ;;
    esac
    while [ -e virtuoso.lck ]; do sleep 0.1; done
    rm first.ini
    : >"$ready"
fi
exec virtuoso-t +foreground +configfile "$configuration"
