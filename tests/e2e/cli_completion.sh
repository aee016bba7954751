#!/bin/sh
# The bash completion knows the verbs, their options, opcodes and logs.
. "${top_srcdir:-.}/tests/e2e/lib.sh"

if ! command -v bash >/dev/null; then
    echo 'there is no bash'
    exit 77
fi
cat "$golden/two_of_cap4.vrrl" >run.vrrl
: >other.txt

# complete WORDS...: what is offered for the last of them
complete()
{
    # shellcheck disable=SC2016 # for bash
    bash --norc -c '. "$1"; shift; COMP_WORDS=(vrrl "$@"); COMP_CWORD=$#; _vrrl
        printf "%s\n" "${COMPREPLY[@]}"' bash "$top_srcdir/src/cli/vrrl.bash-completion" "$@" \
        2>err | sort -u | tr '\n' ' '
}

equal 'verbs' "$(complete '')" '--help --version devices dump info record replay verify '
equal 'a verb' "$(complete re)" 'record replay '
equal 'opcodes' "$(complete dump --opcode B)" 'BATCH_FENCE '
equal 'logs' "$(complete info r)" 'run.vrrl '
equal 'no other files' "$(complete verify o)" ' '
equal 'a log to write' "$(complete record -o r)" 'run.vrrl '
equal 'a command' "$(complete record -o run.vrrl -- printen)" 'printenv '
equal 'options after a log' "$(complete dump run.vrrl --f)" '--follow '

# Each option that help tells is offered, and no other.
for verb in record info dump verify replay devices; do
    "$vrrl" "$verb" --help | grep -o -e '  --[a-z][a-z]*' -e ', --[a-z][a-z]*' | sed 's/.*--/--/' |
        sort -u | tr '\n' ' ' >told
    equal "options of $verb" "$(complete "$verb" --)" "$(cat told)"
done
finish
